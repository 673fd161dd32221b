"""NONMEM-style tables of patients in: doses, observations with their censoring, covariates, deaths."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from bitesim.foundation.errors import DataWarning, ParameterError, ScenarioError, unknown_name
from bitesim.foundation.table_rows import TableRow, id_text, is_missing, table_rows
from bitesim.inference.measurement_laws import Assay, MeasurementLaws
from bitesim.inference.observations import Observed, PatientData
from bitesim.inference.patient_table import PatientTable
from bitesim.inference.table_checks import (
    check_clock,
    check_death,
    check_dose_units,
    check_duplicates,
    check_scales,
    check_visits,
)
from bitesim.inference.table_columns import (
    COVARIATES,
    DEATH,
    DOSE_COLUMNS,
    OUTPUTS,
    UnitOfOutput,
    check_columns,
    output_named,
)
from bitesim.inference.table_observations import Readings, observation
from bitesim.population import Patient
from bitesim.treatment import Infusion, Regimen
from bitesim.treatment.event_table import regimens_from_table
from bitesim.treatment.schedule import exact


@dataclass
class _Person:
    """One patient as the rows come."""

    rows: list[TableRow] = field(default_factory=list)
    seen: list[tuple[TableRow, Observed]] = field(default_factory=list)
    death: TableRow | None = None
    unused_rows: int = 0


@dataclass
class _Reader:
    """What every row needs."""

    laws: MeasurementLaws
    outputs: dict[str, str]
    everywhere: str
    units: Mapping[str, str]
    days_per_unit: Fraction
    units_met: dict[str, tuple[str, TableRow]] = field(default_factory=dict)

    def days(self, row: TableRow) -> float:
        time = row.number_in("TIME")
        if time is None:
            raise row.problem("TIME", "missing")
        return float(exact(time) * self.days_per_unit)

    def read(self, person: _Person, row: TableRow) -> None:
        """Take one row: an observation, a death, or a dose, which must not hold an observation too."""
        evid, mdv, dv = _evid(row), row.number_in("MDV"), row.text("DV")
        if mdv not in (None, 0.0, 1.0):
            raise row.problem("MDV", f"{mdv:g} is not allowed: expected 0 an observation, 1 none")
        if _is_death(row, evid):
            if person.death is not None:
                raise row.problem("EVENT", f"a second death: the first is in line {person.death.number}")
            person.death = row
            return
        if evid != 0:
            # 0 on a dose is what fills a column of numbers.
            if (mdv == 0.0 and dv) or (mdv is None and dv and row.number_in("DV") != 0.0):
                raise row.problem(
                    "DV", f"{dv} on a record with EVID {evid}: give the observation a row of its own, or MDV 1"
                )
            return
        if mdv == 1.0:
            person.unused_rows += 1
            return
        output = output_named(row, self._dvid(row), self.outputs)
        readings = Readings(row, output, self._unit(row, output))
        person.seen.append((row, observation(readings, self.days(row), self.laws.law(row, output))))

    def _dvid(self, row: TableRow) -> str:
        cell = row.cells.get("DVID")
        return self.everywhere if is_missing(cell) else id_text(cell)

    def _unit(self, row: TableRow, output: str) -> UnitOfOutput:
        try:
            unit = UnitOfOutput(output, row.text("UNIT") or self.units.get(output, ""))
        except ParameterError as problem:
            raise row.problem("UNIT", str(problem)) from None
        before, first = self.units_met.setdefault(output, (unit.name, row))
        if before != unit.name:
            raise row.problem(
                "UNIT",
                f"{output} in {unit.name or 'no unit'} here and in {before or 'no unit'} in line {first.number}: one unit",
            )
        return unit


def read_patients(
    table: Any,
    *,
    time_unit: str,
    amount_unit: str | None = None,
    output: str | Mapping[Any, str] | None = None,
    units: Mapping[str, str] | None = None,
    assays: Mapping[str, Assay | float] | None = None,
    ignore: Iterable[str] = (),
) -> PatientTable:
    """Return the patients of a table: who they are, what they were given, what was observed.

    Parameters
    ----------
    table : path, DataFrame, list of dicts, or dict of columns
        Columns in upper or lower case; '.', 'NA' or an empty cell is missing. Doses: ID TIME AMT RATE DUR EVID CMT ADDL II
        SS, as in `bitesim.treatment.event_table`. Observations: DVID DV MDV CENS LIMIT LLOQ UNIT, ASSAY NCELLS OUTCOME
        HAEMODILUTION of MRD, SD_LN OWN_SD_LN. Covariates, one value a patient: WT [kg] BSA [m2] HT [cm] AGE [years]
        BASELINE_B_CELLS_PER_UL BASELINE_CD8_T_CELLS_PER_UL T_CELL_FITNESS BASELINE_MRD BASELINE_BLAST_FRACTION BSA_FORMULA.
        SEX and OCC may be there; no model reads them.
    time_unit : {"days", "hours"}
        Of TIME, DUR and II, and of the time in RATE.
    amount_unit : {"ug", "mg", "ng"}, optional
        Of AMT and RATE; a table with doses needs it.
    output : str or mapping, optional
        What DV is in rows without DVID, e.g. 'mrd'; or what each DVID means, e.g. {1: 'serum_drug_pg_per_ml', 2: 'mrd'}.
        DVID can name outputs of the model itself.
    units : mapping, optional
        Output -> unit of DV, LIMIT and LLOQ in rows without UNIT, e.g. {'mrd': 'log10'}, '%', '10^9/L', 'ng/mL'. Default:
        the output's own; MRD is a fraction.
    assays : mapping, optional
        Name in ASSAY, or output -> assay, or the SD of ln(measured); see `MeasurementLaws`. Counts have no default SD.
    ignore : iterable of str
        Columns to leave unread.

    Notes
    -----
    EVID 0 is an observation, 1 a dose, 2 something else, 3 a reset, 4 a reset and a dose. A row with MDV 1 enters no
    likelihood. CENS 0 is a value, with LIMIT saying nothing about it; 1 is below DV, or LLOQ where DV is missing, and above
    LIMIT; -1 is above DV and below LIMIT. MRD with a method ('flow', 'PCR', 'NGS', or yours) is a count of NCELLS cells
    (default: the method's nominal number): CENS 0 quantified; CENS 1 with LIMIT positive, not quantifiable; CENS 1 without
    LIMIT not detected, where DV is near the limit of detection or missing; OUTCOME says it in words, and is asked for where
    DV is the limit of quantification, below which both lie. A row with SD_LN is an amount with that error, whatever its
    ASSAY. A death is a row with EVENT 'death', or with EVID 2 and DVID 'death'.

    Raises
    ------
    ScenarioError
        Naming table, line and column, the value, what is allowed and what was probably meant.

    Warns
    -----
    DataWarning
        Where days look like hours, or one patient's numbers are a thousand times another's.
    """
    rows = table_rows(table)
    check_columns(rows, ignore)
    reader = _reader(time_unit, output, units, assays)
    people: dict[str, _Person] = {}
    last = ""
    for row in rows:
        name = _id(row)
        if name in people and name != last:
            raise row.problem("ID", f"patient {name} goes on here after another one: sort by ID, then by TIME")
        last = name
        people.setdefault(name, _Person()).rows.append(row)
    regimens = _regimens(rows, time_unit, amount_unit)
    for person in people.values():
        for row in person.rows:
            reader.read(person, row)
    unused = reader.laws.unused()
    if unused:
        known = sorted({row.text("ASSAY") for row in rows} - {""})
        raise unknown_name("assay or output in assays", unused[0], [*known, *OUTPUTS])
    patients = {name: _patient_data(name, person, regimens[name]) for name, person in people.items()}
    deaths = {name: reader.days(person.death) for name, person in people.items() if person.death is not None}
    for name, person in people.items():
        check_duplicates(person.seen)
        if person.death is not None:
            check_death(person.death, deaths[name], person.rows, [reader.days(row) for row in person.rows], patients[name])
    source = rows[0].source if rows else "table"
    for problem in [
        *check_dose_units(_infusions(reader, people, regimens), time_unit),
        *check_clock(rows, time_unit),
        *check_visits(patients.values(), time_unit),
        *check_scales(patients.values()),
    ]:
        warnings.warn(f"{source}, {problem}", DataWarning, stacklevel=2)
    return PatientTable(tuple(patients.values()), deaths, source, sum(each.unused_rows for each in people.values()))


def _reader(
    time_unit: str,
    output: str | Mapping[Any, str] | None,
    units: Mapping[str, str] | None,
    assays: Mapping[str, Assay | float] | None,
) -> _Reader:
    days = {"days": Fraction(1), "hours": Fraction(1, 24)}
    if time_unit not in days:
        raise unknown_name("time_unit", time_unit, days)
    by_dvid = {} if output is None or isinstance(output, str) else {id_text(key): to for key, to in output.items()}
    everywhere = output if isinstance(output, str) else ""
    if everywhere:
        by_dvid[everywhere] = everywhere
    for name in units or {}:
        UnitOfOutput(name, (units or {})[name])
    return _Reader(MeasurementLaws(assays or {}), by_dvid, everywhere, units or {}, days[time_unit])


def _id(row: TableRow) -> str:
    if "ID" not in row.cells:
        return "1"
    if is_missing(row.cells["ID"]):
        raise row.problem("ID", "missing: whose record is it?")
    return id_text(row.cells["ID"])


def _evid(row: TableRow) -> int:
    """Return EVID; where it is missing, an amount or a rate makes a dose."""
    given = row.number_in("EVID")
    if given is None:
        return 1 if row.number_in("AMT") or row.number_in("RATE") else 0
    return int(given)


def _is_death(row: TableRow, evid: int) -> bool:
    event = row.text("EVENT").lower()
    if event and event != DEATH:
        raise row.problem("EVENT", f"{event!r} is not known: expected 'death', or '.' for none")
    named = row.text("DVID").lower() == DEATH
    if event and not named and row.text("DV") and row.number_in("MDV") != 1.0:
        raise row.problem(
            "DV", f"{row.text('DV')} on the record of a death: give the observation a row of its own, or MDV 1"
        )
    if (event or named) and evid not in (0, 2):
        raise row.problem("EVID", f"{evid} with a death: expected 2")
    if named and evid != 2:
        raise row.problem("EVID", "0 with DVID 'death': expected 2, something that is no observation")
    return bool(event) or named


def _regimens(rows: list[TableRow], time_unit: str, amount_unit: str | None) -> dict[str, Regimen]:
    """Return ID -> regimen; every row is handed over, so that the order of times is checked in all of them."""
    if amount_unit is None:
        for row in rows:
            if _evid(row) in (1, 4):
                raise ParameterError(
                    f"amount_unit= is needed, 'ug', 'mg' or 'ng': line {row.number} of {row.source} gives a dose"
                )
    doses = [
        row._replace(cells={column: row.cells[column] for column in DOSE_COLUMNS if column in row.cells} | {"ID": _id(row)})
        for row in rows
    ]
    return regimens_from_table(doses, time_unit=time_unit, amount_unit=amount_unit or "ug")


def _infusions(
    reader: _Reader, people: Mapping[str, _Person], regimens: Mapping[str, Regimen]
) -> Iterator[tuple[TableRow, Infusion]]:
    """Yield the infusions of the drug with the rows that begin them."""
    for name, person in people.items():
        begun = {each.start_day: each for each in regimens[name].infusions if each.compartment == "drug"}
        for row in person.rows:
            if _evid(row) in (1, 4) and reader.days(row) in begun:
                yield row, begun[reader.days(row)]


def _patient_data(name: str, person: _Person, regimen: Regimen) -> PatientData:
    found: dict[str, Any] = {}
    where: dict[str, TableRow] = {}
    for row in person.rows:
        for column, value_of in COVARIATES.items():
            cell = row.text(column) if column == "BSA_FORMULA" else row.number_in(column)
            if cell is None or cell == "":
                continue
            if found.setdefault(value_of, cell) != cell:
                raise row.problem(
                    column,
                    f"{cell} of patient {name}, after {found[value_of]} in line {where[value_of].number}: a patient has one "
                    "value, keep the one at the start of treatment; what changes is observed, in DV",
                )
            where.setdefault(value_of, row)
    try:
        patient = Patient(**found, name=name)
    except ParameterError as problem:
        row = next(iter(where.values()), person.rows[0])
        raise ScenarioError(f"{row.source}, line {row.number}, patient {name}: {problem}") from None
    return PatientData(patient, regimen, tuple(observed for _, observed in person.seen))
