"""One clone of each patient from the start of treatment to a relapse, to its last cell, or to the end of follow-up.

As in the hybrid engine a clone is as large as the course says while it is large, and is counted cell by cell
(`numerics.two_phases`) from the look on behind which it is to fall below `THRESHOLD`, until it has grown to twice as many.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.hybrid import THRESHOLD
from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, uniform
from bitesim.numerics.counts import binomial
from bitesim.numerics.two_phases import FOUNDERS, draw_interval
from bitesim.population.events.clone_courses import CloneCourse, turnover

Floats = NDArray[np.float64]
_PURPOSE: Final = int(Purpose.CELL_EVENT)
_LIMIT: Final = 2.0 * THRESHOLD
#: Draws of a clone begin here times its place, those that round its cells behind them.
_DRAWS_OF_A_CLONE: Final = 2**40
_ROUNDING: Final = 2**39
#: Days after which a counted clone is looked at without treatment.
_LOOK: Final = 7.0


class AfterTreatment(NamedTuple):
    """What happens to the same clone of many patients when treatment has ended.

    Parameters
    ----------
    window : (float, float)
        End of treatment, end of follow-up [d].
    birth, death : ndarray, shape (patients,)
        Hazards of an average cell [1/d].
    share : ndarray, shape (patients,)
        Of cycling cells in steady growth.
    awakening : ndarray, shape (patients,)
        Hazard of a quiescent cell to return to the cycle [1/d].
    frailty : ndarray, shape (patients,)
        Factor on everything that cells do by themselves after treatment, so that as many lines last.
    relapse_cells : ndarray, shape (patients,)
    transplant_day, kept, graft_kill_per_day, graft_ends : ndarray, shape (patients,)
    """

    window: tuple[float, float]
    birth: Floats
    death: Floats
    share: Floats
    awakening: Floats
    frailty: Floats
    relapse_cells: Floats
    transplant_day: Floats
    kept: Floats
    graft_kill_per_day: Floats
    graft_ends: Floats


class CloneLuck(NamedTuple):
    """Whose luck it is: the seed, the patients' numbers, and which of a patient's clones this is."""

    seed: Any
    patients: Any
    place: int


@kernel
def _counted(cells: float, share: float, luck: Any, draw: int) -> tuple[float, float]:
    """Return whole cells of both phases: the numbers below or above, so that none are made on average."""
    seed, patient = luck
    cycling, quiescent = float(math.floor(cells * share)), float(math.floor(cells * (1.0 - share)))
    rest = cells * share - cycling
    if uniform(seed, patient, _PURPOSE, draw + _ROUNDING) < rest:
        cycling += 1.0
    rest = cells * (1.0 - share) - quiescent
    if uniform(seed, patient, _PURPOSE, draw + _ROUNDING + 1) < rest:
        quiescent += 1.0
    return cycling, quiescent


@kernel
def _treated(course: Any, row: int, phases: Any, rates: NDArray, luck: Any, draw: int) -> tuple[float, float, float, int]:
    """Return a clone at the last look: continuous cells or -1, counted cells of both phases, and the next draw."""
    large, cycling, quiescent, share = course.start[row], 0.0, 0.0, phases[0]
    if large < THRESHOLD:
        cycling, quiescent = _counted(large, share, luck, draw)
        large = -1.0
    for look in range(course.lengths.shape[0]):
        if large >= 0.0:
            later = large * course.growth[row, look] + course.arrived[row, look]
            if later >= THRESHOLD:
                large = later
                continue
            cycling, quiescent = _counted(large, share, luck, draw)
            large = -1.0
        turnover(course.birth[row, look], course.loss[row, look], phases, rates)
        rates[FOUNDERS] = course.founders[row, look]
        cycling, quiescent, draw = draw_interval(rates, course.lengths[look], cycling, quiescent, luck, draw)
        if cycling + quiescent >= _LIMIT:
            large = cycling + quiescent
    return large, cycling, quiescent, draw


@kernel
def _conditioned(large: float, cycling: float, quiescent: float, chances: Any, luck: Any, draw: int) -> Any:
    """Return a clone behind conditioning, `chances` being (share kept, share cycling), as `_treated` does."""
    kept, share = chances
    seed, patient = luck
    if large * kept >= THRESHOLD:
        return large * kept, cycling, quiescent, draw
    if large >= 0.0:
        cycling, quiescent = _counted(large, share, luck, draw)
    cycling, draw = binomial(cycling, kept, seed, patient, draw)
    quiescent, draw = binomial(quiescent, kept, seed, patient, draw)
    return -1.0, cycling, quiescent, draw


@kernel
def _phase(clone: Any, window: Any, rates: Any, limits: Any, luck: Any, draw: int) -> Any:
    """Return the day of relapse or infinity, and a clone at the end of a window of constant hazards, as `_treated` does.

    `limits` is (cells of a relapse, growth per day, share cycling).
    """
    large, cycling, quiescent = clone
    now, until = window
    relapse, net, share = limits
    while now < until:
        if large >= 0.0:
            if large >= relapse:
                return now, large, cycling, quiescent, draw
            later = large * math.exp(net * (until - now))
            if later >= relapse:
                return now + math.log(relapse / large) / net, relapse, cycling, quiescent, draw
            if later >= THRESHOLD:
                return math.inf, later, cycling, quiescent, draw
            cycling, quiescent = _counted(large, share, luck, draw)
            large = -1.0
        if cycling + quiescent == 0.0:
            break
        days = min(_LOOK, until - now)
        cycling, quiescent, draw = draw_interval(rates, days, cycling, quiescent, luck, draw)
        now = until if days == until - now else now + days
        if cycling + quiescent >= _LIMIT:
            large = cycling + quiescent
    return math.inf, large, cycling, quiescent, draw


@kernel
def _fate(course: Any, after: Any, row: int, rates: NDArray, luck: Any, draw: int) -> tuple[float, float]:
    """Return the day of relapse of one patient's clone, infinite for none, and its cells at the end, or at relapse."""
    share, relapse, scaled = after.share[row], after.relapse_cells[row], after.frailty[row]
    now, end = after.window
    large, cycling, quiescent, draw = _treated(course, row, (share, after.awakening[row]), rates, luck, draw)
    birth, death, phases = scaled * after.birth[row], scaled * after.death[row], (share, scaled * after.awakening[row])
    for place in range(3):
        transplant = min(after.transplant_day[row], end)
        until, extra = transplant, 0.0
        if place == 1:
            until, extra = min(after.graft_ends[row], end), after.graft_kill_per_day[row]
            if transplant < end:
                kill = (after.kept[row], share)
                large, cycling, quiescent, draw = _conditioned(large, cycling, quiescent, kill, luck, draw)
        elif place == 2:
            until = end
        if until <= now:
            continue
        turnover(birth, death + extra, phases, rates)
        limits = (relapse, birth - death - extra, share)
        day, large, cycling, quiescent, draw = _phase((large, cycling, quiescent), (now, until), rates, limits, luck, draw)
        if day < math.inf:
            return day, large
        now = until
    return math.inf, large if large >= 0.0 else cycling + quiescent


@kernel
def _fates(course: Any, after: Any, luck: Any, days: Any, cells: Any) -> None:
    rates = np.zeros(6)
    for row in range(days.shape[0]):
        whose = (luck.seed, luck.patients[row])
        days[row], cells[row] = _fate(course, after, row, rates, whose, luck.place * _DRAWS_OF_A_CLONE)


def clone_fates(course: CloneCourse, after: AfterTreatment, luck: CloneLuck) -> tuple[Floats, Floats]:
    """Return when the clone of each patient has relapsed, infinite for never, and its cells at the end, or at relapse.

    A patient's fate depends on the patient alone. With and without a transplant it is the same until then, but for the
    steps of the last week.
    """
    days, cells = np.empty(len(course.start)), np.empty(len(course.start))
    _fates(course, after, luck, days, cells)
    return days, cells
