"""The problem's compiled right-hand side and Jacobian in the form that other solvers call, with all data in one array."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.problems import Problem, Vector
from benchmarks.right_hand_side import Kernel
from bitesim.foundation.compiled import kernel


class Callbacks(NamedTuple):
    """Compiled callbacks that read everything but time and state from `data`.

    One array is one argument to unpack: with five, calls from Python take twice as long.

    Parameters
    ----------
    slope : kernel slope(time, state, derivative, data)
    slopes : kernel slopes(time, state, derivative, matrix, data)
        The dense Jacobian; `derivative` is not used.
    data : ndarray
        Constants, the input of the piece, and workspace.
    rate : ndarray, shape (states,)
        The part of `data` that holds the input: written at the start of each piece.
    """

    slope: Kernel
    slopes: Kernel
    data: Vector
    rate: Vector


def callbacks(problem: Problem) -> Callbacks:
    """Return the problem's callbacks."""
    rhs, jacobian, constants, workspace_size = problem.equations
    n, rate_start = len(problem.start), len(constants)
    work_start = rate_start + n

    @kernel
    def slope(time: float, state: Any, derivative: Any, data: Any) -> None:
        rhs(state, data[:rate_start], data[work_start:], derivative)
        for i in range(n):
            derivative[i] += data[rate_start + i]

    @kernel
    def slopes(time: float, state: Any, derivative: Any, matrix: Any, data: Any) -> None:
        jacobian(state, data[:rate_start], data[work_start:], matrix)

    data = np.zeros(work_start + workspace_size)
    data[:rate_start] = constants
    return Callbacks(slope, slopes, data, data[rate_start:work_start])
