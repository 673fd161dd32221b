"""A system of any right-hand side and dense Jacobian: what a model runs on before its derivatives are derived."""

from __future__ import annotations

import math
from collections.abc import Callable

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.linear_algebra import lu_factor, lu_solve
from bitesim.numerics.pieces import System, Vector


def constants_size(states: int, parameters: int, workspace: int) -> int:
    """Return how many numbers the constants of `dense_system` take: parameters, workspace, sizes of the states."""
    return parameters + workspace + states


def factors_size(states: int) -> int:
    """Return how many numbers its factors take: the matrix and its pivots."""
    return states * (states + 1)


def dense_system(
    rhs: Callable[..., None], jacobian: Callable[..., None], scale: Vector, parameters: int, workspace: int
) -> System:
    """Return the system of two kernels over flat vectors.

    Parameters
    ----------
    rhs : kernel rhs(state, parameters, workspace, derivative)
    jacobian : kernel jacobian(state, parameters, workspace, matrix)
    scale : ndarray, shape (states,)
        Size below which a state no longer matters; it weighs the choice of pivots.
    parameters, workspace : int
        Their sizes; the constants hold both, and behind them room for the sizes of the states.
    """
    n = len(scale)
    behind = parameters + workspace

    @kernel
    def rate(state: NDArray, constants: Vector, result: NDArray, start: int) -> None:
        flat, slope = state.reshape(-1)[:n], result.reshape(-1)[start : start + n]
        rhs(flat, constants[:parameters], constants[parameters:behind], slope)

    @kernel
    def factorise(state: NDArray, constants: Vector, diagonal: NDArray, factors: NDArray, start: int) -> None:
        flat, store = state.reshape(-1)[:n], factors.reshape(-1)[start:]
        matrix = store[: n * n].reshape((n, n))
        pivots, size = store[n * n : n * n + n], constants[behind : behind + n]
        jacobian(flat, constants[:parameters], constants[parameters:behind], matrix)
        for i in range(n):
            size[i] = scale[i] + abs(flat[i])
            for j in range(n):
                matrix[i, j] = -matrix[i, j]
            matrix[i, i] += diagonal[0, 0]
        if not lu_factor(matrix, size, pivots):
            # The step that comes of it has no error norm and is rejected.
            store[0] = math.nan

    @kernel
    def solve(factors: NDArray, vector: NDArray, start: int) -> None:
        store = factors.reshape(-1)
        lu_solve(store[: n * n].reshape((n, n)), store[n * n : n * n + n], vector.reshape(-1)[start : start + n])

    return System(rate, factorise, solve)
