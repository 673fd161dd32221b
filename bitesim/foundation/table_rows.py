"""Rows of a table as a user has it: a CSV file, a DataFrame, a list of dicts or a dict of columns; each knows its line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any, Final, NamedTuple

from bitesim.foundation.checks import shown
from bitesim.foundation.errors import ScenarioError

#: What stands for a missing cell: NONMEM's dot, an empty cell, and what R writes.
MISSING: Final = ("", ".", "NA")


class TableRow(NamedTuple):
    """One record.

    Parameters
    ----------
    source : str
        The table as messages call it.
    number : int
        Its line there; the header is line 1.
    cells : mapping
        Upper-case column -> cell as given.
    """

    source: str
    number: int
    cells: Mapping[str, Any]

    def problem(self, column: str, text: str) -> ScenarioError:
        """Build the error for one cell."""
        return ScenarioError(f"{self.source}, line {self.number}, column {column}: {text}")

    def text(self, column: str) -> str:
        """Return a cell as stripped text, '' where it is missing."""
        cell = self.cells.get(column)
        return "" if is_missing(cell) else str(cell).strip()

    def number_in(self, column: str) -> float | None:
        """Return a cell as a finite number, None where it is missing.

        Raises
        ------
        ScenarioError
            For text, truth values, nan written as text and infinity.
        """
        cell: Any = self.cells.get(column)
        # Most cells of most tables are one of these.
        if cell is None or (type(cell) is str and cell in (".", "")):
            return None
        if type(cell) is float and math.isfinite(cell):
            return cell
        if is_missing(cell):
            return None
        written_nan = isinstance(cell, str) and cell.strip().lower() == "nan"
        try:
            value = math.nan if isinstance(cell, bool) else float(cell)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not math.isfinite(value):
            given = "'not a number'" if written_nan else shown(cell)
            hint = " (write 0.5, not 0,5)" if isinstance(cell, str) and "," in cell else ""
            raise self.problem(column, f"{given} is not a finite number{hint}")
        return value


def table_rows(table: Any, name: str = "table") -> list[TableRow]:
    """Return the rows of a table.

    Parameters
    ----------
    table : path, DataFrame, list of dicts, dict of columns, or list of TableRow
        A file has a header and cells between commas, semicolons or white space; blank lines and lines that begin with '#'
        say nothing, but a header may begin with it. Rows that are `TableRow` already are returned as they are.
    name : str
        What messages call the table.

    Raises
    ------
    ScenarioError
        For what is not a table, a file that cannot be read, a line with more or fewer cells than the header, and a column
        that stands twice.
    """
    if isinstance(table, (str, Path)):
        return _rows_of_file(Path(table), f"{name} {Path(table).name}")
    records = _records(table, name)
    rows = []
    for position, record in enumerate(records):
        if isinstance(record, TableRow):
            rows.append(record)
            continue
        number = position + 2
        if not isinstance(record, Mapping):
            raise ScenarioError(f"{name}, line {number}: {shown(record)} is not a record of named columns")
        columns = [_column(column) for column in record]
        _refuse_twice(columns, f"{name}, line {number}")
        rows.append(TableRow(name, number, dict(zip(columns, record.values(), strict=True))))
    return rows


def is_missing(cell: Any) -> bool:
    """Return whether a cell holds nothing: None, '', '.', 'NA', nan, or pandas' own marks."""
    if cell is None or (isinstance(cell, str) and cell.strip() in MISSING):
        return True
    if type(cell).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(cell, Real) and math.isnan(float(cell)) if not isinstance(cell, int) else False


def id_text(cell: Any) -> str:
    """Return a patient's ID as text: the numbers 1 and 1.0 are '1', and text, such as '01', stays as it is."""
    if isinstance(cell, str):
        return cell.strip()
    try:
        return str(int(cell)) if float(cell) == int(cell) else str(cell)
    except (TypeError, ValueError, OverflowError):
        return str(cell)


def _column(name: Any) -> str:
    return str(name).strip().upper()


def _refuse_twice(columns: list[str], where: str) -> None:
    for column in columns if len(set(columns)) < len(columns) else ():
        if columns.count(column) > 1:
            raise ScenarioError(f"{where}: the column {column!r} stands twice (upper and lower case are the same)")


def _rows_of_file(path: Path, source: str) -> list[TableRow]:
    try:
        # utf-8-sig: spreadsheets begin a CSV with a byte-order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            text = file.read()
        numbered = _cells_of_lines(text)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as problem:
        raise ScenarioError(f"{source} cannot be read: {problem} ({path})") from None
    if not numbered:
        return []
    number, header = numbered[0]
    columns = [_column(column) for column in header]
    columns[0] = columns[0].lstrip("# ")
    _refuse_twice(columns, f"{source}, line {number}")
    rows = []
    for number, cells in numbered[1:]:
        if len(cells) != len(columns):
            raise ScenarioError(
                f"{source}, line {number}: {len(cells)} cells under {len(columns)} columns: write '.' for a missing value"
            )
        rows.append(TableRow(source, number, dict(zip(columns, cells, strict=True))))
    return rows


def _cells_of_lines(text: str) -> list[tuple[int, list[str]]]:
    """Return (line, cells) of each line that says something; the header comes first."""
    # What stands before the header may have commas of its own.
    first = next((line for line in text.splitlines() if "TIME" in line.upper()), text.split("\n", 1)[0])
    if "," in first or ";" in first:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="," if "," in first else ";")
        numbered = [(reader.line_num, cells) for cells in reader]
    else:
        numbered = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1)]
    said = [(number, cells) for number, cells in numbered if any(cell.strip() for cell in cells)]
    plain = [(number, cells) for number, cells in said if not cells[0].lstrip().startswith("#")]
    # A header may begin with '#' too, for programs that skip it.
    names = {_column(cell).lstrip("# ") for cell in said[0][1]} if said else set()
    return [said[0], *plain] if "TIME" in names and said[0] not in plain else plain


def _records(table: Any, name: str) -> list[Any]:
    if hasattr(table, "to_dicts"):
        return list(table.to_dicts())
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        return list(table.to_dict("records"))
    if isinstance(table, Mapping):
        columns = {key: list(cells) for key, cells in table.items() if isinstance(cells, Iterable)}
        if len(columns) != len(table) or len({len(cells) for cells in columns.values()}) > 1:
            raise ScenarioError(f"{name}: its columns are not lists of one length")
        _refuse_twice([_column(key) for key in columns], name)
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    if isinstance(table, Iterable) and not isinstance(table, (str, bytes)):
        return list(table)
    raise ScenarioError(f"{name} {shown(table)} is not a path, a list of dicts, a dict of columns or a DataFrame")
