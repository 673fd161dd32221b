"""What a benchmark has to say, as sections of tables and goals, and their form as Markdown and as plain text."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Heading first.
Rows = Sequence[Sequence[str]]

_GOALS_HEADING: Final = ("goal", "measured", "")


@dataclass(frozen=True)
class Goal:
    """What the project wants, what was measured, and whether that is enough; None where it could not be measured."""

    text: str
    measured: str
    is_met: bool | None

    @property
    def verdict(self) -> str:
        """One word."""
        return {True: "met", False: "**missed**", None: "not measured"}[self.is_met]


@dataclass(frozen=True)
class Table:
    """Rows, heading first, under a title; a folded one is opened by a click."""

    title: str
    rows: Rows
    note: str = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Section:
    """One benchmark's part of a page.

    Parameters
    ----------
    title : str
    introduction : str
        How it was measured; Markdown.
    tables : sequence of Table
    goals : sequence of Goal
    notes : sequence of str
        What was skipped or failed, by name.
    """

    title: str
    introduction: str
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()


def quartiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile."""
    if len(samples) == 1:
        return samples[0], samples[0], samples[0]
    lower, middle, upper = statistics.quantiles(samples, n=4, method="inclusive")
    return lower, middle, upper


def spread(found: Sequence[float], digits: int = 3) -> str:
    """Return quartiles as text: median (lower-upper)."""
    lower, middle, upper = (f"{value:.{digits}g}" for value in found)
    return f"{middle} ({lower}-{upper})"


def markdown_table(rows: Rows) -> list[str]:
    """Return the lines of a Markdown table."""
    heading, *body = rows
    return [f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *body)]


def plain_table(rows: Rows) -> list[str]:
    """Return the lines of a table with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def goal_rows(goals: Iterable[Goal]) -> list[Sequence[str]]:
    """Return the table of goals."""
    return [_GOALS_HEADING, *((goal.text, goal.measured, goal.verdict) for goal in goals)]


def _machine_line(record: dict[str, Any]) -> str:
    machine = record["machine"]
    vectors = {True: "AVX-512", False: "no AVX-512", None: "vector instructions unknown"}[machine["has_avx512"]]
    return f"{machine['processor']}, {machine['logical_cores']} logical cores, {vectors}; {record['measured_utc']}."


def _load_line(record: dict[str, Any]) -> str:
    loads = record["load_average"]
    quick = " Quick run: fewer rounds, patients and tolerances." if record["is_quick"] else ""
    return f"Load average before and after: {loads[0]} and {loads[1]}.{quick}"


def _section_lines(record: dict[str, Any], section: Section, picture: str | None) -> list[str]:
    lines = [f"## {section.title}", "", *section.introduction.strip().splitlines(), "", _load_line(record), ""]
    if picture:
        lines += [f"![{section.title}]({picture})", ""]
    for table in section.tables:
        if table.is_folded:
            lines += [f"<details><summary>{table.title}</summary>", "", *markdown_table(table.rows), ""]
            lines += [table.note, ""] if table.note else []
            lines += ["</details>", ""]
        else:
            lines += [f"### {table.title}", "", *markdown_table(table.rows), ""] + ([table.note, ""] if table.note else [])
    if section.notes:
        lines += ["Not run, or given up:", "", *(f"- {note}" for note in section.notes), ""]
    return lines


def page(title: str, introduction: str, parts: Sequence[tuple[dict[str, Any], Section, str | None]]) -> str:
    """Return a Markdown page of several parts: each a record, the section made from it, and its picture's name."""
    lines = [f"# {title}", "", *introduction.strip().splitlines(), ""]
    goals = [goal for _, section, _ in parts for goal in section.goals]
    if goals:
        lines += ["## Goals", "", *markdown_table(goal_rows(goals)), ""]
    for record, section, picture in parts:
        lines += _section_lines(record, section, picture)
    lines += ["## Machine and versions", ""]
    if parts:
        last, versions = parts[-1][0], {name: each for record, _, _ in parts for name, each in record["versions"].items()}
        lines += [_machine_line(last), "", ", ".join(f"{name} {version}" for name, version in versions.items()), ""]
        lines += [f"bitesim's sources: SHA-256 {last['bitesim_sources_sha256'][:16]}.", ""]
    return "\n".join(lines)


def plain(record: dict[str, Any], section: Section) -> str:
    """Return a section for the terminal."""
    lines = [section.title, _machine_line(record), _load_line(record), ""]
    for table in section.tables:
        if not table.is_folded:
            lines += [table.title, *plain_table(table.rows), *([table.note] if table.note else []), ""]
    if section.goals:
        lines += plain_table([[cell.strip("*") for cell in row] for row in goal_rows(section.goals)])
    lines += [f"not run: {note}" for note in section.notes]
    return "\n".join(lines)
