"""What the benchmarks' command lines share: options, the record's common part, and the files that are written."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import circumstances, load_average
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Section, page, plain

FOLDER: Final = Path("bitesim-out")
#: What a run found, as JSON can write it.
Record = dict[str, Any]


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Parameters
    ----------
    name : str
        Of its module, and of the files it writes.
    run : callable run(options) -> record
        Measures; everything that the pages tell is in the record.
    section : callable section(record) -> Section
    draw : callable draw(record, path), optional
        Writes the picture.
    add_options : callable add_options(parser), optional
    """

    name: str
    run: Callable[[argparse.Namespace], Record]
    section: Callable[[Record], Section]
    draw: Callable[[Record, Path], None] | None = None
    add_options: Callable[[argparse.ArgumentParser], None] | None = None


def say(text: str) -> None:
    """Print progress to the error stream; the tables go to the output."""
    print(text, file=sys.stderr, flush=True)


def measured(benchmark: Benchmark, options: argparse.Namespace) -> Record:
    """Run a benchmark and return its record, with the circumstances."""
    before = load_average()
    found = benchmark.run(options)
    versions = found.pop("versions", {})
    common = circumstances()
    common["versions"] |= versions
    loads = {"load_average": [before, load_average()], "is_quick": bool(options.quick)}
    return {"benchmark": benchmark.name, **common, **loads, **found}


def write_json(record: Record, path: Path) -> None:
    """Write a record; numbers that are none would be no JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def picture_of(benchmark: Benchmark, record: Record, path: Path) -> str | None:
    """Draw a benchmark's picture, if it has one; return its name."""
    if benchmark.draw is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    benchmark.draw(record, path)
    return path.name


def main(benchmark: Benchmark, description: str, arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark from the command line; return the exit code."""
    first, *_ = description.split("\n")
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{benchmark.name}", description=first)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, patients and tolerances")
    parser.add_argument("--json", type=Path, default=FOLDER / f"{benchmark.name}.json", metavar="FILE")
    parser.add_argument("--page", type=Path, default=FOLDER / f"{benchmark.name}.md", metavar="FILE")
    parser.add_argument("--page-only", action="store_true", help="make the page from the JSON file of an earlier run")
    if benchmark.add_options is not None:
        benchmark.add_options(parser)
    options = parser.parse_args(arguments)
    if options.page_only:
        record = json.loads(options.json.read_text(encoding="utf-8"))
    else:
        try:
            record = measured(benchmark, options)
        except WrongAnswer as wrong:
            say(str(wrong))
            return 1
        write_json(record, options.json)
    section = benchmark.section(record)
    picture = picture_of(benchmark, record, options.page.with_suffix(".png"))
    made_by = f"Made by `python -m benchmarks.{benchmark.name}`; do not edit."
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(page("bitesim: benchmark", made_by, [(record, section, picture)]), encoding="utf-8")
    print(plain(record, section))
    say(f"wrote {options.page.name}" + ("" if options.page_only else f" and {options.json.name}"))
    return 0
