"""The step-size controller: error norm in, next step out."""

from __future__ import annotations

import math
from typing import Any, Final

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.fitting_step import minus_tenth_power
from bitesim.numerics.lanes import at, at_most, fused, larger, load, over, pick, plus, size_of, smaller, store, times

#: Share of the tolerance asked for that one step may spend: errors of many steps add up.
SHARE_OF_A_STEP: Final = 0.5
SAFETY: Final = 0.88
LARGEST_GROWTH: Final = 6.0
SMALLEST_SHRINK: Final = 0.15
#: A step that may grow is expected to grow on by no more than this.
LARGEST_HOPE: Final = 1.45
#: Squares of errors below it are as good as 0.
SMALLEST_SQUARE: Final = 1e-24


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


@kernel
def judge(control: NDArray) -> None:
    """Write the mean square of a step's errors, the factor to the next step, and 1 over the step that was permitted.

    Rows of `control`, one number a lane: 0 the sum of squares, 1 the share of one state in it, 2 the step, 3 what this
    wrote to row 6 for the accepted step before, 0 in the first step of a piece; 4 the mean square (1 is the largest
    accepted), 5 the factor, 6 one over the step of which the mean square would have been 1.

    Errors of a method of order 4 scale as step**5, which tells the permitted step. Where that shrinks from step to step it
    is expected to shrink on, and where it grows, to grow half as fast: the next step begins where this one ends, and one
    that fits here is too long, or needlessly short, there (predictive control after Gustafsson 1994, ACM Trans. Math.
    Softw. 20:496, damped).
    """
    square, step, inverse = times(load(control, 0), load(control, 1)), load(control, 2), load(control, 3)
    fitting = minus_tenth_power(larger(square, SMALLEST_SQUARE))
    trend = pick(inverse, times(fitting, times(step, inverse)), 1.0)
    # A step that was rejected is tried again, and not longer.
    hope = pick(at_most(square, 1.0), LARGEST_HOPE, 1.0)
    factor = times(times(fitting, SAFETY), smaller(smaller(trend, fused(trend, 0.5, 0.5)), hope))
    store(control, 4, square)
    store(control, 5, larger(smaller(factor, LARGEST_GROWTH), SMALLEST_SHRINK))
    store(control, 6, over(1.0, times(step, fitting)))


@kernel
def step_factor(square: float, proposed: float, after_rejection: bool) -> float:
    """Return the factor from this step to the next, where `square` and `proposed` are what `judge` wrote."""
    if not math.isfinite(square):
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
