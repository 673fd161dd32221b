"""Pictures of the hybrid engine: courses near the nadir, time to extinction, and cure, which MRD-negative is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from bitesim.engines.hybrid_result import HybridRun, Share, register_hybrid_plot
from bitesim.plots.outputs import one_panel

_CURED: Final = "#2c7f5b"
_NOT: Final = "#a12a2a"
_BACKGROUND: Final = "#9a9a9a"
#: Where a clone without a cell is drawn on a log axis.
_NONE: Final = 0.3
_MOST_BINS: Final = 12


def plot_fan(run: HybridRun, name: str = "blasts", most: int = 200, ax: Any = None) -> Any:
    """Draw the replicates of an output, cured ones in green; return the Axes.

    Parameters
    ----------
    run : HybridRun
    name : str
        An output; a clone without a cell lies at the lower edge.
    most : int
        Replicates that are drawn, the first ones.
    ax : matplotlib Axes, optional
    """
    panel = one_panel(ax)
    cured = run.cured
    found = run[name][:most]
    positive = found[found > 0.0]
    floor = (float(positive.min()) if len(positive) else 1.0) * _NONE
    for course, is_cured in zip(found, cured, strict=False):
        panel.plot(
            run.times_days, np.maximum(course, floor), color=_CURED if is_cured else _NOT, linewidth=0.7,
            alpha=max(0.15, min(1.0, 20.0 / len(found))),
        )  # fmt: skip
    panel.set_yscale("log")
    panel.axhline(floor, color=_BACKGROUND, linewidth=0.6, linestyle=":")
    panel.annotate("none", (0.995, floor), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7)
    panel.set_xlabel("time [d]")
    panel.set_ylabel(f"{name} [{run.units[name]}]")
    panel.set_title(f"{len(found)} replicates: {int(cured[:most].sum())} cured (green)", fontsize=9)
    return panel


def plot_extinction_times(run: HybridRun, ax: Any = None) -> Any:
    """Draw the share of replicates in which each clone, and all of them, has died out by each day; return the Axes."""
    panel = one_panel(ax)
    days = run.extinction_days()
    # Behind them, so that the clone that dies out last is seen.
    panel.step(*_share_by(days.max(axis=1), run.grid_days), where="post", color="#c4c4c4", linewidth=5.0, label="all")
    for column, clone in enumerate(run.clones):
        panel.step(*_share_by(days[:, column], run.grid_days), where="post", linewidth=1.2, label=clone)
    panel.axhline(
        run.cured_by_theory, color=_BACKGROUND, linestyle="--", linewidth=1.0, label="all, branching theory at the end"
    )
    panel.set_ylim(-0.02, 1.02)
    panel.set_xlabel("time [d]")
    panel.set_ylabel("share of replicates without a cell")
    panel.legend(frameon=False, fontsize=8)
    return panel


def plot_cure_against_nadir(
    run: HybridRun, name: str = "mrd", detected: float = 1e-4, at_day: float | None = None, ax: Any = None
) -> Any:
    """Draw the probability of cure against what is left at the nadir, with intervals; return the Axes.

    Parameters
    ----------
    run : HybridRun
    name : str
    detected : float
        Limit of an assay: below it (shaded) a patient is called negative, cured or not.
    at_day : float, optional
        When what is left is looked at: one of the output times. Default: when the median of the replicates is lowest.
    ax : matplotlib Axes, optional
    """
    panel = one_panel(ax)
    cured = run.cured
    column = int(np.argmin(np.median(run[name], axis=0))) if at_day is None else int(np.searchsorted(run.times_days, at_day))
    left = run[name][:, column]
    some = left > 0.0
    for inside in _bins(left, some):
        share = Share.of(int(cured[inside].sum()), int(inside.sum()))
        panel.errorbar(
            float(np.exp(np.mean(np.log(left[inside])))), share.value,
            [[share.value - share.low], [share.high - share.value]], fmt="o", color="#1f5a99", markersize=4, linewidth=0.9,
        )  # fmt: skip
    panel.set_xscale("log")
    if left.max() > 0.0:
        panel.set_xlim(left[some].min() * 0.5, max(left.max(), detected) * 3.0)
    panel.axvspan(panel.get_xlim()[0], detected, color="#eeeeee", zorder=0)
    negative = left < detected
    of_them = int((cured & negative).sum())
    panel.set_title(
        f"day {run.times_days[column]:g}: {int(negative.sum())} of {len(run)} below {detected:g}, {of_them} of them cured;"
        f"\nno blast in {int((~some).sum())}, of whom {int((cured & ~some).sum())} cured",
        fontsize=8,
    )
    panel.set_ylim(-0.02, 1.02)
    panel.set_xlabel(f"{name} at that day [{run.units[name]}], where there is a blast")
    panel.set_ylabel("share cured at the end")
    return panel


def _bins(left: Any, some: Any) -> Iterator[Any]:
    """Yield the replicates with about as much left, in groups of about as many."""
    if not some.any():
        return
    groups = min(_MOST_BINS, max(1, int(some.sum()) // 20))
    edges = np.unique(np.quantile(left[some], np.linspace(0.0, 1.0, groups + 1)))
    place = np.clip(np.searchsorted(edges, left, side="right") - 1, 0, max(0, len(edges) - 2))
    for group in range(max(1, len(edges) - 1)):
        inside = some & (place == group)
        if inside.any():
            yield inside


def plot_hybrid(run: HybridRun, name: str = "blasts") -> Any:
    """Draw all three beside each other; return the array of Axes."""
    from matplotlib import pyplot

    _, axes = pyplot.subplots(1, 3, figsize=(14.0, 4.2), layout="constrained")
    plot_fan(run, name, ax=axes[0])
    plot_extinction_times(run, ax=axes[1])
    plot_cure_against_nadir(run, ax=axes[2])
    return axes


def _share_by(days: Any, grid: Any) -> tuple[Any, Any]:
    ordered = np.sort(days)
    return grid, np.searchsorted(ordered, grid, side="right") / len(ordered)


register_hybrid_plot(plot_hybrid)
