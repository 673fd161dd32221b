"""Coefficients of Rosenbrock methods, which check their own order conditions when they are made.

A method with s stages takes, from y over a step h, with W = I/(h gamma) - J:

    W k_i = f(y + sum_j a_ij k_j) + sum_j (c_ij / h) k_j        i = 1..s
    y_new = y + sum_j a_sj k_j + k_s,   error estimate k_s      (stiffly accurate)

(Hairer & Wanner, Solving Ordinary Differential Equations II, 2nd ed. 1996, section IV.7, eq. 7.25).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from math import prod

import numpy as np
from numpy.typing import NDArray

#: A rooted tree is the tuple of the trees that hang on its root; () is the tree of order 1.
Tree = tuple["Tree", ...]


def rooted_trees(order: int) -> Iterator[Tree]:
    """Yield every rooted tree with `order` nodes: each stands for one order condition."""

    def forests(nodes: int, largest: int) -> Iterator[Tree]:
        if nodes == 0:
            yield ()
            return
        for size in range(min(nodes, largest), 0, -1):
            trees = list(rooted_trees(size))
            for count in range(nodes // size, 0, -1):
                for chosen in combinations_with_replacement(trees, count):
                    for rest in forests(nodes - count * size, size - 1):
                        yield (*chosen, *rest)

    yield from forests(order - 1, order - 1)


def tree_order(tree: Tree) -> int:
    """Return the number of nodes of `tree`."""
    return 1 + sum(tree_order(branch) for branch in tree)


def tree_density(tree: Tree) -> int:
    """Return gamma(tree), the factor whose inverse the method must reproduce."""
    return tree_order(tree) * prod(tree_density(branch) for branch in tree)


@dataclass(frozen=True, eq=False)
class RosenbrockTableau:
    """Coefficients of a stiffly accurate Rosenbrock method.

    Parameters
    ----------
    name, source : str
    order, embedded_order : int
        Order of the solution and of the embedded solution that gives the error estimate.
    gamma : float
    a, c : ndarray, shape (stages, stages)
        Strictly lower triangular.
    dense : ndarray, shape (degree, stages)
        Rows of the interpolant: y(theta) = (1-theta) y + theta (y_new + (1-theta) sum_r theta^r dense[r] . k).
    dense_order : int
    """

    name: str
    source: str
    order: int
    embedded_order: int
    gamma: float
    a: NDArray[np.float64]
    c: NDArray[np.float64]
    dense: NDArray[np.float64]
    dense_order: int

    def __post_init__(self) -> None:
        worst = max(self.condition_error(self.weights, order) for order in range(1, self.order + 1))
        embedded = max(self.condition_error(self.embedded_weights, order) for order in range(1, self.embedded_order + 1))
        if worst > 1e-9 or embedded > 1e-9:
            raise ValueError(f"{self.name}: order conditions are violated by {worst:.1e} and {embedded:.1e} (embedded)")

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.a)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights of the stages in y_new."""
        return np.asarray(np.append(self.a[-1, :-1], 1.0), dtype=np.float64)

    @property
    def embedded_weights(self) -> NDArray[np.float64]:
        """Weights of the stages in the embedded solution."""
        return np.asarray(self.a[-1], dtype=np.float64)

    @cached_property
    def _untransformed(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Matrices Gamma and alpha of the untransformed method, eq. 7.4 of the book."""
        big_gamma = np.asarray(np.linalg.inv(np.eye(self.stages) / self.gamma - self.c), dtype=np.float64)
        return big_gamma, self.a @ big_gamma

    def condition_error(self, weights: NDArray[np.float64], order: int, theta: float = 1.0) -> float:
        """Return the largest violation of the order conditions of exactly `order` for a solution at `theta`."""
        big_gamma, alpha = self._untransformed
        beta = alpha + big_gamma

        def stage_sums(tree: Tree) -> NDArray[np.float64]:
            if not tree:
                return np.ones(self.stages)
            if len(tree) == 1:
                return np.asarray(beta @ stage_sums(tree[0]))
            return np.asarray(np.prod([alpha @ stage_sums(branch) for branch in tree], axis=0))

        untransformed = weights @ big_gamma
        return max(
            abs(float(untransformed @ stage_sums(tree)) - theta**order / tree_density(tree)) for tree in rooted_trees(order)
        )

    def dense_weights(self, theta: float) -> NDArray[np.float64]:
        """Return the weights of the stages in the interpolant at `theta` in [0, 1]."""
        polynomial = sum(theta**power * row for power, row in enumerate(self.dense))
        return np.asarray(theta * (self.weights + (1.0 - theta) * polynomial))


def _lower_triangle(stages: int, rows: list[list[float]]) -> NDArray[np.float64]:
    matrix = np.zeros((stages, stages))
    for index, row in enumerate(rows):
        matrix[index, : len(row)] = row
    return matrix


_RODAS5P_LAST = [
    -7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946,
]  # fmt: skip

RODAS5P = RosenbrockTableau(
    name="Rodas5P",
    source="Steinebach 2023, BIT Numer. Math. 63:27, doi:10.1007/s10543-023-00967-x",
    order=5,
    embedded_order=4,
    gamma=0.21193756319429014,
    a=_lower_triangle(
        8,
        [
            [],
            [3.0],
            [2.849394379747939, 0.45842242204463923],
            [-6.954028509809101, 2.489845061869568, -10.358996098473584],
            [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
            _RODAS5P_LAST,
            [*_RODAS5P_LAST, 1.0],
            [*_RODAS5P_LAST, 1.0, 1.0],
        ],
    ),
    c=_lower_triangle(
        8,
        [
            [],
            [-14.155112264123755],
            [-17.97296035885952, -2.859693295451294],
            [147.12150275711716, -1.41221402718213, 71.68940251302358],
            [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
            [24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471],
            [
                30.91273214028599,
                -3.1208243349937974,
                77.79954646070892,
                34.28646028294783,
                -19.097331116725623,
                -28.087943162872662,
            ],
            [
                37.80277123390563,
                -3.2571969029072276,
                112.26918849496327,
                66.9347231244047,
                -40.06618937091002,
                -54.66780262877968,
                -9.48861652309627,
            ],
        ],
    ),
    dense=np.array(
        [
            [
                25.948786856663858,
                -2.5579724845846235,
                10.433815404888879,
                -2.3679251022685204,
                0.524948541321073,
                1.1241088310450404,
                0.4272876194431874,
                -0.17202221070155493,
            ],
            [
                -9.91568850695171,
                -0.9689944594115154,
                3.0438037242978453,
                -24.495224566215796,
                20.176138334709044,
                15.98066361424651,
                -6.789040303419874,
                -6.710236069923372,
            ],
            [
                11.419903575922262,
                2.8879645146136994,
                72.92137995996029,
                80.12511834622643,
                -52.072871366152654,
                -59.78993625266729,
                -0.15582684282751913,
                4.883087185713722,
            ],
        ]
    ),
    dense_order=4,
)
