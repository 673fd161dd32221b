"""CVODE through scikit-sundae, with the compiled right-hand side and Jacobian called without any Python in between."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np

from benchmarks.peers.callbacks import callbacks
from benchmarks.problems import Matrix, Problem
from benchmarks.solver import AnyCourse, Solver, SolverFailed, of_itself
from bitesim.foundation.compiled import kernel

_MAX_STEPS: Final = 100_000


def _any_course(problem: Problem) -> AnyCourse:
    """Make one CVODE object for each tolerance and restart it at every change."""
    from sksundae.cvode import CVODE

    made, stretches, n = callbacks(problem), list(problem.stretches()), len(problem.start)
    fill_slope, fill_slopes, n_constants = made.slope, made.slopes, len(problem.equations.constants)

    # It asks for the truth of the user's data, which an array has not: arrays come in a tuple. Its states may not be
    # written, which the equations do not promise in their types: they are copied.
    @kernel
    def slope(time: float, state: Any, derivative: Any, data: Any) -> None:
        copied = data[1]
        for i in range(n):
            copied[i] = state[i]
        fill_slope(time, copied, derivative, data[0])

    @kernel
    def slopes(time: float, state: Any, derivative: Any, matrix: Any, data: Any) -> None:
        copied = data[1]
        for i in range(n):
            copied[i] = state[i]
        fill_slopes(time, copied, copied, matrix, data[0])

    @cache
    def solver(rtol: float) -> Any:
        tolerances = {"rtol": rtol, "atol": rtol * problem.scale}
        options = {"jacfn": slopes, "userdata": (made.data, np.empty(n)), "linsolver": "dense", "max_num_steps": _MAX_STEPS}
        return CVODE(slope, **tolerances, **options)

    def course(chosen: Problem, rtol: float) -> Matrix:
        states, state = np.empty((len(problem.times_days), n)), chosen.start
        made.data[:n_constants] = chosen.equations.constants
        for stretch in stretches:
            state = chosen.enter(stretch.piece, state)
            made.rate[:] = problem.pieces.input_rate[stretch.piece]
            solved = solver(rtol).solve(stretch.times_days, state)
            if not solved.success:
                raise SolverFailed(f"at day {solved.t[-1]:.6g}: {solved.message}")
            # With two times only, the solver also returns its own steps.
            found = solved.y if len(stretch.times_days) > 2 else solved.y[[0, -1]]
            states[stretch.rows] = stretch.outputs(found)
            state = found[-1].copy()
        return states

    return course


SOLVERS: Final = (
    Solver(
        "scikit-sundae CVODE",
        "scikit-sundae",
        "BDF, compiled right-hand side and dense Jacobian as direct callbacks, dense solver, "
        "atol = rtol * scale for each state",
        of_itself(_any_course),
        make_any=_any_course,
    ),
)
