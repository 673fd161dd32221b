"""The hybrid engine: large clones by the differential equations, few cells one by one, in the same course.

A clone that falls below a threshold is counted from then on: it is drawn as a birth-death process of two phases
(`numerics.two_phases`) with the hazards of one cell that the model's own fluxes say along the course, until it has grown to
twice the threshold, or for good if it has died out. Everything else stays continuous. The equations carry a counted clone
along as a shadow; where the shadow would come to matter they are started anew with the cells that there really are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import Case, Settings, failure_message, initial_state, with_drug_by_name
from bitesim.engines.extinction_along import extinction_along
from bitesim.engines.hybrid_result import HybridRun
from bitesim.engines.system import system_of
from bitesim.engines.timeline import pieces_between
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ScenarioError, SolverError
from bitesim.foundation.random_streams import Purpose, uniform
from bitesim.model import Clone
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Control, Matrix, Vector, output_at
from bitesim.numerics.two_phases import (
    AWAKENING,
    BIRTH,
    CYCLING_LOSS,
    FOUNDERS,
    GREW,
    QUIESCENT_LOSS,
    TO_QUIESCENCE,
    draw_clone,
)
from bitesim.treatment import Schedule

#: Cells below which a clone is counted. Ten times more or less changes no probability of cure that 10,000 runs can tell.
THRESHOLD: Final = 1e4
#: A clone becomes continuous again at this many thresholds.
_HYSTERESIS: Final = 2.0
#: A shadow of so many thresholds could come to matter.
_SHADOW: Final = 100.0
#: Cells of a shadow where there are none: their logarithm is -23.
_NONE: Final = 1e-10
#: Days between the points at which hazards are known: they follow the drug within a day.
_STEP: Final = 0.5
_PURPOSE: Final = int(Purpose.CELL_EVENT)
#: Draws of a run that round its clones are far from those of its events.
_ROUNDING: Final = 2**62
_MOST_PARTS: Final = 1000


@kernel
def _uniform(seed: Any, replicate: int, draw: int) -> float:
    return uniform(seed, replicate, _PURPOSE, draw)


@dataclass(eq=False)
class _Course:
    """The equations from one grid point to the end.

    `hazards` are those of every clone between the points, without founders; `founding` the hazard of a cell of each clone's
    founders at the points.
    """

    first: int
    states: Matrix
    hazards: list[Matrix]
    founding: list[Matrix]


@dataclass(eq=False)
class _Counted:
    """A clone that is being counted: its cells at the grid's points, shape (points, 2)."""

    counts: Matrix


@dataclass(eq=False)
class _Setting:
    """What all replicates of a case share."""

    case: Case
    settings: Settings
    schedule: Schedule
    grid: Vector
    start: Vector
    threshold: float
    columns: list[tuple[int, int]]
    first: _Course = field(init=False)

    @property
    def clones(self) -> tuple[Clone, ...]:
        return self.case.model.clones


def run_hybrid(
    case: Case,
    times_days: Vector,
    replicates: int,
    seed: int,
    settings: Settings | None = None,
    threshold: float = THRESHOLD,
) -> HybridRun:
    """Run one case many times, each with its own luck in the clones of few cells.

    Parameters
    ----------
    case : Case
    times_days : ndarray
        Strictly increasing output times [d].
    replicates : int
    seed : int
        Replicate r has the luck of (seed, r), whatever the others are.
    settings : Settings, optional
    threshold : float
        Cells below which a clone is counted.

    Raises
    ------
    ScenarioError
        For a model without clones, and for regimens with decision points or steady-state records.
    SolverError
        When the equations cannot be integrated.
    """
    setting = _setting(case, times_days, settings or Settings(), threshold)
    wanted = np.searchsorted(setting.grid, times_days)
    cells = np.empty((replicates, len(setting.clones), len(setting.grid), 2))
    states = np.empty((replicates, len(wanted), len(setting.start)))
    for replicate in range(replicates):
        states[replicate] = _one_replicate(setting, (seed, replicate), cells[replicate])[wanted]
    return HybridRun.of(case, setting.grid, times_days, states, cells, seed, threshold, _cured_by_theory(setting))


def _cured_by_theory(setting: _Setting) -> float:
    """Return the probability that no clone has a cell at the end, along the deterministic course.

    Every clone's cells are independent from the first point on at which it is to be counted; a clone that never is will not
    die out. Cells come from other clones while these are large; what those lose when few hardly ever founds a line.
    """
    course, lengths = setting.first, np.diff(setting.grid)
    totals = [np.exp(course.states[:, columns]) for columns in setting.columns]
    begins = [np.flatnonzero(each.sum(axis=1) < setting.threshold) for each in totals]
    if not all(len(each) for each in begins):
        return 0.0
    cycling = [clone.cycling for clone in setting.clones]
    lasting = 0.0
    for place, clone in enumerate(setting.clones):
        survival = 1.0 - extinction_along(course.hazards[place], lengths)
        first = int(begins[place][0])
        lasting += float(totals[place][first] @ survival[first])
        for (_, source), hazard in zip(clone.founders, course.founding[place].T, strict=True):
            until = int(begins[cycling.index(source)][0])
            came = hazard * np.exp(course.states[:, setting.case.model.species.position(source)]) * survival[:, 0]
            lasting += (
                float(np.trapezoid(came[first : until + 1], setting.grid[first : until + 1])) if until > first else 0.0
            )
    return math.exp(-lasting)


def _setting(case: Case, times_days: Vector, settings: Settings, threshold: float) -> _Setting:
    model = case.model
    if not model.clones:
        raise ScenarioError(f"model {model.name} has no clones that could be counted: run it with engine='ode'")
    schedule = case.schedule(with_drug_by_name(model, case.regimen))
    if schedule.decisions or schedule.steady_states or schedule.resets:
        raise ScenarioError("the hybrid engine takes no decision points, steady-state records or resets: use engine='ode'")
    changes = [time for segment in schedule.infusions for time in (segment.start_days, segment.stop_days)]
    changes += [bolus.time_days for bolus in schedule.boluses] + [time for time, _ in schedule.premedication]
    last = float(times_days[-1])
    points = {0.0, last, *times_days, *np.arange(0.0, last, _STEP), *(time for time in changes if time < last)}
    names = model.species
    columns = [(names.position(clone.cycling), names.position(clone.quiescent)) for clone in model.clones]
    setting = _Setting(
        case, settings, schedule, np.array(sorted(points)), initial_state(model, case.parameters), threshold, columns
    )
    setting.first = _integrate(setting, 0, setting.start.copy())
    return setting


def _integrate(setting: _Setting, first: int, state: Vector) -> _Course:
    """Return the equations' course from a grid point on; what happens at that point has happened unless it is the start."""
    case, model = setting.case, setting.case.model
    times = setting.grid[first:]
    pieces = pieces_between(model, setting.schedule, (float(times[0]), math.inf), case.bsa_m2, setting.start)
    if first > 0:
        pieces.jump[0] = 0.0
    output = output_at(times, len(state))
    control = Control(setting.settings.rtol, model.species.scales(), setting.settings.max_steps)
    parameters = case.parameters.vector()
    code = system_of(model).integrate(parameters, state.copy(), pieces, control, output)
    if code != Outcome.OK:
        raise SolverError(failure_message(case, Outcome(code), output, setting.schedule, setting.settings))
    fluxes = np.zeros((len(times), len(model.processes)))
    model.flux_kernel(output.states, parameters, fluxes)
    places = {name: column for column, name in enumerate(model.processes)}
    founding = [fluxes[:, [places[name] for name, _ in clone.founders]] for clone in setting.clones]
    return _Course(first, output.states, [hazards_of(clone, places, fluxes) for clone in setting.clones], founding)


def hazards_of(clone: Clone, places: Mapping[str, int], fluxes: Matrix) -> Matrix:
    """Return the hazards of one clone between points, the mean of both ends, without founders; shape (intervals, 6).

    Parameters
    ----------
    clone : Clone
    places : mapping
        Process -> its column in `fluxes`.
    fluxes : ndarray, shape (points, processes)
    """

    def summed(processes: tuple[str, ...]) -> Vector:
        return np.asarray(fluxes[:, [places[name] for name in processes]].sum(axis=1))

    table = np.zeros((len(fluxes), 6))
    table[:, BIRTH] = fluxes[:, places[clone.birth]]
    table[:, CYCLING_LOSS] = summed(clone.cycling_losses)
    table[:, TO_QUIESCENCE] = fluxes[:, places[clone.to_quiescence]]
    table[:, QUIESCENT_LOSS] = summed(clone.quiescent_losses)
    table[:, AWAKENING] = fluxes[:, places[clone.awakening]]
    return np.asarray(0.5 * (table[:-1] + table[1:]))


def _one_replicate(setting: _Setting, luck: tuple[int, int], cells: NDArray[np.float64]) -> Matrix:
    """Draw one replicate: fill its cells, shape (clones, grid, 2), and return the states at the grid's points."""
    course = setting.first
    states = course.states.copy()
    counted: dict[int, _Counted] = {}
    draws = [place * 2**40 for place in range(len(setting.clones))]
    row = 0
    for part in range(_MOST_PARTS):
        following, grown = _next_change(setting, course, counted, row, luck, draws, part)
        stop = len(setting.grid) if following is None else following
        states[row:stop] = course.states[row - course.first : stop - course.first]
        for place, columns in enumerate(setting.columns):
            source = counted[place].counts if place in counted else np.exp(course.states[:, columns])
            offset = 0 if place in counted else course.first
            cells[place, row:stop] = source[row - offset : stop - offset]
        if following is None:
            return states
        state = course.states[following - course.first].copy()
        for place, columns in enumerate(setting.columns):
            if place in counted:
                state[list(columns)] = np.log(np.maximum(counted[place].counts[following], _NONE))
        for place in grown:
            del counted[place]
        course, row = _integrate(setting, following, state), following
    raise SolverError(f"the hybrid engine changed between its two ways {_MOST_PARTS} times: please report this")


def _next_change(
    setting: _Setting,
    course: _Course,
    counted: dict[int, _Counted],
    row: int,
    luck: tuple[int, int],
    draws: list[int],
    part: int,
) -> tuple[int | None, list[int]]:
    """Count what is to be counted along a course; return the point at which it must be started anew, and who has grown.

    None for a course that holds to its end.
    """  # fmt: skip
    lengths, limit = np.diff(setting.grid[course.first :]), _HYSTERESIS * setting.threshold
    changes: list[int] = []
    for place, columns in enumerate(setting.columns):
        along = np.exp(course.states[:, columns])
        if place not in counted:
            few = np.flatnonzero(along[row - course.first :].sum(axis=1) < setting.threshold)
            if not len(few):
                continue
            begins = row + int(few[0])
            counted[place] = _Counted(np.full((len(setting.grid), 2), np.nan))
            counted[place].counts[row:begins] = along[row - course.first : begins - course.first]
            counted[place].counts[begins] = _rounded(along[begins - course.first], luck, place, part)
        else:
            begins = row
        counts = counted[place].counts[course.first :]
        hazards = course.hazards[place].copy()
        hazards[:, FOUNDERS] = _founders(setting, course, counted, place)
        how, where, draws[place] = draw_clone(hazards, lengths, counts, begins - course.first, limit, luck, draws[place])
        ends = int(where) if how == GREW else len(lengths)
        if how == GREW:
            changes.append(course.first + ends)
        shadow = _shadow_matters(along[: ends + 1], counts[: ends + 1], begins - course.first, setting.threshold)
        if shadow is not None:
            changes.append(course.first + shadow)
    if not changes:
        return None, []
    following = min(changes)
    # What was drawn beyond the change is drawn anew, along the new course.
    grown = [place for place, clone in counted.items() if clone.counts[following].sum() >= limit]
    return following, grown


def _founders(setting: _Setting, course: _Course, counted: dict[int, _Counted], place: int) -> Vector:
    """Return the cells that come into a clone from others between the points [cells/d]: from cells that there really are."""
    total = np.zeros(len(course.states))
    cycling = [clone.cycling for clone in setting.clones]
    for (_, source), hazard in zip(setting.clones[place].founders, course.founding[place].T, strict=True):
        other = cycling.index(source) if source in cycling else -1
        if other in counted:
            # Behind a change nothing is known yet, and nothing is kept.
            total += hazard * np.nan_to_num(counted[other].counts[course.first :, 0])
        else:
            total += hazard * np.exp(course.states[:, setting.case.model.species.position(source)])
    return np.asarray(0.5 * (total[:-1] + total[1:]))


def _shadow_matters(shadow: Matrix, counts: Matrix, begins: int, threshold: float) -> int | None:
    """Return the first point after the start at which the equations carry many cells of a clone that has far fewer."""
    carried, real = shadow.sum(axis=1), counts.sum(axis=1)
    wrong = np.flatnonzero((carried > _SHADOW * threshold) & (real < 0.1 * carried))
    wrong = wrong[wrong > begins]
    return int(wrong[0]) if len(wrong) else None


def _rounded(cells: Vector, luck: tuple[int, int], place: int, part: int) -> Vector:
    """Return whole cells: the next lower number, or the next higher one as often as the rest says, so that none are made."""
    whole = np.floor(cells)
    for phase in range(2):
        drawn = _uniform(luck[0], luck[1], _ROUNDING + (part * 64 + place) * 2 + phase)
        whole[phase] += float(drawn < cells[phase] - whole[phase])
    return whole
