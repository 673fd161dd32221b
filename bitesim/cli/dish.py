"""`bitesim dish synapses|cells|exhaustion`: experiments in a dish, to a table, a CSV file and figures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from bitesim.cli.report import save_figure
from bitesim.cli.simulate import as_number, changes
from bitesim.dish import exhaustion_experiment, synapse_experiment, synapse_population
from bitesim.dish.table import DishTable
from bitesim.foundation.errors import ParameterError
from bitesim.published import find_model

_SWEPT = {
    "drug_ng_per_ml": "drug [ng/mL], e.g. '0.65,20,100' (default: the published range)",
    "effectors_per_ml": "T cells [/mL], e.g. '1e6,8e6' (default: the published range)",
    "targets_per_ml": "targets [/mL]; default: as many as T cells",
    "effectors_per_target": "E:T, e.g. '0.05,1,6', instead of targets per mL",
    "cd19_copies": "mean CD19 per target (default: the published Raji)",
}
#: Without it, the dish of single cells.
_ONE_DISH = dict.fromkeys(_SWEPT, "") | {"drug_ng_per_ml": "20", "effectors_per_ml": "1e6"}
_OF_CELLS = {
    "volume_ul": "simulated volume [uL] (default 1000)",
    "replicates": "dishes of each kind (default 1)",
    "seed": "whole number (default 0)",
    "threads": "dishes side by side (default: the processors); changes no number",
}


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("dish", help="experiments in a dish: T cells pair with targets, T cells tire")
    experiments = parser.add_subparsers(dest="experiment", required=True)
    synapses = experiments.add_parser(
        "synapses",
        help="T cells in synapses over drug, cells, E:T and CD19 (Liu et al. 2023)",
        description="Each value of one option is combined with each of the others; values are separated by commas.",
    )
    for name, text in _SWEPT.items():
        synapses.add_argument(f"--{name.replace('_', '-')}", dest=name, help=text)
    synapses.add_argument("--minutes", help="whole minutes (default 60)")
    cells = experiments.add_parser(
        "cells",
        help="the same with single cells, for an hour or days of serial killing; CD19 of the survivors",
        description="Each value of one option is combined with each of the others; beyond an hour T cells kill again.",
    )
    for name, text in _SWEPT.items():
        cells.add_argument(
            f"--{name.replace('_', '-')}", dest=name, help=text.replace("the published range", _ONE_DISH[name])
        )
    cells.add_argument("--hours", help="how long, e.g. 72 (default 1)")
    for name, text in _OF_CELLS.items():
        cells.add_argument(f"--{name.replace('_', '-')}", dest=name, help=text)
    exhaustion = experiments.add_parser(
        "exhaustion",
        help="lysis by T cells after weeks of exposure, with and without breaks (Philipp et al. 2022)",
        description="The published schedules are always shown beside yours.",
    )
    exhaustion.add_argument(
        "--schedule", action="append", default=[], help="e.g. '7 d on, 7 d off, x2' or '14 d at 0.5'; may be repeated"
    )
    for each, run in ((synapses, run_synapses), (cells, run_cells), (exhaustion, run_exhaustion)):
        each.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a parameter")
        each.add_argument("--out", type=Path, help="folder for the table (CSV) and the figures (PNG)")
        each.set_defaults(run=run)


def run_synapses(options: argparse.Namespace) -> None:
    """Sweep, print and write synapses.csv, synapses.png and, over several E:T, synapses_by_ratio.png."""
    arguments: dict[str, Any] = {
        name: _numbers(f"--{name.replace('_', '-')}", getattr(options, name))
        for name in _SWEPT
        if getattr(options, name) is not None
    }
    if options.minutes is not None:
        arguments["minutes"] = _whole("--minutes", options.minutes)
    result = synapse_experiment(**arguments, parameters=changes(options.set))
    print(result)
    if options.out is not None:
        axes = {"synapses": result.plot(_first_axis(result))}
        if len(np.unique(result["effectors_per_target"])) > 1 and _first_axis(result) == "drug_ng_per_ml":
            axes["synapses_by_ratio"] = result.plot("effectors_per_target")
        _write(result, options.out, "synapses", axes)


def run_cells(options: argparse.Namespace) -> None:
    """Run, print and write cells.csv, cells_over_time.csv and figures: cells.png, cells_over_time.png, cells_cd19.png."""
    arguments: dict[str, Any] = {
        name: _numbers(f"--{name.replace('_', '-')}", getattr(options, name))
        for name in _SWEPT
        if getattr(options, name) is not None
    }
    if options.hours is not None:
        arguments["minutes"] = _whole("--hours in minutes", str(60.0 * as_number("--hours", options.hours)))
    if options.volume_ul is not None:
        arguments["volume_ul"] = as_number("--volume-ul", options.volume_ul)
    for name in ("replicates", "seed", "threads"):
        if getattr(options, name) is not None:
            arguments[name] = _whole(f"--{name}", getattr(options, name))
    result = synapse_population(**arguments, parameters=changes(options.set))
    several = int(result["replicate"].max()) > 0
    print(result.over_replicates() if several else result)
    if options.out is not None:
        axes = {"cells": result.plot("drug"), "cells_over_time": result.plot("time")}
        if len(np.unique(result["cd19_copies"])) == 1:
            axes["cells_cd19"] = result.plot("cd19")
        _write(result, options.out, "cells", axes)
        print(f"wrote {result.over_time().to_csv(options.out / 'cells_over_time.csv')}")


def run_exhaustion(options: argparse.Namespace) -> None:
    """Expose, print and write exhaustion.csv and exhaustion.png."""
    parameters = find_model("leukaemia").parameters.replace(**changes(options.set))
    result = exhaustion_experiment(options.schedule, parameters)
    print(result)
    if options.out is not None:
        _write(result, options.out, "exhaustion", {"exhaustion": result.plot()})


def _first_axis(result: DishTable) -> str:
    """Return what is drawn against: drug, or the first other quantity that varies, or time."""
    swept = ("drug_ng_per_ml", "effectors_per_target", "effectors_per_ml", "cd19_copies")
    return next((name for name in swept if len(np.unique(result[name])) > 1), "minutes")


def _write(result: DishTable, folder: Path, name: str, axes: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    written = [result.to_csv(folder / f"{name}.csv")]
    written += [save_figure(each, folder / f"{stem}.png") for stem, each in axes.items()]
    print("wrote " + ", ".join(str(path) for path in written))


def _numbers(option: str, text: str) -> list[float]:
    return [as_number(option, each) for each in text.split(",")]


def _whole(option: str, text: str) -> int:
    value = as_number(option, text)
    if not value.is_integer():
        reason = ": time is in whole minutes" if "minutes" in option else ""
        raise ParameterError(f"{option} = {text!r} is not a whole number{reason}")
    return int(value)
