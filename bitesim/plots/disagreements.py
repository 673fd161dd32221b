"""One figure for each disagreement of the literature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitesim.engines.trajectory import Trajectory
from bitesim.plots.outputs import one_panel
from bitesim.population.disagreements import DISAGREEMENTS


def plot_disagreement(name: str, runs: Mapping[float, Trajectory], output: str | None = None, ax: Any = None) -> Any:
    """Draw an output over time for every value of a disagreement; return the Axes.

    Parameters
    ----------
    name : str
        One of `bitesim.population.disagreements.DISAGREEMENTS`.
    runs : mapping of float to Trajectory
        From `disagreement`.
    output : str, optional
        Drawn on a log axis. Default: what shows the disagreement.
    ax : matplotlib Axes, optional
    """
    panel = one_panel(ax, (6.0, 4.0))
    shown = DISAGREEMENTS[name].output if output is None else output
    for run, shade in zip(runs.items(), _shades(len(runs)), strict=True):
        panel.plot(run[1].times_days, run[1][shown], color=shade, label=f"{run[0]:g}")
    some = next(iter(runs.values()))
    panel.set_yscale("log")
    panel.set_xlabel("time [d]")
    panel.set_ylabel(f"{shown} [{some.units[shown]}]")
    panel.legend(title=DISAGREEMENTS[name].parameter, frameon=False, fontsize=8, title_fontsize=8)
    panel.set_title(f"{name}: {some.provenance.regimen}", fontsize=9)
    return panel


def plot_cd3_affinity(drug_ng_per_ml: ArrayLike, bridges: Mapping[float, NDArray[np.float64]], ax: Any = None) -> Any:
    """Draw bridges per synapse against drug for each CD3 affinity, the range in patients shaded; return the Axes."""
    panel = one_panel(ax, (6.0, 4.0))
    panel.axvspan(0.1, 1.0, color="#eeeeee", zorder=0)
    panel.annotate("in patients", (0.32, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=7, color="#5b5b5b")
    for (dissociation, found), shade in zip(bridges.items(), _shades(len(bridges)), strict=True):
        panel.plot(drug_ng_per_ml, found, color=shade, label=f"{dissociation / 1e3:g} nM")
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel("drug [ng/mL]")
    panel.set_ylabel("bridges in a synapse after 60 s")
    panel.set_title("CD3 affinity", fontsize=9)
    panel.legend(title="CD3 dissociation constant", frameon=False, fontsize=8, title_fontsize=8)
    return panel


def _shades(count: int) -> list[Any]:
    """Return colours from light to dark."""
    from matplotlib import colormaps

    return [colormaps["Blues"](share) for share in np.linspace(0.4, 1.0, count)]
