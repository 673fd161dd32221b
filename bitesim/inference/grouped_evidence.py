"""The likelihood of what is published of groups: k of n patients, means, medians, odds ratios and ranges with an interval.

A share of patients is binomial; what is published with an interval is normal about the model's number, a mean or a range
on its own scale and a median or an odds ratio on that of the logarithm, with one SD each side where the interval is
lopsided. Every log-likelihood is relative to that of the model's number that fits best, so that 0 is a perfect fit, and
half the square of the signed root `residual` is its negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from scipy.special import xlog1py, xlogy

from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.errors import ParameterError, unknown_name

Kind = Literal["proportion", "mean", "median", "odds ratio", "range"]
#: Kinds that are compared on their own scale.
_LINEAR: Final = ("mean", "range")
#: Standard normal quantile of a 95 % interval's end.
Z95: Final = 1.959963984540054
#: A model's share is at least one in so many patients from 0 and 1: nobody can know more of a group.
_LEAST_SHARE: Final = 1e-6


@dataclass(frozen=True)
class GroupedEvidence:
    """One published number of a group of patients.

    Parameters
    ----------
    kind : {"proportion", "mean", "median", "odds ratio", "range"}
    published : float
    low, high : float
        Its 95 % interval, or the published range.
    k, n : int
        Patients with the outcome and patients, of a proportion.

    Raises
    ------
    ParameterError
        For an interval that does not hold the number, logarithms of what is not positive, and k above n.
    """

    kind: Kind
    published: float
    low: float
    high: float
    k: int = 0
    n: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise unknown_name("kind of evidence", self.kind, get_args(Kind))
        if not self.low <= self.published <= self.high or self.low == self.high:
            raise ParameterError(
                f"published = {self.published:g} with the interval {self.low:g} to {self.high:g}: expected low <= published "
                "<= high, and an interval of some width"
            )
        if self.kind == "proportion":
            whole_number("n", self.n, (1, 10**9))
            whole_number("k", self.k, (0, self.n), "k of n patients had the outcome.")
            if not math.isclose(self.published, self.k / self.n, abs_tol=5e-4):
                raise ParameterError(
                    f"published = {self.published:g} is not k / n = {self.k} / {self.n}: is it in percent? 78 % is 0.78"
                )
        elif self.kind not in _LINEAR and self.low <= 0.0:
            raise ParameterError(f"low = {self.low:g} of a {self.kind}: expected above 0: its scale is logarithmic")

    def contains(self, value: float) -> bool:
        """Return whether the interval holds a model's number."""
        return self.low <= value <= self.high

    def log_likelihood(self, value: float) -> float:
        """Return ln likelihood of the published number if `value` is true, relative to the best value."""
        return -0.5 * self.residual(value) ** 2

    def slope(self, value: float) -> float:
        """Return the derivative of `log_likelihood` by `value`."""
        if self.kind == "proportion":
            share = _inside(value)
            return self.k / share - (self.n - self.k) / (1.0 - share)
        sd = self._sd(value)
        if self.kind in _LINEAR:
            return (self.published - value) / sd**2
        return math.log(self.published / value) / sd**2 / value

    def residual(self, value: float) -> float:
        """Return the signed root of twice the lost log-likelihood: positive where the model's number is too high [-].

        Raises
        ------
        ParameterError
            For a share outside 0 to 1, a number that is not finite, and one not above 0 on the scale of logarithms.
        """
        if self.kind == "proportion":
            number("value", value, "share", (0.0, 1.0), "A share of patients: 78 % is 0.78.")
            share = _inside(value)
            best = self.k / self.n
            lost = xlogy(self.k, best) + xlog1py(self.n - self.k, -best) - xlogy(self.k, share)
            lost -= xlog1py(self.n - self.k, -share)
            return math.copysign(math.sqrt(max(0.0, 2.0 * float(lost))), share - best)
        if self.kind in _LINEAR:
            number("value", value, "-", (-1e300, 1e300))
            return (value - self.published) / self._sd(value)
        number("value", value, "-", (1e-300, 1e300), f"A {self.kind} is compared by its logarithm.")
        return math.log(value / self.published) / self._sd(value)

    def _sd(self, value: float) -> float:
        """Return the SD on the side of `value`; where the interval ends at the number itself, that of the other side."""
        ends = (self.low, self.published, self.high)
        low, middle, high = ends if self.kind in _LINEAR else tuple(math.log(each) for each in ends)
        below, above = (middle - low) / Z95, (high - middle) / Z95
        chosen, other = (below, above) if value < self.published else (above, below)
        return chosen if chosen > 0.0 else other


def wilson_interval(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by the score test (Wilson 1927, J Am Stat Assoc 22:209)."""
    share, spread = k / n, Z95**2 / n
    centre = (share + spread / 2.0) / (1.0 + spread)
    half = Z95 * math.sqrt(share * (1.0 - share) / n + spread / (4.0 * n)) / (1.0 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _inside(share: float) -> float:
    return min(max(share, _LEAST_SHARE), 1.0 - _LEAST_SHARE)
