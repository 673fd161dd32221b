"""Columns of a table of patients, the outputs that it can observe, and the units in which it gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Final

from bitesim.foundation.errors import ScenarioError, closest, unknown_name
from bitesim.foundation.table_rows import TableRow
from bitesim.leukaemia.readouts import READOUTS

DOSE_COLUMNS: Final = ("ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "ADDL", "II", "SS")
OBSERVATION_COLUMNS: Final = (
    *("DVID", "DV", "MDV", "CENS", "LIMIT", "LLOQ", "UNIT"),
    *("ASSAY", "NCELLS", "OUTCOME", "HAEMODILUTION", "SD_LN", "OWN_SD_LN", "EVENT"),
)
#: Column -> value of a patient.
COVARIATES: Final = MappingProxyType(
    {
        "WT": "weight_kg",
        "BSA": "bsa_m2",
        "HT": "height_cm",
        "AGE": "age_years",
        "BASELINE_B_CELLS_PER_UL": "blood_b_cells_per_ul",
        "BASELINE_CD8_T_CELLS_PER_UL": "blood_cd8_t_cells_per_ul",
        "T_CELL_FITNESS": "t_cell_fitness",
        "BASELINE_MRD": "mrd",
        "BASELINE_BLAST_FRACTION": "marrow_blast_fraction",
        "BSA_FORMULA": "bsa_formula",
    }
)
#: Usual columns that no model reads.
UNREAD_COLUMNS: Final = ("OCC", "SEX")
MRD: Final = "mrd"
DEATH: Final = "death"
#: Output that a row can observe -> its unit.
OUTPUTS: Final = MappingProxyType({each.name: each.unit for each in READOUTS if each.name != "extinction_probability"})


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


def _exp10(value: float) -> float:
    return math.pow(10.0, value)


_LOGARITHMS: Final = {"log10": _exp10, "ln": math.exp}
_AS_IT_IS: Final = _times(1.0)
#: Unit of an output -> unit in a table, in lower case -> conversion.
_CONVERSIONS: Final = {
    "-": {"-": _AS_IT_IS, "fraction": _AS_IT_IS, "%": _times(0.01), "percent": _times(0.01)},
    "cells/uL": {
        **dict.fromkeys(("cells/ul", "/ul", "1/ul", "cells/mm3"), _AS_IT_IS),
        **dict.fromkeys(("cells/ml", "/ml"), _times(1e-3)),
        **dict.fromkeys(("10^9/l", "1e9/l", "g/l"), _times(1e3)),
    },
    "pg/mL": {
        **dict.fromkeys(("pg/ml", "ng/l"), _AS_IT_IS),
        **dict.fromkeys(("ng/ml", "ug/l"), _times(1e3)),
        "fg/ml": _times(1e-3),
    },
}


class UnitOfOutput:
    """The unit in which a table gives one output.

    Parameters
    ----------
    output : str
    unit : str
        '' for the output's own; else e.g. '%', 'log10' or '10^9/L', in upper or lower case.

    Raises
    ------
    UnknownNameError
        For a unit that the output is not given in.
    """

    def __init__(self, output: str, unit: str = "") -> None:
        own = OUTPUTS.get(output, "")
        known = {own.lower(): _AS_IT_IS, **_CONVERSIONS.get(own, {}), **_LOGARITHMS}
        self.name = unit.strip().replace("µ", "u").lower() or own.lower()
        if self.name not in known:
            raise unknown_name(f"unit of {output}", unit, [name for name in known if name])
        self.is_log = self.name in _LOGARITHMS
        self._convert = known[self.name]

    def value(self, row: TableRow, column: str) -> float | None:
        """Return a cell in the output's own unit, None where it is missing."""
        given = row.number_in(column)
        if given is None:
            return None
        try:
            return self._convert(given)
        except OverflowError:
            raise row.problem(column, f"{given:g} is no {self.name}: its number would be beyond 1e300") from None


def check_columns(rows: Iterable[TableRow], ignored: Iterable[str]) -> None:
    """Refuse a table with a column that is not known, and one without TIME.

    Raises
    ------
    ScenarioError
        Naming the column and the closest one.
    """
    known = (*DOSE_COLUMNS, *OBSERVATION_COLUMNS, *COVARIATES, *UNREAD_COLUMNS)
    ignored = {column.strip().upper() for column in ignored}
    seen: set[str] = set()
    for row in rows:
        if "TIME" not in row.cells:
            raise ScenarioError(f"{row.source}, line {row.number}: there is no column TIME")
        for column in row.cells:
            if column not in seen and column not in known and column not in ignored:
                raise ScenarioError(
                    f"{row.source} has an unknown column {column!r}.{closest(column, known)} Leave it unread with "
                    f"ignore=({column!r},). Read: {', '.join(known)}."
                )
            seen.add(column)


def output_named(row: TableRow, name: str, outputs: dict[str, str]) -> str:
    """Return the output that a cell of DVID means.

    Parameters
    ----------
    row : TableRow
        For messages.
    name : str
        The cell, or what the whole table observes.
    outputs : dict
        What a user says that cells mean.

    Raises
    ------
    ScenarioError
        For a name that is nothing known; it names the closest one.
    """
    if name in outputs:
        return outputs[name]
    for known in OUTPUTS:
        if name.lower() == known.lower():
            return known
    if not name:
        raise row.problem("DVID", "missing: say what DV is, e.g. 'mrd', or for the whole table with output='mrd'")
    names = [*outputs, *OUTPUTS]
    hint = f" Say what it is with output={{{name!r}: 'mrd'}}." if name.isdigit() else closest(name, names)
    raise row.problem("DVID", f"unknown output {name!r}.{hint} Known: {', '.join(names)}.")
