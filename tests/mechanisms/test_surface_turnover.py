"""Receptors under drug, against the kinetic equations of synthesis and uptake, and what it means in patients."""

import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.surface_loading import occupancy
from bitesim.mechanisms.surface_turnover import surface_share
from tests.mechanisms.parameters import defaults, plain

P = defaults()
TURNOVER, TAKEN_IN = P.cd19_turnover_per_day, P.cd19_internalisation_per_day
#: 600 pg/mL.
CLINICAL_PM = 600.0 / 54.0


@pytest.mark.parametrize("occupied", [0.0, 0.0074, 0.3, 1.0])
def test_it_is_the_balance_of_synthesis_and_uptake(occupied):
    def change(_, receptors):
        return TURNOVER - ((1.0 - occupied) * TURNOVER + occupied * TAKEN_IN) * receptors

    balance = solve_ivp(change, (0.0, 100.0), [1.0], rtol=1e-10, atol=1e-12).y[0, -1]
    assert plain(surface_share)(occupied, TURNOVER, TAKEN_IN) == pytest.approx(balance, rel=1e-8)


def test_without_faster_uptake_nothing_is_lost():
    assert plain(surface_share)(0.5, 2.0, 2.0) == 1.0


def test_patients_keep_their_receptors():
    cd19 = plain(surface_share)(plain(occupancy)(CLINICAL_PM, P.cd19_dissociation_pm), TURNOVER, TAKEN_IN)
    # CD3 with drug is taken in with a half-life of 3.5 h (glofitamab).
    cd3 = plain(surface_share)(plain(occupancy)(CLINICAL_PM, 260e3), 1.0, 0.693 / (3.5 / 24.0))
    assert 0.98 < cd19 < 0.99
    assert 0.9998 < cd3 < 1.0


def test_the_balance_is_close_to_the_course_after_a_start():
    occupied = plain(occupancy)(CLINICAL_PM, P.cd19_dissociation_pm)
    balance = plain(surface_share)(occupied, TURNOVER, TAKEN_IN)
    # The worst moment is the start itself, when all of CD19 is still there.
    assert 1.0 - balance < 0.02
