"""Dose rates of blinatumomab: their units, allowed range, and what a wrong unit probably meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ScenarioError

DoseUnit = Literal["ug/day", "ug/m2/day"]
#: Doses given to patients range from 0.5 to 90 ug/m2/day and 9 to 112 ug/day.
ALLOWED_DOSE: Final = (0.1, 500.0)
_UNITS: Final = ", ".join(get_args(DoseUnit))
_ADULT_KG: Final = 45.0

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|[+-]?inf(?:inity)?"
_DOSE_TEXT: Final = re.compile(rf"\s*({_NUMBER})\s*([^\d\s].*?)\s*", re.IGNORECASE)
#: Units that people write by mistake, and what to say.
_WRONG_UNITS: Final = (
    ("mg", "blinatumomab is dosed in micrograms: 0.028 mg/day is 28 ug/day."),
    ("kg", "blinatumomab is not dosed by weight: below 45 kg it is ug/m2/day, from 45 kg on a fixed ug/day."),
    ("ng", "1000 ng/day is 1 ug/day."),
    ("pg", "pg/mL is a serum concentration; the dose is in ug/day or ug/m2/day."),
    ("/h", "give the dose per day: 1 ug/h is 24 ug/day."),
)


@dataclass(frozen=True)
class DoseRate:
    """A rate at which the pump gives drug.

    Parameters
    ----------
    value : float
        0.1 to 500, in `unit`.
    unit : {"ug/day", "ug/m2/day"}
    """

    value: float
    unit: DoseUnit

    def __post_init__(self) -> None:
        if self.unit not in get_args(DoseUnit):
            raise wrong_unit(f"{shown(self.value)} {self.unit}", self.unit)
        hint = "Did you mean ug/m2/day or ug/day, and micrograms, not ng or mg?"
        value = number("dose", self.value, self.unit, ALLOWED_DOSE, hint, ScenarioError)
        object.__setattr__(self, "value", value)

    def __str__(self) -> str:
        return f"{self.value!r} {self.unit}".replace(".0 ", " ")

    @classmethod
    def parse(cls, text: Any) -> DoseRate:
        """Return the dose written as e.g. '15 ug/m2/day', '28 µg/d', '9 mcg/day'.

        Raises
        ------
        ScenarioError
            Quoting the text, the allowed units and the likely intent.
        """
        if isinstance(text, DoseRate):
            return text
        match = _DOSE_TEXT.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ScenarioError(f"dose {shown(text)} is not a number and a unit: write e.g. '15 ug/m2/day' or '28 ug/day'")
        return cls(float(match[1]), unit_from_text(match[2]))

    def ug_per_day(self, bsa_m2: float | None) -> float:
        """Return the absolute rate for a body surface area.

        Raises
        ------
        ScenarioError
            For a dose per m2 without a body surface area, or an absolute dose outside 0.1 to 500 ug/day.
        """
        if self.unit == "ug/day":
            return self.value
        if bsa_m2 is None:
            raise ScenarioError(
                f"dose {self} needs the patient's body surface area: give bsa_m2=, or height_cm= and weight_kg=; "
                "a fixed dose is written in ug/day"
            )
        hint = f"It is {self} at {bsa_m2:g} m2."
        return number("dose", self.value * bsa_m2, "ug/day", ALLOWED_DOSE, hint, ScenarioError)

    def suspicion(self, weight_kg: float | None) -> str | None:
        """Return what a legal but unusual dose probably meant for this body weight, or None."""
        if weight_kg is None:
            return None
        adult = weight_kg >= _ADULT_KG
        if adult and self.unit == "ug/day" and self.value in (5.0, 15.0):
            return f"{self} flat in a patient of {weight_kg:g} kg is unusual: did you mean {self.value:g} ug/m2/day?"
        if self.unit == "ug/m2/day" and self.value in (9.0, 28.0):
            meant = f"{self.value:g} ug/day (a fixed dose)" if adult else f"{5 if self.value == 9 else 15} ug/m2/day"
            return f"{self} is unusual in a patient of {weight_kg:g} kg: did you mean {meant}?"
        if not adult and self.unit == "ug/day" and self.value in (9.0, 28.0):
            meant = "5 ug/m2/day" if self.value == 9.0 else "15 ug/m2/day"
            return f"{self} flat in a patient of {weight_kg:g} kg is the adults' dose: did you mean {meant}?"
        return None


def unit_from_text(text: str) -> DoseUnit:
    """Return the dose unit that `text` spells, or raise `ScenarioError` with the likely intent."""
    plain = text.strip().lower().replace("µ", "u").replace("μ", "u").replace("mcg", "ug").replace("²", "2")
    plain = re.sub(r"\s*/\s*", "/", plain).replace("^2", "2").replace("m**2", "m2")
    plain = re.sub(r"/(d|days|24h)$", "/day", plain)
    if plain == "ug/day":
        return "ug/day"
    if plain in ("ug/m2/day", "ug/day/m2"):
        return "ug/m2/day"
    raise wrong_unit(text, plain)


def wrong_unit(text: str, unit: str) -> ScenarioError:
    """Build the error for a dose unit that is not allowed."""
    intent = next((advice for mark, advice in _WRONG_UNITS if mark in str(unit)), "Did you mean ug/m2/day?")
    return ScenarioError(f"dose unit {text!r} is not allowed: expected one of {_UNITS}. {intent}")
