"""Relapse after the last dose: clones that grow back, or die out, through phases of constant hazards.

Every clone is followed as in the hybrid engine (`clone_fates`): through treatment along the model's course, until the
transplant, through conditioning, under the graft, and after. A clone that reaches the size of a relapse is large by then, so
that the day follows from its growth. Cure is zero cells in every clone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True, eq=False)
class Remaining:
    """What is left of the disease when treatment ends.

    Parameters
    ----------
    day : float
        When.
    courses : iterable of (str, CloneCourse)
        Clones and their courses while treated, each made when it is asked for: they are large.
    model : mapping
        Name of `TURNOVER` -> ndarray, one value a patient.
    frailty : ndarray
        Factor on what blasts do by themselves after treatment.
    relapse_cells : mapping
        Clone -> cells at which it is a relapse.
    """

    day: float
    courses: Iterable[tuple[str, CloneCourse]]
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
    graft_ends = transplants.day + transplants.graft_kill_days
    days, left = {}, np.zeros(len(luck))
    for clone, course in remaining.courses:
        after = AfterTreatment(
            (remaining.day, end_day), *(remaining.model[name] for name in TURNOVER), remaining.frailty,
            remaining.relapse_cells[clone], transplants.day, transplants.kept, transplants.graft_kill_per_day, graft_ends,
        )  # fmt: skip
        whose = CloneLuck(np.uint64(luck.seed), luck.patients, CLONES.index(clone))
        days[clone], cells = clone_fates(course, after, whose)
        left += cells
    return Relapses(days, left == 0.0)
