"""What virtual patients are drawn from: checked distributions, bodies and limits, and the rows that they give.

A row is a function of (seed, patient's number, recipe). One that is implausible is drawn anew as a whole, with the number of
the attempt in the key of every draw, so that no other row changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number, range_text, shown
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.model import Model
from bitesim.population.copula import Copula
from bitesim.population.distributions import Constant
from bitesim.population.growth import Growth, growth_from_dict
from bitesim.population.patient import ALLOWED_BODY_MASS_INDEX, RANGES, REFERENCE_WEIGHT_KG, body_surface_area
from bitesim.population.variability import Variability

Vector = NDArray[np.float64]
Limits = Mapping[str, tuple[float, float]]
#: Values of `Patient` -> range, as it checks them.
PATIENT_RANGES: Final = {name: (unit, allowed) for name, unit, allowed, _ in RANGES}
#: What limits and targets may name beside the columns.
DERIVED: Final = ("bmi_kg_per_m2",)
_PILOTS: Final = 1000
_MOST_REJECTED: Final = 0.99
#: At 1 % accepted, one patient in 5e8 needs more.
_MOST_ATTEMPTS: Final = 2000


def body_mass_index(columns: Mapping[str, Vector]) -> Vector | None:
    """Return the body-mass index [kg/m2], by the height or the one that weight and surface imply; None without sizes."""
    sized = [name for name in ("height_cm", "bsa_m2") if name in columns]
    if not sized:
        return None
    weight = columns.get("weight_kg", np.full(len(columns[sized[0]]), REFERENCE_WEIGHT_KG))
    height = columns["height_cm"] if "height_cm" in columns else 3600.0 * columns["bsa_m2"] ** 2 / weight
    return np.asarray(weight / (height / 100.0) ** 2)


@dataclass(frozen=True, eq=False)
class Recipe:
    """A checked description of virtual patients.

    Parameters
    ----------
    model : Model
    seed : int
    variability : Variability
    growth : Growth or None
    limits : mapping of str to (float, float)
        Column, or ``bmi_kg_per_m2`` -> closed range outside which a patient is drawn anew.

    Raises
    ------
    ParameterError
        For unknown names, quantities that two parts of it set, and values that no patient can have.
    """

    model: Model
    seed: int
    variability: Variability
    growth: Growth | None = None
    limits: Limits = field(default_factory=dict)
    copula: Copula = field(init=False)

    def __post_init__(self) -> None:
        if self.growth is not None and not self._counts_cd8():
            object.__setattr__(self, "growth", replace(self.growth, cd8_sd=None))
        names = self.variability.distributions
        for name, each in names.items():
            if name not in PATIENT_RANGES and name not in self.model.catalogue:
                known = [*PATIENT_RANGES, *self.model.catalogue]
                raise unknown_name(f"value of a patient or parameter of {self.model.name}", name, known)
            low, high = each.range()
            unit, (least, most) = self._range(name)
            if high < least or low > most:
                raise ParameterError(
                    f"{name} = {each!r} lies outside what is possible, {range_text((least, most))} {unit}: "
                    "is it in another unit, or on a logarithmic scale?"
                )
        self._check_conflicts()
        object.__setattr__(self, "copula", self.variability.copula(() if self.growth is None else self.growth.scores))
        object.__setattr__(self, "limits", self._checked_limits())

    def _counts_cd8(self) -> bool:
        return any(link.covariate == "blood_cd8_t_cells_per_ul" for link in self.model.covariates)

    def _range(self, name: str) -> tuple[str, tuple[float, float]]:
        if name in PATIENT_RANGES:
            return PATIENT_RANGES[name]
        row = self.model.catalogue[name]
        return row.unit, row.bounds

    def _check_conflicts(self) -> None:
        """Refuse what would be set twice, of which one would be lost."""
        names = set(self.variability.distributions)
        grown = set(_grown_names(self.growth))
        if twice := names & grown:
            raise ParameterError(
                f"{', '.join(sorted(twice))}: drawn by covariates= and by variability= too: leave one of them out"
            )
        if {"mrd", "marrow_blast_fraction"} <= names:
            raise ParameterError("mrd and marrow_blast_fraction are the same quantity: draw one of them")
        given = names | grown | {"weight_kg", "bsa_m2"} | ({"marrow_blast_fraction"} if "mrd" in names else set())
        for link in self.model.covariates:
            if link.covariate in given and link.parameter in names and link.parameter not in PATIENT_RANGES:
                raise ParameterError(
                    f"{link.parameter} is set by the patient's {link.covariate}, which is given too: vary "
                    f"{link.covariate} instead"
                )

    def _checked_limits(self) -> dict[str, tuple[float, float]]:
        known = [*self._columns(np.zeros(1, np.uint64), 0), *DERIVED]
        found = {}
        for name, ends in self.limits.items():
            if name not in known:
                raise unknown_name("quantity in limits", name, known)
            if not isinstance(ends, (tuple, list)) or len(ends) != 2:
                raise ParameterError(f"limits[{name!r}] = {shown(ends)}: expected (low, high); None is an open end")
            low, high = (
                default if end is None or end == default else number(f"limits[{name!r}]", end, "-", (-math.inf, math.inf))
                for end, default in zip(ends, (-math.inf, math.inf), strict=True)
            )
            if not low <= high:
                raise ParameterError(f"limits[{name!r}] = ({low:g}, {high:g}): low is above high: were they exchanged?")
            found[name] = (float(low), float(high))
        return found

    def _columns(self, patients: NDArray[np.uint64], attempt: int) -> dict[str, Vector]:
        """Return one attempt at these patients: bodies first, then variability, and the surface of a given body."""
        scores = self.copula.scores(self.seed, patients, attempt)
        columns = {} if self.growth is None else self.growth.bodies(scores)
        nobody = np.zeros(len(patients))
        for name, each in self.variability.distributions.items():
            columns[name] = each.at_score(nobody if isinstance(each, Constant) else scores[name])
        if "height_cm" in columns and "bsa_m2" not in columns:
            weight = columns.get("weight_kg", nobody + REFERENCE_WEIGHT_KG)
            pairs = zip(columns["height_cm"].tolist(), weight.tolist(), strict=True)
            columns["bsa_m2"] = np.array([body_surface_area(tall, heavy) for tall, heavy in pairs])
        return columns

    def _refusals(self, columns: Mapping[str, Vector]) -> dict[str, NDArray[np.bool_]]:
        """Return the quantity with its range -> which patients lie outside it."""
        ranges: list[tuple[str, tuple[float, float]]] = [
            (name, self._range(name)[1]) for name in columns if name in PATIENT_RANGES or name in self.model.catalogue
        ]
        index = body_mass_index(columns)
        if index is not None:
            columns = {**columns, "bmi_kg_per_m2": index}
            ranges.append(("bmi_kg_per_m2", ALLOWED_BODY_MASS_INDEX))
        ranges += list(self.limits.items())
        # Written so that NaN lies outside.
        return {
            f"{name} in {low:g} to {high:g}": ~((columns[name] >= low) & (columns[name] <= high))
            for name, (low, high) in ranges
            if name in columns
        }

    def check_limits(self) -> None:
        """Refuse limits that leave less than 1 % of the first draws of 1000 patients, whoever is asked for."""
        refusals = self._refusals(self._columns(np.arange(_PILOTS, dtype=np.uint64), 0))
        refused = np.any(list(refusals.values()), axis=0)
        if refused.mean() > _MOST_REJECTED:
            shares = sorted(((float(rows.mean()), text) for text, rows in refusals.items()), reverse=True)
            blamed = "; ".join(f"{text} rejects {share:.1%}" for share, text in shares[:4] if share > 0.0)
            raise ParameterError(
                f"limits, with what Patient and the catalogue allow, reject {refused.mean():.1%} of the first {_PILOTS} "
                f"patients drawn, expected at most {_MOST_REJECTED:.0%}: {blamed}. Draw them where they are allowed: give "
                "the distributions ends (low=, high=) or other medians; limits are for combinations that are rare."
            )

    def rows(self, patients: NDArray[np.uint64]) -> tuple[dict[str, Vector], NDArray[np.int64]]:
        """Return name -> values, shape (patients,), and how many draws each patient was rejected.

        Raises
        ------
        ParameterError
            For limits that reject more than 99 % of the draws.
        """
        self.check_limits()
        columns = self._columns(patients, 0)
        attempts = np.zeros(len(patients), np.int64)
        waiting = np.flatnonzero(np.any(list(self._refusals(columns).values()), axis=0))
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            if not len(waiting):
                return columns, attempts
            again = self._columns(patients[waiting], attempt)
            for name, values in again.items():
                columns[name][waiting] = values
            attempts[waiting] = attempt
            waiting = waiting[np.any(list(self._refusals(again).values()), axis=0)]
        raise ParameterError(
            f"limits reject patient {patients[waiting[0]]} in {_MOST_ATTEMPTS} draws: widen limits=, or give the "
            "distributions ends"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return a plain description that JSON can write and `recipe_from_dict` reads."""
        return {
            "model": self.model.name,
            "seed": self.seed,
            "variability": self.variability.as_dict(),
            "covariates": None if self.growth is None else self.growth.as_dict(),
            "limits": {name: [end if math.isfinite(end) else None for end in ends] for name, ends in self.limits.items()},
        }


def _grown_names(growth: Growth | None) -> tuple[str, ...]:
    """Return the values of `Patient` that bodies set."""
    sizes = ("age_years", "height_cm", "weight_kg", "bsa_m2")
    if growth is None:
        return ()
    return sizes if growth.cd8_sd is None else (*sizes, "blood_cd8_t_cells_per_ul")


def recipe_from_dict(description: Mapping[str, Any], model: Model) -> Recipe:
    """Return what `Recipe.as_dict` described, for the model of that name."""
    growth = description["covariates"]
    return Recipe(
        model,
        int(description["seed"]),
        Variability.from_dict(description["variability"]),
        None if growth is None else growth_from_dict(growth),
        {name: (ends[0], ends[1]) for name, ends in description["limits"].items()},
    )
