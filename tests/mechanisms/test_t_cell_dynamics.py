"""T cells of one site: the stimulus, the tonic equilibrium, growth, exhaustion and recovery."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.leukaemia.processes import T_CELL_STEPS, T_STATES
from bitesim.mechanisms.t_cell_dynamics import division_hazard, room_to_divide, stimulus, t_cell_turnover, tonic_share
from tests.mechanisms.parameters import defaults, plain

P = defaults()
CHANGES = np.array([[changes.get(state, 0) for changes in T_CELL_STEPS.values()] for state in T_STATES])


def course(start, stimulated, division, days, p=P):
    """Return the T cells of one closed site over time, by SciPy."""

    def rate(_, cells):
        return CHANGES @ np.array(plain(t_cell_turnover)(*cells, stimulated, division, p))

    return solve_ivp(rate, (0.0, days[-1]), start, t_eval=days, rtol=1e-10, atol=1e-6, method="LSODA").y


def test_the_stimulus_is_a_share_that_saturates():
    of = plain(stimulus)
    assert of(0.0, 0.0, 1e11, P) == 0.0
    assert of(0.0, 1e9, 1e11, P) == 0.0
    assert of(1e11, 1e11, 1e11, P) == pytest.approx(1.0 / (1.0 + P.stimulus_half * 1.003))
    few = [of(share * 1e11, share * 1e11, 1e11, P) for share in (1e-6, 1e-4, 1e-2)]
    assert few == sorted(few)
    # Rare targets are found in proportion to their number.
    assert of(2e3, 2e3, 1e11, P) == pytest.approx(2.0 * of(1e3, 1e3, 1e11, P), rel=1e-4)


def test_tonic_signals_keep_their_share():
    quiet = defaults(resting_renewal_per_day=0.0)
    share = plain(tonic_share)(quiet)
    assert share == pytest.approx(0.2205, abs=5e-4)
    resting, primed, activated, exhausted = course([1e9, 0.0, 0.0, 0.0], 0.0, 0.0, np.array([0.0, 20.0]), quiet)
    assert primed[-1] / (resting[-1] + primed[-1]) == pytest.approx(share, rel=1e-8)
    assert resting[-1] + primed[-1] == pytest.approx(1e9, rel=1e-9)
    assert activated[-1] == exhausted[-1] == 0.0


def test_each_step_moves_makes_or_removes_one_cell():
    totals = dict(zip(T_CELL_STEPS, CHANGES.sum(axis=0), strict=True))
    made = {name for name, total in totals.items() if total > 0}
    lost = {name for name, total in totals.items() if total < 0}
    assert made == {"division", "exhausted_division"}
    assert lost == {"activated_death", "exhausted_death", "resting_death", "primed_death"}


def test_division_stops_at_the_ceiling_and_without_stimulus():
    assert plain(room_to_divide)(0.0, 1e9, P) == 1.0
    assert plain(room_to_divide)(P.t_cell_ceiling * 1e9, 1e9, P) == 0.0
    assert plain(room_to_divide)(1e12, 1e9, P) == 0.0
    assert plain(division_hazard)(0.0, 1.0, 1.0, P) == 0.0
    assert plain(division_hazard)(1.0, 2.0, 0.5, P) == P.t_cell_division_per_day


def test_continuous_stimulation_exhausts_and_a_break_restores():
    days = np.array([0.0, 7.0, 14.0, 28.0])
    grown = course([0.0, 0.0, 1e9, 0.0], 1.0, P.t_cell_division_per_day * 0.5, days)
    exhausted = grown[3] / grown.sum(axis=0)
    assert np.all(np.diff(exhausted) > 0.0)
    rested = course(grown[:, 1], 0.0, 0.0, np.array([0.0, 7.0]))
    assert rested[3, -1] / rested[:, -1].sum() < 0.02 < exhausted[1]


def test_exhausted_cells_that_did_not_divide_would_be_diluted():
    days = np.array([0.0, 28.0])
    shares = {}
    for share in (0.0, 0.9):
        cells = course([0.0, 0.0, 1e9, 0.0], 1.0, 0.7, days, defaults(exhausted_division_share=share))[:, -1]
        shares[share] = cells[3] / cells.sum()
    assert shares[0.9] > 1.5 * shares[0.0]
