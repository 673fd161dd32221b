"""Normal B cells: they rest at their level and take months to come back."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.b_lineage import b_cell_exchange, lymphoid_b_cell_fluxes, marrow_b_cell_fluxes
from tests.mechanisms.parameters import defaults, plain

P = defaults()
REST = 7e9


def marrow_rate(b_cells, blast_fraction=0.0):
    production, growth, crowding, loss = plain(marrow_b_cell_fluxes)(b_cells, REST, blast_fraction, P)
    return production + growth - crowding - loss


def test_the_marrow_rests_at_its_level():
    assert marrow_rate(REST) == pytest.approx(0.0, abs=1e-6 * REST)
    assert marrow_rate(0.5 * REST) > 0.0 > marrow_rate(1.5 * REST)
    # Blasts take their share of the room.
    assert marrow_rate(0.4 * REST, 0.6) == pytest.approx(0.0, abs=1e-6 * REST)
    assert marrow_rate(REST, 0.6) < 0.0


def test_an_emptied_marrow_refills_from_its_progenitors_in_months():
    days = np.array([0.0, 14.0, 60.0, 365.0])
    refilled = solve_ivp(lambda t, b: marrow_rate(b), (0.0, 365.0), [0.0], t_eval=days, rtol=1e-9, atol=1.0).y[0] / REST
    assert refilled[1] < 0.1
    assert 0.2 < refilled[2] < 0.95
    assert refilled[3] == pytest.approx(1.0, rel=1e-3)


def test_lymphoid_tissue_and_blood_rest_together():
    blood = 1e8
    lymphoid = P.lymphoid_b_cells_per_blood * blood
    arrival, death = plain(lymphoid_b_cell_fluxes)(lymphoid, lymphoid, 1.0, P)
    assert arrival == death > 0.0
    out, back = plain(b_cell_exchange)(blood, lymphoid, P)
    assert out == pytest.approx(back)
