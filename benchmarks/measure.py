"""Errors first, then processor time: ladders of tolerances, rounds in which all solvers take turns, costs at equal error."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from benchmarks.peers.scipy_methods import SOLVERS as SCIPY
from benchmarks.problems import Matrix, Problem
from benchmarks.references import RTOL as REFERENCE_RTOL
from benchmarks.references import reference
from benchmarks.solver import CannotTake, Solver, SolverFailed

#: Errors at which costs are compared.
TARGETS: Final = (1e-4, 1e-6)
#: Half decades; a solver's ladder ends at the first error below a tenth of the smallest target.
LADDER: Final = tuple(10.0 ** (-half / 2) for half in range(4, 21))
QUICK_LADDER: Final = tuple(10.0**-decade for decade in range(3, 11))
#: An answer is wrong where its error is larger than this many rtol, or than the half.
_ALLOWED_ERROR_PER_RTOL: Final = 1e3
_ALLOWED_ERROR: Final = 0.5
#: Two methods must agree this much better on the reference than the smallest target asks for.
_REFERENCE_MARGIN: Final = 1e-2
#: A sample is as many calls as take this long.
_SAMPLE_S: Final = 0.02


class WrongAnswer(Exception):
    """A solver returned without complaint what is not the solution; nothing is timed then."""


@dataclass
class Rung:
    """One solver at one tolerance."""

    problem: str
    solver: str
    rtol: float
    error: float = math.nan
    failure: str = ""
    calls_per_sample: int = 1
    samples_ms: list[float] = field(default_factory=list)

    @property
    def cpu_ms(self) -> float:
        """Median processor time of one patient."""
        return statistics.median(self.samples_ms) if self.samples_ms else math.nan


@dataclass(frozen=True)
class Skipped:
    """A solver that was not run, and why."""

    problem: str
    solver: str
    reason: str


@dataclass(frozen=True)
class Cost:
    """A solver's cost at an error, one sample a round, interpolated between rungs.

    `is_bound` tells that its loosest tolerance was already more accurate, so that it may be cheaper still.
    """

    samples_ms: tuple[float, ...]
    is_bound: bool

    @property
    def cpu_ms(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.samples_ms)

    def times_faster_than(self, other: Cost) -> tuple[float, float, float]:
        """Return the other's cost divided by this one, within each round: lower quartile, median, upper quartile."""
        ratios = [theirs / ours for ours, theirs in zip(self.samples_ms, other.samples_ms, strict=True)]
        lower, middle, upper = statistics.quantiles(ratios, n=4, method="inclusive")
        return lower, middle, upper


def reference_agreement(problem: Problem, states: Matrix) -> float:
    """Return the error of LSODA at the same tolerance; raise where two methods do not agree on the reference.

    Raises
    ------
    WrongAnswer
    """
    error = problem.error(SCIPY[0].solve(problem, REFERENCE_RTOL), states)
    if not error <= _REFERENCE_MARGIN * min(TARGETS):
        raise WrongAnswer(f"{problem.name}: Radau and LSODA at rtol {REFERENCE_RTOL:g} differ by {error:.2e}")
    return error


def validated(
    problem: Problem, states: Matrix, solvers: Sequence[Solver], ladder: Sequence[float]
) -> tuple[list[tuple[Solver, Rung]], list[Skipped]]:
    """Return each solver's rungs with their errors, untimed, and the solvers that could not be run.

    Raises
    ------
    WrongAnswer
        With every wrong answer and its error.
    """
    entries: list[tuple[Solver, Rung]] = []
    skipped, wrong = [], []
    for solver in solvers:
        if not solver.is_installed():
            skipped.append(Skipped(problem.name, solver.name, "not installed"))
            continue
        try:
            solver.course(problem)
        except CannotTake as reason:
            skipped.append(Skipped(problem.name, solver.name, str(reason)))
            continue
        for rtol in ladder:
            rung = Rung(problem.name, solver.name, rtol)
            try:
                rung.error = problem.error(solver.solve(problem, rtol), states)
            except SolverFailed as failure:
                rung.failure = str(failure)
            entries.append((solver, rung))
            if not rung.failure and not rung.error <= min(_ALLOWED_ERROR_PER_RTOL * rtol, _ALLOWED_ERROR):
                wrong.append(f"{solver.name} on {problem.name} at rtol {rtol:.1e}: error {rung.error:.2e}")
            if rung.error < 0.1 * min(TARGETS):
                break
    if wrong:
        raise WrongAnswer("wrong answers, nothing was timed:\n  " + "\n  ".join(wrong))
    return entries, skipped


def cpu_seconds(call: Callable[[], object], calls: int) -> float:
    """Return the processor time of `calls` calls."""
    began = time.process_time()
    for _ in range(calls):
        call()
    return time.process_time() - began


def take_times(problem: Problem, entries: Sequence[tuple[Solver, Rung]], rounds: int) -> None:
    """Time every rung once in each round, neighbours at the same tolerance, so that noise of the machine hits all alike."""
    runs = sorted((each for each in entries if not each[1].failure), key=lambda each: -each[1].rtol)
    for solver, rung in runs:
        once = cpu_seconds(lambda solver=solver, rung=rung: solver.solve(problem, rung.rtol), 1)  # type: ignore[misc]
        rung.calls_per_sample = max(1, round(_SAMPLE_S / max(once, 1e-6)))
    for _ in range(rounds):
        for solver, rung in runs:
            course, rtol, calls = solver.course(problem), rung.rtol, rung.calls_per_sample
            used = cpu_seconds(lambda course=course, rtol=rtol: course(rtol), calls)  # type: ignore[misc]
            rung.samples_ms.append(1e3 * used / (calls * solver.patients_per_call))


def cost_at(rungs: Sequence[Rung], target_error: float) -> Cost | None:
    """Return the cost from which on every tighter tolerance stays below `target_error`; None where none does.

    Between the rung above and the rung below the error, cost and error are both interpolated by logarithm.
    """
    done = sorted((rung for rung in rungs if rung.samples_ms), key=lambda rung: -rung.rtol)
    first = 1 + max((index for index, rung in enumerate(done) if rung.error > target_error), default=-1)
    if first == len(done):
        return None
    below = done[first]
    if first == 0:
        return Cost(tuple(below.samples_ms), True)
    above = done[first - 1]
    position = math.log(above.error / target_error) / math.log(above.error / below.error)
    pairs = zip(above.samples_ms, below.samples_ms, strict=True)
    return Cost(tuple(loose * (tight / loose) ** position for loose, tight in pairs), False)


def measure(
    problem: Problem, solvers: Sequence[Solver], ladder: Sequence[float], rounds: int, say: Callable[[str], None]
) -> tuple[list[Rung], list[Skipped], float]:
    """Validate, then time; return rungs, skipped solvers and how well two methods agree on the reference."""
    say(f"{problem.name}: reference")
    states = reference(problem)
    if not np.all(np.isfinite(states)):
        raise WrongAnswer(f"{problem.name}: the reference is not finite")
    agreement = reference_agreement(problem, states)
    say(f"{problem.name}: Radau and LSODA at rtol {REFERENCE_RTOL:g} agree to {agreement:.1e}; validating")
    entries, skipped = validated(problem, states, solvers, ladder)
    say(f"{problem.name}: {len(entries)} answers are right; {rounds} rounds of timing")
    take_times(problem, entries, rounds)
    return [rung for _, rung in entries], skipped, agreement
