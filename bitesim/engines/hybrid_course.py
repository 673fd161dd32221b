"""The continuous part of a hybrid run: the equations along a grid of days, and what one cell of each clone does there.

The stretch before anything is drawn is the same for all replicates of a run, and is integrated once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from bitesim.engines.deterministic import Case, Settings, failure_message
from bitesim.engines.extinction_along import extinction_along
from bitesim.engines.system import system_of
from bitesim.engines.timeline import pieces_between, pulse_times
from bitesim.foundation.errors import SolverError
from bitesim.model import Clone, Model
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Control, Matrix, Output, Pieces, Vector, output_at
from bitesim.numerics.two_phases import AWAKENING, BIRTH, CYCLING_LOSS, QUIESCENT_LOSS, TO_QUIESCENCE
from bitesim.treatment import Schedule

#: Days of the points after what the schedule changes, drug having a half-life of 2 h and T cells needing days; and the
#: distance of points elsewhere.
_AFTER: Final = np.array([0.04, 0.08, 0.125, 0.2, 0.3, 0.4, 0.55, 0.75, *np.arange(1.0, 10.0, 0.5)])
_COARSE, _WHILE = 1.0, 7.0
#: A dose at an instant changes hazards at once: there is a point so many days before it.
_BEFORE: Final = 1e-6


@dataclass(eq=False)
class Setting:
    """What all replicates of a case share.

    Parameters
    ----------
    case : Case
    settings : Settings
    schedule : Schedule
        As planned.
    grid : ndarray
        Days at which cells are known: every output, everything that the schedule changes, and points in between.
    start : ndarray
        The untreated patient.
    threshold : float
        Cells below which a clone is counted.
    """

    case: Case
    settings: Settings
    schedule: Schedule
    grid: Vector
    start: Vector
    threshold: float
    #: Stretches from states that are no replicate's own: (first point, last point, what was decided) -> stretch.
    shared: dict[Any, Stretch] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        """The case's model."""
        return self.case.model

    @property
    def clones(self) -> tuple[Clone, ...]:
        """The model's clones."""
        return self.model.clones

    @cached_property
    def columns(self) -> list[list[int]]:
        """Places of each clone's species: cycling, quiescent."""
        place = self.model.species.position
        return [[place(clone.cycling), place(clone.quiescent)] for clone in self.clones]

    @cached_property
    def parameters(self) -> Vector:
        """The case's parameters."""
        return self.case.parameters.vector()

    @cached_property
    def control(self) -> Control:
        """How accurately to integrate."""
        return Control(self.settings.rtol, self.model.species.scales(), self.settings.max_steps)


@dataclass(eq=False)
class Stretch:
    """The equations from one grid point to another.

    Parameters
    ----------
    setting : Setting
    first : int
        Point at which it begins.
    states : ndarray, shape (points, species)
        Where it ends at a stop, the last is that before what happens there.
    is_shared : bool
        Whether no clone is counted yet where it begins.
    """

    setting: Setting
    first: int
    states: Matrix
    is_shared: bool

    def cells(self, place: int) -> Matrix:
        """Return the cells of a clone, shape (points, 2)."""
        return self._cells[place]

    @cached_property
    def _cells(self) -> list[Matrix]:
        return [np.exp(self.states[:, columns]) for columns in self.setting.columns]

    def number_of(self, species: str) -> Vector:
        """Return what a species is the logarithm of, shape (points,)."""
        return np.asarray(np.exp(self.states[:, self.setting.model.species.position(species)]))

    def founding(self, place: int) -> Matrix:
        """Return the hazard of a cell of each of a clone's founders at the points, shape (points, founders)."""
        return self._rates[1][place]

    def hazards(self, place: int) -> Matrix:
        """Return the hazards of one cell of a clone between the points, without founders, shape (points - 1, 6).

        Of a stretch that is shared they are 0 before any clone has few cells.
        """
        return self._rates[0][place]

    @cached_property
    def _rates(self) -> tuple[list[Matrix], list[Matrix]]:
        model = self.setting.model
        fluxes = np.zeros((len(self.states), len(model.processes)))
        first = 0
        if self.is_shared:
            few = [cells.sum(axis=1) < self.setting.threshold for cells in self._cells]
            first = min((int(np.argmax(each)) for each in few if each.any()), default=len(self.states) - 1)
        model.clone_flux_kernel(self.states[first:], self.setting.parameters, fluxes[first:])
        places = {name: column for column, name in enumerate(model.processes)}
        hazards = [hazards_of(clone, places, fluxes) for clone in self.setting.clones]
        return hazards, [fluxes[:, [places[name] for name, _ in clone.founders]] for clone in self.setting.clones]


def grid_of(case: Case, schedule: Schedule, times_days: Vector) -> Vector:
    """Return the days at which cells are known."""
    last = float(times_days[-1])
    at_once = [bolus.time_days for bolus in schedule.boluses] + [time for time, _ in schedule.premedication]
    at_once += [time for time, _ in pulse_times(case.model, schedule)]
    stops = [each.time_days for each in schedule.decisions] + [each.day for each in schedule.steady_states]
    changes = [time for segment in schedule.infusions for time in (segment.start_days, segment.stop_days)]
    changes += [*at_once, *stops, *schedule.resets]
    points = {0.0, last, *times_days, *np.arange(0.0, last, _COARSE), *changes, *(time - _BEFORE for time in at_once)}
    # After a decision the pump may change at other times.
    ends = schedule.end_days + _WHILE if schedule.decisions else 0.0
    for change in (*changes, *np.arange(0.0, ends, _WHILE)):
        points |= set(change + _AFTER)
    return np.array(sorted(time for time in points if 0.0 <= time <= last))


def integrate_stretch(
    setting: Setting, schedule: Schedule, window: tuple[int, int | None], state: Vector, *, is_behind: bool, is_shared: bool
) -> Stretch:
    """Return the equations' course from a grid point to the next stop, or to the end.

    Parameters
    ----------
    setting : Setting
    schedule : Schedule
    window : (int, int or None)
        Grid points; None for no stop: then it goes behind the last point.
    state : ndarray
    is_behind : bool
        Whether what happens at the first point has happened to `state`.
    is_shared : bool
        Whether no clone is counted yet.

    Raises
    ------
    SolverError
    """
    first, last = window
    model, times = setting.model, setting.grid[first:last]
    until = math.inf if last is None else float(setting.grid[last])
    pieces = pieces_between(model, schedule, (float(times[0]), until), setting.case.bsa_m2, setting.start)
    if is_behind:
        pieces.jump[0], pieces.reset[0] = 0.0, 0
    output, reached = output_at(times, len(state)), state.copy()
    advance(setting, schedule, reached, pieces, output)
    states = output.states if last is None else np.concatenate([output.states, reached[np.newaxis]])
    return Stretch(setting, first, states, is_shared)


def advance(setting: Setting, schedule: Schedule, state: Vector, pieces: Pieces, output: Output) -> None:
    """Integrate a state in place through pieces.

    Raises
    ------
    SolverError
    """
    code = system_of(setting.model).integrate(setting.parameters, state, pieces, setting.control, output)
    if code != Outcome.OK:
        raise SolverError(failure_message(setting.case, Outcome(code), output, schedule, setting.settings))


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


def cured_by_theory(setting: Setting, stretches: Sequence[Stretch]) -> float:
    """Return the probability that no clone has a cell at the end, along a deterministic course.

    Every clone's cells are independent from the first point on at which it is to be counted; a clone that never is will not
    die out. Cells come from other clones while these are large; what those lose when few hardly ever founds a line.

    Parameters
    ----------
    setting : Setting
    stretches : sequence of Stretch
        One after the other, to the end of the grid.
    """
    grid = setting.grid[stretches[0].first :]
    lengths = np.diff(grid)

    def joined(parts: list[Matrix]) -> Matrix:
        return np.concatenate([*(part[:-1] for part in parts[:-1]), parts[-1]])

    totals = [joined([each.cells(place) for each in stretches]) for place in range(len(setting.clones))]
    begins = [np.flatnonzero(each.sum(axis=1) < setting.threshold) for each in totals]
    if not all(len(each) for each in begins):
        return 0.0
    cycling = [clone.cycling for clone in setting.clones]
    lasting = 0.0
    for place, clone in enumerate(setting.clones):
        survival = 1.0 - extinction_along(np.concatenate([each.hazards(place) for each in stretches]), lengths)
        first = int(begins[place][0])
        lasting += float(totals[place][first] @ survival[first])
        founding = joined([each.founding(place) for each in stretches])
        for (_, source), hazard in zip(clone.founders, founding.T, strict=True):
            # What is no clone is never few.
            until = int(begins[cycling.index(source)][0]) if source in cycling else len(grid) - 1
            came = hazard * joined([each.number_of(source) for each in stretches]) * survival[:, 0]
            if until > first:
                lasting += float(np.trapezoid(came[first : until + 1], grid[first : until + 1]))
    return math.exp(-lasting)
