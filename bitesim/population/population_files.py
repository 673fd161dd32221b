"""Files of virtual populations: CSV with the provenance as its first line, or Parquet; both keep every bit."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import shown
from bitesim.foundation.errors import ParameterError, needs_extra
from bitesim.model import Model
from bitesim.population.recipe import Recipe, recipe_from_dict
from bitesim.published import find_model

Vector = NDArray[np.float64]
_SUFFIXES: Final = (".csv", ".parquet")
_MARK: Final = "# "
_KEY: Final = b"bitesim"


@dataclass(frozen=True, eq=False)
class PopulationContent:
    """What a file holds; the arrays have shape (patients,)."""

    columns: dict[str, Vector]
    patients: NDArray[np.uint64]
    attempts: NDArray[np.int64]
    recipe: Recipe
    origin: tuple[Mapping[str, Any], ...]
    digest: str


def save(
    path: str | PathLike[str],
    patients: NDArray[np.uint64],
    attempts: NDArray[np.int64],
    columns: Mapping[str, Vector],
    provenance: Mapping[str, Any],
) -> None:
    """Write a population; the suffix of the path says how.

    Raises
    ------
    ParameterError
        For another suffix.
    MissingExtraError
        For Parquet without pyarrow.
    """
    place = _checked(path)
    header = json.dumps(provenance, allow_nan=False)
    if place.suffix == ".parquet":
        arrow, parquet = _arrow()
        table = arrow.table({"patient": patients, "attempt": attempts, **columns})
        parquet.write_table(table.replace_schema_metadata({_KEY: header.encode()}), place)
        return
    with place.open("w", encoding="utf-8", newline="") as file:
        file.write(_MARK + header + "\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient", "attempt", *columns])
        # Python writes the shortest text that reads back as the same float.
        writer.writerows(
            zip(patients.tolist(), attempts.tolist(), *(each.tolist() for each in columns.values()), strict=True)
        )


def load(path: str | PathLike[str], model: str | Model | None = None) -> PopulationContent:
    """Return what a file holds; `model` replaces the one that the file names.

    Raises
    ------
    ParameterError
        For a file that holds no virtual population, or one of another model.
    """
    place = _checked(path)
    header, arrays = _read_parquet(place) if place.suffix == ".parquet" else _read_csv(place)
    try:
        provenance = json.loads(header)
        recipe, origin, digest = provenance["recipe"], tuple(provenance["origin"]), str(provenance["digest"])
        patients, attempts = arrays.pop("patient").astype(np.uint64), arrays.pop("attempt").astype(np.int64)
    except (ValueError, KeyError, TypeError) as problem:
        raise ParameterError(f"{place} holds no virtual population: write it with population.save(path)") from problem
    chosen = find_model(recipe["model"] if model is None else model)
    if chosen.name != recipe["model"]:
        raise ParameterError(f"{place} holds patients of model {recipe['model']}, not of {chosen.name}")
    columns = {name: values.astype(np.float64) for name, values in arrays.items()}
    return PopulationContent(columns, patients, attempts, recipe_from_dict(recipe, chosen), origin, digest)


def _checked(path: str | PathLike[str]) -> Path:
    place = Path(path)
    if place.suffix not in _SUFFIXES:
        raise ParameterError(f"path = {shown(str(path))} ends in {place.suffix!r}: expected one of {', '.join(_SUFFIXES)}")
    return place


def _read_csv(place: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    with place.open(encoding="utf-8", newline="") as file:
        header = file.readline()
        rows = csv.reader(file)
        names = next(rows, [])
        try:
            table = [[float(cell) for cell in row] for row in rows]
            arrays = {name: np.array(column) for name, column in zip(names, zip(*table, strict=True), strict=True)}
        except ValueError as problem:
            raise ParameterError(f"{place} holds no virtual population: {problem}") from problem
    return header.removeprefix(_MARK), arrays


def _read_parquet(place: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    table = _arrow()[1].read_table(place)
    header = (table.schema.metadata or {}).get(_KEY, b"")
    return header.decode(), {name: table.column(name).to_numpy() for name in table.column_names}


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as problem:
        raise needs_extra("pyarrow", "data", "a Parquet file") from problem
    return pyarrow, parquet
