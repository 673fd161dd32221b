"""Relapse and survival after a transplant, by MRD before it: the events of `bitesim.population.events` on their own.

Risk groups of Bader et al. 2019 hold more than MRD; here they stand for MRD before the transplant alone: not detectable
below 1e-4, from 1e-4 to 1e-3, and above (an assumption). Children of 30 kg, in remission.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.inference.free_parameters import Values
from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.distributions import LogNormal
from bitesim.population.events.clone_courses import TURNOVER, clone_course
from bitesim.population.events.luck import Luck
from bitesim.population.events.relapse import Remaining, draw_relapses
from bitesim.population.events.transplantation import Transplants, decide, mortality

Floats = NDArray[np.float64]
_PATIENTS: Final = 1500
_WEIGHT_KG, _AGE_YEARS = 30.0, 9.0
_YEAR: Final = 365.25
#: Group -> MRD before the transplant [-].
_BEFORE: Final = {
    "good": LogNormal.of_log10(-5.3, 0.8, -8.0, -4.0),
    "intermediate": LogNormal.of_log10(-3.5, 0.5, -4.0, -3.0),
    "poor": LogNormal.of_log10(-2.4, 0.5, -3.0, -1.3),
    "negative": LogNormal.of_log10(-5.3, 0.8, -8.0, -4.0),
    "positive": LogNormal.of_log10(-3.0, 0.8, -4.0, -1.3),
}


def relapse_within(values: Values, group: str, seed: int, years: float = 2.0) -> float:
    """Return the share of patients who relapse within some years of the transplant, before they die of it."""
    relapse, death, _ = _courses(_key(values), group, seed, years)
    return float(np.mean((relapse <= years * _YEAR) & (relapse < death)))


def survival_at(values: Values, group: str, seed: int, years: float = 5.0) -> float:
    """Return the share of patients alive some years after the transplant."""
    relapse, death, after = _courses(_key(values), group, seed, years)
    died = np.where(relapse < death, relapse + after, death)
    return float(np.mean(died > years * _YEAR))


def _key(values: Values) -> tuple[object, ...]:
    """Return what the courses depend on."""
    p = values.parameters
    rates = (p["blast_birth_per_day"], p["blast_death_per_day"], p["marrow_cells_per_kg"])
    return (*rates, values.spreads["blast_birth_per_day"], values.events)


@lru_cache(maxsize=64)
def _courses(key: tuple[object, ...], group: str, seed: int, years: float) -> tuple[Floats, Floats, Floats]:
    """Return days from the transplant to relapse, to death of it, and from relapse to death."""
    birth, death, cells_per_kg, spread, p = key
    luck = Luck(seed, np.arange(_PATIENTS))
    before = _BEFORE[group].at_score(luck.normal("MRD before transplant"))
    ones = np.ones(_PATIENTS)
    chosen = p.replace(transplant_after_negative_mrd=1.0, transplant_after_positive_mrd=1.0, transplant_most_mrd=1.0)  # type: ignore[attr-defined]
    transplants = decide(0.0, before, ones > 0.0, ones > 0.0, luck, chosen)
    # Time runs from the transplant, without a wait for it.
    transplants = Transplants(0.0 * ones, transplants.kept, transplants.graft_kill_per_day, transplants.graft_kill_days)
    row = LEUKAEMIA.catalogue["blast_birth_per_day"]
    births = LogNormal(float(birth), float(spread), max(row.bounds[0], 1e-6), row.bounds[1]).at_score(luck.normal("birth"))  # type: ignore[arg-type]
    marrow = float(cells_per_kg) * _WEIGHT_KG  # type: ignore[arg-type]
    limit = np.full(_PATIENTS, p.relapse_blast_fraction * marrow)  # type: ignore[attr-defined]
    # One type of blast, which always cycles.
    model = dict(zip(TURNOVER, (births, float(death) * ones, ones, 0.0 * ones), strict=True))  # type: ignore[arg-type]
    course = clone_course(np.zeros(1), (before * marrow)[:, np.newaxis], model)
    remaining = Remaining(0.0, lambda rows: [("marrow", course.of(rows))], model, ones, {"marrow": limit})
    end = years * _YEAR
    relapse = draw_relapses(remaining, transplants, end, luck).days["marrow"]
    transplant_death = mortality(transplants, _AGE_YEARS * ones, p).times(luck)
    rescued = luck.uniform("rescue") < p.rescued_share  # type: ignore[attr-defined]
    later = luck.exponential("death after relapse") * p.survival_after_relapse_days / np.log(2.0)  # type: ignore[attr-defined]
    return relapse, transplant_death, np.where(rescued, np.inf, later)
