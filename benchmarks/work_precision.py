"""Work-precision of bitesim beside its peers: python -m benchmarks.work_precision [--quick] [--json FILE] [--page FILE].

Every answer is compared with a reference before anything is timed; all solvers get the same compiled right-hand side if
they can take one, restart at every change of the input, and take turns within one run. Writes one JSON file, one page
(Markdown) and its picture beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import LADDER, QUICK_LADDER, WrongAnswer, measure
from benchmarks.ours import bitesim_solvers
from benchmarks.peers import peers
from benchmarks.problems import problems
from benchmarks.report import page, picture, record, table

_FOLDER: Final = Path("bitesim-out")
_ROUNDS: Final = 9
_QUICK_ROUNDS: Final = 5


def run(is_quick: bool, rounds: int | None = None) -> dict[str, Any]:
    """Measure every problem; return the record to be written as JSON."""
    solvers = (*bitesim_solvers(), *peers())
    ladder = QUICK_LADDER if is_quick else LADDER
    rounds = rounds or (_QUICK_ROUNDS if is_quick else _ROUNDS)
    measured = [(problem, *measure(problem, solvers, ladder, rounds, say)) for problem in problems()]
    return record(solvers, measured, rounds)


def say(text: str) -> None:
    """Print progress to the error stream; the tables go to the output."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.work_precision", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"whole decades and {_QUICK_ROUNDS} rounds")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of timing (default {_ROUNDS})")
    parser.add_argument("--json", type=Path, default=_FOLDER / "work_precision.json", metavar="FILE")
    parser.add_argument("--page", type=Path, default=_FOLDER / "work_precision.md", metavar="FILE")
    parser.add_argument("--page-only", action="store_true", help="make the page from the JSON file of an earlier run")
    chosen = parser.parse_args(arguments)
    if chosen.page_only:
        found = json.loads(chosen.json.read_text(encoding="utf-8"))
    else:
        try:
            found = run(chosen.quick, chosen.rounds)
        except WrongAnswer as wrong:
            say(str(wrong))
            return 1
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    chosen.page.parent.mkdir(parents=True, exist_ok=True)
    drawn = chosen.page.with_suffix(".png")
    picture(found, drawn)
    chosen.page.write_text(page(found, drawn.name), encoding="utf-8")
    print(table(found))
    say(f"wrote {chosen.page}, {drawn.name}" + ("" if chosen.page_only else f" and {chosen.json}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
