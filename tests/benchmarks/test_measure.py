"""The measuring itself: wrong answers stop a run, and costs at an error are read off a ladder as documented."""

from functools import partial

import numpy as np
import pytest

from benchmarks.measure import Rung, WrongAnswer, cost_at, validated
from benchmarks.peers import peers
from benchmarks.problems import published
from benchmarks.solver import CannotTake, Solver, SolverFailed


def rung(rtol, error, *samples_ms):
    return Rung("problem", "solver", rtol, error, samples_ms=list(samples_ms))


def test_a_cost_is_interpolated_by_logarithm_in_each_round():
    cost = cost_at([rung(1e-3, 1e-3, 1.0, 2.0), rung(1e-5, 1e-5, 4.0, 8.0)], 1e-4)
    assert cost.samples_ms == pytest.approx((2.0, 4.0))
    assert not cost.is_bound


def test_a_lucky_loose_tolerance_does_not_count():
    ladder = [rung(1e-3, 1e-5, 1.0), rung(1e-4, 1e-3, 2.0), rung(1e-5, 1e-5, 4.0)]
    assert cost_at(ladder, 1e-4).samples_ms == pytest.approx((2.0 * 2.0**0.5,))


def test_a_ladder_below_the_error_gives_a_bound_and_one_above_it_nothing():
    assert cost_at([rung(1e-3, 1e-6, 1.0)], 1e-4).is_bound
    assert cost_at([rung(1e-3, 1e-3, 1.0)], 1e-4) is None


def answering(problem, states):
    return Solver("solver", "numpy", "", lambda _: lambda rtol: states)


def test_a_wrong_answer_stops_the_run_with_its_error():
    problem = published()
    right = np.ones((len(problem.times_days), len(problem.start)))
    with pytest.raises(WrongAnswer, match=r"solver on published at rtol 1.0e-04: error 3\.00e-01"):
        validated(problem, right, [answering(problem, right * 1.3)], [1e-4])
    with pytest.raises(WrongAnswer, match="error nan"):
        validated(problem, right, [answering(problem, right * np.nan)], [1e-4])


def raising(error, *_):
    raise error


def test_failures_and_what_cannot_be_run_are_named():
    problem = published()
    right = np.ones((len(problem.times_days), len(problem.start)))
    solvers = [
        Solver("absent", "no-such-package", "", lambda _: raising(AssertionError())),
        Solver("unable", "numpy", "", partial(raising, CannotTake("it reads poems"))),
        Solver("failing", "numpy", "", lambda _: partial(raising, SolverFailed("too many steps"))),
    ]
    entries, skipped = validated(problem, right, solvers, [1e-4])
    assert [(each.solver, each.reason) for each in skipped] == [("absent", "not installed"), ("unable", "it reads poems")]
    assert [each.failure for _, each in entries] == ["too many steps"]


@pytest.mark.parametrize("solver", peers(), ids=lambda solver: solver.name)
def test_every_peer_converges(solver):
    if not solver.is_installed():
        pytest.skip(f"{solver.package} is not installed")
    problem = published()
    coarse, fine = (solver.solve(problem, rtol) for rtol in (1e-5, 1e-8))
    assert 1e-7 < problem.error(coarse, fine) < 1e-2
