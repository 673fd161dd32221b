"""Work-precision of bitesim beside its peers: python -m benchmarks.work_precision [--quick] [--json FILE] [--page FILE].

Every answer is compared with a reference before anything is timed; all solvers get the same compiled right-hand side if
they can take one, restart at every change of the input, and take turns within one run. Writes one JSON file, one page
(Markdown) and its picture beside it.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from benchmarks.command import Benchmark, Record, main, say
from benchmarks.measure import LADDER, QUICK_LADDER, measure
from benchmarks.ours import bitesim_solvers
from benchmarks.peers import peers
from benchmarks.problems import problems
from benchmarks.report import picture, record, section

_ROUNDS: Final = 9
_QUICK_ROUNDS: Final = 5


def run(options: argparse.Namespace) -> Record:
    """Measure every problem; return what was found."""
    solvers = (*bitesim_solvers(), *peers())
    ladder = QUICK_LADDER if options.quick else LADDER
    rounds = getattr(options, "rounds", None) or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    return record(solvers, [(problem, *measure(problem, solvers, ladder, rounds, say)) for problem in problems()], rounds)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rounds", type=int, metavar="N", help=f"rounds of timing (default {_ROUNDS}; quick {_QUICK_ROUNDS})"
    )


BENCHMARK: Final = Benchmark("work_precision", run, section, picture, _options)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
