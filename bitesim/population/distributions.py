"""Distributions of one quantity between patients: a standard normal score becomes a value by the inverse CDF.

A truncated distribution maps the whole score onto the range that is left, so that nothing is rejected and every draw counts.
"""

from __future__ import annotations

import itertools
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError

Vector = NDArray[np.float64]
_ANY: Final = (-math.inf, math.inf)
_POSITIVE: Final = (1e-300, math.inf)


class Distribution(ABC):
    """A distribution that is drawn by its inverse CDF."""

    kind: ClassVar[str]

    @abstractmethod
    def at_score(self, scores: Vector) -> Vector:
        """Return the values at standard normal scores, shape (patients,): the quantile at the score's probability."""

    @abstractmethod
    def cdf(self, values: Vector) -> Vector:
        """Return the probability of at most each value [-]."""

    @abstractmethod
    def range(self) -> tuple[float, float]:
        """Return the least and the greatest value that can be drawn."""

    def quantile(self, probabilities: Any) -> Vector:
        """Return the values below which these probabilities lie, each inside (0, 1)."""
        return self.at_score(np.asarray(ndtri(np.asarray(probabilities, np.float64))))

    def as_dict(self) -> dict[str, Any]:
        """Return what `variability.distribution_from_dict` reads back: kind and arguments, open ends left out."""
        kept = {name: value for name, value in asdict(self).items() if value not in (math.inf, -math.inf)}  # type: ignore[call-overload]
        return {"kind": self.kind, **kept}


@dataclass(frozen=True)
class Constant(Distribution):
    """The same value for everybody."""

    value: float
    kind: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", number("value", self.value, "-", _ANY))

    def at_score(self, scores: Vector) -> Vector:
        return np.full(len(scores), self.value)

    def cdf(self, values: Vector) -> Vector:
        return np.where(np.asarray(values) >= self.value, 1.0, 0.0)

    def range(self) -> tuple[float, float]:
        return self.value, self.value


@dataclass(frozen=True)
class Uniform(Distribution):
    """Every value of [low, high] alike."""

    low: float
    high: float
    kind: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        # Finite: largest floats may stand at its ends, infinity may not.
        _check_ends(self, (-sys.float_info.max, sys.float_info.max))

    def at_score(self, scores: Vector) -> Vector:
        return np.asarray(np.clip(self.low + (self.high - self.low) * ndtr(scores), self.low, self.high))

    def cdf(self, values: Vector) -> Vector:
        return np.clip((np.asarray(values) - self.low) / (self.high - self.low), 0.0, 1.0)

    def range(self) -> tuple[float, float]:
        return self.low, self.high


class _Transformed(Distribution):
    """A normal distribution of a transformed value, cut to [low, high]."""

    sd: float
    low: float
    high: float

    @abstractmethod
    def _standard(self, values: Any) -> Any:
        """Return the untruncated score of values."""

    @abstractmethod
    def _value(self, scores: Vector) -> Vector:
        """Return the value at untruncated scores."""

    def _check(self, allowed: tuple[float, float]) -> None:
        object.__setattr__(self, "sd", number("sd", self.sd, "-", _POSITIVE, "It is a standard deviation, above 0."))
        _check_ends(self, allowed)
        least, most = self._ends()
        if ndtr(min(most, -least)) - ndtr(min(least, -most)) <= 0.0 and not least < 0.0 < most:
            raise ParameterError(
                f"low = {self.low:g} and high = {self.high:g} hold none of the distribution: they lie {least:.3g} and "
                f"{most:.3g} standard deviations from its middle. Is the middle, or sd, on the scale of the values?"
            )

    def _ends(self) -> tuple[float, float]:
        return float(self._standard(self.low)), float(self._standard(self.high))

    def at_score(self, scores: Vector) -> Vector:
        scores = np.asarray(scores, np.float64)
        least, most = self._ends()
        if (least, most) != _ANY:
            # The tail that is cut is counted from its own side: 1 - 1e-20 is 1 in floating point.
            side = -1.0 if least > 0.0 else 1.0
            below, above = sorted((side * least, side * most))
            share = ndtr(below) + (ndtr(above) - ndtr(below)) * ndtr(side * scores)
            scores = side * np.clip(ndtri(share), below, above)
        return np.asarray(np.clip(self._value(scores), self.low, self.high))

    def cdf(self, values: Vector) -> Vector:
        least, most = self._ends()
        inside = np.clip(self._standard(np.clip(values, self.low, self.high)), least, most)
        side = -1.0 if least > 0.0 else 1.0
        below, above = sorted((side * least, side * most))
        share = (ndtr(side * inside) - ndtr(below)) / (ndtr(above) - ndtr(below))
        return np.asarray(share if side > 0.0 else 1.0 - share)

    def range(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True)
class Normal(_Transformed):
    """Normal with `mean` and `sd` in the unit of the quantity, cut to [low, high]."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf
    kind: ClassVar[str] = "normal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", number("mean", self.mean, "-", _ANY))
        self._check(_ANY)

    def _standard(self, values: Any) -> Any:
        return (values - self.mean) / self.sd

    def _value(self, scores: Vector) -> Vector:
        return self.mean + self.sd * scores


@dataclass(frozen=True)
class LogNormal(_Transformed):
    """Log-normal with `median` in the unit of the quantity and `sd` of its natural logarithm, cut to [low, high]."""

    median: float
    sd: float
    low: float = 0.0
    high: float = math.inf
    kind: ClassVar[str] = "log-normal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "median", number("median", self.median, "-", _POSITIVE, "A log-normal is positive."))
        self._check((0.0, math.inf))

    @classmethod
    def of_log10(cls, mean: float, sd: float, low: float = -math.inf, high: float = math.inf) -> LogNormal:
        """Return the distribution of 10**x for a normal x, all four numbers on the log10 scale; MRD is read so."""
        return cls(10.0**mean, sd * math.log(10.0), 10.0**low, 10.0**high)

    def _standard(self, values: Any) -> Any:
        with np.errstate(divide="ignore"):
            return (np.log(values) - math.log(self.median)) / self.sd

    def _value(self, scores: Vector) -> Vector:
        return self.median * np.exp(self.sd * scores)


@dataclass(frozen=True)
class LogitNormal(_Transformed):
    """Logit-normal on (0, 1) with `median`, and `sd` of ln(x / (1 - x)), cut to [low, high]."""

    median: float
    sd: float
    low: float = 0.0
    high: float = 1.0
    kind: ClassVar[str] = "logit-normal"

    def __post_init__(self) -> None:
        allowed = (1e-300, 1.0 - 2.0**-53)
        object.__setattr__(self, "median", number("median", self.median, "-", allowed, "A logit-normal is a fraction."))
        self._check((0.0, 1.0))

    def _standard(self, values: Any) -> Any:
        return (logit(values) - logit(self.median)) / self.sd

    def _value(self, scores: Vector) -> Vector:
        return np.asarray(expit(logit(self.median) + self.sd * scores))


@dataclass(frozen=True)
class Quantiles(Distribution):
    """Linear between published quantiles: ``Quantiles({0: 1, 0.25: 6, 0.5: 9, 0.75: 16, 1: 30})`` are the ages of a trial.

    Parameters
    ----------
    levels : mapping of float to float
        Probability -> value, from probability 0 (the least value) to 1 (the greatest); both increase strictly.
    """

    levels: Mapping[float, float]
    kind: ClassVar[str] = "quantiles"

    def __post_init__(self) -> None:
        if not isinstance(self.levels, Mapping):
            raise ParameterError(f"levels = {shown(self.levels)} is no mapping of probability to value")
        # JSON turns numeric keys into text.
        pairs = sorted((float(level), number(f"levels[{level}]", value, "-", _ANY)) for level, value in self.levels.items())
        chances, values = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        rising = all(second > first for first, second in itertools.pairwise(values))
        if len(pairs) < 2 or chances[0] != 0.0 or chances[-1] != 1.0 or not rising:
            raise ParameterError(
                f"levels = {shown(dict(pairs))}: expected probabilities from 0 to 1, both included, with strictly "
                "increasing values. The least and the greatest value stand at 0 and at 1; a median at 0.5, not at 50."
            )
        object.__setattr__(self, "levels", dict(pairs))

    def __hash__(self) -> int:
        return hash(tuple(self.levels.items()))

    def at_score(self, scores: Vector) -> Vector:
        return np.asarray(np.interp(ndtr(scores), list(self.levels), list(self.levels.values())))

    def cdf(self, values: Vector) -> Vector:
        return np.asarray(np.interp(values, list(self.levels.values()), list(self.levels)))

    def range(self) -> tuple[float, float]:
        ends = list(self.levels.values())
        return ends[0], ends[-1]


def _check_ends(distribution: Any, allowed: tuple[float, float]) -> None:
    """Refuse ends outside what the kind allows, or that leave nothing between them."""
    for name in ("low", "high"):
        value = getattr(distribution, name)
        if not (isinstance(value, float) and math.isinf(value) and value in allowed):
            object.__setattr__(distribution, name, number(name, value, "-", allowed))
    if not distribution.low < distribution.high:
        raise ParameterError(f"low = {distribution.low:g} is not below high = {distribution.high:g}: were they exchanged?")


def distribution_of(name: str, value: Any) -> Distribution:
    """Return a distribution as it is, and a number as a constant; `name` is the quantity, for the message."""
    if isinstance(value, Distribution):
        return value
    if isinstance(value, (bool, str)) or value is None or isinstance(value, Sequence):
        raise ParameterError(f"{name} = {shown(value)} is neither a distribution such as LogNormal(2.2, 0.5) nor a number")
    return Constant(number(name, value, "-", _ANY))
