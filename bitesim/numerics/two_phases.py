"""A clone of countable cells in two phases, drawn through intervals of constant hazards.

Few cells go from event to event (Gillespie 1976, J Comput Phys 22:403). More take steps that are split in the middle (Strang
1968, SIAM J Numer Anal 5:506): half a step of changes of phase, a step of births and deaths, half a step of changes of
phase, each drawn from its exact law (`numerics.lines`). All of it commutes but for birth and phase, so that the error is of
second order in their chance in a step, a quarter at most: a clone of blasts in the leukaemia model, which grows by 0.065 /d,
grows by 5e-5 /d too fast.
"""

from __future__ import annotations

import math
from typing import Any, Final

from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.numerics.counts import binomial, poisson
from bitesim.numerics.lines import draw_lines, line_probabilities

_PURPOSE: Final = int(Purpose.CELL_EVENT)
#: Below this many cells every event is drawn.
FEW: Final = 20.0
#: Chance of a cell to divide or to change its phase in a step of many.
_CHANCE: Final = 0.25
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
def _change_phase(
    hazards: NDArray, cycling: float, quiescent: float, days: float, luck: Any, draw: int
) -> tuple[float, float, int]:
    """Return the cells after some days in which they change their phase and nothing else, and the next draw."""
    seed, replicate = luck
    both = hazards[TO_QUIESCENCE] + hazards[AWAKENING]
    if both <= 0.0:
        return cycling, quiescent, draw
    mixed = -math.expm1(-both * days) / both
    paused, draw = binomial(cycling, hazards[TO_QUIESCENCE] * mixed, seed, replicate, draw)
    woken, draw = binomial(quiescent, hazards[AWAKENING] * mixed, seed, replicate, draw)
    return cycling - paused + woken, quiescent - woken + paused, draw


@kernel
def _many_steps(
    hazards: NDArray, cycling: float, quiescent: float, days: float, luck: Any, draw: int
) -> tuple[float, float, int]:
    """Return the cells behind some days of constant hazards, and the next draw."""
    seed, replicate = luck
    uneven = abs(hazards[CYCLING_LOSS] - hazards[QUIESCENT_LOSS])
    busiest = hazards[BIRTH] + hazards[TO_QUIESCENCE] + hazards[AWAKENING] + uneven
    steps = max(1, math.ceil(days * busiest / _CHANCE))
    step = days / steps
    lines = line_probabilities(hazards[BIRTH], hazards[CYCLING_LOSS], step)
    kept = math.exp(-hazards[QUIESCENT_LOSS] * step)
    cycling, quiescent, draw = _change_phase(hazards, cycling, quiescent, 0.5 * step, luck, draw)
    for k in range(steps):
        came, draw = poisson(0.5 * hazards[FOUNDERS] * step, seed, replicate, draw)
        cycling, draw = draw_lines(cycling + came, lines, seed, replicate, draw)
        came, draw = poisson(0.5 * hazards[FOUNDERS] * step, seed, replicate, draw)
        cycling += came
        quiescent, draw = binomial(quiescent, kept, seed, replicate, draw)
        # The second half of one step and the first half of the next are one.
        share = 0.5 if k + 1 == steps else 1.0
        cycling, quiescent, draw = _change_phase(hazards, cycling, quiescent, share * step, luck, draw)
    return cycling, quiescent, draw


@kernel
def draw_interval(
    rates: NDArray, days: float, cycling: float, quiescent: float, luck: Any, draw: int
) -> tuple[float, float, int]:
    """Return the cells after some days of constant hazards, and the next unused draw; `luck` is (seed, replicate)."""
    seed, replicate = luck
    left = days
    while left > 0.0:
        if cycling + quiescent >= FEW:
            return _many_steps(rates, cycling, quiescent, left, luck, draw)
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
    return cycling, quiescent, draw


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
    cycling, quiescent = counts[first, 0], counts[first, 1]
    for interval in range(first, lengths.shape[0]):
        rates = hazards[interval]
        cycling, quiescent, draw = draw_interval(rates, lengths[interval], cycling, quiescent, luck, draw)
        counts[interval + 1, 0], counts[interval + 1, 1] = cycling, quiescent
        if cycling + quiescent >= limit:
            return GREW, interval + 1, draw
        if cycling + quiescent == 0.0 and hazards[interval:, FOUNDERS].max() == 0.0:
            for row in range(interval + 2, counts.shape[0]):
                counts[row, 0] = counts[row, 1] = 0.0
            return DIED_OUT, interval + 1, draw
    return ENDED, lengths.shape[0], draw
