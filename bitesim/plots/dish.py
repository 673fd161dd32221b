"""Experiments in a dish: shares of paired T cells over a sweep, lysis after weeks of exposure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from bitesim.dish import ExhaustionExperiment, SynapseExperiment
from bitesim.dish.exhaustion import POINTS
from bitesim.dish.schedules import Stretches
from bitesim.dish.swept import SWEPT
from bitesim.dish.table import register_plot
from bitesim.foundation.errors import unknown_name
from bitesim.plots.outputs import one_panel

_AXIS: Final = {
    "drug_ng_per_ml": "drug [ng/mL]",
    "effectors_per_target": "T cells per target (E:T)",
    "effectors_per_ml": "T cells [/mL]",
    "targets_per_ml": "targets [/mL]",
    "cd19_copies": "CD19 per target",
    "minutes": "time [min]",
}
_SHARE: Final = {
    "engaged_effectors": "T cells in clusters [%]",
    "engaged_targets": "targets in clusters [%]",
    "effectors_single": "single T cells [%]",
    "cells_in_larger": "of cells in clusters: in larger than pairs [%]",
    "three_of_larger": "of larger clusters: of three cells [%]",
    "adhesion": "touches that hold [%]",
}
#: How a line is named by what it differs in.
NAMED: Final[dict[str, Callable[[float], str]]] = {
    "cd19_copies": lambda value: f"{value:,.0f} CD19",
    "effectors_per_ml": lambda value: f"{value / 1e6:g}e6 T cells/mL",
    "targets_per_ml": lambda value: f"{value / 1e6:.3g}e6 targets/mL",
    "effectors_per_target": lambda value: f"E:T {value:.3g}",
    "drug_ng_per_ml": lambda value: f"{value:g} ng/mL",
}
_MOST_NAMES: Final = 9
_MOST_INSIDE: Final = 6
#: Dashes of a line -> its published points.
_DASHES: Final = {"-": "o", "--": "s", ":": "^", "-.": "D"}
_COLOURS: Final = ("#1f5a99", "#2c7f5b", "#8c3b6f", "#c46a1b", "#5b5b5b", "#a12a2a")
#: Of what stands for all lines in a legend.
GREY: Final = "#5b5b5b"


def plot_synapses(
    result: SynapseExperiment, against: str = "drug_ng_per_ml", share: str = "engaged_effectors", ax: Any = None
) -> Any:
    """Draw a share of cells over what was swept or over time; return the Axes. See `SynapseExperiment.plot`."""
    if against not in _AXIS:
        raise unknown_name("axis", against, _AXIS)
    over_time = against == "minutes"
    shares = [name for name, unit in result.units.items() if unit == "-" and not name.startswith("published")]
    if over_time:
        shares = [name for name in shares if name == "engaged_effectors" or name.startswith("effectors_")]
    if share not in shares:
        raise unknown_name(f"share to draw over {against}", share, shares)
    panel = one_panel(ax)
    with_points: set[str] = set()
    lines = _lines(result, against)
    for rows, colour, dash in lines:
        x, y = _course(result, rows[0], share) if over_time else (result[against][rows], result[share][rows])
        on_axis = slice(None) if over_time else x > 0.0
        is_point = len(rows) == 1 and not over_time
        panel.plot(x[on_axis], 100.0 * y[on_axis], color=colour, linestyle=dash, marker="." if is_point else None)
        known = rows[np.isfinite(result["published_engaged"][rows])]
        if share == "engaged_effectors" and len(known):
            points(panel, result[against][known], 100.0 * result["published_engaged"][known], colour, dash)
            with_points.add(dash)
    if not over_time:
        logarithmic(panel, _distinct(result[against]))
    panel.set_ylim(bottom=0.0)
    panel.set_xlabel(_AXIS[against])
    panel.set_ylabel(_SHARE.get(share, f"T cells in {share.removeprefix('effectors_')} [%]"))
    panel.set_title(_title(result, against), fontsize=9)
    _name_lines(panel, result, against, with_points)
    return panel


def _course(result: SynapseExperiment, row: int, share: str) -> tuple[Any, Any]:
    """Return minutes and a share of T cells of one dish."""
    course = result.courses[row]
    values = course.engaged() if share == "engaged_effectors" else course.effectors()[share.removeprefix("effectors_")]
    return course.minutes, values


def logarithmic(panel: Any, values: Iterable[float]) -> None:
    """Use a log axis with plain numbers; 2 and 5 are named too where the values span little."""
    from matplotlib.ticker import LogLocator

    positive = [value for value in values if value > 0.0] or [1.0]
    panel.set_xscale("log")
    if max(positive) < 30.0 * min(positive):
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("e+0", "e"))
    panel.xaxis.set_minor_formatter("")


def points(panel: Any, x: Any, y: Any, colour: Any, dash: str = "-") -> None:
    """Draw published figures, whole where they lie on an axis."""
    panel.plot(x, y, _DASHES[dash], color=colour, markeredgecolor="black", linestyle="none", clip_on=False, zorder=3)


def _split(result: SynapseExperiment, against: str) -> tuple[list[str], str | None]:
    """Return the quantities told apart by colour, and the one told apart by dashes, which has the fewest values."""
    varying = [key for key in _keys(result, against) if len(_distinct(result[key])) > 1]
    few = [key for key in reversed(varying) if len(_distinct(result[key])) <= len(_DASHES)]
    dashed = min(few, key=lambda key: len(_distinct(result[key])), default=None) if len(varying) > 1 else None
    return [key for key in varying if key != dashed], dashed


def _lines(result: SynapseExperiment, against: str) -> list[tuple[Any, Any, str]]:
    """Return the rows of each line, rising in what it is drawn against, with its colour and dashes."""
    coloured, dashed = _split(result, against)
    colours, dashes = _colours(result, coloured), _dashes(result, dashed)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row in range(len(result)):
        groups.setdefault((_values(result, coloured, row), _values(result, [dashed] if dashed else [], row)), []).append(row)
    lines = []
    for (colour, dash), rows in groups.items():
        order = np.argsort(result[against][rows], kind="stable")
        lines.append((np.array(rows)[order], colours[colour], dashes[dash]))
    return lines


def _values(result: SynapseExperiment, keys: list[str], row: int) -> tuple[float, ...]:
    return tuple(_rounded(result[key][row]) for key in keys)


def _colours(result: SynapseExperiment, keys: list[str]) -> dict[tuple[float, ...], Any]:
    """Return values -> colour, from light to dark."""
    found = sorted({_values(result, keys, row) for row in range(len(result))})
    return dict(zip(found, shades(len(found)), strict=True))


def _dashes(result: SynapseExperiment, key: str | None) -> dict[tuple[float, ...], str]:
    found = sorted({_values(result, [key] if key else [], row) for row in range(len(result))})
    return dict(zip(found, _DASHES, strict=False))


def _name_lines(panel: Any, result: SynapseExperiment, against: str, with_points: set[str]) -> None:
    """Say in a legend what colours, dashes and points mean; outside the axes where it is long."""
    coloured, dashed = _split(result, against)
    colours = list(_colours(result, coloured).items()) if coloured else []
    for k in sorted({round(k) for k in np.linspace(0, len(colours) - 1, min(len(colours), _MOST_NAMES))}):
        values, colour = colours[k]
        panel.plot([], [], color=colour, label=_name(coloured, values))
    named = {dash: _name([dashed], values) for values, dash in _dashes(result, dashed).items()} if dashed else {}
    for dash, name in named.items():
        panel.plot([], [], color=GREY, linestyle=dash, label=name)
    for dash in sorted(with_points, key=list(_DASHES).index):
        label = "Liu et al. 2023" + (f" ({named[dash]})" if named else "")
        panel.plot([], [], _DASHES[dash], color="white", markeredgecolor="black", linestyle="none", label=label)
    entries = len(panel.get_legend_handles_labels()[1])
    if entries > _MOST_INSIDE:
        panel.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    elif entries:
        panel.legend(frameon=False, fontsize=8)


def _name(keys: list[str], values: tuple[float, ...]) -> str:
    return ", ".join(NAMED[key](value) for key, value in zip(keys, values, strict=True))


def _keys(result: SynapseExperiment, against: str) -> list[str]:
    """Return what fixes a line: everything swept but the axis, targets by number or by ratio, whichever is simpler."""
    by_number = len(_distinct(result["targets_per_ml"])) < len(_distinct(result["effectors_per_target"]))
    targets = "targets_per_ml" if by_number else "effectors_per_target"
    if against in ("targets_per_ml", "effectors_per_target"):
        return ["cd19_copies", "effectors_per_ml", "drug_ng_per_ml"]
    return [key for key in ("cd19_copies", "effectors_per_ml", targets, "drug_ng_per_ml") if key != against]


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")


def _distinct(values: Any) -> set[float]:
    return {_rounded(value) for value in values}


def _title(result: SynapseExperiment, against: str) -> str:
    """Return what all dishes share, but what every line already says."""
    fixed = [key for key in SWEPT if key not in (against, "targets_per_ml") and len(_distinct(result[key])) == 1]
    minutes = [] if against == "minutes" else [f"after {result['minutes'][0]:g} min"]
    return "; ".join([*minutes, *(NAMED[key](result[key][0]) for key in fixed)])


def plot_exhaustion(result: ExhaustionExperiment, ax: Any = None) -> Any:
    """Draw lysis by the day on which targets are added; return the Axes. See `ExhaustionExperiment.plot`."""
    from matplotlib import patheffects

    panel = one_panel(ax)
    for name, colour in zip(_longest(result), _COLOURS * len(result), strict=False):
        days, lysis = result.courses[name]
        for k, (_, stimulus) in enumerate(result.schedules[name]):
            within = slice(k * POINTS, (k + 1) * POINTS + 1)
            panel.plot(
                days[within],
                100.0 * lysis[within],
                color=colour,
                linestyle="-" if stimulus > 0.0 else ":",
                label=name if k == 0 else None,
            )
    known = np.isfinite(result["published_lysis"])
    for name, day, value in zip(
        result["schedule"][known], result["days"][known], 100.0 * result["published_lysis"][known], strict=True
    ):
        points(panel, day, value, "white")
        text = panel.annotate(name, (day, value), (-6, -6), textcoords="offset points", ha="right", va="center", fontsize=7)
        # Lines of other schedules may run behind it.
        text.set_path_effects([patheffects.withStroke(linewidth=3.0, foreground="white")])
    panel.plot([], [], "o", color="white", markeredgecolor="black", linestyle="none", label="Philipp et al. 2022")
    panel.set_xlim(0.0, 1.04 * float(np.max(result["days"])))
    panel.set_ylim(0.0, 105.0)
    panel.set_xlabel("day on which fresh targets are added (dotted: a break)")
    panel.set_ylabel("targets lysed [%]")
    panel.set_title("T cells after exposure in a dish (lysis after 7 d is set to the published one)", fontsize=9)
    panel.legend(frameon=False, fontsize=8)
    return panel


def _longest(result: ExhaustionExperiment) -> list[str]:
    """Return the schedules that are not the start of another one."""
    return [
        name
        for name, those in result.schedules.items()
        if not any(those != others and _starts(those, others) for others in result.schedules.values())
    ]


def _starts(those: Stretches, others: Stretches) -> bool:
    """Return whether one schedule is the start of another."""
    *before, (days, stimulus) = those
    return (
        len(those) <= len(others)
        and tuple(before) == others[: len(before)]
        and stimulus == others[len(before)][1]
        and days <= others[len(before)][0]
    )


def shades(count: int) -> list[Any]:
    """Return colours from light to dark."""
    from matplotlib import colormaps

    return [colormaps["Blues"](share) for share in np.linspace(0.4 if count > 1 else 0.8, 1.0, count)]


register_plot(SynapseExperiment, plot_synapses)
register_plot(ExhaustionExperiment, plot_exhaustion)
