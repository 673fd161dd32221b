"""Lines of a linear birth-death process: how often one is alive after a time, and how many cells it then has.

From n cells after a time t of constant hazards, those whose line is alive are binomial, and each line has a geometric number
of cells (Kendall 1948, Ann Math Stat 19:1, cited from memory).
"""

from __future__ import annotations

import math

from bitesim.foundation.compiled import kernel
from bitesim.numerics.counts import binomial, gamma, poisson


@kernel
def line_probabilities(birth_per_day: float, death_per_day: float, days: float) -> tuple[float, float]:
    """Return the probability that one cell's line is alive after some days, and that of a line's geometric number of cells.

    The second is 1 over the mean number of cells of a line that is alive.
    """
    net = birth_per_day - death_per_day
    if abs(net) * days < 1e-9:
        gathered = birth_per_day * days
        return 1.0 / (1.0 + gathered), 1.0 / (1.0 + gathered)
    # With the decaying exponential of either sign of growth, so that nothing overflows.
    faded, risen = math.exp(-abs(net) * days), -math.expm1(-abs(net) * days) / abs(net)
    if net > 0.0:
        alive = 1.0 / (faded + birth_per_day * risen)
        return alive, alive * faded
    alive = faded / (1.0 + birth_per_day * risen)
    return alive, 1.0 / (1.0 + birth_per_day * risen)


@kernel
def draw_lines(cells: float, probabilities: tuple[float, float], seed: int, replicate: int, draw: int) -> tuple[float, int]:
    """Return the cells after some days, `probabilities` being those of `line_probabilities`, and the next draw."""
    alive, ends = probabilities
    lines, draw = binomial(cells, alive, seed, replicate, draw)
    if lines == 0.0 or ends >= 1.0:
        return lines, draw
    # Geometric numbers in sum: Poisson around a gamma number.
    size, draw = gamma(lines, seed, replicate, draw)
    more, draw = poisson(size * (1.0 - ends) / ends, seed, replicate, draw)
    return lines + more, draw
