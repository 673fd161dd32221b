"""Relapse and cure against closed forms, and what a transplant shares with none."""

from dataclasses import replace

import numpy as np
import pytest

from bitesim.mechanisms.extinction import survival_of_one
from bitesim.population.events.luck import Luck
from bitesim.population.events.relapse import Remaining, draw_relapses
from bitesim.population.events.transplantation import Transplants

COUNT = 4000
LUCK = Luck(7, np.arange(COUNT))
NEVER = Transplants(np.full(COUNT, np.inf), np.ones(COUNT), np.zeros(COUNT), 0.0)
BIRTH, DEATH = 0.105, 0.04


def remaining(cells, **others):
    each = {"marrow": cells, "low": 0.0, "sanctuary": 0.0, "reservoir": 0.0} | others
    return Remaining(
        84.0,
        {clone: np.full(COUNT, float(number)) for clone, number in each.items()},
        np.full(COUNT, BIRTH),
        np.full(COUNT, DEATH),
        {clone: np.full(COUNT, 1e10) for clone in each},
    )


@pytest.mark.parametrize("cells", [0.3, 2.0])
def test_few_cells_die_out_as_often_as_the_closed_form_says(cells):
    found = draw_relapses(remaining(cells), NEVER, 5000.0, LUCK)
    expected = np.exp(-cells * float(survival_of_one(BIRTH, DEATH)))
    assert abs(found.cured.mean() - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / COUNT)
    assert np.array_equal(np.isfinite(found.days["marrow"]), ~found.cured)


def test_a_large_clone_relapses_when_growth_says():
    found = draw_relapses(remaining(1e8), NEVER, 1000.0, LUCK)
    np.testing.assert_allclose(found.days["marrow"], 84.0 + np.log(100.0) / (BIRTH - DEATH), rtol=1e-9)
    assert not found.cured.any()


def test_relapse_times_of_single_lines_spread_as_exponential_sizes_do():
    # N(t) exp(-r t) of one line that survives tends to an exponential number of mean b / (b - d).
    found = draw_relapses(remaining(1e-2), NEVER, 5000.0, Luck(8, np.arange(COUNT)))
    days = found.days["marrow"][np.isfinite(found.days["marrow"])]
    net = BIRTH - DEATH
    sizes = 1e10 * np.exp(-net * (days - 84.0)) * net / BIRTH
    assert sizes.mean() == pytest.approx(1.0, abs=4.0 / np.sqrt(len(days)))


def test_conditioning_and_graft_cure_and_change_nothing_before():
    with_transplant = Transplants(np.full(COUNT, 120.0), np.full(COUNT, 1e-7), np.full(COUNT, 0.1), 220.0)
    plain, cured = (draw_relapses(remaining(1e6), each, 2000.0, LUCK) for each in (NEVER, with_transplant))
    assert plain.cured.mean() == 0.0
    assert cured.cured.mean() > 0.9
    early = replace(remaining(9e9), day=84.0)
    first, second = (draw_relapses(early, each, 2000.0, LUCK).days["marrow"] for each in (NEVER, with_transplant))
    # Its relapse comes before the transplant's day, and is the same.
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_clones_have_luck_of_their_own():
    one = draw_relapses(remaining(0.5), NEVER, 3000.0, LUCK)
    both = draw_relapses(remaining(0.5, reservoir=0.5), NEVER, 3000.0, LUCK)
    assert np.array_equal(one.days["marrow"], both.days["marrow"])
    assert abs(np.corrcoef(np.isfinite(both.days["marrow"]), np.isfinite(both.days["reservoir"]))[0, 1]) < 4 / np.sqrt(COUNT)
