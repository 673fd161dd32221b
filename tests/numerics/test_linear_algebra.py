"""LU against NumPy, including badly scaled and singular systems."""

import numpy as np

from bitesim.numerics.linear_algebra import lu_factor, lu_solve


def solve(matrix, right, size=None):
    factors, pivots, answer = matrix.copy(), np.zeros(len(matrix), np.int64), right.copy()
    assert lu_factor(factors, np.ones(len(matrix)) if size is None else size.copy(), pivots)
    lu_solve(factors, pivots, answer)
    return answer


def test_random_systems_equal_numpy():
    generator = np.random.default_rng(1)
    for n in (1, 2, 5, 30):
        matrix, right = generator.standard_normal((n, n)), generator.standard_normal(n)
        np.testing.assert_allclose(solve(matrix, right), np.linalg.solve(matrix, right), rtol=1e-9, atol=1e-12)


def test_rows_of_different_size_keep_the_small_unknowns_exact():
    # A decoupled small state that drives a huge one: x0 = 1/2 must not be contaminated by the row of 1e12.
    matrix = np.array([[2.0, 0.0], [-1e12, 3.0]])
    answer = solve(matrix, np.array([1.0, 0.0]), size=np.array([1.0, 1e12]))
    assert answer[0] == 0.5


def test_singular_and_not_finite_matrices_are_reported():
    for bad in (np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([[np.nan, 1.0], [1.0, 1.0]])):
        assert not lu_factor(bad.copy(), np.ones(2), np.zeros(2, np.int64))
