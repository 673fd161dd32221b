"""The step-size controller: error norm in, next step out."""

from __future__ import annotations

import math
from typing import Any, Final

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.elementary import choose, power, sqrt
from bitesim.numerics.lanes import at, larger, load, over, plus, size_of, times

#: Share of the tolerance asked for that one step may spend: errors of many steps add up.
SHARE_OF_A_STEP: Final = 0.5
SAFETY: Final = 0.9
LARGEST_GROWTH: Final = 6.0
SMALLEST_SHRINK: Final = 0.15


@kernel
def squared_error(error: Any, before: NDArray, after: NDArray, allowed: NDArray, row: int) -> Any:
    """Return the square of the error over what is allowed, of one row of blocks.

    `allowed` holds the tolerance in the row behind the scales: state i may err by tolerance * (scale_i + max(|before_i|,
    |after_i|)). The scale is the size below which a state no longer matters, so that each state has its own absolute
    tolerance.
    """
    rows = before.shape[0]
    size = larger(size_of(load(before, row)), size_of(load(after, row)))
    permitted = times(load(allowed, rows), plus(load(allowed, row), size))
    weighted = over(error, permitted)
    return times(weighted, weighted)


def norm_and_factor(summed: Any, result: Any) -> None:
    """Write the root of the mean square, and the factor to the next step; straight-line code.

    `summed` holds the sum of squares and the number of states. An error of a method of order 4 scales as step**5.
    """
    square = summed[0] / summed[1]
    result[0] = sqrt(square)
    factor = 0.9 * power(choose(square, 1e-24, square, 1e-24), -0.1)
    bounded = choose(factor, 6.0, 6.0, factor)
    result[1] = choose(0.15, bounded, 0.15, bounded)


@kernel
def step_factor(norm: float, proposed: float, after_rejection: bool) -> float:
    """Return the factor from this step to the next, where `proposed` is that of `norm_and_factor`."""
    if not math.isfinite(norm):
        return SMALLEST_SHRINK
    return min(1.0, proposed) if after_rejection else proposed


@kernel
def first_step(
    state: NDArray, derivative: NDArray, allowed: NDArray, place: tuple[int, int, int], tolerance: float, longest: float
) -> float:
    """Return a cautious first step after a restart: 1 % of the time in which the state would change by its own size.

    Elements are counted flat; `place` = (number of states, distance between them, position of the first).
    The first half of the rule of Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, section II.4.
    """
    size = 0.0
    speed = 0.0
    count, distance, first = place
    for i in range(count):
        position = first + i * distance
        weight = at(allowed, position) + abs(at(state, position))
        of_state = at(state, position) / weight
        of_rate = at(derivative, position) / weight
        size += of_state * of_state
        speed += of_rate * of_rate
    step = 1e-6
    if size > 1e-10 and speed > 1e-10:
        step = 0.01 * math.sqrt(size / speed)
    # A kick from rest can make the rates look slow, so the step is never long against the tolerance.
    cautious: float = 0.1 * tolerance**0.2
    return min(step, longest, cautious)
