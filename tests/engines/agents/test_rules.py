"""Rules: chances of a step from hazards, and steps that are too long for them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.engines.agents.rules import MINUTES_PER_DAY
from tests.engines.agents.niches import BUSY_T_CELLS, hazards, quiet


def test_chances_of_a_step():
    rates = hazards(swap_chance=0.25)
    rules, days = rates.rules(), 1.0 / MINUTES_PER_DAY
    bind = 200.0 * days
    assert rates.step_min == 1.0
    assert int(rules.turn) == round((1.0 - math.exp(-0.2)) * 2**16)
    assert int(rules.bind) == round(bind * 2**32)
    assert rules.limits.tolist() == [0, *[round((bind + 0.25 * (1.0 - bind)) * 2**32)] * 2, 2**30]
    assert rules.let_go == pytest.approx(-1.0 / (40.0 * days))
    assert rules.t_cell == pytest.approx(-1.0 / (BUSY_T_CELLS.sum(axis=1).max() * days))
    assert rules.t_cell_shares[1, -1] == pytest.approx(1.0)
    assert rules.kills.shape == (3, 2, 8, 16)
    assert quiet().rules().blast == -1e300


def test_half_the_speed_is_twice_the_step():
    slow, fast = hazards(speed_um_per_min=5.0), hazards(speed_um_per_min=10.0)
    assert slow.step_min == 2.0 * fast.step_min
    assert int(slow.rules().bind) == pytest.approx(2 * int(fast.rules().bind), abs=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speed_um_per_min": -1.0}, "speed_um_per_min = -1.0 um/min is outside the allowed range: expected 0.05 to 100"),
        (
            {"meetings_per_day": 2000.0},
            r"meetings_per_day: at 10 um/min a step takes 1 min.* unstable beyond 1.* faster than 13.9",
        ),
        ({"release_per_day": 1000.0}, "release_per_day.* unstable beyond 0.5"),
        ({"blast_per_day": np.full((2, 3), 50.0)}, r"blast_per_day \(sum of its events\).* unstable beyond 0.05"),
        (
            {"blast_per_day": np.array([[0.1, -0.2, 0.0], [0.0, 0.0, 0.0]])},
            "blast_per_day: death = -0.2 /d must be a finite",
        ),
        ({"t_cell_per_day": np.full((3, 6), np.nan)}, "t_cell_per_day: activation = nan"),
        ({"t_cell_per_day": np.zeros((2, 6))}, r"t_cell_per_day has shape \(2, 6\)"),
        ({"kill_chance": np.full((3, 2, 1, 1), 1.5)}, "kill_chance holds 1.5 to 1.5: expected probabilities"),
        ({"kill_chance": np.zeros((3, 2, 2, 1))}, r"kill_chance has shape \(3, 2, 2, 1\)"),
        ({"swap_chance": 1.2}, "swap_chance = 1.2 is outside"),
        ({"mixing": -0.1}, "mixing = -0.1 is outside"),
        ({"persistence_min": float("nan")}, "persistence_min = nan is not a number"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        hazards(**changes).rules()
