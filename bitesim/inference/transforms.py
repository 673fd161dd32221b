"""Between a parameter and its score: the search space in which every prior is a standard normal distribution.

A parameter's score z is the number that its prior's distribution function leaves as many probability below as a standard
normal one does. For a log-normal prior without cuts, z = (ln x - ln median) / sd; a logit-normal and a normal one are as
simple; a cut distribution or a uniform one is stretched over the whole line, so that no search ever meets a bound. The
density of a prior in this space is that of the normal distribution, whatever it was: the Jacobian dx/dz is in the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import expit, log_ndtr, logit, ndtr, ndtri

from bitesim.foundation.errors import ParameterError
from bitesim.population.distributions import Distribution, LogitNormal, LogNormal, Normal, Uniform

#: Scores beyond which nothing is searched: a normal tail of 1e-196.
FURTHEST_SCORE: Final = 30.0
_LN_SQRT_2PI: Final = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Score:
    """The way between the values of one prior and its scores.

    Parameters
    ----------
    distribution : Normal, LogNormal, LogitNormal or Uniform
        The prior.

    Raises
    ------
    ParameterError
        For another distribution: a constant is not free, and one with corners has no gradient.
    """

    distribution: Distribution

    def __post_init__(self) -> None:
        if not isinstance(self.distribution, (Normal, LogNormal, LogitNormal, Uniform)):
            raise ParameterError(
                f"a {self.distribution.kind} distribution is no prior to search with: expected Normal, LogNormal, "
                "LogitNormal or Uniform, whose densities are smooth. A parameter of one value is not free: leave it out."
            )

    def value(self, score: float) -> float:
        """Return the value at a score."""
        return self.value_and_slope(score)[0]

    def slope(self, score: float) -> float:
        """Return d value / d score."""
        return self.value_and_slope(score)[1]

    def value_and_slope(self, score: float) -> tuple[float, float]:
        """Return the value at a score, and d value / d score."""
        value, slope = self._at(score)
        low, high = self._range
        # Rounding must not step over an end that the parameter has too.
        return min(max(value, low), high), slope

    @cached_property
    def _range(self) -> tuple[float, float]:
        return self.distribution.range()

    def _at(self, score: float) -> tuple[float, float]:
        given = self.distribution
        if isinstance(given, Uniform):
            width, low_side = given.high - given.low, score <= 0.0
            # From the nearer end, so that a value close to it keeps its digits.
            share = float(ndtr(-abs(score)))
            return (given.low + width * share if low_side else given.high - width * share), width * _density(score)
        assert isinstance(given, (Normal, LogNormal, LogitNormal))
        inner, stretch = self._uncut(score)
        if isinstance(given, Normal):
            return given.mean + given.sd * inner, given.sd * stretch
        if isinstance(given, LogNormal):
            value = given.median * math.exp(given.sd * inner)
            return value, value * given.sd * stretch
        odds = float(logit(given.median)) + given.sd * inner
        return float(expit(odds)), float(expit(odds) * expit(-odds)) * given.sd * stretch

    def _uncut(self, score: float) -> tuple[float, float]:
        """Return the score in the distribution without its cuts, and its derivative."""
        least, most = self._cuts
        if math.isinf(least) and math.isinf(most):
            return score, 1.0
        # Whatever both ends leave, counted from the tail in which both lie.
        mass = float(ndtr(most) - ndtr(least)) if least < 0.0 else float(ndtr(-least) - ndtr(-most))
        below = float(ndtr(least)) + mass * float(ndtr(score))
        above = float(ndtr(-most)) + mass * float(ndtr(-score))
        inner = float(ndtri(below)) if below < above else -float(ndtri(above))
        # At a cut's very end rounding may step over it.
        inner = min(max(inner, least), most)
        return inner, mass * math.exp(0.5 * (inner - score) * (inner + score))

    @cached_property
    def _cuts(self) -> tuple[float, float]:
        given = self.distribution
        assert isinstance(given, (Normal, LogNormal, LogitNormal))
        least, most = (float(given._standard(end)) for end in (given.low, given.high))
        return least, most

    def score(self, value: float) -> float:
        """Return the score of a value; infinite at the ends of what can be."""
        given = self.distribution
        low, high = given.range()
        if not low <= value <= high:
            raise ParameterError(f"{value:g} is outside of the {given.kind} prior, which reaches from {low:g} to {high:g}")
        if isinstance(given, Uniform):
            below, above = (value - low) / (high - low), (high - value) / (high - low)
            return float(ndtri(below)) if below < above else -float(ndtri(above))
        assert isinstance(given, (Normal, LogNormal, LogitNormal))
        least, most = self._cuts
        inner = float(given._standard(value))
        if math.isinf(least) and math.isinf(most):
            return inner
        mass = float(ndtr(most) - ndtr(least)) if least < 0.0 else float(ndtr(-least) - ndtr(-most))
        below, above = _share_between(least, inner) / mass, _share_between(inner, most) / mass
        return float(ndtri(below)) if below < above else -float(ndtri(above))

    def log_density(self, value: float) -> float:
        """Return ln of the prior's density at a value, per unit of the parameter: the normal density less ln dx/dz."""
        score = self.score(value)
        if math.isinf(score):
            return -math.inf
        return -0.5 * score**2 - _LN_SQRT_2PI - math.log(self.slope(score))


def _density(score: float) -> float:
    return math.exp(-0.5 * score**2 - _LN_SQRT_2PI)


def _share_between(low: float, high: float) -> float:
    """Return the normal probability between two scores, from the tail in which both lie."""
    if low > 0.0:
        low, high = -high, -low
    return float(ndtr(high) - ndtr(low))


def log_share_between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return ln of the normal probability between two scores, finite in the far tails.

    Parameters
    ----------
    low, high : ndarray
        `low` below `high`; either may be infinite.
    """
    # Mirrored into the lower tail, where the larger distribution function is that of the nearer end.
    mirrored = low + high > 0.0
    near = np.where(mirrored, -low, high)
    far = np.where(mirrored, -high, low)
    log_near, log_far = log_ndtr(near), log_ndtr(far)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(np.isneginf(log_far), -np.inf, log_far - log_near)
        return np.asarray(log_near + np.log(-np.expm1(apart)))
