"""When a clinical course is looked at: visits, the hours after each start or step, and weeks in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import ScenarioError
from bitesim.treatment import Regimen, Schedule

Floats = NDArray[np.float64]
#: Days after a start or step at which IL-6 is looked at: its peak comes after 5 to 12 h.
_AFTER_A_STEP: Final = (0.17, 0.25, 0.35, 0.5, 0.75, 1.0, 2.0)
_WEEK: Final = 7.0
#: Pauses up to this are bag changes, after which no exposure is new [d].
_BAG_CHANGE: Final = 0.25
#: A rate this many times the one before is a step, not rounding.
_RISE: Final = 1.01
#: Steps of one cycle that are told apart.
_MOST_STEPS: Final = 64
#: Pauses shorter than this belong to one cycle: bag changes and holds.
_LONGEST_PAUSE: Final = 7.0


@dataclass(frozen=True, eq=False)
class Timetable:
    """The times of a regimen at which outputs are needed.

    Parameters
    ----------
    visits : tuple of float
        Days of marrow samples.
    steps : tuple of float
        Days on which drug starts or its rate rises.
    cycles : tuple of (float, float)
        Start and stop of each cycle's infusion.
    times : ndarray
        All output times [d], from 0; the last is the end of treatment and its last rest.
    """

    visits: tuple[float, ...]
    steps: tuple[float, ...]
    cycles: tuple[tuple[float, float], ...]
    times: Floats

    @property
    def end(self) -> float:
        """Day on which the model's course ends."""
        return float(self.times[-1])

    @property
    def exposures(self) -> tuple[tuple[int, float], ...]:
        """Starts and steps as (occasion, day): the same occasion in every regimen for the n-th step of the same cycle."""
        found = []
        for number, (start, stop) in enumerate(self.cycles):
            within = [step for step in self.steps if start <= step <= stop]
            found += [(number * _MOST_STEPS + place, step) for place, step in enumerate(within)]
        return tuple(found)

    def place(self, day: float) -> int:
        """Return the place of a day among the times."""
        return int(np.searchsorted(self.times, day))

    def after(self, step: float) -> NDArray[np.int64]:
        """Return the places of the times within two days of a step."""
        return np.flatnonzero((self.times >= step) & (self.times <= step + _AFTER_A_STEP[-1] + 1e-9))

    def during(self, start: float, stop: float) -> NDArray[np.int64]:
        """Return the places of the times after a start and before a stop."""
        return np.flatnonzero((self.times > start) & (self.times < stop))


def timetable(
    regimen: Regimen, schedule: Schedule, visits: tuple[float, ...] | None = None, also: tuple[float, ...] = ()
) -> Timetable:
    """Return when to look at patients under a regimen.

    Parameters
    ----------
    regimen : Regimen
    schedule : Schedule
        Its schedule for any body: the days are those of all.
    visits : tuple of float, optional
        Default: the end of each cycle with its rest; without any drug every 35 days of 70.

    also : tuple of float
        Further times at which outputs are wanted.

    Raises
    ------
    ScenarioError
        For visits that are negative or do not increase.
    """
    cycles = _cycles(schedule)
    end = schedule.end_days
    chosen = _ends(regimen) if visits is None else tuple(float(day) for day in visits)
    if not chosen or any(later <= earlier for earlier, later in zip((0.0, *chosen), chosen, strict=False)):
        raise ScenarioError(f"visits = {chosen}: expected increasing days after 0, at least one")
    steps = _steps(schedule)
    last = max(end, chosen[-1], *also)
    times = {
        0.0,
        last,
        *chosen,
        *also,
        *np.arange(0.0, last, _WEEK),
        *(step + day for step in steps for day in _AFTER_A_STEP),
    }
    return Timetable(chosen, steps, cycles, np.array(sorted(time for time in times if 0.0 <= time <= last)))


def _ends(regimen: Regimen) -> tuple[float, ...]:
    """Return the planned end of each cycle with its rest."""
    ends: list[float] = []
    for cycle in regimen.cycles:
        ends.append((ends[-1] if ends else 0.0) + cycle.infusion_days + cycle.days_off)
    return tuple(ends) if any(cycle.infusion_days for cycle in regimen.cycles) else (35.0, 70.0)


def _cycles(schedule: Schedule) -> tuple[tuple[float, float], ...]:
    """Return (start, stop) of each cycle, of infusions that a longer pause separates."""
    found: list[list[float]] = []
    for segment in schedule.infusions:
        if segment.compartment == "drug" and segment.rate > 0.0:
            if found and segment.start_days - found[-1][1] < _LONGEST_PAUSE:
                found[-1][1] = segment.stop_days
            else:
                found.append([segment.start_days, segment.stop_days])
    return tuple((start, stop) for start, stop in found)


def _steps(schedule: Schedule) -> tuple[float, ...]:
    """Return the days on which the rate rises from below, pauses of bag changes apart."""
    found, before, stopped = [], 0.0, -np.inf
    for segment in schedule.infusions:
        if segment.compartment == "drug" and segment.rate > 0.0:
            if segment.start_days - stopped > _BAG_CHANGE:
                before = 0.0
            if segment.rate > _RISE * before:
                found.append(segment.start_days)
            before, stopped = segment.rate, segment.stop_days
    return tuple(found)
