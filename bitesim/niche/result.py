"""What a niche did: cells over time, contacts and kills, the spatial factor, survival of contacts, clones that lost CD19."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.niche_arrays import DURATION_BIN_STEPS, KILLED, LOST, RELEASED, TALLIES
from bitesim.engines.trajectory import Trajectory
from bitesim.foundation.errors import needs_extra, unknown_name
from bitesim.foundation.provenance import Provenance
from bitesim.niche.design import NicheDesign
from bitesim.niche.pictures import Snapshot
from bitesim.niche.simulation import COUNTS, NicheSimulation
from bitesim.niche.spatial import with_spatial_factor
from bitesim.parameters import ParameterSet

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContactSurvival:
    """Contacts that still hold after a time, by the product-limit estimate (Kaplan & Meier 1958).

    Parameters
    ----------
    hours : ndarray
        Ends of the bins.
    holding : ndarray
        Share of contacts that hold longer [-]; those whose T cell was lost, or that still held at the end, are censored.
    killed, released : ndarray
        Share that has ended so by then [-] (Aalen & Johansen 1978): with what still holds they make 1.
    """

    hours: Vector
    holding: Vector
    killed: Vector
    released: Vector


@dataclass(frozen=True, eq=False)
class NicheRun:
    """The course of a niche; read a row by name: ``run["blasts"]``, ``run["kills"]``.

    Parameters
    ----------
    times_days : ndarray, shape (times,)
        Times of coupling; outputs that were asked for are among them.
    values : mapping
        Name -> ndarray, shape (times,): cells, and what has happened so far.
    design : NicheDesign
    parameters : ParameterSet
    body : Trajectory
        The whole body's course at the same times.
    snapshots : tuple of Snapshot
    kills_per_t_cell : ndarray
        T cells in the niche at the end by kills so far (0, 1, 2, ...).
    durations : ndarray, shape (ends, bins)
        Contacts by how they ended and how long they held.
    running_steps : ndarray
        Age of the contacts that still hold [steps].
    step_min : float
    state_digest : str
        SHA-256 of the state at the end and of all rows: equal for equal runs, however many threads or checkpoints.
    provenance : Provenance
    """

    times_days: Vector
    values: Mapping[str, Vector]
    design: NicheDesign
    parameters: ParameterSet
    body: Trajectory
    snapshots: tuple[Snapshot, ...]
    kills_per_t_cell: NDArray[np.int64]
    durations: NDArray[np.int64]
    running_steps: NDArray[np.int64]
    step_min: float
    state_digest: str
    provenance: Provenance

    def __getitem__(self, name: str) -> Vector:
        if name == "time_days":
            return self.times_days
        if name not in self.values:
            raise unknown_name("row of a niche", name, self.values)
        return self.values[name]

    def __len__(self) -> int:
        return len(self.times_days)

    def __repr__(self) -> str:
        return (
            f"<NicheRun {self.design.volume_mm3:.3g} mm3, {len(self)} times over {self.times_days[-1]:g} d: blasts "
            f"{self['blasts'][0]:.0f} -> {self['blasts'][-1]:.0f}, T cells {self['t_cells'][0]:.0f} -> "
            f"{self['t_cells'][-1]:.0f}, chi {self.chi():.3f}>"
        )

    def chi(self, from_day: float = 0.0, to_day: float = np.inf) -> float:
        """Return the spatial factor over some days: contacts over those of mass action; NaN where none were due."""
        inside = (self.times_days >= from_day) & (self.times_days <= to_day)
        expected = self["mass_action_contacts"][inside]
        contacts = self["binds"][inside]
        due = float(expected[-1] - expected[0]) if len(expected) else 0.0
        return float(contacts[-1] - contacts[0]) / due if due > 0.0 else np.nan

    def chi_by_interval(self) -> Vector:
        """Return the spatial factor between one coupling and the next; NaN where none were due."""
        due = np.diff(self["mass_action_contacts"])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(due > 0.0, np.diff(self["binds"]) / due, np.nan))

    def corrected_parameters(self) -> ParameterSet:
        """Return the whole-body model's parameters with encounters slowed as in this niche: `with_spatial_factor`."""
        return with_spatial_factor(self.parameters, self.chi())

    def contact_survival(self) -> ContactSurvival:
        """Return how long single contacts hold, and how they end."""
        bins = self.durations.shape[1]
        running = np.bincount(np.minimum(self.running_steps // DURATION_BIN_STEPS, bins - 1), minlength=bins)
        ended = self.durations[KILLED] + self.durations[RELEASED]
        leaving = ended + self.durations[LOST] + running
        at_risk = leaving.sum() - np.concatenate([[0], np.cumsum(leaving)[:-1]])
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(at_risk > 0, self.durations[[KILLED, RELEASED]] / at_risk, 0.0)
        holding = np.cumprod(1.0 - share.sum(axis=0))
        before = np.concatenate([[1.0], holding[:-1]])
        hours = np.arange(1, bins + 1) * DURATION_BIN_STEPS * self.step_min / 60.0
        killed, released = np.cumsum(before * share, axis=1)
        return ContactSurvival(hours, holding, killed, released)

    def clones(self) -> dict[int, Vector]:
        """Return the cells of each CD19-low clone at the snapshots, by clone; 0 was there at the start."""
        names = sorted({int(clone) for each in self.snapshots for clone in each.clones[:, 1]})
        return {name: np.array([float((each.clones[:, 1] == name).sum()) for each in self.snapshots]) for name in names}

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a time.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise needs_extra("pandas", "data", "to_dataframe()") from None
        return pandas.DataFrame({"time_days": self.times_days, **self.values})

    def plot(self, *arguments: Any, **options: Any) -> Any:
        """Draw it; `bitesim.plots.plot_niche` describes the options."""
        return _plots[0](self, *arguments, **options)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name.replace('_', ' ')}</td><td>{self[name][0]:.0f}</td><td>{self[name][-1]:.0f}</td></tr>"
            for name in ("blasts", "low_blasts", "t_cells", "bound", "kills", "binds")
        )
        return (
            f"<table><caption>{html.escape(repr(self))}</caption><tr><th></th><th>first</th><th>last</th></tr>{rows}</table>"
        )


_plots: list[Callable[..., Any]] = []


def register_niche_plot(plot: Callable[..., Any]) -> None:
    """Let `NicheRun.plot` draw with `plot`: pictures stand on a higher floor."""
    _plots[:] = [plot]


def sum_of(rows: list[Vector]) -> Vector:
    """Return the sum of rows."""
    return np.asarray(np.sum(rows, axis=0))


def run_of(simulation: NicheSimulation, provenance: Provenance, step_min: float) -> NicheRun:
    """Return what a simulation has done so far."""
    rows = np.array(simulation.rows)
    values = {name: rows[:, column] for column, name in enumerate((*COUNTS, *TALLIES))}
    due = np.diff(rows[:, -2], prepend=rows[0, -2]) * rows[:, -1]
    bound, walking = (sum_of([values[name] for name in COUNTS if name.startswith(kind)]) for kind in ("bound", "walking"))
    values |= {
        "blasts": values["cd19_blasts"] + values["low_blasts"],
        "bound": bound,
        "t_cells": walking + bound,
        "mass_action_contacts": np.cumsum(due),
    }
    values["blast_fraction"] = values["blasts"] / (values["blasts"] + values["t_cells"] + values["marrow_cells"])
    engine = simulation.engine
    everyone = np.concatenate([engine.walking(), engine.bound()])
    return NicheRun(
        times_days=simulation.times_days[: len(rows)],
        values=values,
        design=simulation.design,
        parameters=simulation.case.parameters,
        body=simulation.body.course,
        snapshots=tuple(simulation.snapshots),
        kills_per_t_cell=np.bincount((everyone >> 37) & 255),
        durations=engine.niche.durations.sum(axis=0).astype(np.int64),
        running_steps=engine.contact_ages(),
        step_min=step_min,
        state_digest=simulation.digest(),
        provenance=provenance,
    )
