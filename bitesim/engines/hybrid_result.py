"""What the hybrid engine returns: courses of many replicates of one patient, cell counts of each clone, and cure."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import Case
from bitesim.engines.system import system_of
from bitesim.engines.trajectory import RunEvent
from bitesim.foundation.errors import needs_extra, unknown_name
from bitesim.foundation.provenance import Provenance
from bitesim.numerics.pieces import Matrix, Vector

_NORMAL_QUANTILE: Final = 1.959963984540054
#: The logarithm that stands for no cell where a state is looked at: below it nothing is left of a float.
LN_NO_CELL: Final = -690.0

#: What is smaller was read from cells that are not there.
_NOTHING: Final = 1e-280


@dataclass(frozen=True)
class Share:
    """A share of replicates with its 95 % interval (Wilson 1927, J Am Stat Assoc 22:209)."""

    value: float
    low: float
    high: float
    replicates: int

    @classmethod
    def of(cls, count: int, replicates: int) -> Share:
        """Return the share of `count` among `replicates`."""
        share, z2 = count / replicates, _NORMAL_QUANTILE**2
        middle = (share + z2 / (2.0 * replicates)) / (1.0 + z2 / replicates)
        half = _NORMAL_QUANTILE / (1.0 + z2 / replicates)
        half *= np.sqrt(share * (1.0 - share) / replicates + z2 / (4.0 * replicates**2))
        # At 0 and 1 an end is the share itself, up to rounding.
        low, high = min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
        return cls(share, float(low), float(high), replicates)

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, {self.replicates} replicates)"


@dataclass(frozen=True, eq=False)
class HybridRun:
    """Replicates of one patient's course, read by name: ``run["mrd"]`` has shape (replicates, times).

    Parameters
    ----------
    patient, model, regimen : str
    seed : int
    threshold_cells : float
        Cells below which clones were counted.
    times_days : ndarray
    values : mapping
        Output -> ndarray, shape (replicates, times).
    units : mapping
    clones : tuple of str
    grid_days : ndarray
        Days at which cells are known.
    cells : ndarray, shape (replicates, clones, grid, 2)
        Cycling and quiescent cells: whole numbers where they were counted.
    cured_by_theory : float
        Probability that no cell is left at the end, by branching-process theory along the deterministic course.
    decisions : tuple of tuple of RunEvent
        What rules decided in each replicate.
    first_replicate : int
    provenance : Provenance
    """

    patient: str
    model: str
    regimen: str
    seed: int
    threshold_cells: float
    times_days: Vector
    values: Mapping[str, Matrix]
    units: Mapping[str, str]
    clones: tuple[str, ...]
    grid_days: Vector
    cells: NDArray[np.float64]
    cured_by_theory: float = field(default=np.nan)
    decisions: tuple[tuple[RunEvent, ...], ...] = ()
    first_replicate: int = 0
    provenance: Provenance | None = None

    @classmethod
    def of(cls, case: Case, times: Vector, states: Any, **others: Any) -> HybridRun:
        """Read the outputs of every replicate's states at the times; a clone without a cell is exactly 0.

        Parameters
        ----------
        case : Case
        times : ndarray
        states : ndarray, shape (replicates, times, species)
        **others
            What is kept as it is: `seed`, `threshold_cells`, `grid_days`, `cells`, ...
        """
        model = case.model
        wanted = np.searchsorted(others["grid_days"], times)
        flat = states.reshape(-1, states.shape[-1]).copy()
        for place, clone in enumerate(model.clones):
            for phase, name in enumerate((clone.cycling, clone.quiescent)):
                counts = others["cells"][:, place, :, phase][:, wanted].reshape(-1)
                with np.errstate(divide="ignore"):
                    flat[:, model.species.position(name)] = np.maximum(np.log(counts), LN_NO_CELL)
        read = system_of(model).readouts(case.parameters.vector(), flat).reshape(len(states), len(times), -1)
        values = {readout.name: read[:, :, column].copy() for column, readout in enumerate(model.readouts)}
        for found in values.values():
            found[np.abs(found) < _NOTHING] = 0.0
        return cls(
            patient=case.patient,
            model=model.name,
            regimen=str(case.regimen),
            times_days=times,
            values=values,
            units={readout.name: readout.unit for readout in model.readouts},
            clones=tuple(clone.name for clone in model.clones),
            **others,
        )

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, name: str) -> Matrix:
        if name not in self.values:
            raise unknown_name(f"output of {self.model}", name, self.values)
        return self.values[name]

    def __repr__(self) -> str:
        return (
            f"<HybridRun {self.patient}, {self.model}, {len(self)} replicates, {len(self.times_days)} times: {self.regimen}>"
        )

    def extinction_days(self) -> Matrix:
        """Return when each clone had no cell for the first time and none again; infinite where it has some at the end.

        Shape (replicates, clones) [d].
        """
        none = self.cells.sum(axis=3) == 0.0
        # The last point with a cell, from the end backwards.
        lasting = np.flip(np.cumprod(np.flip(none, axis=2), axis=2), axis=2).astype(bool)
        first = np.argmax(lasting, axis=2)
        return np.asarray(np.where(lasting.any(axis=2), self.grid_days[first], np.inf))

    @property
    def cured(self) -> NDArray[np.bool_]:
        """Who has no cell left at the end, shape (replicates,)."""
        return np.asarray(np.isfinite(self.extinction_days()).all(axis=1))

    def p_cured(self) -> Share:
        """Return the share of replicates without any cell of a clone at the end, with its 95 % interval."""
        return Share.of(int(self.cured.sum()), len(self))

    def nadir(self, name: str) -> Vector:
        """Return the lowest value of an output in each replicate, shape (replicates,)."""
        return np.asarray(self[name].min(axis=1))

    def percentiles(self, name: str, levels: Sequence[float] = (5.0, 50.0, 95.0)) -> Matrix:
        """Return percentiles of an output over the replicates, shape (levels, times)."""
        return np.asarray(np.percentile(self[name], levels, axis=0))

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a replicate and time.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise needs_extra("pandas", "data", "to_dataframe") from problem
        columns: dict[str, Any] = {
            "replicate": np.repeat(np.arange(self.first_replicate, self.first_replicate + len(self)), len(self.times_days)),
            "time_days": np.tile(self.times_days, len(self)),
        }
        return pd.DataFrame(columns | {name: found.reshape(-1) for name, found in self.values.items()})

    def to_csv(self, path: str | Path) -> Path:
        """Write all replicates, one row a replicate and time and one column an output, every digit kept; return the path."""
        target = Path(path)
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["replicate", "time_days", *self.values])
            for row in range(len(self)):
                columns = [values[row].tolist() for values in self.values.values()]
                for day, *found in zip(self.times_days.tolist(), *columns, strict=True):
                    writer.writerow([self.first_replicate + row, day, *found])
        return target

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the cells between outputs as plain lists and dicts that JSON can write."""
        share, days = self.p_cured(), self.extinction_days()
        return {
            "patient": self.patient,
            "model": self.model,
            "time_days": self.times_days.tolist(),
            "outputs": {name: values.tolist() for name, values in self.values.items()},
            "units": dict(self.units),
            "p_cured": {"replicates": len(self), "value": share.value, "low": share.low, "high": share.high},
            "p_cured_by_theory": self.cured_by_theory,
            "extinction_days": {
                clone: [float(day) if np.isfinite(day) else None for day in days[:, place]]
                for place, clone in enumerate(self.clones)
            },
            "decisions": [[[event.time_days, event.text] for event in run] for run in self.decisions],
            "provenance": None if self.provenance is None else self.provenance.as_dict(),
        }

    def plot(self, *arguments: Any, **options: Any) -> Any:
        """Draw it; `bitesim.plots.plot_hybrid` describes the options."""
        return _plots[0](self, *arguments, **options)

    def _repr_html_(self) -> str:
        share = self.p_cured()
        rows = f"<tr><td>P(cured by day {self.times_days[-1]:g}), replicates</td><td>{html.escape(str(share))}</td></tr>"
        rows += f"<tr><td>the same by branching theory</td><td>{self.cured_by_theory:.3f}</td></tr>"
        return f"<table><caption>{html.escape(repr(self))}</caption>{rows}</table>"


_plots: list[Callable[..., Any]] = []


def register_hybrid_plot(plot: Callable[..., Any]) -> None:
    """Let `HybridRun.plot` draw with `plot`: pictures stand on a higher floor."""
    _plots[:] = [plot]
