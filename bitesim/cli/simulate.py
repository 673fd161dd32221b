"""`bitesim simulate`: one patient through infusion cycles, to a report, a figure and tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from bitesim.cli.hybrid_report import hybrid_report, write_hybrid_files
from bitesim.cli.report import report, write_files, write_json
from bitesim.cli.scenario import read_scenario
from bitesim.engines.hybrid_result import HybridRun
from bitesim.engines.trajectory import Trajectory
from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import ParameterError, ScenarioError
from bitesim.population import Patient, simulate
from bitesim.published import MODELS, find_model
from bitesim.treatment import Regimen

_REPLICATES: Final = 100
_PATIENT_OPTIONS = {
    "weight_kg": "body weight [kg]",
    "bsa_m2": "body surface area [m2]",
    "height_cm": "height [cm], instead of the body surface area",
    "age_years": "age [years]",
    "blood_b_cells_per_ul": "B cells in blood before treatment [cells/uL]",
    "blood_cd8_t_cells_per_ul": "CD8 T cells in blood before treatment [cells/uL]",
    "t_cell_fitness": "division and lysis of the patient's T cells relative to typical ones, e.g. 0.5",
    "mrd": "blasts among the marrow's nucleated cells before treatment, e.g. 1e-3 (or --marrow-blast-fraction)",
    "marrow_blast_fraction": "the same for overt disease, e.g. 0.6",
}


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("simulate", help="one patient through infusion cycles")
    add_case_options(parser)
    parser.add_argument("--times-days", help="output times, e.g. '0,1,7,28'; default: 6-hourly, hourly after a change")
    parser.add_argument("--rtol", help="relative tolerance of the solver (default 1e-6)")
    parser.add_argument("--engine", choices=("ode", "hybrid"), default="ode", help="hybrid counts few cells one by one")
    parser.add_argument("--replicates", help="runs of the hybrid engine, each with its own luck (default 100)")
    parser.add_argument("--seed", type=int, help="of the hybrid engine's luck (default 0); recorded with the result")
    parser.add_argument("--out", type=Path, help="folder for course.csv, course.png and, of the ODE engine, ledger.csv")
    parser.add_argument("--json", type=Path, help="file for everything about the run")
    parser.set_defaults(run=run)


def add_case_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which patient, model and regimen."""
    parser.add_argument("scenario", nargs="?", help="scenario file (TOML); options below override it")
    parser.add_argument("--model", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--regimen", help="e.g. '15 ug/m2/day for 28 d, 14 d off, x2', or 'label'")
    for name, text in _PATIENT_OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, help=text)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a model parameter")


def as_number(name: str, text: str) -> float:
    """Return a number written on the command line, or raise an error that names the option."""
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"{name} = {text!r} is not a number: write e.g. {name} 1.5 (a point, no unit)") from None


def case_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `bitesim.simulate` that a scenario file and the options of `add_case_options` give.

    Raises
    ------
    ParameterError, ScenarioError
        For a value that cannot be used, by its option.
    """
    arguments: dict[str, Any] = read_scenario(options.scenario) if options.scenario else {}
    if options.model is not None:
        arguments["model"] = find_model(options.model)
        arguments.pop("parameters", None)
    model = find_model(arguments.get("model"))
    size: dict[str, Any] = {
        name: as_number(f"--{name.replace('_', '-')}", getattr(options, name))
        for name in _PATIENT_OPTIONS
        if getattr(options, name) is not None
    }
    if size:
        arguments["patient"] = arguments["patient"].replace(**size) if "patient" in arguments else Patient(**size)
    if options.regimen == "label":
        arguments["regimen"] = Regimen.label(arguments.get("patient", Patient()))
    elif options.regimen is not None:
        arguments["regimen"] = Regimen.parse(options.regimen)
    if options.set:
        base = arguments.get("parameters", model.parameters)
        arguments["parameters"] = base.replace(**changes(options.set))
    return arguments


def run(options: argparse.Namespace) -> None:
    """Simulate and report."""
    arguments = case_arguments(options)
    if "regimen" not in arguments:
        raise ScenarioError("no regimen: give --regimen '15 ug/m2/day for 28 d, 14 d off, x2' or a scenario file")
    if options.times_days is not None:
        arguments["times_days"] = [as_number("--times-days", text) for text in options.times_days.split(",")]
    if options.rtol is not None:
        arguments["rtol"] = as_number("--rtol", options.rtol)
    if options.seed is not None:
        arguments["seed"] = options.seed
    if options.engine == "hybrid":
        given = float(_REPLICATES) if options.replicates is None else as_number("--replicates", options.replicates)
        count = whole_number("--replicates", int(given) if given.is_integer() else given, (1, 10**6))
        result: Trajectory | HybridRun = simulate(**arguments, engine="hybrid", replicates=count)
    elif options.replicates is not None:
        raise ParameterError(
            f"--replicates {options.replicates} of the ODE engine would all be the same: add --engine hybrid"
        )
    else:
        result = simulate(**arguments)
    print(report(result) if isinstance(result, Trajectory) else hybrid_report(result))
    if options.out is not None:
        folder = options.out
        written = write_files(result, folder) if isinstance(result, Trajectory) else write_hybrid_files(result, folder)
        print("wrote " + ", ".join(map(str, written)))
    if options.json is not None:
        print(f"wrote {write_json(result, options.json)}")


def changes(texts: list[str]) -> dict[str, float]:
    """Return name -> value of what `--set NAME=VALUE` gave, or raise an error that names the option."""
    return dict(_change(text) for text in texts)


def _change(text: str) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ParameterError(f"--set {text!r} is not NAME=VALUE: write e.g. --set kills_per_day=4")
    return name.strip(), as_number(f"--set {name.strip()}", value)
