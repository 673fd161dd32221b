"""Dense LU factorisation for small systems, allocation-free."""

from __future__ import annotations

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel


@kernel
def lu_factor(matrix: NDArray, size: NDArray, pivots: NDArray) -> bool:
    """Factorise the square `matrix` in place; return False when it is singular or not finite.

    Pivots are chosen by |element| / size of its row's unknown (`size` is permuted along): states differ by ten
    decades (a stress signal of 1 beside 1e10 cells), and the plain largest element would drown the small ones in
    rounding.
    """
    n = matrix.shape[0]
    for k in range(n):
        pivot = k
        largest = abs(matrix[k, k]) / size[k]
        for i in range(k + 1, n):
            weighted = abs(matrix[i, k]) / size[i]
            if weighted > largest:
                largest = weighted
                pivot = i
        # Written so that a NaN also counts as failure.
        if not 0.0 < largest < 1e300:
            return False
        pivots[k] = pivot
        if pivot != k:
            size[k], size[pivot] = size[pivot], size[k]
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
        pivot = int(pivots[k])
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
