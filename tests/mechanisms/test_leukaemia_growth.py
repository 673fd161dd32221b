"""Blasts: birth and death apart, and the room for them."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.leukaemia_growth import antigen_loss_hazard, blast_birth_hazard
from tests.mechanisms.parameters import defaults, plain

P = defaults()


def test_birth_equals_death_at_a_full_marrow():
    assert plain(blast_birth_hazard)(0.0, P) == P.blast_birth_per_day
    assert plain(blast_birth_hazard)(1.0, P) == pytest.approx(P.blast_death_per_day)
    assert plain(antigen_loss_hazard)(P) == P.antigen_loss_per_day


def test_growth_is_logistic():
    net = P.blast_birth_per_day - P.blast_death_per_day
    days = np.linspace(0.0, 200.0, 9)

    def rate(_, ln_fraction):
        return plain(blast_birth_hazard)(np.exp(ln_fraction), P) - P.blast_death_per_day

    found = np.exp(solve_ivp(rate, (0.0, 200.0), [np.log(1e-4)], t_eval=days, rtol=1e-10, atol=1e-12).y[0])
    np.testing.assert_allclose(found, 1.0 / (1.0 + (1e4 - 1.0) * np.exp(-net * days)), rtol=1e-7)
