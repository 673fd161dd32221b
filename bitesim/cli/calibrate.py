"""`bitesim calibrate`: fit the leukaemia model to the facts, and write the calibrated set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bitesim.inference.calibrated_set import CalibratedSet
from bitesim.inference.calibration import DEFAULT_SEED, calibrate
from bitesim.inference.fact_table import fact_table


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("calibrate", help="fit the leukaemia model to the published facts")
    parser.add_argument("--out", type=Path, default=Path("calibrated_leukaemia.json"), help="file of the calibrated set")
    parser.add_argument("--store", type=Path, help="file of evaluations: an interrupted calibration goes on from it")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help=f"of the virtual patients (default {DEFAULT_SEED})")
    parser.add_argument("--iterations", type=int, default=15, help="most iterations of each of the two fits (default 15)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Calibrate, print values and facts, write the set."""
    found = CalibratedSet.of(
        calibrate(
            seed=options.seed,
            store=options.store,
            iterations=options.iterations,
            report=lambda text: print(text, flush=True),
        )
    )
    print(found)
    print(fact_table(found.values, found.seed))
    found.save(options.out)
    print(f"wrote {options.out}, SHA-256 {found.digest()}")
