"""A clone of few cells: the linear birth-death process drawn exactly, for every phase of a patient's disease.

From n cells after a time t, those whose line is alive are binomial, and each line has a geometric number of cells (Kendall
1948, Ann Math Stat 19:1, cited from memory): n -> lines ~ Binomial(n, 1 - alpha) -> cells = lines + NegativeBinomial(lines,
1 - beta), with alpha = d (e - 1) / (b e - d), beta = b (e - 1) / (b e - d) and e = exp((b - d) t). A kill that takes no time
leaves Binomial(n, share). Cure is zero cells.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr, pdtrik

from bitesim.numerics.lines import line_probabilities

Floats = NDArray[np.float64]

#: From here on a number is as good as its mean: its standard deviation is below 1e-3 of it.
CERTAIN_CELLS: Final = 1e7


def initial_cells(expected: Floats, uniform: Floats) -> Floats:
    """Return numbers of cells around what a deterministic model expects: Poisson while few, by one uniform number each."""
    # Most clones of less than a cell have none: no quantile is needed for them.
    few = (expected < CERTAIN_CELLS) & (uniform > np.exp(-expected))
    cells = np.where(expected < CERTAIN_CELLS, 0.0, expected)
    cells[few] = _poisson_quantile(uniform[few], expected[few])
    return np.asarray(cells)


def _poisson_quantile(probability: Floats, mean: Floats) -> Floats:
    """Return the least numbers whose Poisson probability of at most that many is `probability` or more."""
    number = np.ceil(pdtrik(probability, mean))
    # The inverse is of a continuous extension: one less may be enough.
    lower = np.maximum(number - 1.0, 0.0)
    return np.asarray(np.where(pdtr(lower, mean) >= probability, lower, number))


def survivors(cells: float, kept: float, rng: np.random.Generator) -> float:
    """Return the cells that a kill leaves, each with the probability `kept` [-]."""
    if cells * kept >= CERTAIN_CELLS:
        return cells * kept
    # As many as 1e12 cells are whole numbers that binomial draws take.
    return float(rng.binomial(int(cells), kept))


def grown(cells: float, birth_per_day: float, death_per_day: float, days: float, rng: np.random.Generator) -> float:
    """Return the cells after some days of constant hazards of one cell [1/d]; one that is 0 stays 0."""
    if cells <= 0.0 or days <= 0.0:
        return max(cells, 0.0)
    alive, ends = line_probabilities(birth_per_day, death_per_day, days)
    mean = cells * math.exp((birth_per_day - death_per_day) * days)
    if min(cells, mean) >= CERTAIN_CELLS:
        return mean
    lines = int(rng.binomial(int(cells), alive))
    if lines == 0:
        return 0.0
    if lines >= CERTAIN_CELLS:
        return lines / ends
    # The Poisson-gamma mixture: NumPy's own negative binomial fails where cells are more than its integers hold.
    rate = rng.gamma(lines) * (1.0 - ends) / ends
    return lines + (rate if rate >= CERTAIN_CELLS else float(rng.poisson(rate)))
