"""The one result that every engine returns: labelled outputs and states over time, and what produced them."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import ParameterError, needs_extra, unknown_name
from bitesim.foundation.provenance import Provenance
from bitesim.treatment import DrugLedger, RateSegment

#: Set by bitesim.plots when it is imported, so that no lower floor imports the plotting code.
_plot_hook: Callable[..., Any] | None = None


def register_plot(hook: Callable[..., Any]) -> None:
    """Let `hook` draw for `Trajectory.plot`."""
    global _plot_hook
    _plot_hook = hook


@dataclass(frozen=True)
class RunEvent:
    """Something that happened during a run: a dose step, a bag change, a hold, a pulse, a decision."""

    time_days: float
    kind: str
    text: str


@dataclass(frozen=True)
class SolverReport:
    """How the numbers were made.

    Parameters
    ----------
    engine, method : str
    counters : mapping
        Accepted and rejected steps, right-hand sides, Jacobians, factorisations, restarts.
    conservation : mapping
        Balance -> largest violation over the run, relative to what was delivered (or 1 unit).
    """

    engine: str
    method: str
    counters: Mapping[str, int]
    conservation: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The course of one patient.

    Read an output or a state by name or by its symbol in the cited paper: ``run["blood_b_cells_per_ul"]``,
    ``run["Rp"]``; ``run.outputs`` and ``run.states`` list the names, ``run.units`` their units.

    Parameters
    ----------
    times_days : ndarray, shape (times,)
    values : mapping
        Name -> ndarray, shape (times,): outputs first, then states.
    outputs, states : tuple of str
    units, symbols : mapping
        Name -> unit; symbol -> name.
    patient : str
    solver : SolverReport
    events : tuple of RunEvent
    ledger : DrugLedger
        Drug planned, delivered, missed and made up, per day [ug].
    provenance : Provenance
    infusions : tuple of RateSegment
        What the pump did, for the picture underneath.
    clones : tuple of str
        Outputs that are numbers of cells of a clone: below one, no such cell is left.
    """

    times_days: NDArray[np.float64]
    values: Mapping[str, NDArray[np.float64]]
    outputs: tuple[str, ...]
    states: tuple[str, ...]
    units: Mapping[str, str]
    symbols: Mapping[str, str]
    patient: str
    solver: SolverReport
    events: tuple[RunEvent, ...]
    ledger: DrugLedger | None
    provenance: Provenance
    infusions: tuple[RateSegment, ...] = field(repr=False)
    clones: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        key = self.symbols.get(name, name)
        if key == "time_days":
            return self.times_days
        if key not in self.values:
            raise unknown_name(f"output or state of {self.provenance.model}", name, self.values)
        return self.values[key]

    def __contains__(self, name: object) -> bool:
        return name in self.values or name in self.symbols

    def __len__(self) -> int:
        return len(self.times_days)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.values)

    def __repr__(self) -> str:
        return (
            f"<Trajectory {self.patient}, {self.provenance.model}, {len(self)} times over "
            f"{self.times_days[0]:g} to {self.times_days[-1]:g} d: {', '.join(self.outputs)}>"
        )

    def below_one_cell(self) -> dict[str, float]:
        """Return, for each clone that falls below one cell, the first output time at which it is [d].

        What a deterministic engine lets such a clone become later is no relapse: most courses have lost it.
        """
        found = {}
        for name in self.clones:
            below = np.flatnonzero(self.values[name] < 1.0)
            if len(below):
                found[name] = float(self.times_days[below[0]])
        return found

    def shown(self, name: str, value: float, width: int = 0) -> str:
        """Return one value of an output as text; a clone of less than one cell is said to be that."""
        is_gone = name in self.clones and value < 1.0
        return ("< 1 cell" if is_gone else f"{value:.4g}").rjust(width)

    def rows(self) -> list[dict[str, float]]:
        """Return one dict a time: time_days, outputs, states."""
        names = list(self.values)
        columns = [self.times_days, *(self.values[name] for name in names)]
        return [dict(zip(["time_days", *names], map(float, row), strict=True)) for row in zip(*columns, strict=True)]

    def to_dataframe(self, wide: bool = False) -> Any:
        """Return a pandas DataFrame: tidy (patient, time_days, name, value, unit), or `wide` with time_days first.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise needs_extra("pandas", "data", "to_dataframe()") from None
        if wide:
            return pandas.DataFrame({"time_days": self.times_days, **self.values})
        frames = [
            pandas.DataFrame(
                {
                    "patient": self.patient,
                    "time_days": self.times_days,
                    "name": name,
                    "value": values,
                    "unit": self.units[name],
                }
            )
            for name, values in self.values.items()
        ]
        return pandas.concat(frames, ignore_index=True)

    def to_xarray(self) -> Any:
        """Return an xarray Dataset over time_days, with units as attributes.

        Raises
        ------
        MissingExtraError
            Without xarray.
        """
        try:
            import xarray
        except ImportError:
            raise needs_extra("xarray", "xarray", "to_xarray()") from None
        variables = {name: ("time_days", values, {"units": self.units[name]}) for name, values in self.values.items()}
        coordinates = {"time_days": ("time_days", self.times_days, {"units": "d"})}
        attributes = {"patient": self.patient, "model": self.provenance.model, "provenance": self.provenance.digest()}
        return xarray.Dataset(variables, coords=coordinates, attrs=attributes)

    def to_csv(self, path: str | Path) -> Path:
        """Write the course, one row a time and one column a variable, every digit kept; return the path."""
        target = Path(path)
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=["time_days", *self.values])
            writer.writeheader()
            writer.writerows(self.rows())
        return target

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain lists and dicts that JSON can write."""
        return {
            "patient": self.patient,
            "model": self.provenance.model,
            "time_days": self.times_days.tolist(),
            "outputs": {name: self.values[name].tolist() for name in self.outputs},
            "states": {name: self.values[name].tolist() for name in self.states},
            "units": dict(self.units),
            "symbols": dict(self.symbols),
            "events": [[event.time_days, event.kind, event.text] for event in self.events],
            "ledger": self.ledger.rows() if self.ledger is not None else [],
            "solver": {
                "engine": self.solver.engine,
                "method": self.solver.method,
                "counters": dict(self.solver.counters),
                "conservation": dict(self.solver.conservation),
            },
            "provenance": self.provenance.as_dict(),
        }

    def plot(self, names: list[str] | None = None, ax: Any = None) -> Any:
        """Draw the outputs (or the `names` asked for) over time with the infusion underneath.

        Parameters
        ----------
        names : list of str, optional
        ax : matplotlib Axes, optional
            Draw a single name into this Axes.

        Returns
        -------
        ndarray of Axes, or the one Axes given
        """
        if _plot_hook is None:
            raise ParameterError("plotting is not loaded: import bitesim.plots first (import bitesim does it)")
        return _plot_hook(self, names, ax)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(self.units[name])}</td>"
            + "".join(
                f"<td>{html.escape(self.shown(name, value))}</td>"
                for value in (values[0], np.min(values), np.max(values), values[-1])
            )
            + "</tr>"
            for name, values in ((name, self.values[name]) for name in self.outputs)
        )
        return (
            f"<table><caption>{html.escape(self.patient)}, model {html.escape(self.provenance.model)}, "
            f"{self.times_days[0]:g} to {self.times_days[-1]:g} d</caption>"
            f"<tr><th>output</th><th>unit</th><th>first</th><th>lowest</th><th>highest</th><th>last</th></tr>{rows}</table>"
        )
