"""One replicate of a hybrid run: stretches of the equations, and the clones that are counted along them.

A clone that falls below the threshold is drawn as a birth-death process of two phases (`numerics.two_phases`) until it has
grown to twice the threshold, or for good if it has died out. The equations carry it along as a shadow; where the shadow
would come to matter they are started anew with the cells that there really are.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.hybrid_course import Setting, Stretch, advance, integrate_stretch
from bitesim.engines.hybrid_result import LN_NO_CELL
from bitesim.engines.steady_state import steady_state
from bitesim.engines.stops import DECISION, END, Stop, ask, next_stop
from bitesim.engines.trajectory import RunEvent
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import SolverError
from bitesim.foundation.random_streams import Purpose, uniform
from bitesim.numerics.pieces import Matrix, Vector, output_at
from bitesim.numerics.two_phases import FOUNDERS, GREW, draw_clone
from bitesim.treatment import Regimen, apply_action

#: A clone becomes continuous again at this many thresholds.
_HYSTERESIS: Final = 2.0
#: A shadow of so many thresholds, ten times what a counted clone can be, could come to matter.
_SHADOW: Final = 20.0
#: Cells of a shadow where there are none: their logarithm is -23.
_NO_CELL: Final = 1e-10
_PURPOSE: Final = int(Purpose.CELL_EVENT)
#: Draws of a run that round its clones are far from those of its events.
_ROUNDING: Final = 2**62
#: Draws of one clone before those of the next.
_DRAWS_OF_A_CLONE: Final = 2**40
_MOST_PARTS: Final = 1000


@kernel
def _uniform(seed: Any, replicate: int, draw: int) -> float:
    return uniform(seed, replicate, _PURPOSE, draw)


class Replicate:
    """One replicate on its way through the grid.

    Parameters
    ----------
    setting : Setting
    luck : (int, int)
        Seed and number.
    is_counting : bool
        False for the deterministic course, in which no clone is ever counted.

    Attributes
    ----------
    states : ndarray, shape (grid, species)
    cells : ndarray, shape (clones, grid, 2)
    stretches : list of Stretch
        Since the last steady state or reset, if nothing was counted.
    events : list of RunEvent
        What was decided.
    """

    def __init__(self, setting: Setting, luck: tuple[int, int], *, is_counting: bool = True) -> None:
        clones = len(setting.clones)
        self.setting, self.luck, self.is_counting = setting, luck, is_counting
        self.states = np.empty((len(setting.grid), len(setting.start)))
        self.cells = np.empty((clones, len(setting.grid), 2))
        self.stretches: list[Stretch] = []
        self.events: list[RunEvent] = []
        #: Clone -> its cells at the grid's points, shape (points, 2), of those that are being counted.
        self._counted: dict[int, Matrix] = {}
        self._draws = [place * _DRAWS_OF_A_CLONE for place in range(clones)]
        self._regimen: Regimen = setting.case.regimen
        self._schedule = setting.schedule
        self._decided: tuple[Any, ...] = ()
        self._part = 0
        self._is_own = False

    def run(self) -> Replicate:
        """Go to the end of the grid."""
        grid, last = self.setting.grid, float(self.setting.grid[-1])
        state, row, done = self.setting.start.copy(), 0, set[tuple[str, int]]()
        while True:
            stop = next_stop(self._schedule, done, float(grid[row]), last)
            reset = min((day for day in self._schedule.resets if grid[row] < day <= last), default=np.inf)
            until = min(stop.day, reset)
            ends = None if np.isinf(until) else int(np.searchsorted(grid, until))
            if ends != row:
                state, row = self._go(row, ends, state), row if ends is None else ends
            if ends is None:
                return self
            if stop.day <= reset and stop.kind != END:
                done.add((stop.kind, stop.index))
                state = self._stop(stop, state)
            if reset <= stop.day:
                # The stretch that begins here returns to the start.
                self._forget()

    def _forget(self) -> None:
        """Count no clone any more: its cells are replaced by those that every replicate has."""
        self._counted.clear()
        self.stretches.clear()
        self._is_own = False

    def _stop(self, stop: Stop, state: Vector) -> Vector:
        """Ask a rule, or return the state after endless doses."""
        setting = self.setting
        if stop.kind == DECISION:
            point = self._schedule.decisions[stop.index]
            action, event = ask(setting.model, setting.case.parameters, point, self._seen(state))
            self.events.append(event)
            self._decided = (*self._decided, (stop.day, action))
            self._regimen = apply_action(self._regimen, stop.day, action)
            self._schedule = setting.case.schedule(self._regimen)
            return state
        self._forget()
        dosing, output = self._schedule.steady_states[stop.index], output_at(np.empty(0), len(state))

        def proceed(each: Vector, pieces: Any) -> None:
            output.counters[:] = 0
            advance(setting, self._schedule, each, pieces, output)

        return steady_state(setting.model, dosing, setting.start, setting.case.bsa_m2, proceed, setting.settings.rtol)

    def _seen(self, state: Vector) -> Vector:
        """Return a state as a rule sees it: without a cell, where a clone has none."""
        seen = state.copy()
        for place in self._counted:
            columns = self.setting.columns[place]
            seen[columns] = np.where(state[columns] > np.log(0.5), state[columns], LN_NO_CELL)
        return seen

    def _go(self, row: int, ends: int | None, state: Vector) -> Vector:
        """Go from one grid point to a stop, or to the end; return the state there, before what happens at that point."""
        setting = self.setting
        last = len(setting.grid) - 1 if ends is None else ends
        stretch, kept = self._stretch(row, ends, state), row
        for _ in range(_MOST_PARTS):
            following, grown = self._next_change(stretch, row) if self.is_counting else (None, [])
            self._part += 1
            stop = last if following is None else following
            self._keep(stretch, kept, stop)
            state = stretch.states[stop - stretch.first].copy()
            for place, counts in self._counted.items():
                state[setting.columns[place]] = np.log(np.maximum(counts[stop], _NO_CELL))
            for place in grown:
                del self._counted[place]
            if stop == last:
                return state
            # At the change stands what was counted, to the last cell.
            row, kept, self._is_own = stop, stop + 1, True
            stretch = integrate_stretch(setting, self._schedule, (row, ends), state, is_behind=True, is_shared=False)
        raise SolverError(f"the hybrid engine changed between its two ways {_MOST_PARTS} times: please report this")

    def _stretch(self, row: int, ends: int | None, state: Vector) -> Stretch:
        """Return the stretch from a state; one from which nothing has been counted yet is that of all replicates."""
        setting, key = self.setting, (row, ends, self._decided)
        self._is_own = self._is_own or bool(self._counted)
        found = None if self._is_own else setting.shared.get(key)
        if found is None:
            is_shared = not self._is_own
            found = integrate_stretch(setting, self._schedule, (row, ends), state, is_behind=False, is_shared=is_shared)
            if is_shared:
                setting.shared[key] = found
        self.stretches.append(found)
        return found

    def _keep(self, stretch: Stretch, row: int, stop: int) -> None:
        """Keep states and cells from one point to another, both included."""
        self.states[row : stop + 1] = stretch.states[row - stretch.first : stop + 1 - stretch.first]
        for place in range(len(self.cells)):
            counts = self._counted.get(place)
            source, offset = (stretch.cells(place), stretch.first) if counts is None else (counts, 0)
            self.cells[place, row : stop + 1] = source[row - offset : stop + 1 - offset]

    def _next_change(self, stretch: Stretch, row: int) -> tuple[int | None, list[int]]:
        """Count what is to be counted along a stretch; return the point at which it must be started anew, and who has grown.

        None for a stretch that holds to its end.
        """  # fmt: skip
        setting, first = self.setting, stretch.first
        lengths, limit = np.diff(setting.grid[first : first + len(stretch.states)]), _HYSTERESIS * setting.threshold
        changes: list[int] = []
        for place in range(len(setting.clones)):
            along, begins = stretch.cells(place), row
            if place not in self._counted:
                few = np.flatnonzero(along[row - first :].sum(axis=1) < setting.threshold)
                if not len(few):
                    continue
                begins = row + int(few[0])
                counts = self._counted[place] = np.full((len(setting.grid), 2), np.nan)
                counts[row:begins] = along[row - first : begins - first]
                counts[begins] = self._rounded(along[begins - first], place)
            counts = self._counted[place][first : first + len(stretch.states)]
            hazards = stretch.hazards(place).copy()
            hazards[:, FOUNDERS] = self._founders(stretch, place)
            draw = self._draws[place]
            how, where, self._draws[place] = draw_clone(hazards, lengths, counts, begins - first, limit, self.luck, draw)
            behind = int(where) + 1 if how == GREW else len(counts)
            if how == GREW:
                changes.append(first + int(where))
            shadow = _shadow_matters(along[:behind], begins - first, setting.threshold)
            if shadow is not None:
                changes.append(first + shadow)
        if not changes:
            return None, []
        following = min(changes)
        # What was drawn beyond the change is drawn anew, along the new stretch.
        return following, [place for place, counts in self._counted.items() if counts[following].sum() >= limit]

    def _founders(self, stretch: Stretch, place: int) -> Vector:
        """Return the cells that come into a clone between the points [cells/d]: from cells that there really are."""
        total, cycling = np.zeros(len(stretch.states)), [clone.cycling for clone in self.setting.clones]
        founders, rows = self.setting.clones[place].founders, slice(stretch.first, stretch.first + len(total))
        for (_, source), hazard in zip(founders, stretch.founding(place).T, strict=True):
            other = cycling.index(source) if source in cycling else -1
            # Behind a change nothing is known yet, and nothing is kept.
            counts = np.nan_to_num(self._counted[other][rows, 0]) if other in self._counted else stretch.number_of(source)
            total += hazard * counts
        return np.asarray(0.5 * (total[:-1] + total[1:]))

    def _rounded(self, cells: Vector, place: int) -> Vector:
        """Return whole cells: the next lower number, or the next higher one as often as the rest says: none are made."""
        whole = np.floor(cells)
        for phase in range(2):
            draw = _ROUNDING + (self._part * len(self.cells) + place) * 2 + phase
            whole[phase] += float(_uniform(*self.luck, draw) < cells[phase] - whole[phase])
        return whole


def _shadow_matters(shadow: Matrix, begins: int, threshold: float) -> int | None:
    """Return the first point after the start at which the equations carry far more cells than a counted clone has."""
    wrong = np.flatnonzero(shadow[begins + 1 :].sum(axis=1) > _SHADOW * threshold)
    return begins + 1 + int(wrong[0]) if len(wrong) else None
