"""SciPy's LSODA, BDF and Radau, with the compiled right-hand side and Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from scipy.integrate import odeint, solve_ivp

from benchmarks.peers.callbacks import callbacks
from benchmarks.problems import Matrix, Problem, Vector
from benchmarks.solver import Course, Solver, SolverFailed
from bitesim.foundation.compiled import kernel

_MAX_STEPS: Final = 100_000
#: piece(slope, slopes, start, times_days, data, rtol, atol) -> states at the times.
_Piece = Callable[..., Matrix]


def _odeint(slope: Any, slopes: Any, start: Vector, times: Vector, data: Vector, rtol: float, atol: Vector) -> Matrix:
    states, report = odeint(
        slope, start, times, (data,), slopes, rtol=rtol, atol=atol, mxstep=_MAX_STEPS, tfirst=True, full_output=True
    )
    if report["message"] != "Integration successful.":
        raise SolverFailed(report["message"])
    return np.asarray(states)


def _solve_ivp(
    method: str, slope: Any, slopes: Any, start: Vector, times: Vector, data: Vector, rtol: float, atol: Vector
) -> Matrix:
    solved = solve_ivp(slope, (times[0], times[-1]), start, method, times, args=(data,), jac=slopes, rtol=rtol, atol=atol)
    if not solved.success:
        raise SolverFailed(f"at day {solved.t[-1]:.6g}: {solved.message}")
    return np.asarray(solved.y.T)


def _course(piece: _Piece, problem: Problem) -> Course:
    """Wrap the callbacks so that they return arrays, and integrate from change to change."""
    made, stretches, n = callbacks(problem), list(problem.stretches()), len(problem.start)
    fill_slope, fill_slopes = made.slope, made.slopes

    @kernel
    def slope(time: float, state: Vector, data: Vector) -> Vector:
        derivative = np.empty(n)
        fill_slope(time, state, derivative, data)
        return derivative

    @kernel
    def slopes(time: float, state: Vector, data: Vector) -> Matrix:
        matrix = np.empty((n, n))
        fill_slopes(time, state, state, matrix, data)
        return matrix

    def course(rtol: float) -> Matrix:
        states, state = np.empty((len(problem.times_days), n)), problem.start
        for stretch in stretches:
            state = problem.enter(stretch.piece, state)
            made.rate[:] = problem.pieces.input_rate[stretch.piece]
            found = piece(slope, slopes, state, stretch.times_days, made.data, rtol, rtol * problem.scale)
            states[stretch.rows] = stretch.outputs(found)
            state = found[-1].copy()
        return states

    return course


_SETTINGS: Final = "compiled right-hand side and dense Jacobian, atol = rtol * scale for each state"

SOLVERS: Final = (
    Solver("SciPy LSODA", "scipy", f"odeint (2 times faster here than solve_ivp), {_SETTINGS}", partial(_course, _odeint)),
    *(
        Solver(f"SciPy {method}", "scipy", f"solve_ivp, {_SETTINGS}", partial(_course, partial(_solve_ivp, method)))
        for method in ("BDF", "Radau")
    ),
)
