"""The facts beside the model, and what the facts told of each parameter."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.inference.calibrated_set import CalibratedSet, register_set_plot
from bitesim.inference.fact_table import FactTable, register_table_plot

_MET: Final = "#1f5a99"
_MISSED: Final = "#a12a2a"
_GREY: Final = "#b9b9b9"


def plot_facts(table: FactTable, ax: Any = None) -> Any:
    """Draw how far the model is from each counted fact, in SDs of the published number; return the Axes.

    Parameters
    ----------
    table : FactTable
    ax : Axes, optional
    """
    rows = table.counted
    axes = _panel(ax, len(rows))
    places = np.arange(len(rows))[::-1]
    axes.axvspan(-1.96, 1.96, color="#eef3f8", zorder=0)
    axes.axvline(0.0, color=_GREY, linewidth=0.8)
    for place, row in zip(places, rows, strict=True):
        distance = row.fact.evidence.residual(row.model)
        colour = _MET if row.inside else _MISSED
        axes.plot([0.0, distance], [place, place], color=colour, linewidth=0.8)
        axes.plot(distance, place, "o" if row.inside else "X", color=colour, markersize=4 if row.inside else 6)
    axes.set_yticks(places, [row.fact.id.replace("_", " ") for row in rows], fontsize=6.5)
    axes.set_ylim(-1.0, len(rows))
    axes.set_xlabel("model too low  <  SDs of the published number  >  model too high", fontsize=8)
    met = sum(row.inside for row in rows)
    axes.set_title(f"{met} of {len(rows)} facts inside their intervals (crosses: outside)", fontsize=9)
    return axes


def plot_calibrated(found: CalibratedSet, ax: Any = None) -> Any:
    """Draw every parameter's 95 % interval after the calibration over that of its prior, relative to the catalogue.

    Parameters
    ----------
    found : CalibratedSet
    ax : Axes, optional
    """
    axes = _panel(ax, len(found.rows))
    places = np.arange(len(found.rows))[::-1]
    for place, row in zip(places, found.rows, strict=True):
        half = 1.96 * row.free.prior_sd_ln
        axes.plot(np.exp([-half, half]), [place, place], color=_GREY, linewidth=4.0, solid_capstyle="butt")
        if row.identified:
            low, high = (end / row.free.default for end in row.interval)
            axes.plot([low, high], [place, place], color=_MET, linewidth=1.6)
            axes.plot(row.value / row.free.default, place, "o", color=_MET, markersize=4)
    axes.axvline(1.0, color="#5b5b5b", linewidth=0.7, linestyle=":")
    axes.set_xscale("log")
    ticks = [0.25, 0.5, 1.0, 2.0, 4.0]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(places, [row.free.name.replace("_", " ") for row in found.rows], fontsize=6.5)
    axes.set_ylim(-1.0, len(found.rows))
    axes.set_xlabel("relative to the catalogue (grey: prior, blue: after the facts, both 95 %)", fontsize=8)
    kept = sum(not row.identified for row in found.rows)
    axes.set_title(f"{len(found.rows) - kept} parameters told by the facts, {kept} that keep their prior", fontsize=9)
    return axes


def _panel(ax: Any, rows: int) -> Any:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    _, axes = pyplot.subplots(figsize=(7.5, 0.17 * rows + 1.0), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


register_table_plot(plot_facts)
register_set_plot(plot_calibrated)
