"""`bitesim export`: a model under a regimen, as a file of another tool."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bitesim.cli.simulate import add_case_options, case_arguments
from bitesim.interchange import to_sbml
from bitesim.population import Patient
from bitesim.published import find_model


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("export", help="a model under a regimen, for other simulators")
    add_case_options(parser)
    parser.add_argument("--to", choices=["sbml"], default="sbml", help="format (default sbml: SBML Level 3 Version 2)")
    parser.add_argument("--out", type=Path, required=True, help="file to write, e.g. model.xml")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the file; without a regimen the model is exported without drug."""
    arguments = case_arguments(options)
    model, patient = find_model(arguments.get("model")), arguments.get("patient", Patient())
    parameters = model.individual_parameters(arguments.get("parameters", model.parameters), patient.covariates())
    text = to_sbml(model, parameters, arguments.get("regimen"), bsa_m2=patient.bsa_m2, weight_kg=patient.weight_kg)
    options.out.write_text(text, encoding="utf-8")
    print(f"wrote {options.out}: model {model.name}, time in days. Research use only: not for treatment decisions.")
