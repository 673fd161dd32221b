"""Factorisation without row exchanges: its code solves, the order of pivots makes no needless entry, units do not matter."""

import itertools

import numpy as np
import pytest

from bitesim.derivation.elimination import Elimination, pivot_order
from bitesim.derivation.store import load_module


def code_of(elimination, size, pattern):
    """Return a module that reads a matrix and runs the lines."""
    places = sorted({*pattern, *((i, i) for i in range(size))})
    lines = [f"w{i}_{j} = matrix[{i}, {j}]" for i, j in places] + elimination.factor_lines
    bodies = {"factorise(matrix, factors)": lines, "solve(factors, vector)": elimination.solve_lines}
    return "".join(f"def {head}:\n" + "".join(f"    {line}\n" for line in body) for head, body in bodies.items())


@pytest.fixture
def solver(tmp_path):
    """Return a function that solves by generated code, and the number of factors."""
    numbers = itertools.count()

    def made(size, pattern):
        elimination = Elimination(size, pattern)
        path = tmp_path / f"elimination_{next(numbers)}.py"
        path.write_text(code_of(elimination, size, pattern))
        module = load_module(path)

        def solve(matrix, vector):
            factors, result = np.full(elimination.count, np.nan), vector.copy()
            # Where the pattern says 0, the code must not look.
            hidden = np.full((size, size), np.nan)
            for i, j in {*pattern, *((i, i) for i in range(size))}:
                hidden[i, j] = matrix[i, j]
            module.factorise(hidden, factors)
            assert np.all(np.isfinite(factors))
            module.solve(factors, result)
            return result

        return solve

    return made


def random_case(rng, size, density):
    """Return a pattern, and a matrix of that pattern whose diagonal outweighs its rows."""
    present = rng.uniform(size=(size, size)) < density
    # Some diagonal entries may be missing in the Jacobian; the matrix to factorise has them all the same.
    pattern = sorted(map(tuple, np.argwhere(present).tolist()))
    matrix = np.where(present, rng.standard_normal((size, size)), 0.0)
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, np.abs(matrix).sum(axis=1) + rng.uniform(0.5, 2.0, size))
    return pattern, matrix


@pytest.mark.parametrize("density", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_the_code_solves(solver, size, density):
    rng = np.random.default_rng([size, int(10 * density)])
    for _ in range(5):
        pattern, matrix = random_case(rng, size, density)
        vector = rng.standard_normal(size)
        np.testing.assert_allclose(solver(size, pattern)(matrix, vector), np.linalg.solve(matrix, vector), rtol=1e-11)


def test_rescaled_states_give_the_same_bits(solver):
    rng = np.random.default_rng(8)
    for _ in range(10):
        pattern, matrix = random_case(rng, 12, 0.3)
        vector, units = rng.standard_normal(12), 2.0 ** rng.integers(-60, 60, 12)
        solve = solver(12, pattern)
        rescaled = solve(matrix * units[:, np.newaxis] / units, vector * units)
        assert np.array_equal(rescaled, units * solve(matrix, vector))


@pytest.mark.parametrize("hub", [0, 3, 7])
def test_an_arrow_has_no_fill_in(hub):
    # A pump that all states touch: eliminated first it would join all of them.
    pattern = [(hub, i) for i in range(8)] + [(i, hub) for i in range(8) if i != hub]
    order = pivot_order(8, pattern)
    assert order.index(hub) >= 6
    assert Elimination(8, pattern).count == 8 + 2 * 7


def test_a_tree_has_no_fill_in():
    rng = np.random.default_rng(9)
    for size in (2, 5, 15, 30):
        names = rng.permutation(size)
        edges = [(int(names[i]), int(names[rng.integers(i)])) for i in range(1, size)]
        pattern = edges + [(j, i) for i, j in edges]
        assert Elimination(size, pattern).count == size + 2 * (size - 1)


def test_fill_in_is_counted_as_elimination_makes_it():
    rng = np.random.default_rng(10)
    for size in (3, 8, 15):
        pattern, _ = random_case(rng, size, 0.25)
        elimination = Elimination(size, pattern)
        full = np.eye(size, dtype=bool)
        full[tuple(np.transpose(pattern))] = True
        full = full[np.ix_(elimination.order, elimination.order)]
        for k in range(size):
            full[k + 1 :, k + 1 :] |= np.outer(full[k + 1 :, k], full[k, k + 1 :])
        assert elimination.count == full.sum()


def test_each_pivot_has_the_least_count():
    rng = np.random.default_rng(11)
    for _ in range(10):
        pattern, _ = random_case(rng, 9, 0.3)
        full = np.eye(9, dtype=bool)
        full[tuple(np.transpose(pattern))] = True
        left = list(range(9))
        for pivot in pivot_order(9, pattern):
            counts = {k: (full[left, k].sum() - 1) * (full[k, left].sum() - 1) for k in left}
            assert counts[pivot] == min(counts.values())
            full |= np.outer(full[:, pivot], full[pivot, :])
            left.remove(pivot)
        assert left == []


def test_ties_go_to_the_lower_index():
    dense = list(itertools.product(range(5), range(5)))
    assert pivot_order(5, dense) == pivot_order(5, []) == [0, 1, 2, 3, 4]
