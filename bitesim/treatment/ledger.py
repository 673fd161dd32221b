"""The ledger of the drug: planned, delivered, missed and made up, day by day."""

from __future__ import annotations

import bisect
import csv
import itertools
import math
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

from bitesim.foundation.errors import needs_extra
from bitesim.treatment.regimen import Regimen
from bitesim.treatment.timetable import Schedule


@dataclass(frozen=True)
class LedgerDay:
    """One day, from `day` to `day` + 1: planned - missed + made up = delivered [ug]."""

    day: int
    planned_ug: float
    delivered_ug: float
    missed_ug: float
    made_up_ug: float


@dataclass(frozen=True)
class DrugLedger:
    """Drug per day of a regimen as planned (no holds, no gaps, no stop) and as delivered."""

    days: tuple[LedgerDay, ...]

    @classmethod
    def of(cls, regimen: Regimen, bsa_m2: float | None) -> DrugLedger:
        """Return the ledger of `regimen` for a body surface area."""
        planned = replace(regimen, bags=None, holds=(), stopped_at_day=None).schedule(bsa_m2=bsa_m2)
        delivered = regimen.schedule(bsa_m2=bsa_m2)
        segments = [s for s in (*planned.infusions, *delivered.infusions) if s.compartment == "drug"]
        last = max([0.0, *(segment.stop_days for segment in segments)])
        boluses = [b.time_days for b in planned.boluses if b.compartment == "drug"]
        n_days = math.ceil(max([last, *(math.floor(time) + 1.0 for time in boluses)]))
        changes = {time for segment in segments for time in (segment.start_days, segment.stop_days)}
        cuts = sorted(changes | set(map(float, range(n_days + 1))))
        rows = [[0.0] * 4 for _ in range(n_days)]
        wanted_at, given_at = _rate_reader(planned), _rate_reader(delivered)
        for start, stop in itertools.pairwise(cuts):
            wanted, given = wanted_at(start), given_at(start)
            length = stop - start
            row = rows[min(int(start), n_days - 1)]
            for column, rate in enumerate((wanted, given, max(wanted - given, 0.0), max(given - wanted, 0.0))):
                row[column] += rate * length
        for schedule, column in ((planned, 0), (delivered, 1)):
            for bolus in schedule.boluses:
                if bolus.compartment == "drug":
                    rows[int(bolus.time_days)][column] += bolus.amount
        for bolus in planned.boluses:
            if bolus.compartment == "drug" and bolus not in delivered.boluses:
                rows[int(bolus.time_days)][2] += bolus.amount
        return cls(tuple(LedgerDay(day, *row) for day, row in enumerate(rows)))

    @property
    def planned_ug(self) -> float:
        """Drug planned in all [ug]."""
        return math.fsum(day.planned_ug for day in self.days)

    @property
    def delivered_ug(self) -> float:
        """Drug delivered in all [ug]."""
        return math.fsum(day.delivered_ug for day in self.days)

    @property
    def missed_ug(self) -> float:
        """Drug that was planned for a time and not given then [ug]."""
        return math.fsum(day.missed_ug for day in self.days)

    @property
    def made_up_ug(self) -> float:
        """Drug that was given at a time for which it was not planned [ug]."""
        return math.fsum(day.made_up_ug for day in self.days)

    def __str__(self) -> str:
        return (
            f"planned {self.planned_ug:.6g} ug, delivered {self.delivered_ug:.6g} ug, missed {self.missed_ug:.6g} ug, "
            f"made up {self.made_up_ug:.6g} ug over {len(self.days)} days"
        )

    def rows(self) -> list[dict[str, float]]:
        """Return one dict a day."""
        names = [column.name for column in fields(LedgerDay)]
        return [dict(zip(names, astuple(day), strict=True)) for day in self.days]

    def to_csv(self, path: str | Path) -> Path:
        """Write one row a day; return the path."""
        target = Path(path)
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=[column.name for column in fields(LedgerDay)])
            writer.writeheader()
            writer.writerows(self.rows())
        return target

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a day."""
        try:
            import pandas
        except ImportError:
            raise needs_extra("pandas", "data", "to_dataframe()") from None
        return pandas.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        body = "".join("<tr>" + "".join(f"<td>{value:g}</td>" for value in astuple(day)) + "</tr>" for day in self.days)
        head = "".join(f"<th>{column.name}</th>" for column in fields(LedgerDay))
        return f"<table><caption>{self}</caption><tr>{head}</tr>{body}</table>"


def _rate_reader(schedule: Schedule) -> Callable[[float], float]:
    """Return the drug's rate by time, found by bisection: a long course in daily bags has thousands of segments."""
    segments = [segment for segment in schedule.infusions if segment.compartment == "drug"]
    starts = [segment.start_days for segment in segments]

    def rate(time_days: float) -> float:
        position = bisect.bisect_right(starts, time_days) - 1
        return segments[position].rate if position >= 0 and time_days < segments[position].stop_days else 0.0

    return rate
