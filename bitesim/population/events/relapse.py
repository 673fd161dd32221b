"""Relapse after the last dose: clones that grow back, or die out, through phases of constant hazards.

Every clone is drawn exactly as a birth-death process (`birth_death`) from what the model left of it: until the transplant,
through conditioning, under the graft, and after. A clone that reaches the size of a relapse is large by then, so that the
day follows from its growth. Cure is zero cells in every clone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.population.events.birth_death import grown, initial_cells, survivors
from bitesim.population.events.luck import Luck
from bitesim.population.events.transplantation import Transplants

Floats = NDArray[np.float64]
#: Clones in the order in which they are drawn; each has its own luck.
CLONES: Final = ("marrow", "low", "sanctuary", "reservoir")


@dataclass(frozen=True, eq=False)
class Remaining:
    """What is left of the disease when treatment ends.

    Parameters
    ----------
    day : float
        When.
    cells : mapping
        Clone -> expected cells of each patient.
    birth_per_day, death_per_day : ndarray
        Of one cell of each patient, without treatment; those of one type that stand for both phases.
    relapse_cells : mapping
        Clone -> cells at which it is a relapse.
    """

    day: float
    cells: Mapping[str, Floats]
    birth_per_day: Floats
    death_per_day: Floats
    relapse_cells: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Relapses:
    """When clones reach the size of a relapse.

    Parameters
    ----------
    days : mapping
        Clone -> day in each patient, infinite where it does not by the end.
    cured : ndarray of bool
        Who has no cell left in any clone at the end.
    """

    days: Mapping[str, Floats]
    cured: NDArray[np.bool_]


def draw_relapses(remaining: Remaining, transplants: Transplants, end_day: float, luck: Luck) -> Relapses:
    """Draw each clone of each patient from the end of treatment to `end_day`.

    A patient without transplant and the same one with it share the luck until the transplant.
    """
    days = {clone: np.full(len(luck), np.inf) for clone in remaining.cells}
    left = {clone: np.zeros(len(luck)) for clone in remaining.cells}
    for clone, expected in remaining.cells.items():
        cells = initial_cells(expected, luck.uniform(f"{clone} start"))
        for row in np.flatnonzero(cells > 0.0):
            days[clone][row], left[clone][row] = _one_clone(
                remaining, transplants, end_day, luck, (clone, int(row), float(cells[row]))
            )
    return Relapses(days, np.asarray(sum(left.values()) == 0.0))


def _one_clone(
    remaining: Remaining, transplants: Transplants, end_day: float, luck: Luck, which: tuple[str, int, float]
) -> tuple[float, float]:
    """Return the day of relapse of one clone and its cells at the end, or at relapse; `which` is (clone, row, cells)."""
    clone, row, cells = which
    birth, death = float(remaining.birth_per_day[row]), float(remaining.death_per_day[row])
    relapse = float(remaining.relapse_cells[clone][row])
    now = remaining.day
    transplant = float(transplants.day[row])
    phases = [(min(transplant, end_day), 0.0)]
    if transplant < end_day:
        graft_ends = min(transplant + transplants.graft_kill_days, end_day)
        phases += [(graft_ends, float(transplants.graft_kill_per_day[row])), (end_day, 0.0)]
    for place, (until, extra) in enumerate(phases):
        if place == 1:
            cells = survivors(cells, float(transplants.kept[row]), luck.generator(row, f"{clone} conditioning"))
        if cells >= relapse:
            return now, cells
        if cells == 0.0 or until <= now:
            continue
        later = grown(cells, birth, death + extra, until - now, luck.generator(row, f"{clone} growth", place))
        net = birth - death - extra
        if later >= relapse and net > 0.0:
            return until - float(np.log(later / relapse)) / net, later
        cells, now = later, until
    return np.inf, cells
