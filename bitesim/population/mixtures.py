"""Mixtures: shares of patients with different distributions, drawn by one score, so that they correlate with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from scipy.special import ndtr

from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError
from bitesim.population.distributions import Constant, Distribution, Vector, distribution_of

#: Halvings of the bracket: 64 end at the last bit of a double.
_HALVINGS: Final = 64


@dataclass(frozen=True)
class Mixture(Distribution):
    """A share of patients from each component, e.g. MRD of those who responded and of those who did not.

    Parameters
    ----------
    weights : sequence of float
        Shares, at least 0; they are divided by their sum.
    components : sequence of Distribution
        Continuous ones, one a weight.

    Raises
    ------
    ParameterError
        For negative weights or none above 0, other numbers of weights and components, a constant as a component.

    Notes
    -----
    One score gives the value, by the inverse of the mixture's CDF: the mixture correlates with other quantities as every
    distribution does. Its quantile lies between those of its components, and is found there by bisection.
    """

    weights: Sequence[float]
    components: Sequence[Distribution]
    kind: ClassVar[str] = "mixture"

    def __post_init__(self) -> None:
        hint = "Weights are shares of patients; they need not add up to 1."
        shares = [number(f"weights[{k}]", each, "-", (0.0, 1e300), hint) for k, each in enumerate(self.weights)]
        parts = [distribution_of(f"components[{place}]", each) for place, each in enumerate(self.components)]
        if len(shares) != len(parts) or not parts or sum(shares) <= 0.0:
            raise ParameterError(
                f"weights = {shown(list(self.weights))} for {len(parts)} components: expected one weight for each of at "
                f"least one component, some above 0. {hint}"
            )
        if any(isinstance(part, Constant) for part in parts):
            raise ParameterError("a component of a mixture is a constant: expected continuous ones, e.g. a narrow LogNormal")
        object.__setattr__(self, "weights", tuple(share / sum(shares) for share in shares))
        object.__setattr__(self, "components", tuple(parts))

    def at_score(self, scores: Vector) -> Vector:
        scores = np.asarray(scores, np.float64)
        wanted = ndtr(scores)
        used = [part for part, share in zip(self.components, self.weights, strict=True) if share > 0.0]
        # A far tail is exact on its own side only; the components know theirs.
        each = np.array([part.at_score(scores) for part in used])
        low, high = each.min(axis=0), each.max(axis=0)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(high)

    def cdf(self, values: Vector) -> Vector:
        parts = zip(self.weights, self.components, strict=True)
        return np.asarray(sum(share * part.cdf(values) for share, part in parts))

    def range(self) -> tuple[float, float]:
        ends = [part.range() for part, share in zip(self.components, self.weights, strict=True) if share > 0.0]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "weights": list(self.weights),
            "components": [part.as_dict() for part in self.components],
        }
