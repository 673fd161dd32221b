"""Single cells in a dish: the bell over drug, courses over time, kinds of cluster, CD19 of those that are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bitesim.dish import SynapsePopulation
from bitesim.dish.swept import SWEPT
from bitesim.dish.table import register_plot
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.plots.dish import GREY, NAMED, logarithmic, points, shades
from bitesim.plots.outputs import one_panel

#: Kinds of cluster -> colour: pairs, three cells, four cells.
_KINDS: Final = {
    "ET": "#9dbfdf",
    "ETE": "#4b87c0",
    "TET": "#6aa987",
    "ETET": "#c9a227",
    "ETEE": "#1f4e79",
    "TETT": "#2c6b4a",
}
#: Minutes from which time is told in hours.
_IN_HOURS: Final = 300


def plot_synapse_population(result: SynapsePopulation, view: str | None = None, ax: Any = None) -> Any:
    """Draw dishes of single cells; return the Axes. See `SynapsePopulation.plot`."""
    chosen = view or ("drug" if len(np.unique(result["drug_ng_per_ml"])) > 2 else "time")
    if chosen not in _VIEWS:
        raise unknown_name("view", chosen, _VIEWS)
    panel = one_panel(ax)
    _VIEWS[chosen](result, panel)
    return panel


def _groups(result: SynapsePopulation, without: str | None = None) -> dict[tuple[float, ...], list[int]]:
    """Return the rows of each dish, replicates together, by what was swept."""
    found: dict[tuple[float, ...], list[int]] = {}
    for row in range(len(result)):
        found.setdefault(tuple(float(result[name][row]) for name in SWEPT if name != without), []).append(row)
    return found


def _name(result: SynapsePopulation, row: int, without: str | None = None) -> str:
    """Return what tells a dish from the others."""
    names = [name for name in SWEPT if name not in (without, "effectors_per_target")]
    varying = [name for name in names if len(np.unique(result[name])) > 1]
    return ", ".join(NAMED[name](float(result[name][row])) for name in varying)


def _title(result: SynapsePopulation, without: str | None = None) -> str:
    """Return what all dishes share."""
    fixed = [name for name in SWEPT if name not in (without, "effectors_per_target") and len(np.unique(result[name])) == 1]
    dishes = len(np.unique(result["replicate"]))
    shared = [NAMED[name](float(result[name][0])) for name in fixed if name != "cd19_copies"]
    minutes = float(result["minutes"][0])
    length = f"{minutes / 60.0:g} h" if minutes >= _IN_HOURS else f"{minutes:g} min"
    return "; ".join([length, *shared, *([f"{dishes} dishes each"] if dishes > 1 else [])])


def _kills(result: SynapsePopulation) -> bool:
    """Return whether any target is dead: then it is the killing that is drawn."""
    return bool((result["dead_targets"] > 0.0).any())


def _draw_bell(result: SynapsePopulation, panel: Any) -> None:
    groups = _groups(result, "drug_ng_per_ml")
    known = False
    kills = _kills(result)
    share = "dead_targets" if kills else "engaged_effectors"
    for colour, rows in zip(shades(len(groups)), groups.values(), strict=True):
        levels = np.unique(result["drug_ng_per_ml"][rows])
        levels = levels[levels > 0.0]
        at = [np.array(rows)[result["drug_ng_per_ml"][rows] == level] for level in levels]
        shares = [100.0 * result[share][each] for each in at]
        errors = [np.std(each, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else 0.0 for each in shares]
        means = [np.mean(each) for each in shares]
        name = _name(result, rows[0], "drug_ng_per_ml") or "single cells"
        panel.errorbar(levels, means, errors, fmt=".", color=colour, capsize=2, label=name)
        expected = np.array([100.0 * result["mean_field"][each[0]] for each in at])
        if np.isfinite(expected).any():
            panel.plot(levels, expected, color=colour, linewidth=1.0)
        published = np.array([100.0 * result["published_engaged"][each[0]] for each in at])
        there = np.isfinite(published)
        if there.any():
            points(panel, levels[there], published[there], colour)
            known = True
    if np.isfinite(result["mean_field"]).any():
        panel.plot([], [], color=GREY, linewidth=1.0, label="mean field")
    if known:
        panel.plot([], [], "o", color="white", markeredgecolor="black", linestyle="none", label="Liu et al. 2023")
    logarithmic(panel, result["drug_ng_per_ml"])
    panel.set_ylim(bottom=0.0)
    panel.set_xlabel("drug [ng/mL]")
    panel.set_ylabel("targets killed [%]" if kills else "T cells in clusters [%]")
    panel.set_title(_title(result, "drug_ng_per_ml"), fontsize=9)
    panel.legend(frameon=False, fontsize=8)


def _time(result: SynapsePopulation) -> tuple[float, str]:
    """Return by what minutes are divided, and the label of the axis."""
    return (60.0, "time [h]") if result["minutes"][0] >= _IN_HOURS else (1.0, "time [min]")


def _draw_courses(result: SynapsePopulation, panel: Any) -> None:
    divisor, label = _time(result)
    groups = _groups(result)
    kills = _kills(result)
    for colour, rows in zip(shades(len(groups)), groups.values(), strict=True):
        for row in rows:
            dish, name = result.dishes[row], _name(result, row) if row == rows[0] else None
            panel.plot(dish.minutes / divisor, 100.0 * dish.engaged(), color=colour, linewidth=1.0, label=name or None)
            if kills:
                left = 100.0 * dish.targets()["free"]
                panel.plot(dish.minutes / divisor, left, color=colour, linewidth=1.0, linestyle="--")
    if kills:
        panel.plot([], [], color=GREY, linewidth=1.0, label="T cells in clusters")
        panel.plot([], [], color=GREY, linewidth=1.0, linestyle="--", label="targets left, in no cluster")
    panel.set_ylim(bottom=0.0)
    panel.set_xlabel(label)
    panel.set_ylabel("cells [%]" if kills else "T cells in clusters [%]")
    panel.set_title(_title(result), fontsize=9)
    if panel.get_legend_handles_labels()[1]:
        panel.legend(frameon=False, fontsize=8)


def _only_dish(result: SynapsePopulation, view: str) -> int:
    """Return the row to draw: one dish, its first replicate."""
    if len(_groups(result)) > 1:
        raise ParameterError(f"view {view!r} draws one dish: select(drug_ng_per_ml=...) one of {len(_groups(result))} first")
    return 0


def _draw_clusters(result: SynapsePopulation, panel: Any) -> None:
    dish = result.dishes[_only_dish(result, "clusters")]
    divisor, label = _time(result)
    shares = dish.effectors()
    panel.stackplot(
        dish.minutes / divisor,
        [100.0 * shares[kind] for kind in _KINDS],
        labels=list(_KINDS),
        colors=list(_KINDS.values()),
        linewidth=0.0,
    )
    panel.margins(x=0.0)
    panel.set_xlabel(label)
    panel.set_ylabel("T cells in clusters [%] (E: T cell, T: target)")
    panel.set_title(_title(result), fontsize=9)
    handles, names = panel.get_legend_handles_labels()
    panel.legend(handles[::-1], names[::-1], frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_cd19(result: SynapsePopulation, panel: Any) -> None:
    from matplotlib.ticker import LogLocator

    groups = _groups(result)
    if len(np.unique(result["cd19_copies"])) > 1:
        raise ParameterError("view 'cd19' draws targets of one kind: select(cd19_copies=...) first")
    dishes = result.dishes
    edges = dishes[0].cd19_edges
    # Shares a bin, each distribution by itself: that few are left is told by the legend.
    before = np.sum([dish.cd19_before for dish in dishes], axis=0)
    panel.stairs(100.0 * before / before.sum(), edges, color="#d0d0d0", fill=True, label="all at the start")
    for colour, rows in zip(shades(len(groups)), groups.values(), strict=True):
        after = np.sum([dishes[row].cd19_after for row in rows], axis=0)
        if not after.any():
            panel.plot([], [], color=colour, label=f"{_name(result, rows[0])}: none left".removeprefix(": "))
            continue
        left = 100.0 * np.mean(result["free_targets"][rows])
        text = f"{_name(result, rows[0])}: {left:.3g} % left".removeprefix(": ")
        panel.stairs(100.0 * after / after.sum(), edges, color=colour, linewidth=1.2, label=text)
    held = np.flatnonzero(before)
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    panel.xaxis.set_minor_formatter("")
    panel.set_xlim(edges[held[0]], edges[held[-1] + 1])
    panel.set_ylim(bottom=0.0)
    panel.set_xlabel("CD19 [copies per target]")
    panel.set_ylabel("targets [% a bin]")
    panel.set_title(_title(result), fontsize=9)
    panel.legend(frameon=False, fontsize=8)


_VIEWS: Final[dict[str, Callable[[SynapsePopulation, Any], None]]] = {
    "drug": _draw_bell,
    "time": _draw_courses,
    "clusters": _draw_clusters,
    "cd19": _draw_cd19,
}

register_plot(SynapsePopulation, plot_synapse_population)
