"""The picture of throughput: patients per second by method, and where a step's time goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLOURS: Final = ("tab:blue", "tab:cyan", "tab:orange", "tab:gray", "tab:olive", "tab:purple")
_PARTS: Final = {
    "rates": "tab:blue", "factorise": "tab:green", "solves": "tab:olive", "rest": "0.6", "outputs": "0.8",
}  # fmt: skip


def _speeds(axes: Axes, populations: list[Mapping[str, Any]]) -> None:
    """Draw a group of bars for each problem and error, one bar a method."""
    groups = [
        (found, target) for found in populations for target in sorted({c["target_error"] for c in found["costs"]})[::-1]
    ]
    methods = list(dict.fromkeys(cost["method"] for found in populations for cost in found["costs"]))
    width = 0.8 / len(methods)
    for place, (found, target) in enumerate(groups):
        for position, method in enumerate(methods):
            rows = [c for c in found["costs"] if (c["method"], c["target_error"]) == (method, target) and "cpu_us" in c]
            if rows:
                speed, middle = rows[0]["patients_per_second_per_core"], place + (position - (len(methods) - 1) / 2) * width
                label = method if place == 0 else None
                axes.bar(middle, speed, width, color=_COLOURS[position % len(_COLOURS)], label=label)
                axes.annotate(f"{speed:,.0f}", (middle, speed), (0, 2), textcoords="offset points", ha="center", fontsize=7)
    labels = [f"{found['name']}\nerror ≤ {target:.0e}" for found, target in groups]
    axes.set(yscale="log", ylabel="patients / s / core", title="varied patients, equal largest error")
    axes.set_xticks(range(len(groups)), labels)
    axes.set_ylim(top=4.0 * axes.get_ylim()[1])
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper center")


def _steps(axes: Axes, populations: list[Mapping[str, Any]]) -> None:
    """Draw a stacked bar for each problem and width."""
    labels, bars = [], []
    for found in populations:
        for width in found["profile"]["widths"]:
            labels.append(f"{found['name']}\n{'one patient' if width['width'] == 1 else 'eight lanes'}")
            bars.append(width["parts_us"])
    bottom = [0.0] * len(bars)
    for name, colour in _PARTS.items():
        heights = [max(parts[name], 0.0) for parts in bars]
        axes.bar(range(len(bars)), heights, 0.6, bottom, color=colour, label=name)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    axes.set(ylabel="processor time of a step and patient [µs]", title="where a step's time goes")
    axes.set_xticks(range(len(labels)), labels)
    axes.legend(frameon=False, fontsize=8)


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Draw both panels."""
    figure = Figure(figsize=(12.6, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
    _speeds(left, found["populations"])
    _steps(right, found["populations"])
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="x", length=0)
    figure.savefig(path, dpi=130)
