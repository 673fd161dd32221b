"""NONMEM-style event tables in and out: ID TIME AMT RATE DUR EVID CMT ADDL II SS."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final, NamedTuple

from bitesim.foundation.checks import shown
from bitesim.foundation.errors import ScenarioError, closest, unknown_name
from bitesim.foundation.table_rows import TableRow, id_text, is_missing, table_rows
from bitesim.treatment.dose import ALLOWED_DOSE
from bitesim.treatment.regimen import LONGEST_DAYS, Bolus, Infusion, Regimen, SteadyState
from bitesim.treatment.schedule import exact

_DAYS: Final = {"days": 1.0, "hours": 1.0 / 24.0}
#: Factor from an amount in the table to the amount that is given: ug for the drug.
_AMOUNTS: Final = {"ug": 1.0, "mg": 1000.0, "ng": 1e-3}
_READ: Final = ("ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "ADDL", "II", "SS")
#: Columns of observations and covariates, which say nothing about doses.
_IGNORED: Final = ("DV", "MDV", "CENS", "LIMIT", "LLOQ", "ASSAY", "NCELLS", "DVID", "OCC", "WT", "BSA", "AGE", "SEX", "HT")
_MOST_DOSES: Final = 10_000
#: CMT of premedication.
DEXAMETHASONE: Final = "dexamethasone"


class _Line(NamedTuple):
    """One record: its row for messages, and its numbers."""

    row: TableRow
    cells: Mapping[str, float | None]
    compartment: str | int

    def value(self, column: str, default: float = 0.0) -> float:
        found = self.cells.get(column)
        return default if found is None else found

    def problem(self, column: str, text: str) -> ScenarioError:
        return self.row.problem(column, text)


def regimens_from_table(table: Any, *, time_unit: str, amount_unit: str) -> dict[str, Regimen]:
    """Return ID -> regimen for every patient of a table.

    Parameters
    ----------
    table : path, list of dicts, dict of columns, or DataFrame
        Upper- or lower-case column names; '.' or an empty cell is missing.
    time_unit : {"days", "hours"}
        Of TIME, DUR and II, and of the time in RATE.
    amount_unit : {"ug", "mg", "ng"}
        Of AMT and RATE.

    Notes
    -----
    EVID 0 is an observation and 2 another event (both ignored here), 1 a dose, 3 a reset, 4 a reset and a dose. RATE > 0
    or DUR > 0 makes an infusion of AMT; ADDL further doses follow every II. CMT is a number from 1, a species, or 'drug'
    (also when it is missing); into 'dexamethasone' AMT is in mg, whatever the unit of the drug. SS 1 sets the state to
    that after endless earlier doses every II; with AMT 0, RATE > 0 and II 0 to that of a constant infusion, which ends at
    TIME, as in NONMEM. SS 2 (superposition) is refused.

    Raises
    ------
    ScenarioError
        Naming the line, the column, the value and what is allowed.
    """
    for name, unit, known in (("time_unit", time_unit, _DAYS), ("amount_unit", amount_unit, _AMOUNTS)):
        if unit not in known:
            raise unknown_name(name, unit, known)
    days, factor = _DAYS[time_unit], _AMOUNTS[amount_unit]
    regimens: dict[str, Regimen] = {}
    latest: dict[str, float] = {}
    for patient, line in _lines(table):
        time = line.value("TIME", math.nan)
        if not 0.0 <= time * days <= LONGEST_DAYS:
            raise line.problem("TIME", f"{time:g} is missing, negative or later than 100 years; it is read in {time_unit}")
        if time < latest.get(patient, 0.0):
            raise line.problem("TIME", f"{time:g} is earlier than the line before it of patient {patient}: sort by TIME")
        latest[patient] = time
        before = regimens.get(patient, Regimen.none())
        regimens[patient] = _with_record(before, line, time, days, factor)
    for regimen in regimens.values():
        regimen.schedule(bsa_m2=1.0)
    return regimens


def regimen_from_table(table: Any, *, time_unit: str, amount_unit: str, patient_id: Any = None) -> Regimen:
    """Return the regimen of one patient of a table; see `regimens_from_table`.

    Raises
    ------
    ScenarioError
        When the table has several patients and `patient_id` does not say which.
    """
    regimens = regimens_from_table(table, time_unit=time_unit, amount_unit=amount_unit)
    if patient_id is None and len(regimens) == 1:
        return next(iter(regimens.values()))
    if patient_id is None:
        raise ScenarioError(
            f"event table holds {len(regimens)} patients: choose one with patient_id=, of {', '.join(regimens)}"
        )
    name = id_text(patient_id)
    if name not in regimens:
        raise unknown_name("patient_id", name, regimens)
    return regimens[name]


def table_from_regimen(
    regimen: Regimen, *, time_unit: str = "days", bsa_m2: float | None = None, patient_id: Any = 1
) -> list[dict[str, Any]]:
    """Return the compiled schedule as event records with AMT in ug, which read back to the same schedule.

    Infusions carry DUR and RATE; holds, bag changes and shifts are already carried out. Premedication is not in it.
    """
    if time_unit not in _DAYS:
        raise unknown_name("time_unit", time_unit, _DAYS)
    schedule, unit = regimen.schedule(bsa_m2=bsa_m2), exact(24.0 * _DAYS[time_unit]) / 24
    records = []
    for segment in schedule.infusions:
        duration = float(exact(segment.stop_days) - exact(segment.start_days))
        rate = float(exact(segment.rate) * unit)
        records.append((segment.start_days, 1, segment.rate * duration, rate, _in_unit(duration, unit), segment.compartment))
    records += [(bolus.time_days, 1, bolus.amount, 0.0, 0.0, bolus.compartment) for bolus in schedule.boluses]
    records += [(time, 3, 0.0, 0.0, 0.0, "drug") for time in schedule.resets]
    ends = {(each.day, each.compartment): each.interval_days for each in schedule.steady_states}
    records += [
        (each.day, 1, 0.0, float(exact(each.amount) * unit), 0.0, each.compartment)
        for each in schedule.steady_states
        if not each.interval_days
    ]
    columns = ("ID", "TIME", "EVID", "AMT", "RATE", "DUR", "CMT", "ADDL", "II", "SS")
    table = []
    for time, evid, amount, rate, duration, compartment in sorted(records, key=lambda record: (record[0], -record[1])):
        interval = ends.get((time, compartment))
        steady = (0, 0.0) if interval is None or evid == 3 else (1, _in_unit(interval, unit))
        cells = (patient_id, _in_unit(time, unit), evid, amount, rate, duration, compartment, 0, steady[1], steady[0])
        table.append(dict(zip(columns, cells, strict=True)))
    return table


def _in_unit(days: float, unit_days: Fraction) -> float:
    return float(exact(days) / unit_days)


def _lines(table: Any) -> Iterable[tuple[str, _Line]]:
    """Yield (patient, line) of each record."""
    for row in table_rows(table, "event table"):
        for column in row.cells:
            if column not in _READ and column not in _IGNORED:
                hint = closest(column, _READ)
                raise ScenarioError(f"{row.source} has an unknown column {column!r}.{hint} Read: {', '.join(_READ)}.")
        if "TIME" not in row.cells:
            raise ScenarioError(f"{row.source} has no column TIME")
        cells = {column: row.number_in(column) for column in _READ if column not in ("ID", "CMT")}
        yield id_text(row.cells.get("ID", 1)), _Line(row, cells, _compartment(row))


def _compartment(row: TableRow) -> str | int:
    cell = row.cells.get("CMT")
    if is_missing(cell):
        return "drug"
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(cell).strip()
    if value != int(value) or value < 1 or isinstance(cell, bool) if math.isfinite(value) else True:
        raise row.problem("CMT", f"{shown(cell)} is not a whole number from 1, or a name")
    return int(value)


def _with_record(regimen: Regimen, line: _Line, time: float, days: float, factor: float) -> Regimen:
    """Return `regimen` with what one record does."""
    amount = line.value("AMT")
    evid = line.value("EVID", 1.0 if amount or line.value("RATE") else 0.0)
    if evid not in (0.0, 1.0, 2.0, 3.0, 4.0):
        raise line.problem(
            "EVID", f"{evid:g} is not allowed: expected 0 observation, 1 dose, 2 other, 3 reset, 4 reset and dose"
        )
    if evid in (0.0, 2.0):
        if amount:
            raise line.problem("AMT", f"{amount:g} on a record that is no dose (EVID {evid:g}): use EVID 1")
        return regimen
    day = float(exact(time) * exact(24.0 * days) / 24)
    if evid in (3.0, 4.0):
        regimen = replace(regimen, resets=(*regimen.resets, day))
    if evid == 3.0:
        return regimen
    if line.compartment == DEXAMETHASONE:
        return _with_dexamethasone(regimen, line, day)
    return _with_doses(regimen, line, time, days, factor)


def _with_dexamethasone(regimen: Regimen, line: _Line, day: float) -> Regimen:
    """Return `regimen` with premedication, given at once."""
    for column in ("RATE", "DUR", "ADDL", "II", "SS"):
        if line.value(column):
            raise line.problem(column, f"{line.value(column):g} with dexamethasone, which is given at once: one row a dose")
    try:
        return regimen.with_dexamethasone(day, line.value("AMT"))
    except ScenarioError as problem:
        raise line.problem("AMT", str(problem)) from None


def _with_doses(regimen: Regimen, line: _Line, time: float, days: float, factor: float) -> Regimen:
    """Return `regimen` with a record's dose and its repeats."""
    amount, rate, duration = line.value("AMT"), line.value("RATE"), line.value("DUR")
    interval, further = line.value("II"), line.value("ADDL")
    steady = line.value("SS")
    if steady not in (0.0, 1.0):
        raise line.problem(
            "SS", f"{steady:g} is not allowed: expected 0, or 1 for steady state (superposition, 2, is not read)"
        )
    day = float(exact(time) * exact(24.0 * days) / 24)
    if steady and not amount and rate > 0.0 and not interval:
        per_day = Infusion(day, 1.0, factor * rate / days, line.compartment).rate_per_day
        return replace(
            regimen, steady_states=(*regimen.steady_states, SteadyState(day, per_day, 0.0, 0.0, line.compartment))
        )
    if steady and interval <= 0.0:
        raise line.problem("II", f"{interval:g} with SS 1: expected a positive interval between the doses")
    if amount <= 0.0:
        raise line.problem("AMT", f"{amount:g} gives nothing: expected a positive amount on a dose record")
    if rate < 0.0 or duration < 0.0:
        raise line.problem(
            "RATE" if rate < 0.0 else "DUR", "negative (modelled) rates and durations are not read: give a positive one"
        )
    if rate and duration and not math.isclose(rate * duration, amount, rel_tol=1e-6):
        raise line.problem(
            "DUR", f"RATE {rate:g} x DUR {duration:g} is not AMT {amount:g}: give one of the two, or both in agreement"
        )
    if further < 0 or further != int(further) or further > _MOST_DOSES:
        raise line.problem("ADDL", f"{further:g} is not a whole number from 0 to {_MOST_DOSES}")
    if further and interval <= 0.0:
        raise line.problem("II", f"{interval:g} with ADDL {further:g}: expected a positive interval between the doses")
    scale, lasts = exact(24.0 * days) / 24, duration or (amount / rate if rate else 0.0)
    if not math.isfinite(lasts) or (time + lasts + interval * further) * days > LONGEST_DAYS:
        raise line.problem("TIME", "the last dose of this record would end after 100 years")
    infusions, boluses = list(regimen.infusions), list(regimen.boluses)
    try:
        if steady:
            endless = SteadyState(day, factor * amount, lasts * days, interval * days, line.compartment)
            regimen = replace(regimen, steady_states=(*regimen.steady_states, endless))
        for repeat in range(int(further) + 1):
            day = float((exact(time) + repeat * exact(interval)) * scale)
            if lasts:
                length = float(exact(lasts) * scale)
                per_day, stated = factor * amount / length, float(exact(factor * rate) / scale)
                # The stated rate, unless rounding in the table makes it another amount.
                per_day = stated if math.isclose(stated, per_day, rel_tol=1e-14) else per_day
                infusions.append(Infusion(day, length, per_day, line.compartment))
            else:
                boluses.append(Bolus(day, factor * amount, line.compartment))
    except (ScenarioError, ZeroDivisionError, OverflowError) as problem:
        raise line.problem("AMT", f"{problem}{_other_clock(line, factor * amount, lasts, days)}") from None
    return replace(regimen, infusions=tuple(infusions), boluses=tuple(boluses))


def _other_clock(line: _Line, amount: float, lasts: float, days: float) -> str:
    """Return what an infusion would be in the other time unit, where only there it is one that is given."""
    if not lasts or line.compartment != "drug":
        return ""
    (other, other_days) = next((name, length) for name, length in _DAYS.items() if length != days)
    here, there = amount / (lasts * days), amount / (lasts * other_days)
    least, most = ALLOWED_DOSE
    if least <= here <= most or not least <= there <= most:
        return ""
    return f" In {other} it is {there:.4g} ug/day for {lasts:g} {other}: time_unit={other!r}?"
