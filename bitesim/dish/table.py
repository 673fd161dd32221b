"""What an experiment returns: named columns with units, one row a dish, and the notes that belong to them."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import ParameterError, needs_extra, unknown_name

#: Class of a result -> what draws it; filled by bitesim.plots at import, so that no lower floor imports the plotting code.
_plot_hooks: dict[str, Callable[..., Any]] = {}
#: Rows that a printed table shows; the rest is counted.
PRINTED: Final = 24


def register_plot(result: type, hook: Callable[..., Any]) -> None:
    """Let `hook` draw for the `plot` of a class of results."""
    _plot_hooks[result.__name__] = hook


@dataclass(frozen=True, eq=False, repr=False)
class DishTable:
    """Columns by name: ``result["lysis"]``; ``result.units`` says the unit of each.

    Parameters
    ----------
    title : str
    columns : mapping
        Name -> ndarray, shape (rows,), of numbers or text; a published figure that does not exist is NaN.
    units : mapping
        Name -> unit, "-" for shares, "" for text.
    shown : tuple of str
        Columns that a printed table has.
    notes : tuple of str
        What has to be known to read the numbers.
    parameters : mapping
        Name -> value, all that were used.
    """

    title: str
    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str]
    shown: tuple[str, ...]
    notes: tuple[str, ...]
    parameters: Mapping[str, float]

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.columns:
            raise unknown_name("column", name, self.columns)
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.columns)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self)} rows: {', '.join(self.columns)}>"

    def __str__(self) -> str:
        cells = [[self._heading(name, "\n") for name in self.shown], *self._cells()]
        heads = [each.split("\n") for each in cells[0]]
        lines = [[head[k] for head in heads] for k in (0, 1)] + cells[1:]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.shown))]
        is_text = [self.units[name] == "" for name in self.shown]
        body = [
            "  ".join(
                cell.ljust(width) if text else cell.rjust(width)
                for cell, width, text in zip(line, widths, is_text, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, "", *body, *self._rest(), "", *self.notes])

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{self._heading(name, '<br>')}</th>" for name in self.shown)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>" for cells in self._cells()
        )
        notes = "".join(f"<p>{html.escape(each)}</p>" for each in [*self._rest(), *self.notes])
        return f"<table><caption>{html.escape(self.title)}</caption><tr>{heads}</tr>{rows}</table>{notes}"

    def _heading(self, name: str, new_line: str) -> str:
        unit = "%" if self.units[name] == "-" else self.units[name]
        return f"{name}{new_line}{f'[{unit}]' if unit else ''}"

    def _cells(self) -> list[list[str]]:
        return [[_cell(self.columns[name][row], self.units[name]) for name in self.shown] for row in self._printed()]

    def _printed(self) -> list[int]:
        """Return the rows that are printed."""
        return list(range(min(len(self), PRINTED)))

    def _rest(self) -> list[str]:
        left = len(self) - len(self._printed())
        return [f"{left} more rows are not printed (to_dataframe() and to_csv() hold all)"] if left else []

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict a row, with plain numbers and text."""
        columns = [values.tolist() for values in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=True)]

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a dish; ``frame.attrs["units"]`` holds the units.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise needs_extra("pandas", "data", "to_dataframe()") from None
        frame = pandas.DataFrame(dict(self.columns))
        frame.attrs["units"] = dict(self.units)
        return frame

    def to_csv(self, path: str | Path) -> Path:
        """Write all rows, every digit kept and an unknown figure left empty; return the path."""
        target = Path(path)
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.columns))
            writer.writeheader()
            writer.writerows({name: "" if value != value else value for name, value in row.items()} for row in self.rows())
        return target

    def drawn(self, *arguments: Any) -> Any:
        """Return what the registered hook draws of this result; `plot` of each class says what that is."""
        if type(self).__name__ not in _plot_hooks:
            raise ParameterError("plotting is not loaded: import bitesim.plots first (import bitesim does it)")
        return _plot_hooks[type(self).__name__](self, *arguments)


def _cell(value: Any, unit: str) -> str:
    if unit == "":
        return str(value)
    if np.isnan(value):
        return ""
    # Shares are read as percent.
    return f"{100.0 * value:.3g}" if unit == "-" else f"{value:.4g}"
