"""Several ways to run the same patients: their errors at a ladder of tolerances, and the tolerance that meets an error."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.ours import cohort
from benchmarks.population import Population
from benchmarks.problems import Matrix
from benchmarks.solver import AnyCourse, SolverFailed

#: Half decades from 1e-3 on.
LADDER: Final = tuple(10.0 ** (-half / 2) for half in range(6, 23))
#: A tolerance found on the ladder is refined this often, by halves of what is left: to an eighth of a decade.
_REFINEMENTS: Final = 2
_WRONG: Final = sys.float_info.max
#: run(rows, rtol) -> states of each of these patients, or None for one that the method gave up.
States = Iterator[Matrix | None]


@dataclass(frozen=True)
class Rung:
    """One method at one tolerance: largest and median error over the patients that it finished, and how many it gave up."""

    rtol: float
    error: float
    median_error: float
    patients: int
    given_up: int


@dataclass(eq=False)
class Method:
    """A way to run the patients of a population.

    Parameters
    ----------
    name : str
    run : callable run(rows, rtol) -> iterator of states
    patients : int
        How many of the population it is given: the first ones.
    """

    name: str
    run: Callable[[range, float], States]
    patients: int
    rungs: dict[float, Rung] = field(default_factory=dict)

    def rung(self, population: Population, reference: Sequence[Matrix], rtol: float) -> Rung:
        """Return errors at a tolerance, computed once."""
        if rtol not in self.rungs:
            rows, errors = range(self.patients), []
            for row, states in zip(rows, self.run(rows, rtol), strict=True):
                if states is not None:
                    errors.append(population.problem.error(states, reference[row]))
            given_up = self.patients - len(errors)
            # A NaN is an error, whatever the others are; the largest float is one that JSON can write.
            errors = [error if math.isfinite(error) else _WRONG for error in errors] or [_WRONG]
            self.rungs[rtol] = Rung(rtol, max(errors), statistics.median(errors), self.patients, given_up)
        return self.rungs[rtol]

    def climb(self, population: Population, reference: Sequence[Matrix], smallest_target: float) -> None:
        """Go down the ladder until the error is a fifth of the smallest target."""
        for rtol in LADDER:
            if self.rung(population, reference, rtol).error < 0.2 * smallest_target:
                return


def one_by_one(name: str, course: AnyCourse, population: Population, patients: int) -> Method:
    """Return a method that runs one patient after the other."""

    def run(rows: range, rtol: float) -> States:
        for row in rows:
            try:
                yield course(population.patients[row], rtol)
            except SolverFailed:
                yield None

    return Method(name, run, patients)


def side_by_side(name: str, population: Population) -> Method:
    """Return bitesim's cohort kernel as a method; all rows in one call."""

    def run(rows: range, rtol: float) -> States:
        harvest = cohort(population.problem, population.parameters[rows.start : rows.stop], rtol)
        for states, outcome in zip(harvest.values, harvest.outcome, strict=True):
            yield states if outcome == 0 else None

    return Method(name, run, len(population))


def tolerance_for(target: float, rungs: Sequence[Rung], rung_at: Callable[[float], Rung]) -> Rung | None:
    """Return the loosest tolerance found from which on every tighter one meets the error; None where none does.

    Parameters
    ----------
    target : float
        Largest error allowed.
    rungs : sequence of Rung
        Of the ladder.
    rung_at : callable rung_at(rtol) -> Rung
        For tolerances between the rungs.
    """
    ladder = sorted(rungs, key=lambda rung: -rung.rtol)
    first = 1 + max((place for place, rung in enumerate(ladder) if not rung.error <= target), default=-1)
    if first == len(ladder):
        return None
    found = ladder[first]
    if first == 0:
        return found
    loose = ladder[first - 1].rtol
    for _ in range(_REFINEMENTS):
        middle = rung_at(math.sqrt(loose * found.rtol))
        if middle.error <= target:
            found = middle
        else:
            loose = middle.rtol
    return found
