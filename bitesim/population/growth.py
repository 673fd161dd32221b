"""Bodies of patients: sex, age, height, weight, body surface area and CD8 T cells that belong together.

Height and weight follow the growth references of `bitesim.datasets.cdc_2000_growth`; their correlation at an age is the one
that gives the body-mass index its published spread at that age, since the logarithm of the index is ln W - 2 ln H. Below 2
years, where no index is published, the correlation of 2 years stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from bitesim.datasets import GrowthReference, cdc_2000_growth
from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError
from bitesim.leukaemia.ages import t_cells_relative_to_adult_at
from bitesim.leukaemia.catalogue import CATALOGUE
from bitesim.population.distributions import Constant, Distribution, distribution_of
from bitesim.population.patient import body_surface_area
from bitesim.population.variability import distribution_from_dict

Vector = NDArray[np.float64]
#: Names of the scores that a body is made from.
BODY_SCORES: Final = ("female", "age_years", "height_for_age", "weight_for_height", "cd8_for_age")
#: Scores beyond which the references are not used: their formula has a pole near 4, and 3 in 1000 people lie outside.
_WIDEST_SCORE: Final = 3.0
#: SD of ln CD8 T cells per uL before treatment over 13 adults (Klinger et al. 2012): 0.50, 95 % interval 0.36 to 0.82.
_CD8_SD: Final = 0.5
_AGES: Final = (0.0, 120.0)


@dataclass(frozen=True)
class Growth:
    """Patients' sex, age and size, and their CD8 T cells.

    Parameters
    ----------
    age_years : Distribution or float
        E.g. ``Quantiles({0: 1, 0.25: 6, 0.5: 9, 0.75: 16, 1: 30})``, ``Uniform(2, 18)``, or 9 for all.
    female_share : float, default 0.5
        Probability of being female, 0 to 1.
    cd8_sd : float or None, default 0.5
        SD of ln CD8 T cells per uL around what is usual at the age: 180 in adults, times a child's ratio. The default is
        that of 13 adults with lymphoma (Klinger et al. 2012; 95 % interval 0.36 to 0.82). None draws no count.

    Raises
    ------
    ParameterError
        For ages outside 0 to 120 years and shares outside 0 to 1.

    Notes
    -----
    Scores of height and weight are cut at -3 and 3, and stretched so that nobody is lost. Patients are those of the general
    population: neither leukaemia nor its treatment changes their weight here.
    """

    age_years: Distribution
    female_share: float = 0.5
    cd8_sd: float | None = _CD8_SD

    def __post_init__(self) -> None:
        age = distribution_of("age_years", self.age_years)
        low, high = age.range()
        if not _AGES[0] <= low <= high <= _AGES[1]:
            raise ParameterError(
                f"age_years reaches from {low:g} to {high:g}: expected ages inside 0 to 120 years. "
                "Give the distribution its ends, e.g. Normal(40, 15, low=18, high=90); 18 months are 1.5."
            )
        object.__setattr__(self, "age_years", age)
        share = number("female_share", self.female_share, "-", (0.0, 1.0), "It is a share: 46 % is 0.46.")
        object.__setattr__(self, "female_share", share)
        if self.cd8_sd is not None:
            hint = "It is the SD of the natural logarithm; None draws no count."
            object.__setattr__(self, "cd8_sd", number("cd8_sd", self.cd8_sd, "-", (0.0, 3.0), hint))

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores that are drawn."""
        drawn = [name for name in BODY_SCORES if name != "cd8_for_age" or self.cd8_sd is not None]
        return tuple(name for name in drawn if name != "age_years" or not isinstance(self.age_years, Constant))

    def bodies(self, scores: Mapping[str, Vector]) -> dict[str, Vector]:
        """Return name -> value, shape (patients,) each, from standard normal scores by the names of `scores`."""
        female = (ndtr(scores["female"]) < self.female_share).astype(np.float64)
        age = self.age_years.at_score(scores.get("age_years", scores["female"]))
        height, weight = heights_and_weights(female, age, scores["height_for_age"], scores["weight_for_height"])
        area = [body_surface_area(tall, heavy) for tall, heavy in zip(height.tolist(), weight.tolist(), strict=True)]
        found = {"female": female, "age_years": age, "height_cm": height, "weight_kg": weight, "bsa_m2": np.array(area)}
        if self.cd8_sd is not None:
            usual = CATALOGUE["baseline_cd8_t_cells_per_ul"].default * t_cells_relative_to_adult_at(age)
            found["blood_cd8_t_cells_per_ul"] = usual * np.exp(self.cd8_sd * scores["cd8_for_age"])
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return a plain description that JSON can write and `growth_from_dict` reads."""
        found: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return found | {"age_years": self.age_years.as_dict()}


def height_weight_correlation(female: bool, age_years: Vector) -> Vector:
    """Return the correlation of the scores of height and weight at each age, shape (patients,) [-]."""
    reference, correlations = _references()[int(female)]
    return np.interp(age_years, reference.age_years, correlations)


def heights_and_weights(female: Vector, age_years: Vector, tall: Vector, heavy: Vector) -> tuple[Vector, Vector]:
    """Return heights [cm] and weights [kg] of people of a sex (0 or 1) and age.

    Parameters
    ----------
    female, age_years : ndarray, shape (patients,)
    tall, heavy : ndarray, shape (patients,)
        Independent standard normal scores: of the height for the age, and of the weight for the height.
    """
    height, weight = np.empty(len(female)), np.empty(len(female))
    for sex, (reference, _) in enumerate(_references()):
        rows = female == sex
        correlation = height_weight_correlation(bool(sex), age_years[rows])
        score = correlation * tall[rows] + np.sqrt(1.0 - correlation**2) * heavy[rows]
        height[rows] = at_lms(reference, reference.height_cm, age_years[rows], _cut(tall[rows]))
        weight[rows] = at_lms(reference, reference.weight_kg, age_years[rows], _cut(score))
    return height, weight


def at_lms(reference: GrowthReference, table: NDArray[np.float64], age_years: Vector, scores: Vector) -> Vector:
    """Return M (1 + L S z)**(1 / L), with L, M and S interpolated linearly in age (Cole & Green 1992, Stat Med 11:1305).

    Parameters
    ----------
    reference : GrowthReference
        Of one sex.
    table : ndarray, shape (3, ages)
        One of its measures.
    age_years, scores : ndarray, shape (patients,)
    """
    power, median, spread = (np.interp(age_years, reference.age_years, row) for row in table)
    # At L = 0 the distribution is log-normal, which the limit of the formula gives.
    power = np.where(np.abs(power) < 1e-9, 1e-9, power)
    return np.asarray(median * np.exp(np.log1p(power * spread * scores) / power))


def _cut(scores: Vector) -> Vector:
    """Return scores mapped into the range that the references describe, in the same order."""
    lowest = ndtr(-_WIDEST_SCORE)
    return np.asarray(ndtri(lowest + (1.0 - 2.0 * lowest) * ndtr(scores)))


@cache
def _references() -> tuple[tuple[GrowthReference, Vector], ...]:
    """Return each sex's reference with the correlation of height and weight at its ages."""
    return tuple((reference, _correlations(reference)) for reference in cdc_2000_growth())


def _correlations(reference: GrowthReference) -> Vector:
    tall, heavy, index = (_log_sd(table) for table in (reference.height_cm, reference.weight_kg, reference.bmi_kg_per_m2))
    found = (heavy**2 + 4.0 * tall**2 - index**2) / (4.0 * tall * heavy)
    known = np.isfinite(found)
    return np.interp(reference.age_years, reference.age_years[known], found[known])


def _log_sd(table: NDArray[np.float64]) -> Vector:
    """Return half the distance of the logarithms one score above and below the median."""
    power, _, spread = table
    return np.asarray((np.log1p(power * spread) - np.log1p(-power * spread)) / (2.0 * power))


def growth_from_dict(description: Mapping[str, Any]) -> Growth:
    """Return what `Growth.as_dict` described."""
    return Growth(**{**description, "age_years": distribution_from_dict(description["age_years"])})
