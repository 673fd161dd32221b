"""The probability that a clone of two phases has died out by a day, along a course of changing hazards.

Branching-process theory: cells are independent of each other, so that the probabilities f of one cycling and g of one
quiescent cell's line obey the backward equations of Kolmogorov, from the last day, where they are 0, to the first:

    -df/dt = birth f^2 + loss + pause g - (birth + loss + pause) f,    -dg/dt = loss' + wake f - (loss' + wake) g
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.two_phases import AWAKENING, BIRTH, CYCLING_LOSS, QUIESCENT_LOSS, TO_QUIESCENCE


@kernel
def _slope(rates: NDArray, cycling: float, quiescent: float) -> tuple[float, float]:
    leaving = rates[BIRTH] + rates[CYCLING_LOSS] + rates[TO_QUIESCENCE]
    back = rates[QUIESCENT_LOSS] + rates[AWAKENING]
    return (
        rates[BIRTH] * cycling * cycling + rates[CYCLING_LOSS] + rates[TO_QUIESCENCE] * quiescent - leaving * cycling,
        rates[QUIESCENT_LOSS] + rates[AWAKENING] * cycling - back * quiescent,
    )


@kernel
def _backward(hazards: NDArray, lengths: NDArray, found: NDArray) -> None:
    cycling = quiescent = 0.0
    for interval in range(lengths.shape[0] - 1, -1, -1):
        rates = hazards[interval]
        busiest = rates[BIRTH] + rates[CYCLING_LOSS] + rates[TO_QUIESCENCE] + rates[QUIESCENT_LOSS] + rates[AWAKENING]
        steps = math.ceil(10.0 * busiest * lengths[interval]) + 1
        h = lengths[interval] / steps
        for _ in range(steps):
            a, b = _slope(rates, cycling, quiescent)
            c, d = _slope(rates, cycling + 0.5 * h * a, quiescent + 0.5 * h * b)
            e, f = _slope(rates, cycling + 0.5 * h * c, quiescent + 0.5 * h * d)
            g, k = _slope(rates, cycling + h * e, quiescent + h * f)
            cycling += h / 6.0 * (a + 2.0 * c + 2.0 * e + g)
            quiescent += h / 6.0 * (b + 2.0 * d + 2.0 * f + k)
        found[interval, 0], found[interval, 1] = cycling, quiescent


def extinction_along(hazards: NDArray[np.float64], lengths_days: NDArray[np.float64]) -> Any:
    """Return the probabilities that one cell's line at each point has died out by the last, shape (intervals + 1, 2).

    Parameters
    ----------
    hazards : ndarray, shape (intervals, 6)
        Of one cell, as in `bitesim.numerics.two_phases`, constant in each interval.
    lengths_days : ndarray, shape (intervals,)
    """
    found = np.zeros((len(lengths_days) + 1, 2))
    _backward(np.ascontiguousarray(hazards), np.ascontiguousarray(lengths_days), found)
    return found
