"""Which part of a model is counted: what a stochastic engine can run, and what it refuses by name."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from bitesim.derivation.straight_fluxes import ARGUMENTS, straight_fluxes
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError, ScenarioError
from bitesim.foundation.random_streams import Purpose, uniform
from bitesim.model import Model
from bitesim.numerics.entries import text_entry
from bitesim.numerics.network import Network, event_table, lane_by_lane_entry, one_entry
from bitesim.numerics.pieces import Matrix, Pieces, Vector

#: Above, a float64 no longer holds every whole number.
LARGEST_COUNT: Final = 2.0**53
_PURPOSE: Final = int(Purpose.CELL_EVENT)
#: Draws of the starts begin here: a course's own draws never get so far.
_START_DRAWS: Final = 1 << 61


@dataclass(frozen=True)
class CountedModel:
    """A model's processes as events.

    Parameters
    ----------
    is_countable : ndarray of bool, shape (species,)
    is_event : ndarray of bool, shape (processes,)
        True for processes that change a countable species, whatever else they change; the others are continuous.
    changes : ndarray, shape (species, processes)
    in_lanes, one : Network
        With the propensities of eight replicates side by side, and of one.
    """

    is_countable: NDArray[np.bool_]
    is_event: NDArray[np.bool_]
    changes: Matrix
    in_lanes: Network
    one: Network


#: Kernels are compiled once a model, and forgotten with it.
_counted: weakref.WeakKeyDictionary[Model, CountedModel] = weakref.WeakKeyDictionary()


def counted_model(model: Model) -> CountedModel:
    """Return the processes of `model` as events; compiled or loaded from disk when first asked for.

    Raises
    ------
    ParameterError
        For a model without countable species, or with a process that changes one by a fraction.
    """
    if model not in _counted:
        _counted[model] = _made(model)
    return _counted[model]


def _made(model: Model) -> CountedModel:
    is_countable = np.array([species.countable for species in model.species.values()])
    if not is_countable.any():
        raise ParameterError(
            f"model {model.name} counts nothing: mark each species that is a number of cells or molecules with "
            "Species(..., countable=True)"
        )
    for name, changes in model.processes.items():
        for species, change in changes.items():
            if model.species[species].countable and not float(change).is_integer():
                raise ParameterError(
                    f"process {name} of model {model.name} changes the countable species {species} by {change:g}: an event "
                    "adds or removes whole cells"
                )
    changes_of = model.processes.matrix(model.species)
    is_event = (changes_of[is_countable] != 0.0).any(axis=0)
    records = (model.species.record_type, model.catalogue.record_type, model.processes.record_type)
    table = event_table(changes_of)
    straight = None if config.DISABLE_JIT else straight_fluxes(model)
    if straight is None:
        wide = lane_by_lane_entry(model.fluxes, records)
    else:
        wide = text_entry("fluxes", straight.text, ARGUMENTS, (True, False, True))
    one = Network(one_entry(model.fluxes, records), *table)
    return CountedModel(is_countable, is_event, changes_of, Network(wide, *table), one)


def continuous_part(model: Model, counted: CountedModel, pieces: Pieces) -> str | None:
    """Return what changes continuously, in words: a process that is no event, or an infusion; None where nothing does."""
    for name, is_event in zip(model.processes, counted.is_event, strict=True):
        if not is_event:
            return f"process {name} changes {', '.join(model.processes[name])}"
    for place, name in enumerate(model.species):
        if pieces.input_rate[:, place].any():
            return f"the regimen infuses {name}"
    return None


def check_clock(model: Model, counted: CountedModel, pieces: Pieces) -> None:
    """Refuse a clock that gives fractions of what is counted.

    Raises
    ------
    ScenarioError
        Naming the species and the day.
    """
    for index, day in enumerate(pieces.boundary[:-1]):
        for place, name in enumerate(model.species):
            if not counted.is_countable[place]:
                continue
            if pieces.input_rate[index, place] != 0.0:
                raise ScenarioError(
                    f"the regimen infuses {name} of model {model.name} from day {day:g}: it is countable, and takes "
                    "doses at an instant (a bolus), no infusion"
                )
            jump = pieces.jump[index, place]
            if not float(jump).is_integer():
                raise ScenarioError(
                    f"the regimen adds {jump:g} to the countable species {name} of model {model.name} on day {day:g}: it "
                    "takes whole numbers"
                )


def check_start(model: Model, counted: CountedModel, state: Vector) -> None:
    """Refuse a start that no counts can have.

    Raises
    ------
    ParameterError
        Naming the species.
    """
    for name, is_countable, value in zip(model.species, counted.is_countable, state, strict=True):
        if not np.isfinite(value) or (is_countable and not 0.0 <= value < LARGEST_COUNT):
            expected = f"0 to {LARGEST_COUNT:.0e}" if is_countable else "a finite number"
            raise ParameterError(f"model {model.name} starts with {name} = {value:g}: expected {expected}")


def starts(counted: CountedModel, state: Vector, seed: int, first: int, replicates: int) -> Matrix:
    """Return the start of each replicate: a count between two whole numbers is one of them, so that its mean is right."""
    table = np.tile(state, (replicates, 1))
    share = np.where(counted.is_countable, state - np.floor(state), 0.0)
    if share.any():
        table = table - share
        _round_starts(table, share, np.uint64(seed), first)
    return table


@kernel
def _round_starts(table: Any, share: Any, seed: Any, first: int) -> None:
    for row in range(table.shape[0]):
        for i in range(table.shape[1]):
            if share[i] > 0.0 and uniform(seed, first + row, _PURPOSE, _START_DRAWS + i) < share[i]:
                table[row, i] += 1.0
