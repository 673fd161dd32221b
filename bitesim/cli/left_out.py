"""`bitesim left-out`: each measured patient predicted from what the others taught."""

from __future__ import annotations

import argparse
from typing import Any

from bitesim.inference.left_out_patients import predict_left_out


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "left-out",
        help="CD8 T cells of each of 13 real patients, predicted from the other 12",
        description="Fits the other patients 13 times: some two minutes.",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Leave out each patient in turn, and print the errors."""
    print(predict_left_out(report=lambda text: print(text, flush=True)))
