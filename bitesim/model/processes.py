"""The process table: what each process changes, written by name; its flux is written in a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.foundation.records import record_type
from bitesim.model.species import SpeciesTable

Changes = Mapping[str, float]


class Processes(Mapping[str, Changes]):
    """Ordered processes: name -> {species: change per event}; the rate of change is changes @ flux.

    Parameters
    ----------
    table : mapping
        E.g. ``{"blast_killing": {"blasts": -1}}``.

    Raises
    ------
    ParameterError
        For a process without a change, or with a change that is zero or not finite.
    """

    def __init__(self, table: Mapping[str, Changes]) -> None:
        for name, changes in table.items():
            if not changes:
                raise ParameterError(f"process {name} changes nothing: name at least one species")
            for species, change in changes.items():
                if not (np.isfinite(change) and change != 0):
                    raise ParameterError(f"process {name} changes {species} by {change}: expected a number that is not 0")
        self._table = {name: dict(changes) for name, changes in table.items()}
        self.record_type: np.dtype[Any] = record_type(tuple(self._table))

    def __getitem__(self, name: str) -> Changes:
        try:
            return self._table[name]
        except KeyError:
            raise unknown_name("process", name, self._table) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def extended(self, table: Mapping[str, Changes]) -> Processes:
        """Return a table with further processes behind these."""
        twice = sorted(set(table) & set(self._table))
        if twice:
            raise ParameterError(f"these processes stand twice: {', '.join(twice)}")
        return Processes({**self._table, **table})

    def matrix(self, species: SpeciesTable) -> NDArray[np.float64]:
        """Return the change matrix, shape (species, processes)."""
        result = np.zeros((len(species), len(self)))
        for column, (name, changes) in enumerate(self._table.items()):
            for changed, change in changes.items():
                if changed not in species:
                    raise ParameterError(f"process {name}: {unknown_name('species', changed, species)}")
                result[species.position(changed), column] = change
        return result
