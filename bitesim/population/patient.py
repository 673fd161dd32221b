"""A patient: body size, age and blood counts, each with a documented default and checked against the others."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, fields
from dataclasses import replace as dataclass_replace
from typing import Any, Final, Literal

from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError, unknown_name

REFERENCE_WEIGHT_KG: Final = 70.0
REFERENCE_BSA_M2: Final = 1.88
REFERENCE_AGE_YEARS: Final = 40.0

#: name -> (factor, exponent of height [cm], exponent of weight [kg], source).
BSA_FORMULAS: Final = {
    "mosteller": (1.0 / 60.0, 0.5, 0.5, "Mosteller 1987, N Engl J Med 317:1098"),
    "dubois": (0.007184, 0.725, 0.425, "Du Bois & Du Bois 1916, Arch Intern Med 17:863"),
    "haycock": (0.024265, 0.3964, 0.5378, "Haycock et al. 1978, J Pediatr 93:62"),
}


def body_surface_area(height_cm: float, weight_kg: float, formula: str = "mosteller") -> float:
    """Return the body surface area [m2] by a named formula.

    Raises
    ------
    UnknownNameError
        For a formula that is not one of mosteller, dubois, haycock.
    """
    if formula not in BSA_FORMULAS:
        raise unknown_name("bsa_formula", formula, BSA_FORMULAS)
    factor, height_exponent, weight_exponent, _ = BSA_FORMULAS[formula]
    return float(factor * height_cm**height_exponent * weight_kg**weight_exponent)


@dataclass(frozen=True)
class Patient:
    """One patient.

    Parameters
    ----------
    weight_kg : float, default 70
    bsa_m2 : float, optional
        Body surface area. Default: from `height_cm` and `weight_kg`; 1.88 m2 when no body size at all is given; unknown
        when only the weight is: doses per m2 are then refused.
    height_cm : float, optional
        Instead of `bsa_m2`.
    age_years : float, default 40
    blood_b_cells_per_ul, blood_cd8_t_cells_per_ul : float, optional
        Counts before treatment [cells/uL]. Default: the model's own reference; in the leukaemia model children have
        more CD8 T cells, by age.
    t_cell_fitness : float, optional
        Division and lysis of the patient's T cells relative to typical ones, 0.01 to 10. Default: 1.
    mrd, marrow_blast_fraction : float, optional
        Blasts among the marrow's nucleated cells before treatment, as a fraction: the same number under its two names,
        for what is left after treatment and for overt disease. Give one of them.
    bsa_formula : {"mosteller", "dubois", "haycock"}
    name : str
        Stands in reports and errors.

    Raises
    ------
    ParameterError
        For values outside their range, for a weight and a BSA (or height) that no body has together, and for both `mrd` and
        `marrow_blast_fraction`.
    """

    weight_kg: float | None = None
    bsa_m2: float | None = None
    height_cm: float | None = None
    age_years: float = REFERENCE_AGE_YEARS
    blood_b_cells_per_ul: float | None = None
    blood_cd8_t_cells_per_ul: float | None = None
    t_cell_fitness: float | None = None
    mrd: float | None = None
    marrow_blast_fraction: float | None = None
    bsa_formula: Literal["mosteller", "dubois", "haycock"] = "mosteller"
    name: str = "patient"

    def __post_init__(self) -> None:
        unsized = self.weight_kg is None and self.bsa_m2 is None and self.height_cm is None
        for field_name, unit, allowed, hint in RANGES:
            value = getattr(self, field_name)
            if value is not None:
                object.__setattr__(self, field_name, number(field_name, value, unit, allowed, hint))
        if self.mrd is not None and self.marrow_blast_fraction is not None:
            raise ParameterError(
                f"mrd = {self.mrd:g} and marrow_blast_fraction = {self.marrow_blast_fraction:g} are the same quantity, the "
                "fraction of blasts among the marrow's nucleated cells: give one of them"
            )
        if not isinstance(self.bsa_formula, str) or self.bsa_formula not in BSA_FORMULAS:
            raise unknown_name("bsa_formula", self.bsa_formula, BSA_FORMULAS)
        if not isinstance(self.name, str):
            raise ParameterError(f"name = {self.name!r} is not text: give the patient a name such as 'p017'")
        if self.weight_kg is None:
            object.__setattr__(self, "weight_kg", REFERENCE_WEIGHT_KG)
        if self.bsa_m2 is None and self.height_cm is not None:
            _check_height(self.height_cm, self._weight)
            area = body_surface_area(self.height_cm, self._weight, self.bsa_formula)
            object.__setattr__(self, "bsa_m2", area)
        elif unsized:
            object.__setattr__(self, "bsa_m2", REFERENCE_BSA_M2)
        elif self.bsa_m2 is not None:
            _check_bsa(self.bsa_m2, self._weight, self.height_cm)

    @property
    def _weight(self) -> float:
        """The weight, which is never None after construction."""
        return REFERENCE_WEIGHT_KG if self.weight_kg is None else self.weight_kg

    def replace(self, **changes: Any) -> Patient:
        """Return a patient with some values changed; an unknown name is answered with the closest one."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise unknown_name("value of a patient", name, known)
        # A BSA that was computed must follow a changed height or weight.
        if (
            self.height_cm is not None
            and "bsa_m2" not in changes
            and {"height_cm", "weight_kg", "bsa_formula"} & set(changes)
        ):
            changes["bsa_m2"] = None
        return dataclass_replace(self, **changes)

    def covariates(self) -> dict[str, float | None]:
        """Return what a model may read: name -> value, None where it is unknown."""
        found = {field_name: getattr(self, field_name) for field_name, *_ in RANGES}
        mrd = found.pop("mrd")
        return found if mrd is None else found | {"marrow_blast_fraction": mrd}

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{field_name}</td><td>{'not given' if value is None else f'{value:g}'}</td><td>{unit}</td></tr>"
            for field_name, unit, *_ in RANGES
            for value in [getattr(self, field_name)]
        )
        return f"<table><caption>{html.escape(self.name)}</caption>{rows}</table>"


_COUNT_HINT: Final = (
    "Counts are cells per microlitre (200/uL = 0.2e9/L = 2e5/mL); a count below detection is not 0: give the limit."
)
_FRACTION_HINT: Final = (
    "It is a fraction of the marrow's nucleated cells: 5 % is 0.05, MRD of 1 in 10,000 is 1e-4; what was not detected is "
    "not 0: give the limit."
)
#: Values of a patient: name, unit, closed range and what a refused one probably meant.
RANGES: Final = (
    ("weight_kg", "kg", (0.5, 300.0), "Weight is in kilograms, not pounds or grams."),
    ("bsa_m2", "m2", (0.1, 3.5), "Body surface area is in m2; give height_cm= instead to have it computed."),
    ("height_cm", "cm", (25.0, 250.0), "Height is in centimetres, not metres or inches."),
    ("age_years", "years", (0.0, 120.0), "Age is in years: 18 months is 1.5."),
    ("blood_b_cells_per_ul", "cells/uL", (1e-3, 1e6), _COUNT_HINT),
    ("blood_cd8_t_cells_per_ul", "cells/uL", (1e-3, 1e6), _COUNT_HINT),
    ("t_cell_fitness", "-", (0.01, 10.0), "It is relative to typical T cells: 1 is typical, 0.5 half as fit."),
    ("mrd", "-", (1e-9, 0.99), _FRACTION_HINT),
    ("marrow_blast_fraction", "-", (1e-9, 0.99), _FRACTION_HINT),
)

#: Body-mass index [kg/m2] that is still a human body.
ALLOWED_BODY_MASS_INDEX: Final = (7.0, 90.0)


def _check_height(height_cm: float, weight_kg: float) -> None:
    index = weight_kg / (height_cm / 100.0) ** 2
    if not ALLOWED_BODY_MASS_INDEX[0] <= index <= ALLOWED_BODY_MASS_INDEX[1]:
        raise ParameterError(
            f"weight_kg = {weight_kg:g} and height_cm = {height_cm:g} do not fit: the body-mass index would be "
            f"{index:.3g} kg/m2, expected {ALLOWED_BODY_MASS_INDEX[0]:g} to {ALLOWED_BODY_MASS_INDEX[1]:g}. "
            "Is the weight given (default 70 kg), and in kg?"
        )


def _check_bsa(bsa_m2: float, weight_kg: float, height_cm: float | None) -> None:
    """Refuse a BSA that no height can give this weight (by Mosteller's formula), or that contradicts a given height."""
    implied_cm = 3600.0 * bsa_m2**2 / weight_kg
    index = weight_kg / (implied_cm / 100.0) ** 2
    fits = 25.0 <= implied_cm <= 250.0 and ALLOWED_BODY_MASS_INDEX[0] <= index <= ALLOWED_BODY_MASS_INDEX[1]
    if height_cm is not None:
        computed = body_surface_area(height_cm, weight_kg)
        fits = fits and math.isclose(computed, bsa_m2, rel_tol=0.15)
    if not fits:
        raise ParameterError(
            f"weight_kg = {weight_kg:g} and bsa_m2 = {bsa_m2:g} do not fit: the height would be {implied_cm:.0f} cm"
            f"{'' if height_cm is None else f', not {height_cm:g} cm'}. A child of 20 kg has about 0.8 m2, an adult "
            "of 70 kg about 1.8 m2. Give both weight_kg= and bsa_m2=, or height_cm= to have the BSA computed."
        )
