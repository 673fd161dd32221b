"""An immutable, checked set of parameter values, which becomes the flat vector that kernels read by name."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import unknown_name
from bitesim.parameters.catalogue import Catalogue


class ParameterSet:
    """Values for every parameter of a catalogue; read as ``set.name`` or ``set["name"]``, changed by `replace`.

    Parameters
    ----------
    catalogue : Catalogue
    changes : dict, optional
        Values that differ from the catalogue's defaults; each is checked against its bounds.
    label : str
        Name of the set, e.g. the publication it came from.
    """

    __slots__ = ("_values", "catalogue", "label")
    _values: dict[str, float]
    catalogue: Catalogue
    label: str

    def __init__(self, catalogue: Catalogue, changes: dict[str, Any] | None = None, label: str = "defaults") -> None:
        values = {name: row.default for name, row in catalogue.items()}
        for name, value in (changes or {}).items():
            values[name] = catalogue[name].checked(value)
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "catalogue", catalogue)
        object.__setattr__(self, "label", label)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a ParameterSet does not change: use parameters.replace({name}={value!r})")

    def __getattr__(self, name: str) -> float:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            # hasattr() and tab completion need an AttributeError; its text still says what was meant.
            raise AttributeError(str(unknown_name(f"parameter of {self.catalogue.name}", name, self._values))) from None

    def __getitem__(self, name: str) -> float:
        try:
            return self._values[name]
        except KeyError:
            raise unknown_name(f"parameter of {self.catalogue.name}", name, self._values) from None

    def __reduce__(self) -> tuple[Any, ...]:
        return ParameterSet, (self.catalogue, dict(self._values), self.label)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParameterSet) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        changed = ", ".join(f"{name}={value:g}" for name, value in self.changed().items())
        return f"<ParameterSet {self.catalogue.name}, {self.label}{': ' + changed if changed else ''}>"

    def replace(self, **changes: Any) -> ParameterSet:
        """Return a new set with some values changed.

        Raises
        ------
        UnknownNameError
            For a name that the catalogue does not hold; the message names the closest one.
        ParameterError
            For a value outside its bounds.
        """
        for name in changes:
            self.catalogue[name]
        return ParameterSet(self.catalogue, {**self._values, **changes}, self.label)

    def as_dict(self) -> dict[str, float]:
        """Return name -> value for every parameter, in catalogue order."""
        return dict(self._values)

    def changed(self) -> dict[str, float]:
        """Return the values that differ from the catalogue's defaults."""
        return {name: value for name, value in self._values.items() if value != self.catalogue[name].default}

    def vector(self) -> NDArray[np.float64]:
        """Return the values as a new flat float64 vector, which `catalogue.record_type` reads by name."""
        return np.array(list(self._values.values()), dtype=np.float64)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{value:g}</td><td>{html.escape(self.catalogue[name].unit)}</td>"
            f"<td>{html.escape(self.catalogue[name].meaning)}</td></tr>"
            for name, value in self._values.items()
        )
        return f"<table><caption>{html.escape(self.catalogue.name)}, {html.escape(self.label)}</caption>{rows}</table>"
