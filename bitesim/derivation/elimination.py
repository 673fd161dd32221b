"""Symbolic LU factorisation of I/(h gamma) - J without row exchanges: the order of pivots, and the lines of code.

The factors are L D U with ones on the diagonals of L and U, so that the unknowns of a solution wait for one fused
operation each. Pivots stay on the diagonal, which makes the elimination blind to the units of the states: rescaling
them rescales every number in it exactly. The order is Markowitz' choice (least fill-in), made once from the pattern.
"""

from __future__ import annotations

from collections.abc import Sequence

Entry = tuple[int, int]


def pivot_order(size: int, pattern: Sequence[Entry]) -> list[int]:
    """Return the order of diagonal pivots by Markowitz' count (rows - 1) * (columns - 1), ties to the lower index."""
    rows = {i: {j for row, j in pattern if row == i} | {i} for i in range(size)}
    left, order = set(range(size)), []
    while left:

        def count(pivot: int, left: set[int] = left) -> tuple[int, int, int]:
            below = sum(1 for i in left if i != pivot and pivot in rows[i])
            beside = len(rows[pivot] & left) - 1
            return below * beside, below + beside, pivot

        pivot = min(left, key=count)
        order.append(pivot)
        left.discard(pivot)
        for i in left:
            if pivot in rows[i]:
                rows[i] |= rows[pivot] & left
    return order


class Elimination:
    """The straight-line code of one pattern.

    Parameters
    ----------
    size : int
    pattern : sequence of (row, column)
        Where J may differ from 0.

    Attributes
    ----------
    factor_lines, solve_lines : list of str
        Bodies of the two functions; the first expects names ``w<row>_<column>`` for the entries of the matrix.
    count : int
        Numbers that the factors take.
    """

    def __init__(self, size: int, pattern: Sequence[Entry]) -> None:
        self.order = pivot_order(size, pattern)
        self.factor_lines: list[str] = []
        self._place: dict[Entry, int] = {}
        present = set(pattern) | {(i, i) for i in range(size)}
        for step, k in enumerate(self.order):
            self._eliminate(k, self.order[step + 1 :], present)
        self.count = len(self._place)
        self.solve_lines = self._solve(size, present)

    def _eliminate(self, k: int, later: list[int], present: set[Entry]) -> None:
        lines = self.factor_lines
        lines.append(f"w{k}_{k} = 1.0 / w{k}_{k}")
        self._keep(k, k, f"w{k}_{k}")
        for j in later:
            if (k, j) in present:
                self._keep(k, j, f"w{k}_{j} * w{k}_{k}")
        for i in later:
            if (i, k) not in present:
                continue
            lines.append(f"w{i}_{k} = w{i}_{k} * w{k}_{k}")
            self._keep(i, k, f"w{i}_{k}")
            for j in later:
                if (k, j) in present:
                    before = f"w{i}_{j} - " if (i, j) in present else "-"
                    lines.append(f"w{i}_{j} = {before}w{i}_{k} * w{k}_{j}")
                    present.add((i, j))

    def _keep(self, row: int, column: int, text: str) -> None:
        place = self._place.setdefault((row, column), len(self._place))
        self.factor_lines.append(f"factors[{place}] = {text}")

    def _solve(self, size: int, present: set[Entry]) -> list[str]:
        lines = [f"x{i} = vector[{i}]" for i in range(size)]
        for step, k in enumerate(self.order):
            lines += [
                f"x{i} = x{i} - factors[{self._place[i, k]}] * x{k}" for i in self.order[step + 1 :] if (i, k) in present
            ]
        lines += [f"x{k} = x{k} * factors[{self._place[k, k]}]" for k in self.order]
        for step in range(size - 1, -1, -1):
            k = self.order[step]
            known = [j for j in self.order[step + 1 :] if (k, j) in present]
            # The unknown that is found last comes last, so that the next row waits for one product only.
            for j in reversed(known):
                lines.append(f"x{k} = x{k} - factors[{self._place[k, j]}] * x{j}")
            lines.append(f"vector[{k}] = x{k}")
        return lines
