"""Relapse and cure of patients: what several clones make of it, and what a transplant shares with none."""

import numpy as np

from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.events.clone_courses import TURNOVER, clone_course
from bitesim.population.events.luck import Luck
from bitesim.population.events.relapse import CLONES, Remaining, draw_relapses
from bitesim.population.events.transplantation import Transplants

COUNT = 4000
LUCK = Luck(7, np.arange(COUNT))
NEVER = Transplants(np.full(COUNT, np.inf), np.ones(COUNT), np.zeros(COUNT), 0.0)
MODEL = {name: np.full(COUNT, LEUKAEMIA.parameters[name]) for name in TURNOVER}


def remaining(cells, **others):
    each = {"marrow": cells, "low": 0.0, "sanctuary": 0.0, "reservoir": 0.0} | others

    def courses(rows):
        some = {name: values[rows] for name, values in MODEL.items()}
        shape = (len(some["cycling_share"]), 1)
        return [(clone, clone_course(np.zeros(1), np.full(shape, float(number)), some)) for clone, number in each.items()]

    return Remaining(84.0, courses, MODEL, np.ones(COUNT), {clone: np.full(COUNT, 1e10) for clone in each})


def test_cure_is_no_cell_in_any_clone():
    found = draw_relapses(remaining(1.0, low=1.0), NEVER, 5000.0, LUCK)
    assert set(found.days) == set(CLONES)
    relapsed = np.minimum(found.days["marrow"], found.days["low"])
    assert np.array_equal(np.isfinite(relapsed), ~found.cured)
    assert np.all(np.isinf(found.days["sanctuary"]))
    # Early in follow-up many are neither cured nor relapsed.
    early = draw_relapses(remaining(5.0), NEVER, 120.0, LUCK)
    assert np.mean(np.isinf(early.days["marrow"]) & ~early.cured) > 0.5


def test_relapse_times_of_few_cells_spread():
    days = draw_relapses(remaining(1.0), NEVER, 5000.0, LUCK).days["marrow"]
    large = draw_relapses(remaining(1e8), NEVER, 5000.0, LUCK).days["marrow"]
    assert days[np.isfinite(days)].std() > 10.0
    assert np.ptp(large) < 1e-9


def test_what_comes_before_a_transplant_is_as_without_it():
    with_transplant = Transplants(np.full(COUNT, 120.0), np.full(COUNT, 1e-7), np.full(COUNT, 0.1), 220.0)
    plain, cured = (draw_relapses(remaining(1e6), each, 2000.0, LUCK) for each in (NEVER, with_transplant))
    assert plain.cured.mean() == 0.0
    assert cured.cured.mean() > 0.9
    first, second = (draw_relapses(remaining(9e9), each, 2000.0, LUCK).days["marrow"] for each in (NEVER, with_transplant))
    # Its relapse comes before the transplant's day, and is the same.
    np.testing.assert_allclose(first, second, rtol=1e-12)
    # A clone that dies out before its day does so either way.
    one, other = (draw_relapses(remaining(1.0), each, 119.0, LUCK).cured for each in (NEVER, with_transplant))
    assert np.array_equal(one, other)


def test_clones_have_luck_of_their_own():
    one = draw_relapses(remaining(0.5), NEVER, 3000.0, LUCK)
    both = draw_relapses(remaining(0.5, reservoir=0.5), NEVER, 3000.0, LUCK)
    assert np.array_equal(one.days["marrow"], both.days["marrow"])
    assert abs(np.corrcoef(np.isfinite(both.days["marrow"]), np.isfinite(both.days["reservoir"]))[0, 1]) < 4 / np.sqrt(COUNT)
