"""The fields of a model's state: name, unit, meaning, and the size below which each no longer matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.foundation.records import record_type


@dataclass(frozen=True)
class Species:
    """One state variable.

    Parameters
    ----------
    name, unit, meaning : str
    scale : float
        Size below which the variable no longer matters, in its unit: the absolute tolerance is rtol * scale.
    symbol : str
        Symbol in the cited paper; results can be read by it too.
    countable : bool
        True for a number of cells, which a stochastic engine may treat as an integer.
    """

    name: str
    unit: str
    meaning: str
    scale: float
    symbol: str = ""
    countable: bool = False


class SpeciesTable(Mapping[str, Species]):
    """The ordered species of a model; its names are the record type that kernels read."""

    def __init__(self, rows: tuple[Species, ...]) -> None:
        self._rows = {row.name: row for row in rows}
        if len(self._rows) != len(rows):
            raise ParameterError("a species stands twice in the table")
        for row in rows:
            if not 0.0 < row.scale < float("inf"):
                raise ParameterError(f"species {row.name}: scale = {row.scale} must be a positive number")
        self.record_type: np.dtype[Any] = record_type(tuple(self._rows))
        self._positions = {name: position for position, name in enumerate(self._rows)}

    def __getitem__(self, name: str) -> Species:
        try:
            return self._rows[name]
        except KeyError:
            raise unknown_name("species", name, self._rows) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def position(self, name: str) -> int:
        """Return the place of species `name` in the state vector."""
        self[name]
        return self._positions[name]

    def scales(self) -> NDArray[np.float64]:
        """Return the scale of each species, in order."""
        return np.array([row.scale for row in self.values()])

    def extended(self, rows: tuple[Species, ...]) -> SpeciesTable:
        """Return a table with `rows` behind these."""
        return SpeciesTable((*self.values(), *rows))
