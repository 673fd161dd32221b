"""Neutrophils: they rest where marrow defends them, pass in the stated time, and overshoot after a loss of precursors."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.myelopoiesis import defended_count, precursor_division_hazard, transit_hazard
from tests.mechanisms.parameters import defaults, plain

P = defaults()


def change(blast_fraction):
    transit = plain(transit_hazard)(P)

    def rate(_, y):
        division = plain(precursor_division_hazard)(y[4], blast_fraction, P)
        return np.array([(division - transit) * y[0], *(transit * (y[:-1] - y[1:]))])

    return rate


@pytest.mark.parametrize("blast_fraction", [0.0, 0.3, 0.9])
def test_every_stage_rests_at_the_defended_count(blast_fraction):
    rest = np.full(5, plain(defended_count)(blast_fraction, P))
    assert np.abs(change(blast_fraction)(0.0, rest)).max() == pytest.approx(0.0, abs=1e-9)
    assert rest[0] == pytest.approx(P.neutrophils_at_rest_per_ul * (1.0 - P.precursor_crowding * blast_fraction))


def test_the_mean_transit_time_is_that_of_the_catalogue():
    # A wave of precursors that no longer divide: its mean time of leaving the last transit stage, by the chain alone.
    transit = plain(transit_hazard)(P)
    chain = np.diag(np.full(4, -transit)) + np.diag(np.full(3, transit), -1)
    assert -np.linalg.solve(chain, np.eye(4)[0]).sum() == pytest.approx(P.neutrophil_transit_days)


def test_after_a_loss_of_precursors_counts_fall_recover_and_overshoot():
    rest = np.full(5, P.neutrophils_at_rest_per_ul)
    start = rest * [0.05, 1.0, 1.0, 1.0, 1.0]
    days = np.linspace(0.0, 200.0, 401)
    blood = solve_ivp(change(0.0), (0.0, 200.0), start, t_eval=days, rtol=1e-8, atol=1e-6).y[4]
    assert 5.0 < days[np.argmin(blood)] < 15.0
    assert blood.min() < 0.35 * rest[0]
    assert 1.1 * rest[0] < blood.max() < 2.0 * rest[0]
    assert blood[-1] == pytest.approx(rest[0], rel=0.01)
