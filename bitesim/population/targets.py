"""Published summaries of patients that a weighted virtual population has to meet: means, shares, quantiles and curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """A published summary: the weighted mean of a number that each patient has.

    Make one with `mean`, `proportion`, `quantile`; several make a curve: see `curve`.

    Parameters
    ----------
    quantity : str or array
        Name in the population, or one value a patient, e.g. a column of what a cohort run gave.
    kind : {"mean", "above", "at most"}
    threshold : float
        Of the last two.
    value : float
        What the weighted mean, or share of patients, has to be.
    label : str
        Name in reports, where the quantity is an array.
    """

    quantity: Any
    kind: Literal["mean", "above", "at most"]
    threshold: float
    value: float
    label: str = ""

    def features(self, population: Any, patients: int) -> Vector:
        """Return the number that is averaged, shape (patients,)."""
        values = population[self.quantity] if isinstance(self.quantity, str) else np.asarray(self.quantity, np.float64)
        if np.shape(values) != (patients,):
            raise ParameterError(f"target {self}: its quantity has shape {np.shape(values)}, expected ({patients},)")
        if not np.isfinite(values).all():
            raise ParameterError(
                f"target {self}: {int((~np.isfinite(values)).sum())} patients have no finite value: leave them out with "
                "population.subset first, or count them as what they are"
            )
        if self.kind == "mean":
            return np.asarray(values, np.float64)
        return (values > self.threshold if self.kind == "above" else values <= self.threshold).astype(np.float64)

    def __str__(self) -> str:
        name = self.quantity if isinstance(self.quantity, str) else self.label or "given values"
        return f"mean {name}" if self.kind == "mean" else f"share with {name} {self.kind} {self.threshold:g}"


def mean(quantity: Any, value: float, label: str = "") -> Target:
    """Return the target that the mean of a quantity is `value`, in its unit."""
    return Target(quantity, "mean", math.nan, number("value", value, "-", (-math.inf, math.inf)), label)


def proportion(
    quantity: Any, value: float, *, above: float | None = None, at_most: float | None = None, label: str = ""
) -> Target:
    """Return the target that a share `value` of patients, 0 to 1, lies above, or at most at, a threshold: give one of them.

    Raises
    ------
    ParameterError
        For both thresholds or none, and a share outside 0 to 1.
    """
    if (above is None) == (at_most is None):
        raise ParameterError(f"above = {above} and at_most = {at_most}: give one of them, the threshold of the share")
    threshold = number("threshold", above if at_most is None else at_most, "-", (-math.inf, math.inf))
    share = number("value", value, "-", (0.0, 1.0), "It is a share of patients: 60 % is 0.6.")
    return Target(quantity, "above" if at_most is None else "at most", threshold, share, label)


def quantile(quantity: Any, probability: float, value: float, label: str = "") -> Target:
    """Return the target that a share `probability`, 0 to 1, of patients has at most `value`; a median has 0.5."""
    chance = number("probability", probability, "-", (0.0, 1.0), "A median has 0.5, not 50.")
    return proportion(quantity, chance, at_most=value, label=label)


def curve(quantity: Any, points: Mapping[float, float], label: str = "") -> list[Target]:
    """Return the targets of a cumulative curve: value of the quantity -> share of patients with at most that.

    ``curve("age_years", {6: 0.25, 9: 0.5, 16: 0.75})`` are three quantiles; of times to an event, it is 1 minus the
    survival curve.
    """
    return [quantile(quantity, share, value, label) for value, share in points.items()]
