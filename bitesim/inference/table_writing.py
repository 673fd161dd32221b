"""The same tables out: what `read_patients` reads back to the same patients."""

from __future__ import annotations

import csv
import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bitesim.assays import MULTICOLOUR_FLOW, NGS, RQ_PCR, MrdAssay, MrdOutcome
from bitesim.foundation.errors import DoseWarning, ParameterError, ScenarioError
from bitesim.foundation.table_rows import id_text, is_missing
from bitesim.inference.observations import AmountObserved, Observed, PatientData
from bitesim.inference.table_columns import COVARIATES, DEATH, DOSE_COLUMNS, OBSERVATION_COLUMNS
from bitesim.population import Patient
from bitesim.treatment.event_table import DEXAMETHASONE

#: Columns that stand in every table, also where they say nothing.
_ALWAYS: Final = ("ID", "TIME", "EVID", "AMT", "RATE", "DUR", "CMT", "DVID", "DV", "MDV", "CENS", "LIMIT")
_ORDER: Final = tuple(dict.fromkeys((*_ALWAYS, *DOSE_COLUMNS, *OBSERVATION_COLUMNS, *COVARIATES)))
_KNOWN_ASSAYS: Final = (MULTICOLOUR_FLOW, RQ_PCR, NGS)


def write_patients(patients: Sequence[PatientData], path: str | Path | None = None) -> list[dict[str, Any]]:
    """Return the rows of the table that `read_patients` reads back, and write them to a CSV file if a path is given.

    Parameters
    ----------
    patients : PatientTable or sequence of PatientData
    path : path, optional

    Returns
    -------
    list of dict
        Upper-case column -> value, None where there is none ('.' in the file). TIME, DUR and II in days, AMT in ug
        (dexamethasone in mg), RATE in ug/day: read it with ``time_unit='days', amount_unit='ug'``. Doses are what the pump
        gives: holds and bag changes are carried out.

    Raises
    ------
    ParameterError
        For two patients of one name, a name that a table cannot hold, a regimen with decisions, and two assays of one name.
        An assay of yours is written by its name: read it back with ``assays={name: assay}``.
    """
    refuse_namesakes(patients)
    _refuse_unlike_assays(patients)
    # A plain list of patients knows of no deaths.
    deaths: Mapping[str, float] = getattr(patients, "death_days", {})
    rows = [row for data in patients for row in _rows_of(data, deaths.get(data.patient.name))]
    used = [column for column in _ORDER if column in _ALWAYS or any(row.get(column) is not None for row in rows)]
    table = [{column: row.get(column) for column in used} for row in rows]
    if path is not None:
        _write(table, used, Path(path))
    return table


def refuse_namesakes(patients: Sequence[PatientData]) -> None:
    """Refuse two patients of one name, who could not be told apart in a table.

    Raises
    ------
    ParameterError
        Naming the name.
    """
    for name, times in Counter(each.patient.name for each in patients).items():
        if times > 1:
            raise ParameterError(f"{times} patients are called {name!r}: give each its own with Patient(name=...)")


def _write(table: list[dict[str, Any]], columns: list[str], path: Path) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(["." if row[column] is None else row[column] for column in columns] for row in table)
    except OSError as problem:
        raise ScenarioError(f"table {path} cannot be written: {problem}") from None


def _rows_of(data: PatientData, death_day: float | None) -> list[dict[str, Any]]:
    """Return one patient's rows in the order of time; at one time an observation stands before a dose, as in NONMEM."""
    name = data.patient.name
    if id_text(name).strip() != name or is_missing(name) or name.startswith("#") or "\n" in name or "\r" in name:
        raise ParameterError(
            f"patient name {name!r} does not come back from a table (white space at its ends, a missing mark, a number in "
            "another form, or '#'): rename it, e.g. 'p017'"
        )
    if data.regimen.decisions:
        raise ParameterError(
            f"the regimen of patient {name} has decisions, which a table cannot hold: write what was given, not what "
            "is planned"
        )
    with warnings.catch_warnings():
        # Whoever made the regimen has been warned.
        warnings.simplefilter("ignore", DoseWarning)
        doses = data.regimen.to_table(bsa_m2=data.patient.bsa_m2, patient_id=name)
        premedication = data.regimen.schedule(data.patient.bsa_m2).premedication
    doses += [{"TIME": day, "EVID": 1, "AMT": mg, "CMT": DEXAMETHASONE} for day, mg in premedication]
    rows = [_observation_row(observed) for observed in data.observations] + [dose | {"MDV": 1} for dose in doses]
    rows.sort(key=lambda row: float(row["TIME"]))
    if death_day is not None:
        rows.append({"TIME": death_day, "EVID": 2, "MDV": 1, "EVENT": DEATH})
    if not rows:
        rows = [{"TIME": 0.0, "EVID": 2, "MDV": 1}]
    covariates = _covariates(data.patient)
    return [{"ID": name, **row, **covariates} for row in rows]


def _covariates(patient: Patient) -> dict[str, Any]:
    found = {column: getattr(patient, value_of) for column, value_of in COVARIATES.items()}
    if found["BSA_FORMULA"] == Patient.bsa_formula:
        del found["BSA_FORMULA"]
    return found


def _observation_row(observed: Observed) -> dict[str, Any]:
    row: dict[str, Any] = {"TIME": observed.time_days, "EVID": 0, "MDV": 0, "DVID": observed.output}
    if isinstance(observed, AmountObserved):
        for name in (observed.assay, observed.output):
            if name and (is_missing(name) or name != name.strip() or "\n" in name or "\r" in name):
                raise ParameterError(
                    f"the name {name!r} does not come back from a table: rename it, without white space at its ends"
                )
        row |= censoring_columns(observed.lower, observed.upper)
        row |= {"SD_LN": observed.sd_ln, "ASSAY": observed.assay or None, "OWN_SD_LN": observed.own_sd_ln or None}
        return row
    sample = observed.sample
    row |= {"ASSAY": sample.assay.name, "NCELLS": sample.cells, "HAEMODILUTION": sample.haemodilution or None}
    if observed.outcome == MrdOutcome.QUANTIFIED:
        return row | {"DV": observed.value, "CENS": 0, "OUTCOME": "quantified"}
    if observed.outcome == MrdOutcome.NOT_DETECTED:
        return row | {"DV": sample.limit_of_detection, "CENS": 1, "OUTCOME": "not detected"}
    limits = {"DV": sample.limit_of_quantification, "LIMIT": sample.limit_of_detection}
    return row | limits | {"CENS": 1, "OUTCOME": "positive, not quantifiable"}


def censoring_columns(lower: float, upper: float) -> dict[str, Any]:
    """Return DV, CENS and LIMIT of an amount between two limits."""
    if lower == upper:
        return {"DV": lower, "CENS": 0, "LIMIT": None}
    if math.isinf(upper):
        return {"DV": lower, "CENS": -1, "LIMIT": None}
    return {"DV": upper, "CENS": 1, "LIMIT": lower or None}


def _refuse_unlike_assays(patients: Sequence[PatientData]) -> None:
    """Refuse two assays that a table would name the same."""
    known: dict[str, MrdAssay] = {each.name.lower(): each for each in _KNOWN_ASSAYS}
    for data in patients:
        for observed in data.observations:
            if isinstance(observed, AmountObserved):
                continue
            assay = observed.sample.assay
            if known.setdefault(assay.name.lower(), assay) != assay:
                raise ParameterError(
                    f"patient {data.patient.name}, day {observed.time_days:g}: two assays are called {assay.name!r}, and a "
                    "table knows them by name: give one of them another name"
                )
