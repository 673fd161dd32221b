"""Eight patients side by side: a model's entry points for lanes, and the run of one chunk of a cohort."""

from __future__ import annotations

import weakref
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.system import system_of
from bitesim.foundation.compiled import prepare
from bitesim.model import Model
from bitesim.model.derived import Derived
from bitesim.numerics.crowd import (
    LANE_RECORD,
    MANY_SIGNATURE,
    Cases,
    Entries,
    Harvest,
    Limits,
    Timetables,
    lane_blocks,
    lane_work,
)
from bitesim.numerics.entries import straight_line_entry, whole_stage_entry
from bitesim.numerics.integrate_many import integrate_many
from bitesim.numerics.lanes import LANES
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Control, Matrix, Pieces, System, Vector, output_at
from bitesim.numerics.straight_line import reads_of

Integers = NDArray[np.int64]

_NOT_RUN: Final = -1


class Chunk(NamedTuple):
    """Some patients of a cohort, and what is asked of them.

    Parameters
    ----------
    parameters : ndarray, shape (patients, parameters)
    timetable : ndarray of int, shape (patients,)
        Which of the clocks each patient follows.
    clocks : tuple of Pieces
    times_days : ndarray, shape (times,)
    columns : ndarray of int
        Outputs kept: readouts first, then states.
    rtol : float
    max_steps : int
    """

    parameters: Matrix
    timetable: Integers
    clocks: tuple[Pieces, ...]
    times_days: Vector
    columns: Integers
    rtol: float
    max_steps: int


_entries: weakref.WeakKeyDictionary[Model, Entries] = weakref.WeakKeyDictionary()


def lane_entries(model: Model, derived: Derived) -> Entries:
    """Return the entry points of a derived model for eight lanes; compiled or loaded when first asked for."""
    if model not in _entries:

        def entry(function: Any, arrays: int) -> Any:
            return straight_line_entry(function, (True,) * arrays)

        system = System(entry(derived.rate_of_change, 3), entry(derived.factorise, 4), entry(derived.solve, 2))
        _entries[model] = Entries(
            system,
            whole_stage_entry(derived.rate_of_change, derived.solve, len(model.species)),
            entry(derived.fill_constants, 1),
            entry(derived.initial_state, 2),
            entry(derived.readouts, 3),
        )
    return _entries[model]


def prepare_lanes(model: Model, derived: Derived) -> None:
    """Compile or load everything that `run_lanes` needs, so that threads find it ready."""
    lane_entries(model, derived)
    prepare(integrate_many, MANY_SIGNATURE)


def timetables_of(clocks: tuple[Pieces, ...]) -> Timetables:
    """Return several clocks, one behind the other."""
    counts = [len(clock.reset) for clock in clocks]
    return Timetables(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.concatenate([clock.boundary[:-1] for clock in clocks]),
        np.concatenate([clock.boundary[1:] for clock in clocks]),
        np.concatenate([clock.input_rate for clock in clocks]),
        np.concatenate([clock.jump for clock in clocks]),
        np.concatenate([clock.reset for clock in clocks]),
    )


def _wanted_states(model: Model, columns: Integers) -> Integers:
    """Return the states that some outputs are computed from."""
    n_readouts = len(model.readouts)
    states = {int(column) - n_readouts for column in columns if column >= n_readouts}
    derived = model.derivatives
    if derived is not None and any(column < n_readouts for column in columns):
        read = reads_of(derived.readouts, [("outputs", int(column)) for column in columns if column < n_readouts])
        states |= {index for array, index in read if array == "state"}
    return np.array(sorted(states), np.int64)


def _empty_harvest(model: Model, chunk: Chunk) -> Harvest:
    """Return room for a chunk's results; every output is still to be written, those that are missing too."""
    patients = len(chunk.parameters)
    return Harvest(
        np.append(chunk.times_days, np.inf),
        chunk.columns,
        _wanted_states(model, chunk.columns),
        int(np.any(chunk.columns < len(model.readouts))),
        np.empty((patients, len(chunk.times_days), len(chunk.columns))),
        np.full(patients, _NOT_RUN),
        np.zeros((patients, 2)),
        np.zeros((patients, 3), np.int64),
    )


def run_lanes(model: Model, derived: Derived, chunk: Chunk) -> Harvest:
    """Run the patients of one chunk, eight side by side."""
    harvest, timetables = _empty_harvest(model, chunk), timetables_of(chunk.clocks)
    scale = model.species.scales()
    with np.errstate(all="ignore"):
        prepare(integrate_many, MANY_SIGNATURE)(
            lane_entries(model, derived),
            Cases(np.ascontiguousarray(chunk.parameters), chunk.timetable),
            timetables,
            Limits(chunk.rtol, chunk.max_steps),
            harvest,
            np.zeros(LANES, LANE_RECORD),
            lane_blocks(derived.n_constants, len(scale), len(model.readouts)),
            lane_work(scale, chunk.rtol, derived.n_factors, timetables.input_rate),
        )
    return harvest


def run_one_by_one(model: Model, chunk: Chunk) -> Harvest:
    """Run the patients of one chunk one after the other: the same numbers, for what lanes cannot do."""
    harvest, system = _empty_harvest(model, chunk), system_of(model)
    harvest.values.fill(np.nan)
    control = Control(chunk.rtol, model.species.scales(), chunk.max_steps)
    for patient, parameters in enumerate(np.ascontiguousarray(chunk.parameters)):
        start = system.initial_state(parameters)
        clock = chunk.clocks[chunk.timetable[patient]]._replace(reset_state=start)
        output = output_at(chunk.times_days, len(start))
        states = output.states
        code = system.integrate(parameters, start.copy(), clock, control, output)
        reached = int(output.progress[2]) if code != Outcome.OK else len(states)
        everything = np.hstack([system.readouts(parameters, states[:reached]), states[:reached]])
        harvest.values[patient, :reached] = everything[:, chunk.columns]
        harvest.outcome[patient] = code
        harvest.progress[patient] = output.progress[:2]
        harvest.steps[patient] = output.counters[[0, 1, 5]]
    return harvest
