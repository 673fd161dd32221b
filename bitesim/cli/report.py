"""The short readable report of one run, and the files it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bitesim.engines.hybrid_result import HybridRun
from bitesim.engines.trajectory import Trajectory
from bitesim.published import MODELS


def report(run: Trajectory) -> str:
    """Return the report as text."""
    lines = [
        f"{run.patient}: {run.provenance.regimen}",
        f"model {run.provenance.model}, {run.times_days[0]:g} to {run.times_days[-1]:g} days",
        f"drug: {run.ledger}",
        "",
        f"{'output':28} {'unit':9} {'start':>10} {'lowest':>10} {'at day':>8} {'highest':>10} {'at day':>8} {'end':>10}",
    ]
    for name in run.outputs:
        values = run[name]
        low, high = int(np.argmin(values)), int(np.argmax(values))
        lines.append(
            f"{name:28} {run.units[name]:9} {_shown(run, name, 0)} {_shown(run, name, low)} {run.times_days[low]:8.3g} "
            f"{_shown(run, name, high)} {run.times_days[high]:8.3g} {_shown(run, name, -1)}"
        )
    for name, time_days in run.below_one_cell().items():
        lines.append(f"{name}: below one cell from day {time_days:g}; what it is later is no relapse")
    lines += ["", "events:"]
    lines += [f"  day {event.time_days:8.3f}  {event.kind}: {event.text}" for event in run.events[:20]]
    if len(run.events) > 20:
        lines.append(f"  ... and {len(run.events) - 20} more (--json holds all)")
    counters = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in run.solver.counters.items())
    balance = ", ".join(f"{name} balance off by {value:.1e}" for name, value in run.solver.conservation.items())
    lines += ["", f"solver: {run.solver.method}: {counters}", f"checks: {balance}"]
    if run.provenance.model in MODELS:
        lines += [f"note: {text}" for text in MODELS[run.provenance.model].assumptions]
    lines.append("Research use only: not for treatment decisions.")
    return "\n".join(lines)


def _shown(run: Trajectory, name: str, position: int) -> str:
    """Return one value in ten columns; what is rounding noise beside the course's maximum is shown as ~0."""
    value, largest = float(run[name][position]), float(np.max(np.abs(run[name])))
    is_noise = name not in run.clones and 0.0 < abs(value) < 1e-12 * largest
    return f"{'~0':>10}" if is_noise else run.shown(name, value, 10)


def write_files(run: Trajectory, folder: Path) -> list[Path]:
    """Write course.csv, ledger.csv and course.png into `folder`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [run.to_csv(folder / "course.csv")]
    if run.ledger is not None:
        written.append(run.ledger.to_csv(folder / "ledger.csv"))
    picture = folder / "course.png"
    save_figure(run.plot(), picture)
    return [*written, picture]


def save_figure(axes: Any, path: Path) -> Path:
    """Write the figure that `axes` belong to and close it; return the path."""
    from matplotlib import pyplot

    figure = np.ravel(axes)[0].figure
    figure.savefig(path, dpi=140)
    pyplot.close(figure)
    return path


def write_json(run: Trajectory | HybridRun, path: Path) -> Path:
    """Write everything about the run as JSON; return the path."""
    path.write_text(json.dumps(run.as_dict(), indent=1), encoding="utf-8")
    return path
