"""The report of a hybrid run's replicates, and the files it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from bitesim.cli.report import save_figure
from bitesim.engines.hybrid_result import HybridRun

_LEVELS: Final = (5.0, 50.0, 95.0)
#: What is smaller beside the largest value of all replicates is rounding.
_NOISE: Final = 1e-14


def hybrid_report(run: HybridRun) -> str:
    """Return the report as text."""
    last, days = run.times_days[-1], run.extinction_days()
    lines = [
        f"{run.patient}: {run.regimen}",
        f"model {run.model}, {run.times_days[0]:g} to {last:g} days, seed {run.seed}; clones below "
        f"{run.threshold_cells:g} cells are counted",
        "",
        f"P(cured by day {last:g}), replicates:        {run.p_cured()}",
        f"P(cured by day {last:g}), branching theory:  {run.cured_by_theory:.3f}",
        "",
        f"{'clone':28} {'died out in':>14} {'median day':>11}",
    ]
    for place, clone in enumerate(run.clones):
        gone = np.isfinite(days[:, place])
        median = f"{np.median(days[gone, place]):11.4g}" if gone.any() else f"{'-':>11}"
        lines.append(f"{clone:28} {f'{int(gone.sum())} of {len(run)}':>14} {median}")
    heading = " ".join(f"{f'{level:g} %':>10}" for level in _LEVELS)
    lines += ["", f"{'output':28} {'unit':9} {'lowest, percentiles':>32} {'end, percentiles':>32}"]
    lines.append(f"{'':38} {heading} {heading}")
    for name in run.values:
        values = (*np.percentile(run.nadir(name), _LEVELS), *np.percentile(run[name][:, -1], _LEVELS))
        noise = _NOISE * float(np.max(np.abs(run[name])))
        shown = " ".join(f"{'~0' if 0.0 < abs(value) < noise else f'{value:.4g}':>10}" for value in values)
        lines.append(f"{name:28} {run.units[name]:9} {shown}")
    decided = sum(map(len, run.decisions))
    lines += [f"{decided} decisions in {len(run)} replicates (--json holds all)"] if decided else []
    lines.append("Research use only: not for treatment decisions.")
    return "\n".join(lines)


def write_hybrid_files(run: HybridRun, folder: Path) -> list[Path]:
    """Write course.csv, with all replicates, and course.png into `folder`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [run.to_csv(folder / "course.csv"), save_figure(run.plot(), folder / "course.png")]
