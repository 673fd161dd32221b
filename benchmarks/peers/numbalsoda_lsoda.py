"""numbalsoda's LSODA: the whole patient runs in compiled code, so that no Python is counted against it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import carray, cfunc, njit

from benchmarks.peers.callbacks import callbacks
from benchmarks.problems import Matrix, Problem, Vector
from benchmarks.solver import AnyCourse, Solver, SolverFailed, of_itself

#: It takes one absolute tolerance for all states. Tried on both problems, at errors of 1e-4 and 1e-6: rtol times 1, 0.1,
#: 0.03, 0.01, 0.003, 0.001, 1e-6 and 1e-9, and states divided by their scales with rtol itself. On the published problem
#: all from 1 to 0.001 lie within 20 %; on the stiff one 0.03 was the cheapest over both errors (1 never settled below
#: 1e-6, divided states cost 38 % more at 1e-4 and 15 % more at 1e-6).
_ATOL_PER_RTOL: Final = 0.03
_MAX_STEPS: Final = 100_000


def _any_course(problem: Problem) -> AnyCourse:
    """Compile the callback and the loop over pieces."""
    from numbalsoda import lsoda, lsoda_sig

    made, stretches = callbacks(problem), list(problem.stretches())
    slope, n, n_data, n_constants = made.slope, len(problem.start), len(made.data), len(problem.equations.constants)

    @cfunc(lsoda_sig)
    def slope_at(time: float, state: Any, derivative: Any, data: Any) -> None:
        slope(time, carray(state, n), carray(derivative, n), carray(data, n_data))

    pieces = [stretch.piece for stretch in stretches]
    rates, jumps = problem.pieces.input_rate[pieces], problem.pieces.jump[pieces]
    resets = problem.pieces.reset[pieces]
    times = np.concatenate([stretch.times_days for stretch in stretches])
    bounds = np.cumsum([0, *(len(stretch.times_days) for stretch in stretches)])
    rows = np.array([(stretch.rows.start, stretch.rows.stop, stretch.first) for stretch in stretches])

    @njit
    def patient(address: int, start: Vector, data: Vector, rate: Vector, rtol: float, atol: float, states: Matrix) -> bool:
        state = start.copy()
        for k in range(rates.shape[0]):
            if resets[k] == 1:
                state[:] = start
            state += jumps[k]
            rate[:] = rates[k]
            found, is_done = lsoda(address, state, times[bounds[k] : bounds[k + 1]], data, rtol, atol, _MAX_STEPS)
            if not is_done:
                return False
            first_row, last_row, first = rows[k]
            states[first_row:last_row] = found[first : first + last_row - first_row]
            state[:] = found[-1]
        return True

    def course(chosen: Problem, rtol: float) -> Matrix:
        states = np.empty((len(problem.times_days), n))
        made.data[:n_constants] = chosen.equations.constants
        if not patient(slope_at.address, chosen.start, made.data, made.rate, rtol, rtol * _ATOL_PER_RTOL, states):
            raise SolverFailed("lsoda returned no success")
        return states

    return course


SOLVERS: Final = (
    Solver(
        "numbalsoda LSODA",
        "numbalsoda",
        f"compiled right-hand side, difference Jacobian, scalar atol = {_ATOL_PER_RTOL:g} rtol (best of those tried), "
        "all pieces in one numba function",
        of_itself(_any_course),
        make_any=_any_course,
    ),
)
