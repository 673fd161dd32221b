"""The course of one patient: one panel an output, the infusion underneath."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.trajectory import Trajectory, register_plot

_TITLES: Final = {
    "serum_drug_pg_per_ml": "drug in serum [pg/mL]",
    "blood_b_cells_per_ul": "B cells in blood [/µL]",
    "blood_cd8_t_cells_per_ul": "CD8 T cells in blood [/µL]",
    "blood_cd69_fraction": "CD69+ of CD8 [-]",
    "serum_il6_pg_per_ml": "IL-6 in serum [pg/mL]",
    "marrow_blast_fraction": "blasts in marrow [fraction]",
    "mrd": "true MRD [fraction]",
    "blasts": "blasts [cells]",
    "low_blasts": "CD19-low blasts [cells]",
    "sanctuary_blasts": "blasts outside marrow [cells]",
    "serum_il10_pg_per_ml": "IL-10 in serum [pg/mL]",
    "neutrophils_per_ul": "neutrophils in blood [/µL]",
    "extinction_probability": "P(no line survives) [-]",
}
#: Outputs that span decades, and how many of them mean something in a picture.
_LOGARITHMIC: Final = {
    "blood_b_cells_per_ul": 6,
    "serum_il6_pg_per_ml": 6,
    "serum_il10_pg_per_ml": 6,
    "marrow_blast_fraction": 12,
    "mrd": 12,
    "blasts": 14,
    "low_blasts": 14,
    "sanctuary_blasts": 14,
}
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
            ax.plot(run.times_days, run[name], color=_COLOURS[position % len(_COLOURS)], label=_title(run, name))
        ax.set_xlabel("time [d]")
        ax.set_ylabel(_title(run, chosen[0]))
        return ax
    from matplotlib import pyplot

    axes = _one_column(pyplot, len(chosen)) if len(chosen) <= _LONGEST_COLUMN else _two_columns(pyplot, len(chosen))
    for position, name in enumerate(chosen):
        axes[position].plot(run.times_days, run[name], color=_COLOURS[position % len(_COLOURS)], linewidth=1.4)
        axes[position].set_ylabel(_title(run, name), fontsize=8)
        if name in _LOGARITHMIC and np.max(run[name]) > 0.0:
            _logarithmic(axes[position], run[name], _LOGARITHMIC[name])
        if run.units[name] == "cells/uL" and name not in _LOGARITHMIC:
            axes[position].set_ylim(0.0, 1.1 * float(np.max(run[name])) + 1e-9)
        if run.units[name] == "-" and name not in _LOGARITHMIC:
            axes[position].set_ylim(-0.03, max(0.5, 1.1 * float(np.max(run[name]))))
        if name in run.clones and np.min(run[name]) < 1.0:
            axes[position].axhspan(1e-12, 1.0, color="#eeeeee", zorder=0)
            axes[position].annotate(
                "< 1 cell", (0.99, 0.04), xycoords="axes fraction", ha="right", fontsize=7, color="#5b5b5b"
            )
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


def _logarithmic(panel: Any, values: np.ndarray[Any, Any], decades: int) -> None:
    """Use a log axis some decades down from the maximum: what lies below has no meaning in a picture."""
    top = float(np.max(values))
    positive = values[values > 0.0]
    panel.set_yscale("log")
    bottom = max(float(np.min(positive)), top * 10.0**-decades)
    panel.set_ylim(bottom * 0.6, top * 2.0)
    from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter

    if top < 30.0 * bottom:
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.yaxis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(10, 10)))
    panel.yaxis.set_minor_formatter(NullFormatter())


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


def _title(run: Trajectory, name: str) -> str:
    return _TITLES.get(name, f"{name} [{run.units[name]}]")


register_plot(plot_trajectory)
