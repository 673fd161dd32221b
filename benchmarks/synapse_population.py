"""Single cells that pair in a dish, cells times minutes per second: python -m benchmarks.synapse_population [--quick].

An hour of T cells and targets from ten thousand to millions of each, three days of serial killing, and beside them a twin
of one Python object for each cell. Published shares of paired T cells (Liu et al. 2023) are put beside the computed ones.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from benchmarks.command import Benchmark, Record, main, say
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Goal, Section, Table
from bitesim.dish import SynapsePopulation, synapse_population
from bitesim.dish.synapses import LIU_2023_ENGAGED
from bitesim.engines.synapse_population.cells import single_cells
from bitesim.mechanisms.serial_killing import cell_parameters
from tests.engines.synapse_population.naive import NaiveDish

_DRUG: Final = 20.0
_PER_ML: Final = 1e6
#: Cells of each kind in one dish.
_SIZES: Final = (10_000, 100_000, 1_000_000, 4_000_000)
_QUICK_SIZES: Final = (10_000, 100_000, 1_000_000)
_REPEATS: Final = 5
_LONG_SIZES: Final = (10_000, 100_000)
_LONG_MINUTES: Final = 72 * 60
_NAIVE_SIZE: Final = 2_000
_CHECKED, _LARGEST_DIFFERENCE = 12, 4.5
_GOAL_S: Final = 30.0
_GOAL_SIZE: Final = 1_000_000

_INTRODUCTION: Final = f"""\
Processor time of one core. {_PER_ML:g} T cells and as many targets per mL, {_DRUG:g} ng/mL, published parameters (Liu et al.
2023, eLife 12:e83659); the volume sets the number of cells. A cell-minute is one T cell or target for one round.

- Before timing, {_CHECKED} dishes of cells that are all alike must give the mean field's share of paired T cells within
  {_LARGEST_DIFFERENCE:g} standard errors.
- The twin has one Python object for each cell, and the engine gives its numbers draw for draw (a test).
"""


def _dish(cells: int, minutes: int = 60, **options: Any) -> SynapsePopulation:
    return synapse_population(_DRUG, _PER_ML, minutes=minutes, volume_ul=1e3 * cells / _PER_ML, threads=1, **options)


def _timed(cells: int, minutes: int, repeats: int) -> Record:
    """Return what dishes of one size cost: medians over replicates."""
    found, cpu = [], []
    for replicate in range(repeats):
        began = time.process_time()
        found.append(_dish(cells, minutes, first_replicate=replicate).dishes[0])
        cpu.append(time.process_time() - began)
    touches = statistics.median(int(dish.count("touches")[-1]) for dish in found)
    seconds = statistics.median(cpu)
    arrays = single_cells(100, 100)
    say(f"{cells} T cells, {minutes} min: {seconds:.3f} s")
    return {
        "cells": cells,
        "minutes": minutes,
        "cpu_s": seconds,
        "cell_minutes_per_second": 2.0 * cells * minutes / seconds,
        "touches": touches,
        "ns_per_touch": 1e9 * seconds / touches,
        "bytes_per_cell": sum(array.nbytes for array in arrays) / 200.0,
        "dead": float(found[0].targets()["dead"][-1]),
        "cd19_kept": float(found[0].cd19_of_free[-1] / found[0].cd19_of_free[0]),
    }


def _difference() -> float:
    """Return by how many standard errors cells all alike differ from expected numbers."""
    run = _dish(20_000, cd19_ln_sd=0.0, parameters={"cd3_geometric_mean": 66299.0}, replicates=_CHECKED)
    means = run.over_replicates()
    apart = abs(float(means["engaged_effectors"][0] - means["mean_field"][0])) / float(means["engaged_effectors_se"][0])
    if not apart <= _LARGEST_DIFFERENCE:
        raise WrongAnswer(f"single cells differ from the mean field by {apart:.1f} standard errors")
    return apart


def _naive() -> Record:
    """Return what the twin of Python objects costs, and the engine on the same dish."""
    began = time.process_time()
    naive = NaiveDish(_NAIVE_SIZE, _NAIVE_SIZE, _DRUG, _NAIVE_SIZE / _PER_ML, 0, 0, cell_parameters(False))
    rows = naive.run(60)
    seconds = time.process_time() - began
    ours = _timed(_NAIVE_SIZE, 60, 2 * _REPEATS)
    if rows[-1] != _dish(_NAIVE_SIZE).dishes[0].counts[-1].tolist():
        raise WrongAnswer("the engine and its twin of Python objects differ")
    return {"cells": _NAIVE_SIZE, "naive_s": seconds, "ours_s": ours["cpu_s"]}


def _published(volume_cells: float) -> list[Record]:
    """Return published shares of paired T cells beside those of three dishes."""
    rows = []
    for (drug, per_ml), share in LIU_2023_ENGAGED.items():
        run = synapse_population(drug, per_ml, volume_ul=1e3 * volume_cells / per_ml, replicates=3).over_replicates()
        engaged, error = (float(run[name][0]) for name in ("engaged_effectors", "engaged_effectors_se"))
        rows.append(
            {
                "drug_ng_per_ml": drug,
                "cells_per_ml": 2.0 * per_ml,
                "published": share,
                "engaged": engaged,
                "se": error,
                "mean_field": float(run["mean_field"][0]),
            }
        )
    return rows


def run(options: argparse.Namespace) -> Record:
    """Check, then time."""
    apart = _difference()
    sizes = _QUICK_SIZES if options.quick else _SIZES
    repeats = 2 if options.quick else _REPEATS
    return {
        "differs_by_se": apart,
        "hour": [_timed(cells, 60, repeats if cells <= _GOAL_SIZE else 2) for cells in sizes],
        "days": [_timed(cells, _LONG_MINUTES, 1 if options.quick else 3) for cells in _LONG_SIZES],
        "naive": _naive(),
        "published": _published(1e5 if options.quick else 1e6),
    }


def _goals(found: Record) -> Iterable[Goal]:
    text = f"{_GOAL_SIZE:g} T cells x {_GOAL_SIZE:g} targets for one hour <= {_GOAL_S:g} s on one core"
    row = next((each for each in found["hour"] if each["cells"] == _GOAL_SIZE), None)
    yield Goal(text, f"{row['cpu_s']:.2f} s", row["cpu_s"] <= _GOAL_S) if row else Goal(text, "not run", None)


def _growth(rows: Sequence[Record]) -> str:
    """Return how cost grows with cells, from the smallest to the largest dish."""
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        return ""
    power = math.log(last["cpu_s"] / first["cpu_s"]) / math.log(last["cells"] / first["cells"])
    return f"CPU time grows with cells to the power {power:.2f}. "


def section(found: Record) -> Section:
    """Return what was found."""
    heading = ["T cells", "targets", "time", "CPU s", "cell-minutes/s", "touches", "ns a touch", "bytes a cell"]
    rows = [
        [
            f"{row['cells']:,}",
            f"{row['cells']:,}",
            f"{row['minutes'] / 60:g} h",
            f"{row['cpu_s']:.3g}",
            f"{row['cell_minutes_per_second']:.2e}",
            f"{row['touches']:,.0f}",
            f"{row['ns_per_touch']:.0f}",
            f"{row['bytes_per_cell']:.0f}",
        ]
        for row in [*found["hour"], *found["days"]]
    ]
    naive, last = found["naive"], found["days"][-1]
    cost = Table(
        "Cost against cells",
        [heading, *rows],
        f"{_growth(found['hour'])}Cells that meet nobody cost nothing, and touches grow with density. "
        f"One Python object for each cell: {naive['naive_s']:.2f} s for {naive['cells']:,} of each, "
        f"{naive['naive_s'] / naive['ours_s']:.0f} times the engine on the same dish. "
        f"After 72 h {100 * last['dead']:.1f} % of targets are dead, and the mean CD19 of the others is "
        f"{last['cd19_kept']:.2f} times that of all. Cells all alike differ from the mean field by "
        f"{found['differs_by_se']:.1f} standard errors.",
    )
    figures = [["drug [ng/mL]", "cells/mL, both kinds", "published [%]", "single cells [%]", "mean field [%]", "times"]]
    for row in found["published"]:
        figures.append(
            [
                f"{row['drug_ng_per_ml']:g}",
                f"{row['cells_per_ml']:g}",
                f"{100 * row['published']:.3g}",
                f"{100 * row['engaged']:.3g} +- {100 * row['se']:.1g}",
                f"{100 * row['mean_field']:.3g}",
                f"{row['engaged'] / row['published']:.2f}",
            ]
        )
    note = "T cells in clusters at 60 min, three dishes, standard error of their mean; nothing was tuned to these figures."
    return Section(
        "Single cells in a dish", _INTRODUCTION, [cost, Table("Published shares", figures, note)], list(_goals(found))
    )


def draw(found: Record, path: Path) -> None:
    """Draw cost against cells."""
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    panel = figure.subplots()
    for name, label, colour in (("hour", "one hour", "#1f5a99"), ("days", "72 h of serial killing", "#c46a1b")):
        rows = found[name]
        panel.loglog([row["cells"] for row in rows], [row["cpu_s"] for row in rows], "o-", color=colour, label=label)
    naive = found["naive"]
    panel.loglog([naive["cells"]], [naive["naive_s"]], "s", color="#5b5b5b", label="one hour, a Python object a cell")
    panel.axhline(_GOAL_S, color="#a12a2a", linewidth=0.8, linestyle=":")
    panel.annotate(f"goal at {_GOAL_SIZE:g} cells", (1.5e3, _GOAL_S), (0, -10), textcoords="offset points", fontsize=8)
    panel.set_xlabel(f"T cells, and as many targets ({_PER_ML:g}/mL, {_DRUG:g} ng/mL)")
    panel.set_ylabel("CPU time [s]")
    panel.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


BENCHMARK: Final = Benchmark("synapse_population", run, section, draw)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
