"""Stem-cell transplantation: who, when, what it kills, and whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.population.events.hazards import Hazard
from bitesim.population.events.luck import Luck

Floats = NDArray[np.float64]
_CHILD_YEARS: Final = 14.0
_ADULT_YEARS: Final = 30.0
_MORTALITY_DAYS: Final = 365.0


@dataclass(frozen=True, eq=False)
class Transplants:
    """What would happen to each patient with a transplant.

    Parameters
    ----------
    day : ndarray
        When, infinite for those who have none.
    kept : ndarray
        Share of blasts that conditioning leaves [-].
    graft_kill_per_day : ndarray
        Graft-versus-leukaemia hazard of a blast [1/d], for `graft_kill_days` from the transplant on.
    graft_kill_days : float
    """

    day: Floats
    kept: Floats
    graft_kill_per_day: Floats
    graft_kill_days: float

    @property
    def has(self) -> NDArray[np.bool_]:
        """Who has one."""
        return np.asarray(np.isfinite(self.day))


def decide(
    visit_day: float, measured_mrd: Floats, negative: NDArray[np.bool_], eligible: NDArray[np.bool_], luck: Luck, p: Any
) -> Transplants:
    """Decide on transplants at the last visit; each draw is the patient's whatever the arm.

    Parameters
    ----------
    visit_day : float
    measured_mrd : ndarray
        As the laboratory reports it [-]; what is positive below the limit of quantification counts as that limit.
    negative : ndarray of bool
        Who is MRD-negative.
    eligible : ndarray of bool
        Who is alive in remission, with a donor and fit.
    luck : Luck
    p : record
        Of the events catalogue.
    """
    wanted = np.where(negative, p.transplant_after_negative_mrd, p.transplant_after_positive_mrd)
    wanted = np.where(~negative & (measured_mrd > p.transplant_most_mrd), 0.0, wanted)
    chosen = eligible & (luck.uniform("transplant") < wanted)
    delay = p.transplant_delay_days * np.exp(p.transplant_delay_ln_sd * luck.normal("transplant delay"))
    # No conditioning makes blasts: the one patient in a thousand below 0 has none killed.
    decades = np.maximum(0.0, p.conditioning_log10_kill + p.conditioning_log10_kill_sd * luck.normal("conditioning"))
    # An exponential hazard between patients: the graft's effect has a coefficient of variation near 1.
    graft = p.graft_kill_per_day * luck.exponential("graft versus leukaemia")
    return Transplants(np.where(chosen, visit_day + delay, np.inf), 10.0**-decades, graft, float(p.graft_kill_days))


def mortality(transplants: Transplants, age_years: Floats, p: Any) -> Hazard:
    """Return the hazard of transplant-related death over the year after it."""
    factor = np.where(age_years < _CHILD_YEARS, p.transplant_mortality_child_factor, 1.0)
    factor = np.where(age_years > _ADULT_YEARS, p.transplant_mortality_adult_factor, factor)
    start = np.where(transplants.has, transplants.day, 0.0)
    rate = np.where(transplants.has, -np.log1p(-p.transplant_mortality) * factor / _MORTALITY_DAYS, 0.0)
    return Hazard.constant("transplant-related death", rate, start, start + _MORTALITY_DAYS)
