"""Patients with what was given and seen: a sequence that prints well."""

from __future__ import annotations

import html
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, overload

from bitesim.assays import MrdOutcome
from bitesim.foundation.errors import DoseWarning, ScenarioError, needs_extra, unknown_name
from bitesim.inference.observations import MrdObserved, Observed, PatientData
from bitesim.inference.table_writing import refuse_namesakes, write_patients

_SHOWN: Final = 30


def is_censored(observed: Observed) -> bool:
    """Return whether an observation is a limit or an interval, not a value."""
    return observed.outcome != MrdOutcome.QUANTIFIED if isinstance(observed, MrdObserved) else observed.censored


@dataclass(frozen=True)
class PatientTable(Sequence[PatientData]):
    """What was given to patients and observed of them, in the order of the table.

    Parameters
    ----------
    patients : tuple of PatientData
        Of different names; `table[0]` and `table["p017"]` are patients, `table[:3]` is a table.
    death_days : mapping, optional
        Name -> day of death, for those who died.
    source : str
        What it was read from.
    unused_rows : int
        Observations with MDV 1, which enter no likelihood.

    Raises
    ------
    ParameterError
        For two patients of one name.
    """

    patients: tuple[PatientData, ...]
    death_days: Mapping[str, float] = field(default_factory=dict)
    source: str = "table"
    unused_rows: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "patients", tuple(self.patients))
        refuse_namesakes(self.patients)
        for name in self.death_days:
            if name not in self.names:
                raise unknown_name("patient of death_days", name, self.names)

    @property
    def names(self) -> list[str]:
        """Names of the patients."""
        return [each.patient.name for each in self.patients]

    @overload
    def __getitem__(self, index: int | str) -> PatientData: ...
    @overload
    def __getitem__(self, index: slice) -> PatientTable: ...
    def __getitem__(self, index: int | str | slice) -> PatientData | PatientTable:
        if isinstance(index, str):
            if index not in self.names:
                raise unknown_name("patient", index, self.names)
            return self.patients[self.names.index(index)]
        if isinstance(index, slice):
            chosen = self.patients[index]
            names = {each.patient.name for each in chosen}
            deaths = {name: day for name, day in self.death_days.items() if name in names}
            return PatientTable(chosen, deaths, self.source)
        return self.patients[index]

    def __len__(self) -> int:
        return len(self.patients)

    def __iter__(self) -> Iterator[PatientData]:
        return iter(self.patients)

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame in the form that `read_patients` reads: times in days, amounts in ug.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise needs_extra("pandas", "data", "to_dataframe") from problem
        return pd.DataFrame(write_patients(self))

    def __repr__(self) -> str:
        lines = [f"  {line.name}: {line.seen or 'nothing observed'}; {line.given}" for line in self._lines()]
        rest = [f"  ... {len(self) - _SHOWN} more"] if len(self) > _SHOWN else []
        return "\n".join([self._title(), *lines, *rest])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in (line.name, line.seen, line.days, line.given))}</tr>"
            for line in self._lines()
        )
        rest = f"<tr><td colspan='4'>... {len(self) - _SHOWN} more</td></tr>" if len(self) > _SHOWN else ""
        head = "<tr><th>patient</th><th>observations (share censored)</th><th>days</th><th>given</th></tr>"
        return f"<table><caption>{html.escape(self._title())}</caption>{head}{rows}{rest}</table>"

    def _title(self) -> str:
        seen = [observed for each in self for observed in each.observations]
        censored = sum(map(is_censored, seen))
        parts = [f"{len(self)} patient{'' if len(self) == 1 else 's'} from {self.source}", f"{len(seen)} observations"]
        parts += [f"{censored / len(seen):.0%} of them censored"] if seen else []
        parts += [f"{self.unused_rows} with MDV 1 left out"] if self.unused_rows else []
        return ", ".join(parts)

    def _lines(self) -> Iterator[_Line]:
        for each in self.patients[:_SHOWN]:
            name, times = each.patient.name, [observed.time_days for observed in each.observations]
            death = f", died on day {self.death_days[name]:g}" if name in self.death_days else ""
            yield _Line(name, _seen(each), f"{min(times):g} to {max(times):g}" if times else "", _given(each) + death)


@dataclass(frozen=True)
class _Line:
    name: str
    seen: str
    days: str
    given: str


def _seen(data: PatientData) -> str:
    totals = Counter(observed.output for observed in data.observations)
    censored = Counter(observed.output for observed in data.observations if is_censored(observed))
    return ", ".join(f"{total} {output} ({censored[output] / total:.0%})" for output, total in totals.items())


def _given(data: PatientData) -> str:
    """Return the doses in words: total drug, its days, and what else was given."""
    try:
        with warnings.catch_warnings():
            # Who prints patients has been warned of their doses.
            warnings.simplefilter("ignore", DoseWarning)
            schedule = data.regimen.schedule(data.patient.bsa_m2)
    except ScenarioError:
        # Doses per m2 of a patient of unknown BSA still have their text.
        return str(data.regimen)
    drug = [segment for segment in schedule.infusions if segment.compartment == "drug"]
    parts = []
    if drug:
        total = sum(segment.rate * (segment.stop_days - segment.start_days) for segment in drug)
        rates = [segment.rate for segment in drug]
        spread = f"{min(rates):.3g}" if min(rates) == max(rates) else f"{min(rates):.3g} to {max(rates):.3g}"
        parts.append(f"{total:.4g} ug at {spread} ug/day, days {drug[0].start_days:g} to {drug[-1].stop_days:g}")
    others = len(schedule.infusions) - len(drug)
    at_once = len(schedule.boluses)
    parts += [f"{others} other infusion{'s' * (others != 1)}"] if others else []
    parts += [f"{at_once} dose{'s' * (at_once != 1)} at once"] if at_once else []
    parts += [f"{len(schedule.premedication)} x dexamethasone"] if schedule.premedication else []
    return ", ".join(parts) or "nothing given"
