"""A clone of countable cells in two phases, drawn through intervals of constant hazards.

Few cells go from event to event (Gillespie 1976, J Comput Phys 22:403); more take short steps in which the cells lost and
those that change their phase are binomial and births are Poisson, with the mean that a growing clone has over the step. A
cell has a chance of 0.5 % to do anything in such a step.
"""

from __future__ import annotations

import math
from typing import Any, Final

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.numerics.counts import binomial, poisson

_PURPOSE: Final = int(Purpose.CELL_EVENT)
#: Below this many cells every event is drawn.
FEW: Final = 200.0
#: Chance of a cell to do anything in a step of many.
_CHANCE: Final = 0.005
#: Columns of a table of hazards: those of a cycling cell, of a quiescent cell [1/d], and cells that come in [cells/d].
BIRTH, CYCLING_LOSS, TO_QUIESCENCE, QUIESCENT_LOSS, AWAKENING, FOUNDERS = range(6)
#: How a stretch ends.
ENDED, GREW, DIED_OUT = range(3)


@kernel
def _one_event(hazards: NDArray, cycling: float, quiescent: float, chosen: float) -> tuple[float, float]:
    """Return the cells after the event at `chosen` of the summed rates."""
    left = chosen - hazards[BIRTH] * cycling
    if left < 0.0:
        return cycling + 1.0, quiescent
    left -= hazards[CYCLING_LOSS] * cycling
    if left < 0.0:
        return cycling - 1.0, quiescent
    left -= hazards[TO_QUIESCENCE] * cycling
    if left < 0.0:
        return cycling - 1.0, quiescent + 1.0
    left -= hazards[QUIESCENT_LOSS] * quiescent
    if left < 0.0:
        return cycling, quiescent - 1.0
    left -= hazards[AWAKENING] * quiescent
    if left < 0.0:
        return cycling + 1.0, quiescent - 1.0
    return cycling + 1.0, quiescent


@kernel
def _one_step(
    hazards: NDArray, cycling: float, quiescent: float, days: float, luck: Any, draw: int
) -> tuple[float, float, int]:
    """Return the cells after a short step of many, and the next draw; `luck` is (seed, replicate)."""
    seed, replicate = luck
    lost, paused = hazards[CYCLING_LOSS], hazards[TO_QUIESCENCE]
    leaving = lost + paused
    left = -math.expm1(-leaving * days)
    share = lost / leaving if leaving > 0.0 else 0.0
    gone, draw = binomial(cycling, left, seed, replicate, draw)
    died, draw = binomial(gone, share, seed, replicate, draw)
    quiescent_leaving = hazards[QUIESCENT_LOSS] + hazards[AWAKENING]
    quiescent_share = hazards[AWAKENING] / quiescent_leaving if quiescent_leaving > 0.0 else 0.0
    out, draw = binomial(quiescent, -math.expm1(-quiescent_leaving * days), seed, replicate, draw)
    woken, draw = binomial(out, quiescent_share, seed, replicate, draw)
    # The mean over the step, not at its start: second order.
    growing = 1.0 + 0.5 * days * (hazards[BIRTH] - leaving)
    born, draw = poisson(hazards[BIRTH] * cycling * days * growing, seed, replicate, draw)
    came, draw = poisson(hazards[FOUNDERS] * days, seed, replicate, draw)
    return cycling - gone + born + woken + came, quiescent - out + (gone - died), draw


@kernel
def draw_clone(
    hazards: NDArray, lengths: NDArray, counts: NDArray, first: int, limit: float, luck: Any, draw: int
) -> tuple[int, int, int]:
    """Draw a clone from `counts[first]` on and fill `counts` behind it, until it grows to `limit` cells.

    Parameters
    ----------
    hazards : ndarray, shape (intervals, 6)
    lengths : ndarray, shape (intervals,)
        Days.
    counts : ndarray, shape (intervals + 1, 2)
        Cycling and quiescent cells.
    first : int
    limit : float
    luck : (seed, replicate)
    draw : int
        First unused draw.

    Returns
    -------
    how it ended, the row where, the next unused draw
    """
    seed, replicate = luck
    cycling, quiescent = counts[first, 0], counts[first, 1]
    for interval in range(first, lengths.shape[0]):
        rates, left = hazards[interval], lengths[interval]
        busiest = max(rates[BIRTH] + rates[CYCLING_LOSS] + rates[TO_QUIESCENCE], rates[QUIESCENT_LOSS] + rates[AWAKENING])
        while left > 0.0:
            if cycling + quiescent >= FEW:
                days = min(left, _CHANCE / busiest)
                cycling, quiescent, draw = _one_step(rates, cycling, quiescent, days, luck, draw)
                left -= days
                continue
            total = (
                (rates[BIRTH] + rates[CYCLING_LOSS] + rates[TO_QUIESCENCE]) * cycling
                + (rates[QUIESCENT_LOSS] + rates[AWAKENING]) * quiescent
                + rates[FOUNDERS]
            )
            if total <= 0.0:
                break
            one, two = random_words(seed, replicate, _PURPOSE, draw)
            draw += 1
            left += math.log(open_unit(one)) / total
            # What is left of a waiting time at the end of an interval has no memory.
            if left > 0.0:
                cycling, quiescent = _one_event(rates, cycling, quiescent, total * open_unit(two))
        counts[interval + 1, 0], counts[interval + 1, 1] = cycling, quiescent
        if cycling + quiescent >= limit:
            return GREW, interval + 1, draw
        if cycling + quiescent == 0.0 and hazards[interval:, FOUNDERS].max() == 0.0:
            for row in range(interval + 2, counts.shape[0]):
                counts[row, 0] = counts[row, 1] = 0.0
            return DIED_OUT, interval + 1, draw
    return ENDED, lengths.shape[0], draw
