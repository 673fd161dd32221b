"""All benchmarks, one JSON file and one page: python -m benchmarks.run_all [--quick] [--largest N] [--only NAME ...].

Writes benchmarks.json, benchmarks.md and its pictures. With --only, the other parts are kept from an earlier run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import (
    agents,
    clinical_cohort,
    cohort_size,
    first_call,
    fitting,
    sensitivity_cost,
    stochastic,
    synapse_population,
    throughput,
    work_precision,
)
from benchmarks.command import FOLDER, Benchmark, Record, measured, picture_of, say, write_json
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Section, goal_rows, page, plain_table

BENCHMARKS: Final[tuple[Benchmark, ...]] = (
    work_precision.BENCHMARK,
    throughput.BENCHMARK,
    cohort_size.BENCHMARK,
    clinical_cohort.BENCHMARK,
    sensitivity_cost.BENCHMARK,
    fitting.BENCHMARK,
    stochastic.BENCHMARK,
    synapse_population.BENCHMARK,
    agents.BENCHMARK,
    first_call.BENCHMARK,
)

_INTRODUCTION: Final = """\
Everything here was made by `python -m benchmarks.run_all`; do not edit. Answers are validated before they are timed. Goals
are the project's own, on the published model (hosseini2020) and on a stiff test problem (kinetic binding with trimers).
Times wander on a shared machine: **use the ratios**, and look at the load.
"""

#: name -> record, or what went wrong.
Parts = dict[str, Record]


def measure_all(chosen: Sequence[Benchmark], options: argparse.Namespace, parts: Parts, path: Path) -> None:
    """Measure each benchmark into `parts`, and write what there is after each: a long run may be stopped."""
    for benchmark in chosen:
        say(f"== {benchmark.name}")
        try:
            parts[benchmark.name] = measured(benchmark, options)
        except WrongAnswer as wrong:
            parts[benchmark.name] = {"failed": str(wrong)}
        except Exception as problem:
            # The others are still wanted; its text may hold a path of this machine, so it goes to the screen alone.
            say(f"{benchmark.name}: {problem!r}")
            parts[benchmark.name] = {"failed": type(problem).__name__}
        write_json({"benchmark": "all", "parts": parts, "goals": _goals(parts)}, path)


def _ready(parts: Parts) -> list[tuple[Benchmark, Record, Section]]:
    found = [(benchmark, parts[benchmark.name]) for benchmark in BENCHMARKS if benchmark.name in parts]
    return [(benchmark, record, benchmark.section(record)) for benchmark, record in found if "failed" not in record]


def _goals(parts: Parts) -> list[dict[str, Any]]:
    return [
        {"benchmark": benchmark.name, "goal": goal.text, "measured": goal.measured, "is_met": goal.is_met}
        for benchmark, _, section in _ready(parts)
        for goal in section.goals
    ]


def write_page(parts: Parts, path: Path) -> None:
    """Write the page and its pictures."""
    pieces = []
    for benchmark, record, section in _ready(parts):
        picture = picture_of(benchmark, record, path.with_name(f"{path.stem}_{benchmark.name}.png"))
        pieces.append((record, section, picture))
    failed = [f"- **{name} failed**: {record['failed']}" for name, record in parts.items() if "failed" in record]
    absent = [f"- {each.name} was not run" for each in BENCHMARKS if each.name not in parts]
    introduction = "\n".join([_INTRODUCTION, *failed, *absent])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page("bitesim: benchmarks", introduction, pieces), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code: 1 where a benchmark failed."""
    first, *_ = (__doc__ or "").split("\n")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run_all", description=first)
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("--quick", action="store_true", help="fewer rounds, patients and tolerances")
    parser.add_argument("--largest", type=int, metavar="N", help="largest cohort, e.g. 1000000")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"measure these alone: {', '.join(names)}")
    parser.add_argument("--json", type=Path, default=FOLDER / "benchmarks.json", metavar="FILE")
    parser.add_argument("--page", type=Path, default=FOLDER / "benchmarks.md", metavar="FILE")
    parser.add_argument("--page-only", action="store_true", help="make the page from the JSON file of an earlier run")
    options = parser.parse_args(arguments)
    parts: Parts = {}
    if options.page_only or (options.only and options.json.exists()):
        record = json.loads(options.json.read_text(encoding="utf-8"))
        if "parts" not in record:
            parser.error(f"{options.json} is of the benchmark {record.get('benchmark')} alone: choose another --json file")
        parts = record["parts"]
    if not options.page_only:
        chosen = [each for each in BENCHMARKS if not options.only or each.name in options.only]
        measure_all(chosen, options, parts, options.json)
    write_page(parts, options.page)
    goals = [goal for _, _, section in _ready(parts) for goal in section.goals]
    print("\n".join(plain_table([[cell.strip("*") for cell in row] for row in goal_rows(goals)])))
    failed = [name for name, record in parts.items() if "failed" in record]
    say(f"wrote {options.page.name} and its pictures" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
