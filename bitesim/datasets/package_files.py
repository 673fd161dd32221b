"""Reading the CSV files that ship with the package."""

from __future__ import annotations

import csv
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


def read_columns(name: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a shipped CSV file of numbers."""
    text = files("bitesim.datasets").joinpath(name).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), skipinitialspace=True))
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}
