"""The parameter catalogue: one row a parameter with its unit, default, bounds, spread, meaning and source."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

import numpy as np

from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.foundation.records import record_type

#: How well a value is known, from best to worst.
Knowledge = Literal["measured", "fitted", "derived", "assumed"]
KNOWLEDGE_MEANING: Final[Mapping[str, str]] = {
    "measured": "read off an experiment that measured it",
    "fitted": "estimated by the cited model from data",
    "derived": "computed from measured or fitted values",
    "assumed": "chosen; no data identify it",
}


@dataclass(frozen=True)
class BetweenPatients:
    """How a parameter varies between patients.

    Parameters
    ----------
    distribution : {"log-normal", "logit-normal", "normal"}
    sd : float
        Standard deviation on the transformed scale (of ln x for log-normal), dimensionless for the first two.
    source : str
        Where the spread was read.
    """

    distribution: Literal["log-normal", "logit-normal", "normal"]
    sd: float
    source: str


@dataclass(frozen=True)
class Parameter:
    """One row of a catalogue.

    Parameters
    ----------
    name, unit, default, bounds
        Name with its unit spelled out, unit ("-" for none), default value, closed range of allowed values.
    meaning, source, knowledge
        One sentence; paper with DOI or PMID; how well it is known.
    symbol : str
        Symbol in the cited paper.
    between_patients : BetweenPatients, optional
    """

    name: str
    unit: str
    default: float
    bounds: tuple[float, float]
    meaning: str
    source: str
    knowledge: Knowledge = "fitted"
    symbol: str = ""
    between_patients: BetweenPatients | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.default) and self.bounds[0] <= self.default <= self.bounds[1]):
            raise ParameterError(f"parameter {self.name}: default {self.default} is outside its bounds {self.bounds}")
        if not (self.meaning and self.source):
            raise ParameterError(f"parameter {self.name}: give its meaning and its source")

    def checked(self, value: Any) -> float:
        """Return `value` as a float inside the bounds, or raise `ParameterError`."""
        return number(self.name, value, self.unit, self.bounds, hint=f"It is: {self.meaning}.")


class Catalogue(Mapping[str, Parameter]):
    """An ordered, immutable collection of parameters; its names are the record type that kernels read.

    Raises
    ------
    ParameterError
        For a name that stands twice or cannot be a field name.
    """

    def __init__(self, name: str, rows: tuple[Parameter, ...]) -> None:
        self.name = name
        self._rows = {row.name: row for row in rows}
        if len(self._rows) != len(rows):
            twice = sorted({row.name for row in rows if sum(row.name == other.name for other in rows) > 1})
            raise ParameterError(f"catalogue {name}: these parameters stand twice: {', '.join(twice)}")
        self.record_type: np.dtype[Any] = record_type(tuple(self._rows))

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self._rows[name]
        except KeyError:
            raise unknown_name(f"parameter of {self.name}", name, self._rows) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<Catalogue {self.name}: {len(self)} parameters>"

    def extended(self, name: str, rows: tuple[Parameter, ...], **defaults: float) -> Catalogue:
        """Return a new catalogue: these rows with other `defaults`, then `rows`."""
        for key in defaults:
            self[key]
        kept = (replace(row, default=defaults.get(row.name, row.default)) for row in self.values())
        return Catalogue(name, (*kept, *rows))

    def rows(self) -> list[dict[str, Any]]:
        """Return the catalogue as a list of dicts, one a parameter, ready for a table."""
        return [{field.name: getattr(row, field.name) for field in fields(row)} for row in self.values()]

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in ("name", "value", "unit", "meaning", "known", "source"))
        body = "".join(
            "<tr>"
            + "".join(
                f"<td>{html.escape(str(cell))}</td>"
                for cell in (row.name, f"{row.default:g}", row.unit, row.meaning, row.knowledge, row.source)
            )
            + "</tr>"
            for row in self.values()
        )
        return f"<table><caption>{html.escape(self.name)}</caption><tr>{head}</tr>{body}</table>"
