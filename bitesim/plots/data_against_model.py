"""Model against measured patients; censored points are drawn as what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bitesim.datasets import BloodCourse, Il6Points
from bitesim.engines.trajectory import Trajectory

_MODEL, _DATA = "#1f5a99", "#c46a1b"


def plot_blood_courses(courses: Sequence[BloodCourse], runs: Sequence[Trajectory]) -> Any:
    """Draw each patient's B cells (left of each pair) and CD8 T cells against the model; return the Axes.

    A B-cell count at the detection floor is an open triangle pointing down: the true count is at or below it. Time is
    on a symmetric log axis, since most happens on the first day.
    """
    from matplotlib import pyplot

    n_rows = -(-len(courses) // 3)
    size = (13.0, 1.9 * n_rows + 0.8)
    figure, axes = pyplot.subplots(n_rows, 6, sharex=True, squeeze=False, figsize=size, layout="constrained")
    pairs = [(axes[k // 3, 2 * (k % 3)], axes[k // 3, 2 * (k % 3) + 1]) for k in range(3 * n_rows)]
    for course, run, (b_panel, t_panel) in zip(courses, runs, pairs, strict=False):
        floor = course.b_cells_below_floor
        b_panel.plot(run.times_days, run["blood_b_cells_per_ul"], color=_MODEL)
        b_panel.plot(course.times_days[~floor], course.b_cells_per_ul[~floor], "o", color=_DATA, markersize=4)
        b_panel.plot(
            course.times_days[floor], course.b_cells_per_ul[floor], "v", color=_DATA, markersize=4, fillstyle="none"
        )
        t_panel.plot(run.times_days, run["blood_cd8_t_cells_per_ul"], color=_MODEL)
        t_panel.plot(course.times_days, course.cd8_t_cells_per_ul, "o", color=_DATA, markersize=4)
        b_panel.set_ylim(1e-2, 1e3)
        t_panel.set_ylim(1.0, 3e3)
        b_panel.set_title(f"patient {course.patient}: B cells [/µL]", fontsize=8)
        t_panel.set_title(f"patient {course.patient}: CD8 T [/µL]", fontsize=8)
    for used, panel in zip(np.repeat(np.arange(len(pairs)) < len(courses), 2), np.ravel(pairs), strict=True):
        panel.set_visible(bool(used))
        panel.set_yscale("log")
        panel.set_xscale("symlog", linthresh=0.04)
        panel.set_xlim(-0.005, 45.0)
        panel.set_xticks([0.0, 0.1, 1.0, 7.0, 28.0], ["0", "0.1", "1", "7", "28"])
        panel.tick_params(labelsize=7, labelbottom=True)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"{runs[0].provenance.model} (line) against {len(courses)} adults at 15 µg/m²/day, days on a symmetric log axis; "
        "open triangle: at or below the detection floor of 1 /µL", fontsize=10,
    )  # fmt: skip
    return axes


def plot_il6(points: Sequence[Il6Points], runs: Sequence[Trajectory]) -> Any:
    """Draw serum IL-6 of single patients against the model for each regimen; return the Axes."""
    from matplotlib import pyplot

    _, grid = pyplot.subplots(1, len(points), sharey=True, squeeze=False, figsize=(9.0, 3.4), layout="constrained")
    axes = grid[0]
    for panel, measured, run in zip(axes, points, runs, strict=True):
        panel.plot(run.times_days, run["serum_il6_pg_per_ml"], color=_MODEL, label=f"model {run.provenance.model}")
        panel.plot(
            measured.times_days,
            measured.il6_pg_per_ml,
            "o",
            color=_DATA,
            markersize=3,
            label="patients above the assay floor",
        )
        panel.set_yscale("log")
        panel.set_ylim(0.5, 1e5)
        panel.set_title(measured.regimen, fontsize=8)
        panel.set_xlabel("time [d]")
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("IL-6 in serum [pg/mL]")
    axes[0].legend(fontsize=7, frameon=False)
    return axes
