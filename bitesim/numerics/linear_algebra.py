"""Dense LU factorisation for small systems, allocation-free."""

from __future__ import annotations

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel


@kernel
def lu_factor(matrix: NDArray, pivots: NDArray) -> bool:
    """Factorise the square `matrix` in place with partial pivoting; return False when it is singular or not finite.

    LAPACK would have to be called through an interface that allocates and releases no GIL-free kernel.
    """
    n = matrix.shape[0]
    for k in range(n):
        pivot = k
        largest = abs(matrix[k, k])
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > largest:
                largest = abs(matrix[i, k])
                pivot = i
        # Written so that a NaN also counts as failure.
        if not 0.0 < largest < 1e300:
            return False
        pivots[k] = pivot
        if pivot != k:
            for j in range(n):
                held = matrix[k, j]
                matrix[k, j] = matrix[pivot, j]
                matrix[pivot, j] = held
        inverse = 1.0 / matrix[k, k]
        for i in range(k + 1, n):
            factor = matrix[i, k] * inverse
            matrix[i, k] = factor
            if factor != 0.0:
                for j in range(k + 1, n):
                    matrix[i, j] -= factor * matrix[k, j]
    return True


@kernel
def lu_solve(factors: NDArray, pivots: NDArray, vector: NDArray) -> None:
    """Solve in place for `vector`, with the factors and pivots of `lu_factor`."""
    n = factors.shape[0]
    for k in range(n):
        pivot = pivots[k]
        if pivot != k:
            held = vector[k]
            vector[k] = vector[pivot]
            vector[pivot] = held
    for i in range(n):
        total = vector[i]
        for j in range(i):
            total -= factors[i, j] * vector[j]
        vector[i] = total
    for i in range(n - 1, -1, -1):
        total = vector[i]
        for j in range(i + 1, n):
            total -= factors[i, j] * vector[j]
        vector[i] = total / factors[i, i]
