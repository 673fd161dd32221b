"""The step-size controller: error norm in, next step out."""

from __future__ import annotations

import math
from typing import Final

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel

SAFETY: Final = 0.9
LARGEST_GROWTH: Final = 6.0
SMALLEST_SHRINK: Final = 0.15


@kernel
def error_norm(error: NDArray, before: NDArray, after: NDArray, relative_tolerance: float, scale: NDArray) -> float:
    """Return the weighted root mean square of `error`; 1 is the largest that is accepted.

    State i is weighted with relative_tolerance * (scale_i + max(|before_i|, |after_i|)): `scale` is the size below
    which a state no longer matters, so that each has its own absolute tolerance.
    """
    total = 0.0
    for i in range(error.shape[0]):
        size = max(abs(before[i]), abs(after[i]))
        weighted = error[i] / (relative_tolerance * (scale[i] + size))
        total += weighted * weighted
    mean: float = total / error.shape[0]
    return math.sqrt(mean)


@kernel
def step_factor(norm: float, error_order: int, after_rejection: bool) -> float:
    """Return the factor from this step to the next for an error that scales as step**error_order."""
    if not math.isfinite(norm):
        return SMALLEST_SHRINK
    factor: float = SAFETY * max(norm, 1e-12) ** (-1.0 / error_order)
    largest = 1.0 if after_rejection else LARGEST_GROWTH
    return min(largest, max(SMALLEST_SHRINK, factor))


@kernel
def first_step(state: NDArray, derivative: NDArray, relative_tolerance: float, scale: NDArray, longest: float) -> float:
    """Return a cautious first step after a restart: 1 % of the time in which the state would change by its own size.

    The first half of the rule of Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, section II.4.
    """
    size = 0.0
    speed = 0.0
    for i in range(state.shape[0]):
        weight = scale[i] + abs(state[i])
        size += (state[i] / weight) ** 2
        speed += (derivative[i] / weight) ** 2
    step = 1e-6
    if size > 1e-10 and speed > 1e-10:
        step = 0.01 * math.sqrt(size / speed)
    # A kick from rest can make the rates look slow, so the step is never long against the tolerance.
    cautious: float = 0.1 * relative_tolerance**0.2
    return min(step, longest, cautious)
