"""Relapse after the last dose: clones that grow back, or die out, through phases of constant hazards.

Every clone is followed as in the hybrid engine (`clone_fates`): through treatment along the model's course, until the
transplant, through conditioning, under the graft, and after. A clone that reaches the size of a relapse is large by then, so
that the day follows from its growth. Cure is zero cells in every clone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.population.events.clone_courses import TURNOVER, CloneCourse
from bitesim.population.events.clone_fates import AfterTreatment, CloneLuck, clone_fates
from bitesim.population.events.luck import Luck
from bitesim.population.events.transplantation import Transplants

Floats = NDArray[np.float64]
#: Clones in the order in which they are drawn; each has its own luck.
CLONES: Final = ("marrow", "low", "sanctuary", "reservoir")
#: Patients whose courses are in memory.
_AT_A_TIME: Final = 2048


@dataclass(frozen=True, eq=False)
class Remaining:
    """What is left of the disease when treatment ends.

    Parameters
    ----------
    day : float
        When.
    courses : callable courses(rows) -> iterable of (str, CloneCourse)
        Clones of some patients and their courses while treated, made when they are asked for: they are large.
    model : mapping
        Name of `TURNOVER` -> ndarray, one value a patient.
    frailty : ndarray
        Factor on what blasts do by themselves after treatment.
    relapse_cells : mapping
        Clone -> cells at which it is a relapse.
    """

    day: float
    courses: Callable[[slice], Iterable[tuple[str, CloneCourse]]]
    model: Mapping[str, Floats]
    frailty: Floats
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
    days, left = {clone: np.full(len(luck), np.inf) for clone in remaining.relapse_cells}, np.zeros(len(luck))
    for first in range(0, len(luck), _AT_A_TIME):
        rows = slice(first, first + _AT_A_TIME)
        for clone, course in remaining.courses(rows):
            whose = CloneLuck(np.uint64(luck.seed), luck.patients[rows], CLONES.index(clone))
            days[clone][rows], cells = clone_fates(course, _after(remaining, transplants, end_day, clone, rows), whose)
            left[rows] += cells
    return Relapses(days, left == 0.0)


def _after(remaining: Remaining, transplants: Transplants, end_day: float, clone: str, rows: slice) -> AfterTreatment:
    """Return what happens to a clone of some patients after treatment."""
    birth, death, share, awakening = (remaining.model[name][rows] for name in TURNOVER)
    frailty, relapse_cells = remaining.frailty[rows], remaining.relapse_cells[clone][rows]
    transplant_day, kept, graft = transplants.day[rows], transplants.kept[rows], transplants.graft_kill_per_day[rows]
    graft_ends = transplant_day + transplants.graft_kill_days
    window = (remaining.day, end_day)
    return AfterTreatment(
        window, birth, death, share, awakening, frailty, relapse_cells, transplant_day, kept, graft, graft_ends
    )
