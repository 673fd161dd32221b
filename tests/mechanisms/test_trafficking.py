"""Traffic: every way is as busy in both directions at rest."""

import pytest

from bitesim.mechanisms.trafficking import (
    blood_exit_hazard,
    held_back,
    lymphoid_entry_hazard,
    marrow_entry_hazard,
    marrow_room,
)
from tests.mechanisms.parameters import defaults, plain

P = defaults(sinus_t_cells_per_blood=1.7)


@pytest.mark.parametrize("blasts", [0.0, 0.6])
def test_densities_at_rest_stand_still(blasts):
    blood, sinus = 1.0, P.sinus_t_cells_per_blood
    marrow, lymphoid = P.marrow_t_cells_per_blood * plain(marrow_room)(blasts, P), P.lymphoid_t_cells_per_blood
    to_sinus = plain(blood_exit_hazard)(1.0, blasts, P) * blood
    to_marrow, to_lymphoid = plain(marrow_entry_hazard)(blasts, P) * sinus, plain(lymphoid_entry_hazard)(P) * sinus
    back = P.sinus_exit_per_day * sinus
    assert to_marrow == pytest.approx(P.marrow_exit_per_day * marrow)
    assert to_lymphoid == pytest.approx(P.lymphoid_exit_per_day * lymphoid)
    assert to_sinus == pytest.approx(back + to_marrow + to_lymphoid)


def test_blasts_displace_t_cells_from_the_marrow():
    assert plain(marrow_room)(0.0, P) == 1.0
    assert plain(marrow_room)(1.0, P) == pytest.approx((1.0 - P.t_cell_crowding) ** 2)
    half = plain(marrow_entry_hazard)(0.5, P) / plain(marrow_entry_hazard)(0.0, P)
    assert half == pytest.approx((1.0 - 0.5 * P.t_cell_crowding) ** 2)


def test_stimulation_holds_activated_cells_back():
    assert plain(held_back)(0.3, 0.0, P) == 0.3
    assert plain(held_back)(0.3, 1.0, P) == pytest.approx(0.3 * (1.0 - P.egress_block))
