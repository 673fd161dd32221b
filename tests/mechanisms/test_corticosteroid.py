"""Dexamethasone: gone by its half-life, and damping what it is said to damp."""

import numpy as np
import pytest

from bitesim.mechanisms.corticosteroid import dexamethasone_elimination, undamped_release
from tests.mechanisms.parameters import defaults, plain

P = defaults()


def test_it_halves_in_its_half_life():
    rate = plain(dexamethasone_elimination)(20.0, P) / 20.0
    assert np.exp(-rate * P.dexamethasone_half_life_h / 24.0) == pytest.approx(0.5)


def test_damping_saturates_and_scales_with_the_body():
    assert plain(undamped_release)(0.0, P) == 1.0
    assert plain(undamped_release)(1e9, P) == pytest.approx(1.0 - P.dexamethasone_damping)
    half = P.dexamethasone_half_mg_per_kg * P.weight_kg
    assert plain(undamped_release)(half, P) == pytest.approx(1.0 - 0.5 * P.dexamethasone_damping)
    child = defaults(weight_kg=20.0)
    assert plain(undamped_release)(half * 20.0 / P.weight_kg, child) == pytest.approx(1.0 - 0.5 * P.dexamethasone_damping)
