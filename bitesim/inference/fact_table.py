"""The fact table: every published fact beside the model's number, which are met, and the score of the MRD conversions."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.inference.calibrated_set import calibrated
from bitesim.inference.fact_measures import measured
from bitesim.inference.facts import CONVERSIONS, Fact, facts
from bitesim.inference.free_parameters import Values
from bitesim.inference.missed_facts import reason
from bitesim.inference.trial_runs import TrialRuns

#: Conversion of a baseline that knows nothing but the drug: 78 % on blinatumomab, 24 % on chemotherapy.
NAIVE: Final = {name: 0.24 if "chemotherapy" in name else 0.78 for name in CONVERSIONS}


@dataclass(frozen=True)
class FactRow:
    """One fact and the model's number of it."""

    fact: Fact
    model: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds the model's number."""
        return self.fact.evidence.contains(self.model)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can write it."""
        evidence = self.fact.evidence
        return {
            "id": self.fact.id,
            "section": self.fact.section,
            "quantity": self.fact.quantity,
            "unit": self.fact.unit,
            "published": evidence.published,
            "low": evidence.low,
            "high": evidence.high,
            "model": self.model,
            "inside": self.inside,
            "counted": self.fact.counted,
            "weight": self.fact.weight,
            "rule": self.fact.rule,
            "source": self.fact.source,
            "note": self.fact.note,
            "reason_missed": "" if self.inside else reason(self.fact.id),
        }


class FactTable(Sequence[FactRow]):
    """Facts in the order of the file; prints as text, in a notebook as a table, and writes JSON and Markdown."""

    def __init__(self, rows: Sequence[FactRow]) -> None:
        self._rows = tuple(rows)

    @property
    def counted(self) -> tuple[FactRow, ...]:
        """Rows that count: those that do not follow from others."""
        return tuple(row for row in self._rows if row.fact.counted)

    @property
    def share_inside(self) -> float:
        """Share of the counted facts whose interval holds the model's number [-]."""
        return sum(row.inside for row in self.counted) / len(self.counted)

    def log_scores(self) -> tuple[float, float]:
        """Return the log-likelihood of the four MRD conversions by the model, and by constant conversion of 78 and 24 %."""
        # SciPy's distributions take a third of a second to import.
        from scipy.stats import binom

        chances = {row.fact.id: row.model for row in self._rows}
        evidence = {row.fact.id: row.fact.evidence for row in self._rows}
        return (
            sum(float(binom.logpmf(evidence[name].k, evidence[name].n, chances[name])) for name in CONVERSIONS),
            sum(float(binom.logpmf(evidence[name].k, evidence[name].n, NAIVE[name])) for name in CONVERSIONS),
        )

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            found = {row.fact.id: row for row in self._rows}
            if key not in found:
                raise unknown_name("fact", key, found)
            return found[key]
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[FactRow]:
        return iter(self._rows)

    def plot(self, ax: Any = None) -> Any:
        """Draw it; return the Axes."""
        if _plot_hook is None:
            raise ParameterError("plotting is not loaded: import bitesim.plots first (import bitesim does it)")
        return _plot_hook(self, ax)

    def write_json(self, path: str | PathLike[str]) -> None:
        """Write a list of objects, one a fact."""
        Path(path).write_text(json.dumps([row.as_dict() for row in self._rows], indent=1) + "\n", encoding="utf-8")

    def to_markdown(self) -> str:
        """Return the table as Markdown, with what is missed and why."""
        lines = ["| fact | published | 95 % interval | model | met |", "|---|---|---|---|---|"]
        for row in self._rows:
            evidence = row.fact.evidence
            met = "yes" if row.inside else "**no**"
            lines.append(
                f"| {row.fact.quantity} [{row.fact.unit}] | {evidence.published:.3g} | {evidence.low:.3g} to "
                f"{evidence.high:.3g} | {row.model:.3g} | {met if row.fact.counted else f'{met} (not counted)'} |"
            )
        missed = [row for row in self.counted if not row.inside]
        lines += ["", *self._summary(), ""]
        lines += [f"- Missed: {row.fact.quantity}: {row.model:.3g}. {reason(row.fact.id)}" for row in missed]
        return "\n".join(lines) + "\n"

    def _summary(self) -> list[str]:
        model, naive = self.log_scores()
        met = sum(row.inside for row in self.counted)
        return [
            f"{met} of {len(self.counted)} facts lie inside their intervals ({self.share_inside:.0%}).",
            f"Log score of the four MRD conversions: {model:.2f}; constant conversion of 78 and 24 %: {naive:.2f}.",
        ]

    def __str__(self) -> str:
        lines = [f"{'fact':36s}{'published':>10s}{'95 % interval':>22s}{'model':>10s}  met"]
        for row in self._rows:
            evidence = row.fact.evidence
            interval = f"{evidence.low:.3g} to {evidence.high:.3g}"
            met = ("yes" if row.inside else "NO") + ("" if row.fact.counted else " (not counted)")
            lines.append(f"{row.fact.id:36s}{evidence.published:>10.3g}{interval:>22s}{row.model:>10.3g}  {met}")
        return "\n".join([*lines, "", *self._summary()])

    def __repr__(self) -> str:
        return f"<FactTable: {sum(row.inside for row in self.counted)} of {len(self.counted)} facts met>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td>{html.escape(row.fact.quantity)}</td><td>{row.fact.evidence.published:.3g}</td>"
            f"<td>{row.fact.evidence.low:.3g} to {row.fact.evidence.high:.3g}</td><td>{row.model:.3g}</td>"
            f"<td>{html.escape(row.fact.unit)}</td><td>{'yes' if row.inside else '<b>no</b>'}</td>"
            f"<td>{html.escape(row.fact.source)}</td></tr>"
            for row in self._rows
        )
        head = "".join(f"<th>{name}</th>" for name in ("fact", "published", "interval", "model", "unit", "met", "source"))
        caption = html.escape(" ".join(self._summary()))
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{cells}</table>"


_plot_hook: Callable[..., Any] | None = None


def register_table_plot(function: Callable[..., Any]) -> None:
    """Let `FactTable.plot` draw; the floor of plots calls it when it is imported."""
    global _plot_hook
    _plot_hook = function


def fact_table(values: Values | None = None, seed: int | None = None) -> FactTable:
    """Return every fact beside the model's number.

    Parameters
    ----------
    values : Values, optional
        Default: the calibrated set that ships with bitesim; `Values()` are the catalogue's.
    seed : int, optional
        Of the virtual patients; default that of the calibration. Another seed shows how much depends on who was drawn.
    """
    chosen = calibrated().values if values is None else values
    numbers = measured(TrialRuns(chosen, calibrated().seed if seed is None else seed))
    return FactTable([FactRow(each, numbers[each.id]) for each in facts()])
