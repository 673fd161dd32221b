"""A system of any right-hand side and dense Jacobian: what a model runs on before its derivatives are derived."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import as_array, kernel_entry
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
    all_constants = constants_size(n, parameters, workspace)

    @kernel
    def rate(state: Any, constants: Any, result: Any) -> None:
        known = as_array(constants, all_constants)
        rhs(as_array(state, n), known[:parameters], known[parameters:behind], as_array(result, n))

    @kernel
    def factorise(state: Any, constants: Any, diagonal: Any, factors: Any) -> None:
        known, flat, store = as_array(constants, all_constants), as_array(state, n), as_array(factors, n * n + n)
        matrix = store[: n * n].reshape((n, n))
        pivots, size = store[n * n :], known[behind:]
        largest = as_array(diagonal, 1)[0]
        jacobian(flat, known[:parameters], known[parameters:behind], matrix)
        for i in range(n):
            size[i] = scale[i] + abs(flat[i])
            for j in range(n):
                matrix[i, j] = -matrix[i, j]
            matrix[i, i] += largest
        if not lu_factor(matrix, size, pivots):
            # The step that comes of it has no error norm and is rejected.
            store[0] = math.nan

    @kernel
    def solve(factors: Any, vector: Any) -> None:
        store = as_array(factors, n * n + n)
        lu_solve(store[: n * n].reshape((n, n)), store[n * n :], as_array(vector, n))

    return System(kernel_entry(rate, 3), kernel_entry(factorise, 4), kernel_entry(solve, 2))
