"""The course of one patient: one panel an output, the infusion underneath."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.trajectory import Trajectory, register_plot
from bitesim.plots.outputs import LOGARITHMIC, logarithmic, shade_below_one_cell, title

#: More outputs than this stand in two columns.
_LONGEST_COLUMN: Final = 7
_COLOURS: Final = ("#1f5a99", "#8c3b6f", "#2c7f5b", "#c46a1b", "#a12a2a", "#5b5b5b")


def plot_trajectory(run: Trajectory, names: list[str] | None = None, ax: Any = None) -> Any:
    """Draw `run`; return the array of Axes, or the one Axes given.

    Parameters
    ----------
    run : Trajectory
    names : list of str, optional
        Outputs, states or symbols. Default: every output, one of those that are equal throughout.
    ax : matplotlib Axes, optional
        For a single name.
    """
    chosen = _different(run) if names is None else [run.symbols.get(name, name) for name in names]
    if ax is not None:
        for position, name in enumerate(chosen):
            ax.plot(run.times_days, run[name], color=_COLOURS[position % len(_COLOURS)], label=title(name, run.units))
        ax.set_xlabel("time [d]")
        ax.set_ylabel(title(chosen[0], run.units))
        return ax
    from matplotlib import pyplot

    axes = _one_column(pyplot, len(chosen)) if len(chosen) <= _LONGEST_COLUMN else _two_columns(pyplot, len(chosen))
    for position, name in enumerate(chosen):
        axes[position].plot(run.times_days, run[name], color=_COLOURS[position % len(_COLOURS)], linewidth=1.4)
        axes[position].set_ylabel(title(name, run.units), fontsize=8)
        if name in LOGARITHMIC and np.max(run[name]) > 0.0:
            logarithmic(axes[position], run[name], LOGARITHMIC[name])
        if run.units[name] == "cells/uL" and name not in LOGARITHMIC:
            axes[position].set_ylim(0.0, 1.1 * float(np.max(run[name])) + 1e-9)
        if run.units[name] == "-" and name not in LOGARITHMIC:
            axes[position].set_ylim(-0.03, max(0.5, 1.1 * float(np.max(run[name]))))
        if name in run.clones and np.min(run[name]) < 1.0:
            shade_below_one_cell(axes[position])
    _draw_infusion(axes[-1], run)
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
        panel.margins(x=0.01)
    for panel in axes[-1:] if len(chosen) <= _LONGEST_COLUMN else axes[-2:]:
        panel.set_xlabel("time [d]")
    axes[0].figure.suptitle(f"{run.patient}: {run.provenance.regimen} ({run.provenance.model})", fontsize=9)
    return axes


def _one_column(pyplot: Any, count: int) -> Any:
    """Return the panels of `count` outputs and, flatter, of the infusion below them."""
    heights = [2.0] * count + [1.0]
    size = (8.0, sum(heights) * 0.85 + 0.6)
    return pyplot.subplots(len(heights), 1, sharex=True, height_ratios=heights, figsize=size, layout="constrained")[1]


def _two_columns(pyplot: Any, count: int) -> Any:
    """Return the panels of `count` outputs, row by row, and of the infusion behind them."""
    rows = (count + 2) // 2
    figure = pyplot.figure(figsize=(11.0, 1.6 * rows + 0.6), layout="constrained")
    grid = figure.add_gridspec(rows, 2)
    panels = [figure.add_subplot(grid[0, 0])]
    panels += [figure.add_subplot(grid[place // 2, place % 2], sharex=panels[0]) for place in range(1, count + 1)]
    # The last of each column carries the days.
    for panel in panels[:-2]:
        panel.tick_params(labelbottom=False)
    return np.array(panels, dtype=object)


def _different(run: Trajectory) -> list[str]:
    """Return the outputs without those that repeat an earlier one under another name."""
    kept: dict[bytes, str] = {}
    for name in run.outputs:
        kept.setdefault(run[name].tobytes() + run.units[name].encode(), name)
    return list(kept.values())


def _draw_infusion(panel: Any, run: Trajectory) -> None:
    for segment in run.infusions:
        if segment.compartment == "drug":
            window = [segment.start_days, min(segment.stop_days, run.times_days[-1])]
            panel.fill_between(window, [segment.rate] * 2, color="#9db7d5", linewidth=0.0)
    panel.set_ylabel("infusion\n[µg/day]", fontsize=8)
    panel.set_ylim(bottom=0.0)
    for event in run.events:
        if event.kind in ("hold", "stop", "decision"):
            panel.axvline(event.time_days, color="#a12a2a", linewidth=0.8, linestyle=":")


register_plot(plot_trajectory)
