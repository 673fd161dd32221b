"""Checks across the rows of a table: certain errors are raised, likely ones returned as the text of a warning."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Final

from bitesim.foundation.table_rows import TableRow
from bitesim.inference.observations import AmountObserved, Observed, PatientData
from bitesim.inference.table_columns import MRD, OUTPUTS
from bitesim.treatment.regimen import Infusion

#: Longest continuous infusion of any protocol is 8 weeks.
_LONGEST_INFUSION_DAYS: Final = 60.0
#: Lowest and highest rate of the protocols [ug/day], with room: 5 ug/m2/day of a small child, 90 ug/m2/day of an adult.
_LOW_RATE, _HIGH_RATE = 3.0, 200.0
#: An infusion of some hours, as in the first trials, can be faster.
_SHORT_DAYS: Final = 0.25
_FEWEST_DAYS_BETWEEN_ASPIRATES: Final = 2.0
#: Ratio of two patients' largest values that looks like two units.
_TWO_UNITS: Final = 300.0
#: Output -> (usual range of all values of a table, unit if lower, unit if higher).
_USUAL: Final = MappingProxyType(
    {
        "blood_cd8_t_cells_per_ul": (5.0, 2e4, "10^9/L", "cells/mL"),
        "neutrophils_per_ul": (20.0, 1e5, "10^9/L", "cells/mL"),
        "serum_drug_pg_per_ml": (5.0, 1e5, "ng/mL", "fg/mL"),
    }
)
#: No method of MRD is so coarse, and in per cent it is usual; a remission by the microscope is below 5 %.
_COARSEST_MRD_LIMIT, _REMISSION = 5e-3, 0.05


def check_duplicates(seen: Sequence[tuple[TableRow, Observed]]) -> None:
    """Refuse two observations of one output by one method at one time.

    Raises
    ------
    ScenarioError
        Naming both lines.
    """
    first: dict[tuple[float, str, str], TableRow] = {}
    for row, observed in seen:
        method = observed.assay if isinstance(observed, AmountObserved) else observed.sample.assay.name
        key = (observed.time_days, observed.output, method)
        before = first.setdefault(key, row)
        if before is not row:
            raise row.problem(
                "TIME",
                f"{row.text('TIME')}: {observed.output}{f' by {method}' if method else ''} was already observed then, in "
                f"line {before.number}. A replicate? Give their mean; MDV 1 leaves one out",
            )


def check_death(death: TableRow, day: float, rows: Sequence[TableRow], days: Sequence[float], data: PatientData) -> None:
    """Refuse what a patient cannot have been given, or shown, after death.

    Raises
    ------
    ScenarioError
        Naming both lines.
    """
    name = data.patient.name
    for row, time in zip(rows, days, strict=True):
        if time > day:
            what = "a dose" if row.number_in("AMT") or row.number_in("RATE") else "a record"
            raise row.problem(
                "TIME",
                f"{row.text('TIME')}: {what} of patient {name} after the death at {death.text('TIME')} in line "
                f"{death.number}",
            )
    schedule = data.regimen.schedule(data.patient.bsa_m2)
    ends = [segment.stop_days for segment in schedule.infusions] + [bolus.time_days for bolus in schedule.boluses]
    if ends and max(ends) > day:
        raise death.problem(
            "TIME",
            f"patient {name} died on day {day:g}, and doses go on to day {max(ends):g}: AMT, DUR and ADDL are what was "
            "given, not what was planned",
        )


def check_dose_units(doses: Iterable[tuple[TableRow, Infusion]], time_unit: str) -> list[str]:
    """Return a warning where infusions of the drug would fit another time unit.

    Raises
    ------
    ScenarioError
        Where no protocol gives such an infusion, and in the other unit it is one.
    """
    slow = []
    for row, infusion in doses:
        rate, days = infusion.rate_per_day, infusion.days
        if time_unit == "days" and rate < _LOW_RATE:
            text = (
                f"{rate:.3g} ug/day for {days:.4g} days; in hours it is {24.0 * rate:.3g} ug/day for {days / 24.0:.3g} days"
            )
            if days > _LONGEST_INFUSION_DAYS:
                raise row.problem("TIME", f"an infusion of {text}: time_unit='hours'?")
            slow.append(f"line {row.number}, column TIME: an infusion of {text}. time_unit='hours'?")
        if time_unit == "hours" and rate > _HIGH_RATE and days > _SHORT_DAYS:
            raise row.problem(
                "TIME",
                f"an infusion of {rate:.4g} ug/day for {24.0 * days:.4g} hours; in days it is {rate / 24.0:.3g} ug/day for "
                f"{24.0 * days:.4g} days: time_unit='days'?",
            )
    return slow[:1]


def check_clock(rows: Sequence[TableRow], time_unit: str) -> list[str]:
    """Return a warning where all later times are whole days of hours, and are read as days."""
    times = {time: row for row in rows if (time := row.number_in("TIME")) is not None and time >= 24.0}
    if time_unit != "days" or len(times) < 3 or max(times) < 168.0 or any(time % 24.0 for time in times):
        return []
    row = times[max(times)]
    return [
        f"line {row.number}, column TIME: {max(times):g} days, and all times from 24 on are multiples of 24: "
        f"hours? {max(times):g} hours are {max(times) / 24.0:g} days."
    ]


def check_visits(patients: Iterable[PatientData], time_unit: str) -> list[str]:
    """Return a warning where the marrow of one patient is aspirated more often than is done."""
    for data in patients:
        days = sorted({each.time_days for each in data.observations if each.output == MRD})
        for before, after in itertools.pairwise(days):
            if time_unit == "hours" and after - before < _FEWEST_DAYS_BETWEEN_ASPIRATES:
                line = next(each.line for each in data.observations if each.time_days == after and each.output == MRD)
                return [
                    f"line {line}, column TIME: MRD of patient {data.patient.name} {24.0 * (after - before):g} hours "
                    "after the one before. time_unit='days'?"
                ]
    return []


def check_scales(patients: Iterable[PatientData]) -> list[str]:
    """Return warnings where values look as if they were given in another unit."""
    largest: dict[str, list[AmountObserved]] = defaultdict(list)
    smallest: dict[str, list[AmountObserved]] = defaultdict(list)
    found: list[str] = []
    for data in patients:
        amounts = [each for each in data.observations if isinstance(each, AmountObserved)]
        for output in dict.fromkeys(each.output for each in amounts):
            values = [each for each in amounts if each.output == output and not each.censored]
            if values:
                largest[output].append(max(values, key=lambda each: each.lower))
                smallest[output].append(min(values, key=lambda each: each.lower))
        coarse = [
            each
            for each in amounts
            if each.output == MRD and each.lower == 0.0 and each.upper >= _COARSEST_MRD_LIMIT and each.upper != _REMISSION
        ]
        if coarse and not found:
            limit = coarse[0].upper
            found.append(
                f"line {coarse[0].line}, column DV: MRD below {limit:g}, a coarse limit for a fraction. In per cent? "
                f"{limit:g} % is {limit / 100.0:g}: say units={{'mrd': '%'}}."
            )
    for output, values in largest.items():
        found += _two_units(output, values) + _unusual(output, values, smallest[output])
    return found


def _two_units(output: str, largest: list[AmountObserved]) -> list[str]:
    # Leukaemia spans more decades than units do.
    if OUTPUTS.get(output) not in ("cells/uL", "pg/mL"):
        return []
    ordered = sorted(largest, key=lambda each: each.lower)
    for small, large in itertools.pairwise(ordered):
        if large.lower >= _TWO_UNITS * small.lower:
            return [
                f"lines {small.line} and {large.line}, column DV: the largest {output} of two patients are {small.lower:g} "
                f"and {large.lower:g}, {large.lower / small.lower:.3g} times apart. Two units in one column? Say "
                "them in UNIT, one for all."
            ]
    return []


def _unusual(output: str, largest: list[AmountObserved], smallest: list[AmountObserved]) -> list[str]:
    if output not in _USUAL:
        return []
    low, high, smaller_unit, larger_unit = _USUAL[output]
    top, bottom = max(largest, key=lambda each: each.lower), min(smallest, key=lambda each: each.lower)
    for observed, strange, unit in ((top, top.lower < low, smaller_unit), (bottom, bottom.lower > high, larger_unit)):
        if strange:
            side = "above" if unit == smaller_unit else "below"
            return [
                f"line {observed.line}, column DV: no {output} is {side} {observed.lower:g} {OUTPUTS[output]}. In {unit}? "
                f"Say so with units={{{output!r}: {unit!r}}}."
            ]
    return []
