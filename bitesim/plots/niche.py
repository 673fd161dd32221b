"""Pictures of what happened in a marrow niche: cells, contacts and kills, survival of contacts, clones, spatial factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from bitesim.foundation.errors import ParameterError
from bitesim.niche.result import NicheRun, register_niche_plot
from bitesim.niche.spatial import SpatialFactor
from bitesim.plots.niche_views import COLOURS
from bitesim.plots.outputs import one_panel

_GREY: Final = "#7a7a7a"
_AXES: Final = {
    "cells_per_site": "cells per site [-]",
    "blast_fraction": "blasts among cells [-]",
    "t_cell_fraction": "T cells among cells [-]",
    "cluster_um": "radius of clusters [µm]",
    "speed_um_per_min": "speed of T cells [µm/min]",
    "swap_chance": "chance to trade places [-]",
    "persistence_min": "persistence [min]",
    "fat_share": "fat [share of sites]",
    "low_share": "CD19-low share [-]",
}


def plot_niche_counts(run: NicheRun, ax: Any = None) -> Any:
    """Draw blasts and T cells over time on a log axis; return the Axes."""
    panel = one_panel(ax)
    t_cells = {state: run[f"walking_{state}"] + run[f"bound_{state}"] for state in ("calm", "activated", "exhausted")}
    courses = {"CD19+ blast": run["cd19_blasts"], "CD19-low blast": run["low_blasts"]}
    courses |= {f"{state} T cell": found for state, found in t_cells.items()} | {"T cell in contact": run["bound"]}
    for name, found in courses.items():
        if found.max() > 0.0:
            line = "--" if name == "T cell in contact" else "-"
            panel.plot(run.times_days, np.where(found > 0.0, found, np.nan), line, color=COLOURS[name], label=name)
    panel.set_yscale("log")
    panel.set_xlabel("time [d]")
    panel.set_ylabel(f"cells in {run.design.volume_mm3:.2g} mm³")
    panel.legend(frameon=False, fontsize=7)
    return panel


def plot_niche_contacts(run: NicheRun, ax: Any = None) -> Any:
    """Draw contacts and kills so far, beside the contacts that mass action would make; return the Axes."""
    panel = one_panel(ax)
    panel.plot(run.times_days, run["mass_action_contacts"], "--", color=_GREY, label="contacts by mass action")
    panel.plot(run.times_days, run["binds"], color="#1f5a99", label="contacts")
    panel.plot(run.times_days, run["kills"], color="#a12a2a", label="kills")
    panel.set_xlabel("time [d]")
    panel.set_ylabel("so far")
    panel.set_title(f"spatial factor {run.chi():.2f}", fontsize=9)
    panel.legend(frameon=False, fontsize=8)
    return panel


def plot_contact_survival(run: NicheRun, ax: Any = None) -> Any:
    """Draw the share of contacts that hold longer than a time, and how the others have ended; return the Axes."""
    panel = one_panel(ax)
    found = run.contact_survival()
    shown = max(4, int(np.searchsorted(-found.holding, -0.005)) + 1)
    hours = np.concatenate([[0.0], found.hours[:shown]])
    holding = np.concatenate([[1.0], found.holding[:shown]])
    released = np.concatenate([[0.0], found.released[:shown]])
    panel.fill_between(hours, 0.0, holding, step="post", color="#c8d9ea", label="holding")
    panel.fill_between(hours, holding, holding + released, step="post", color="#e5e1d8", label="let go")
    panel.fill_between(hours, holding + released, 1.0, step="post", color="#d9776b", label="killed")
    panel.step(hours, holding, where="post", color="#1f5a99", linewidth=1.4)
    panel.set_xlim(0.0, hours[-1])
    panel.set_ylim(0.0, 1.0)
    panel.set_xlabel("time since the contact began [h]")
    panel.set_ylabel("share of contacts")
    panel.set_title(f"{int(run.durations.sum()):,} contacts ended, {len(run.running_steps):,} hold", fontsize=9)
    panel.legend(frameon=True, fontsize=8, loc="upper right")
    return panel


def plot_kills_per_t_cell(run: NicheRun, ax: Any = None) -> Any:
    """Draw how many targets the T cells of the niche have killed, on a log axis; return the Axes."""
    panel = one_panel(ax)
    counts = run.kills_per_t_cell
    some = np.flatnonzero(counts)
    panel.bar(some, counts[some], width=0.8, color="#1f5a99")
    panel.set_yscale("log")
    panel.set_ylim(0.5, None)
    panel.set_xlabel("kills")
    panel.set_ylabel("T cells in the niche at the end")
    return panel


def plot_niche_clones(run: NicheRun, most: int = 12, ax: Any = None) -> Any:
    """Draw the clones of CD19-low blasts over the snapshots, one band each; return the Axes.

    Parameters
    ----------
    run : NicheRun
        With snapshots; clones are told apart in runs with ``own_copies``.
    most : int
        Clones that have a colour of their own, the largest ones.
    ax : matplotlib Axes, optional

    Raises
    ------
    ParameterError
        For a run without snapshots, or without a CD19-low blast in them.
    """
    clones = run.clones()
    if not clones:
        raise ParameterError("no snapshot holds a CD19-low blast: ask for snapshot_days=, or start with low_share > 0")
    from matplotlib import colormaps

    panel = one_panel(ax)
    days = [each.day for each in run.snapshots]
    ordered = sorted(clones, key=lambda name: -clones[name].max())
    named, others = ordered[:most], ordered[most:]
    bands = [clones[name] for name in named]
    labels = ["there at the start" if name == 0 else f"founder {name}" for name in named]
    colours = [colormaps["viridis"](share) for share in np.linspace(0.1, 0.9, len(named))]
    if others:
        bands.append(np.sum([clones[name] for name in others], axis=0))
        labels.append(f"{len(others)} smaller clones")
        colours.append(_GREY)
    panel.stackplot(days, bands, labels=labels, colors=colours)
    panel.set_xlabel("time [d]")
    panel.set_ylabel("CD19-low blasts")
    panel.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return panel


def plot_spatial_factors(factors: Sequence[SpatialFactor], against: str, ax: Any = None) -> Any:
    """Draw spatial factors with two standard errors against a field of their designs; return the Axes."""
    if against not in _AXES:
        raise ParameterError(f"against = {against!r}: expected one of {', '.join(_AXES)}")
    panel = one_panel(ax)
    places = [getattr(each.design, against) for each in factors]
    errors = [2.0 * each.standard_error if np.isfinite(each.standard_error) else 0.0 for each in factors]
    panel.errorbar(places, [each.chi for each in factors], errors, fmt="o-", color="#1f5a99", capsize=3)
    panel.axhline(1.0, color=_GREY, linestyle="--", linewidth=0.8)
    panel.set_ylim(0.0, 1.15)
    panel.set_xlabel(_AXES[against])
    panel.set_ylabel("contacts over mass action [-]")
    return panel


def plot_niche(run: NicheRun) -> Any:
    """Draw cells, contacts and kills, survival of contacts, and kills per T cell; return the array of Axes."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(2, 2, figsize=(10.5, 7.2), layout="constrained")
    plot_niche_counts(run, axes[0, 0])
    plot_niche_contacts(run, axes[0, 1])
    plot_contact_survival(run, axes[1, 0])
    plot_kills_per_t_cell(run, axes[1, 1])
    return axes


register_niche_plot(plot_niche)
