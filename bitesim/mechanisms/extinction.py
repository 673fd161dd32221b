"""Extinction of a clone: the birth-death process with constant hazards, in closed form.

A population that a differential equation takes below one cell has died out in most courses and lives on in a few; how
likely each is, only birth and death apart can say. Kendall 1948, Ann Math Stat 19:1 (cited from memory): one cell's clone
is extinct by time t with probability d (e^((b-d)t) - 1) / (b e^((b-d)t) - d).

Assumption (hazards stay as they are): extinction is that of a birth-death process with constant hazards, of independent
cells, Poisson in number. Alternatives: hazards that change with time, by the integral of the course; simulation of
every cell; a number below which a clone counts as lost. What it changes: the verdict on small clones under treatment.
1e3 cells under a killing of 0.3 /d for ever die out for certain; if it ends after 28 days, with a probability of 51 %,
of which 38 % by day 28. The model's readout takes the cautious side: as if all killing ended now.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError
from bitesim.mechanisms.kinks import positive_part


def extinction_probability(
    cells: ArrayLike, birth_per_day: float, death_per_day: ArrayLike, days: ArrayLike = np.inf
) -> NDArray[np.float64]:
    """Return the probability that a clone has no cell left after some days.

    Parameters
    ----------
    cells : float or array
        Expected number of cells now, >= 0; their number is Poisson around it, as that of a clone which many independent
        cells' luck has brought there. Zero cells are extinct.
    birth_per_day, death_per_day : float (the second also array)
        Hazards of one cell [1/d]; killing counts as death.
    days : float or array
        From now on; infinite for ever.

    Returns
    -------
    ndarray
        Of the arguments' common shape.

    Raises
    ------
    ParameterError
        For a negative or undefined argument.
    """
    given = {"cells": cells, "birth_per_day": birth_per_day, "death_per_day": death_per_day, "days": days}
    for name, value in given.items():
        if not np.all(np.asarray(value, np.float64) >= 0.0):
            raise ParameterError(f"{name} = {value} must be at least 0: a number of cells, hazards per day and days")
    return np.asarray(np.exp(-np.asarray(cells, np.float64) * survival_of_one(birth_per_day, death_per_day, days)))


def survival_of_one(birth_per_day: float, death_per_day: ArrayLike, days: ArrayLike = np.inf) -> NDArray[np.float64]:
    """Return the probability that one cell has descendants, or lives itself, after some days; arguments as above."""
    birth = np.asarray(birth_per_day, np.float64)
    net, time = np.broadcast_arrays(birth - np.asarray(death_per_day, np.float64), np.asarray(days, np.float64))
    speed = np.where(net == 0.0, 1.0, np.abs(net))
    # Written with the decaying exponential of either sign of growth: nothing overflows, and nothing cancels at the end.
    faded = np.where(net == 0.0, 1.0, np.exp(-speed * time))
    gathered = np.where(net == 0.0, time, -np.expm1(-speed * time) / speed)
    # Without births nothing is gathered, however long.
    born = birth * np.where(birth == 0.0, 0.0, gathered)
    return np.asarray(np.where(net > 0.0, 1.0 / (faded + born), faded / (1.0 + born)))


@kernel
def lineage_survival(birth: Any, death: Any, quiescence: Any, awakening: Any) -> Any:
    """Return the probabilities that the line of a cycling and of a quiescent cell never dies out [-].

    Hazards of one cell [1/d]: `birth` and `quiescence` of cycling cells, `awakening` of quiescent ones, `death` of both.
    With f and g the probabilities of extinction, the first event of either cell gives birth f^2 + death + quiescence g =
    (birth + death + quiescence) f and death + awakening f = (death + awakening) g, whose root other than f = 1 is
    f = death (death + awakening + quiescence) / ((death + awakening) birth).
    """
    leaving = death + awakening
    cycling = positive_part(1.0 - death * (leaving + quiescence) / (leaving * birth))
    return cycling, awakening / leaving * cycling
