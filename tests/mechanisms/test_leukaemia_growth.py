"""Blasts: birth and death apart, and the room for them."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.leukaemia_growth import (
    antigen_loss_hazard,
    blast_birth_hazard,
    cycling_birth_hazard,
    quiescence_hazard,
)
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


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("birth", [0.105, 0.01])
def test_in_steady_growth_the_cycling_share_stays_and_the_clone_grows_as_its_average_blast(share, birth):
    p = defaults(cycling_share=share)
    division, leaving = plain(cycling_birth_hazard)(birth, p), plain(quiescence_hazard)(birth, p)
    awakening, death = p.awakening_per_day, p.blast_death_per_day
    change = np.array([[division - leaving - death, awakening], [leaving, -awakening - death]])
    phases = np.array([share, 1.0 - share])
    np.testing.assert_allclose(change @ phases, (birth - death) * phases, rtol=1e-12, atol=1e-15)
    # It is what any other mixture returns to: the other direction fades against it.
    assert np.linalg.eigvals(change).real.min() < birth - death - 1e-3
