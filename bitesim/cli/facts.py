"""`bitesim facts`: every published fact beside the calibrated model's number."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bitesim.inference.calibrated_set import CalibratedSet, calibrated
from bitesim.inference.fact_table import fact_table
from bitesim.inference.free_parameters import Values


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("facts", help="published facts beside the calibrated model's numbers")
    parser.add_argument("--json", type=Path, help="write a list of objects, one a fact")
    parser.add_argument("--markdown", type=Path, help="write the table as Markdown")
    parser.add_argument("--seed", type=int, help="of the virtual patients (default: that of the calibration)")
    parser.add_argument("--set", type=Path, help="what `bitesim calibrate` wrote (default: the shipped set)")
    parser.add_argument("--catalogue", action="store_true", help="the catalogue's values, before any calibration")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the table and write what was asked for."""
    chosen = CalibratedSet.load(options.set) if options.set else calibrated()
    values = Values() if options.catalogue else chosen.values
    table = fact_table(values, options.seed)
    print(table)
    if options.json:
        table.write_json(options.json)
        print(f"wrote {options.json}")
    if options.markdown:
        options.markdown.write_text(table.to_markdown(), encoding="utf-8")
        print(f"wrote {options.markdown}")
