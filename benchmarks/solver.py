"""What a solver is to the benchmark: a name, a version, its settings, and a function from tolerance to states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from benchmarks.problems import Matrix, Problem

#: course(rtol) -> states at the problem's output times.
Course = Callable[[float], Matrix]
#: course(patient, rtol) -> the same for another patient of the problem: the problem `of` other parameters.
AnyCourse = Callable[[Problem, float], Matrix]


class SolverFailed(Exception):
    """A solver said itself that it could not reach the end."""


class CannotTake(Exception):
    """A solver cannot be given this problem; the message says why."""


def of_itself(make_any: Callable[[Problem], AnyCourse]) -> Callable[[Problem], Course]:
    """Return `make` from `make_any`: the patient is the problem's own."""

    def make(problem: Problem) -> Course:
        course = make_any(problem)
        return lambda rtol: course(problem, rtol)

    return make


@dataclass(frozen=True, eq=False)
class Solver:
    """One entry of the benchmark.

    Parameters
    ----------
    name : str
    package : str
        The distribution that provides it.
    settings : str
        Everything that was chosen for it, in a sentence.
    make : callable make(problem) -> course
        Does once what a user does once: compiles callbacks and reads the model. Not timed.
        Raises `CannotTake` for a problem that it cannot be given.
    patients_per_call : int
        How many patients a call of the course integrates; it returns the states of the first.
    make_any : callable make_any(problem) -> course(patient, rtol), optional
        As `make`, for a course that takes any patient of the problem without compiling anything anew.
    """

    name: str
    package: str
    settings: str
    make: Callable[[Problem], Course]
    patients_per_call: int = 1
    make_any: Callable[[Problem], AnyCourse] | None = None
    _courses: dict[Problem, Course] = field(default_factory=dict, repr=False)

    def version(self) -> str | None:
        """Return the version of its package; None where that is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None

    def is_installed(self) -> bool:
        """Return whether its package is installed."""
        return self.version() is not None

    def course(self, problem: Problem) -> Course:
        """Return the function to be timed."""
        if problem not in self._courses:
            self._courses[problem] = self.make(problem)
        return self._courses[problem]

    def solve(self, problem: Problem, rtol: float) -> Matrix:
        """Return the states at the problem's output times, shape (times, states)."""
        return self.course(problem)(rtol)
