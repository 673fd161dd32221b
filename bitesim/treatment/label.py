"""The labelled regimens of blinatumomab, as data, and the rules that choose one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import ScenarioError, unknown_name
from bitesim.treatment.dose import DoseRate
from bitesim.treatment.regimen import Cycle, DoseStep, Premedication, Regimen

_LABEL: Final = "BLINCYTO (blinatumomab) prescribing information, section 2"
_TRIAL: Final = "COG AALL1331, NCT02101853"
FIXED_DOSE_FROM_KG: Final = 45.0
_INDUCTION_AND_CONSOLIDATION: Final = 5


@dataclass(frozen=True)
class LabelRow:
    """Doses of one indication: (value in ug/m2/day below 45 kg, cap in ug/day and fixed dose from 45 kg, days)."""

    indication: str
    first_cycle: tuple[tuple[float, float, float], ...]
    later_cycles: tuple[tuple[float, float, float], ...]
    days_off: float
    continued_days_off: float
    most_cycles: int
    by_weight: bool
    source: str


#: 100 mg of prednisone act as 15 mg of dexamethasone.
_ADULT_DEXAMETHASONE_MG: Final = {"dexamethasone 20 mg": 20.0, "prednisone 100 mg": 15.0}
_FULL: Final = ((15.0, 28.0, 28.0),)
LABEL_ROWS: Final = {
    row.indication: row
    for row in (
        LabelRow("relapsed", ((5.0, 9.0, 7.0), (15.0, 28.0, 21.0)), _FULL, 14.0, 56.0, 9, True, _LABEL),
        LabelRow("mrd", _FULL, _FULL, 14.0, 14.0, 4, True, _LABEL),
        LabelRow("consolidation", _FULL, _FULL, 14.0, 14.0, 4, True, _LABEL),
        LabelRow("aall1331", _FULL, _FULL, 7.0, 7.0, 2, False, _TRIAL),
    )
}


def label_regimen(patient: Any, cycles: int = 2, indication: str = "relapsed") -> Regimen:
    """Return the labelled regimen for a patient.

    Parameters
    ----------
    patient
        Anything with ``weight_kg``, ``bsa_m2`` and ``age_years``.
    cycles : int
        Number of cycles; relapsed disease: 2 of induction, 3 of consolidation, then up to 4 with 56 days off.
    indication : {"relapsed", "mrd", "consolidation", "aall1331"}

    Raises
    ------
    ScenarioError
        For a patient without weight, or below 45 kg without BSA; for more cycles than the label has.
    """
    if indication not in LABEL_ROWS:
        raise unknown_name("indication", indication, LABEL_ROWS)
    row = LABEL_ROWS[indication]
    hint = f"{row.source} has at most {row.most_cycles} for {indication!r}."
    count = whole_number("cycles", cycles, (1, row.most_cycles), hint, ScenarioError)
    fixed = _is_fixed(patient, row)
    planned = []
    for position in range(count):
        doses = row.first_cycle if position == 0 else row.later_cycles
        steps = tuple(
            DoseStep(_dose(per_m2, cap if row.by_weight else math.inf, fixed, patient), days) for per_m2, cap, days in doses
        )
        # The treatment-free interval lengthens from the first cycle of continued therapy on.
        long_rest = position + 1 > _INDUCTION_AND_CONSOLIDATION
        planned.append(Cycle(steps, row.continued_days_off if long_rest else row.days_off))
    rule = f">= {FIXED_DOSE_FROM_KG:g} kg: fixed doses" if fixed else "ug/m2/day" + (" with caps" if row.by_weight else "")
    notes = (f"{row.source}: {indication}, {rule}",)
    return Regimen(tuple(planned), premedication=_premedication(row, fixed, planned, patient), notes=notes)


def _is_fixed(patient: Any, row: LabelRow) -> bool:
    if not row.by_weight:
        return False
    if patient.weight_kg is None:
        raise ScenarioError("the label doses by weight: the patient has no weight_kg")
    return bool(patient.weight_kg >= FIXED_DOSE_FROM_KG)


def _dose(per_m2: float, cap: float, fixed: bool, patient: Any) -> DoseRate:
    """Return the fixed dose, or the dose per m2 unless it exceeds the cap for this patient."""
    if fixed:
        return DoseRate(cap, "ug/day")
    dose = DoseRate(per_m2, "ug/m2/day")
    return DoseRate(cap, "ug/day") if dose.ug_per_day(patient.bsa_m2) > cap else dose


def _dexamethasone_mg_by_size(patient: Any) -> float:
    """Return 5 mg/m2, at most 20 mg."""
    if patient.bsa_m2 is None:
        raise ScenarioError("dexamethasone at 5 mg/m2 needs the patient's bsa_m2=, or height_cm= and weight_kg=")
    return min(20.0, 5.0 * float(patient.bsa_m2))


def _premedication(row: LabelRow, fixed: bool, planned: list[Cycle], patient: Any) -> tuple[Premedication, ...]:
    """Return the label's premedication as events: before each cycle in adults, before the first and its step in children."""
    adult = "prednisone 100 mg" if row.indication != "relapsed" else "dexamethasone 20 mg"
    mg = _ADULT_DEXAMETHASONE_MG[adult] if fixed else _dexamethasone_mg_by_size(patient)
    if not row.by_weight:
        return (Premedication(0.0, "dexamethasone before cycle 1", mg),)
    text = f"{adult} before the cycle" if fixed else "dexamethasone 5 mg/m2 (at most 20 mg)"
    given, start = [], 0.0
    for position, cycle in enumerate(planned):
        if fixed or position == 0:
            given.append(Premedication(start, text, mg))
            if len(cycle.steps) > 1:
                step = f"{text.split(' before')[0]} at the dose step"
                given.append(Premedication(start + cycle.steps[0].days, step, mg))
        start += cycle.infusion_days + cycle.days_off
    return tuple(given)
