"""Correlated standard normal scores of patients: a Gaussian copula over counter-based draws keyed to names.

A score is a function of (seed, patient, name of the quantity, attempt): neither other patients nor quantities that are added
change it. Correlated quantities are mixed by a Cholesky factor in the order of their names as given, so that one that is
added at the end changes none before it.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number, shown
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.foundation.random_streams import Purpose, standard_normal

Matrix = NDArray[np.float64]
_PURPOSE: Final = int(Purpose.BETWEEN_PATIENTS)
#: Below it a matrix is singular for all that rounding can tell.
_LEAST_EIGENVALUE: Final = 1e-10


@kernel
def _fill(seed: Any, patients: Any, draw: Any, purpose: int, scores: Any) -> None:
    for row in range(len(patients)):
        scores[row] = standard_normal(seed, patients[row], purpose, draw)


def draw_number(name: str, attempt: int = 0) -> int:
    """Return the 64-bit number of a quantity's draw: it depends on its name and the attempt alone."""
    return int.from_bytes(hashlib.blake2b(f"{name}\0{attempt}".encode(), digest_size=8).digest(), "little")


def independent_scores(seed: int, patients: NDArray[np.uint64], name: str, attempt: int = 0) -> NDArray[np.float64]:
    """Return one standard normal number a patient, shape (patients,).

    Parameters
    ----------
    seed : int
        64 bits.
    patients : ndarray of uint64
        Numbers of the patients, 0 to 2**32 - 1.
    name : str
        The quantity.
    attempt : int
        How often the patient was drawn before.
    """
    scores = np.empty(len(patients))
    _fill(np.uint64(seed), patients, np.uint64(draw_number(name, attempt)), _PURPOSE, scores)
    return scores


@dataclass(frozen=True, eq=False)
class Copula:
    """A Gaussian copula: standard normal scores with given correlations.

    Parameters
    ----------
    names : sequence of str
    correlations : mapping of (str, str) to float
        Correlation of the two quantities' normal scores [-], inside (-1, 1); 0 where a pair is left out.

    Raises
    ------
    ParameterError
        For unknown names, a pair given twice or of one name, and a matrix that is not positive definite.

    Notes
    -----
    A correlation here is that of the normal scores. That of the values differs from it where a distribution is not normal;
    their rank correlation (Spearman's) is ``6 / pi * asin(rho / 2)`` whatever the distributions (Kruskal 1958, J Am Stat
    Assoc 53:814), as long as these are continuous.
    """

    names: Sequence[str]
    correlations: Mapping[tuple[str, str], float]
    matrix: Matrix = field(init=False)
    factor: Matrix = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        matrix = self._completed()
        values, vectors = np.linalg.eigh(matrix)
        if values[0] < _LEAST_EIGENVALUE:
            raise ParameterError(self._not_positive_definite(float(values[0]), vectors[:, 0]))
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "factor", _cholesky(matrix))

    def _completed(self) -> Matrix:
        matrix = np.eye(max(len(self.names), 1))
        seen: set[frozenset[str]] = set()
        for pair, value in self.correlations.items():
            if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] == pair[1]:
                raise ParameterError(f"correlations has the key {shown(pair)}: expected a pair of names, ('a', 'b')")
            for name in pair:
                if name not in self.names:
                    raise unknown_name("quantity in correlations", name, self.names)
            if frozenset(pair) in seen:
                raise ParameterError(f"correlations has {pair[0]} and {pair[1]} twice: give each pair once")
            seen.add(frozenset(pair))
            most = 1.0 - 1e-9
            hint = "It is the correlation of two quantities' normal scores, inside -1 and 1."
            first, second = self.names.index(pair[0]), self.names.index(pair[1])
            matrix[first, second] = matrix[second, first] = number(
                f"correlations[{pair[0]!r}, {pair[1]!r}]", value, "-", (-most, most), hint
            )
        return matrix

    def _not_positive_definite(self, least: float, vector: Matrix) -> str:
        """Say which pairs make up the direction in which the variance would not be positive."""
        parts = [
            (2.0 * abs(vector[i] * vector[j] * rho), f"({a}, {b}): {rho:g}")
            for (a, b), rho in self.correlations.items()
            for i, j in [(self.names.index(a), self.names.index(b))]
        ]
        pairs = [text for share, text in sorted(parts, key=lambda part: -round(part[0], 6)) if share > 0.01]
        return (
            "correlations are not positive definite, so no quantities have them together: the smallest eigenvalue is "
            f"{least:.3g}, expected above {_LEAST_EIGENVALUE:g}. It comes from {', '.join(pairs)}. Two quantities that both "
            "go with a third go with each other: give that pair too (pairs left out are 0), or weaken these."
        )

    def spearman(self) -> dict[tuple[str, str], float]:
        """Return the rank correlation that each pair's correlation implies [-]."""
        return {pair: 6.0 / math.pi * math.asin(float(rho) / 2.0) for pair, rho in self.correlations.items()}

    def scores(self, seed: int, patients: NDArray[np.uint64], attempt: int = 0) -> dict[str, NDArray[np.float64]]:
        """Return each quantity's scores, shape (patients,) each; the arguments are those of `independent_scores`."""
        found: dict[str, NDArray[np.float64]] = {}
        drawn = [independent_scores(seed, patients, name, attempt) for name in self.names]
        for row, name in enumerate(self.names):
            # Summed in a fixed order, without BLAS: a patient's bits depend on no other patient.
            terms = [self.factor[row, column] * drawn[column] for column in range(row) if self.factor[row, column] != 0.0]
            terms.append(self.factor[row, row] * drawn[row])
            found[name] = np.ascontiguousarray(list(itertools.accumulate(terms))[-1])
        return found


def _cholesky(matrix: Matrix) -> Matrix:
    """Return the lower Cholesky factor; a later row changes nothing in those before it, to the last bit."""
    size = len(matrix)
    factor = np.zeros_like(matrix)
    for row in range(size):
        for column in range(row + 1):
            rest = float(matrix[row, column]) - math.fsum(factor[row, k] * factor[column, k] for k in range(column))
            factor[row, column] = math.sqrt(rest) if row == column else rest / factor[column, column]
    return factor
