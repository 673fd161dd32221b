"""LU against NumPy, including badly scaled and singular systems."""

import numpy as np
import pytest

from bitesim.numerics.linear_algebra import lu_factor, lu_solve


def solve(matrix, right, size=None):
    factors, pivots, answer = matrix.copy(), np.full(len(matrix), -1.0), right.copy()
    assert lu_factor(factors, np.ones(len(matrix)) if size is None else size.copy(), pivots)
    lu_solve(factors, pivots, answer)
    return answer


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_random_systems_equal_numpy(n):
    generator = np.random.default_rng(n)
    matrix, right = generator.standard_normal((n, n)), generator.standard_normal(n)
    np.testing.assert_allclose(solve(matrix, right), np.linalg.solve(matrix, right), rtol=1e-9, atol=1e-12)


def test_rows_of_different_size_keep_the_small_unknowns_exact():
    # A decoupled small state that drives a huge one: x0 must not be contaminated by the rounding of the row of 1e12.
    generator = np.random.default_rng(1)
    for _ in range(20):
        diagonal, right = generator.uniform(1.0, 3.0, 2), generator.uniform(size=2)
        below = 1e12 * generator.uniform(0.1, 0.9)
        matrix = np.array([[diagonal[0], 0.0], [-below, diagonal[1]]])
        answer = solve(matrix, right, size=np.array([1.0, 1e12]))
        assert answer[0] == right[0] / diagonal[0]
        assert answer[1] == pytest.approx((right[1] + below * answer[0]) / diagonal[1], rel=1e-15)


def test_a_zero_on_the_diagonal_is_no_obstacle():
    matrix = np.roll(np.diag([2.0, 4.0, 8.0]), 1, axis=0)
    assert solve(matrix, np.array([8.0, 2.0, 4.0])).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 2)), [[1.0, 2.0], [2.0, 4.0]], [[np.nan, 1.0], [1.0, 1.0]], [[np.inf, 1.0], [1.0, 1.0]]]
)
def test_singular_and_not_finite_matrices_are_reported(bad):
    assert not lu_factor(np.array(bad), np.ones(2), np.zeros(2))
