"""From a model to the compiled functions that integrate one patient: derived straight-line code, or dense kernels."""

from __future__ import annotations

import threading
import weakref
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numba import types
from numba.core import config

from bitesim.foundation.compiled import kernel, prepare
from bitesim.model import Model
from bitesim.model.derived import Derived
from bitesim.model.rate_of_change import INITIAL_SIGNATURE, JACOBIAN_SIGNATURE, READOUTS_SIGNATURE, RHS_SIGNATURE
from bitesim.numerics.dense import constants_size, dense_system, factors_size
from bitesim.numerics.entries import invoke1, invoke2, invoke3, straight_line_entry
from bitesim.numerics.integrate_one import INTEGRATE_SIGNATURE, integrate, start_block
from bitesim.numerics.lanes import block, rows_for
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Control, Matrix, Output, Pieces, System, Vector
from bitesim.numerics.rosenbrock import Room, room_for

_BLOCK: Final = types.Array(types.float64, 2, "C")
_FILL_SIGNATURE: Final = types.void(types.int64, _BLOCK)
_START_SIGNATURE: Final = types.void(types.int64, _BLOCK, _BLOCK)
_READ_SIGNATURE: Final = types.void(types.int64, _BLOCK, _BLOCK, _BLOCK)
#: Interpreted runs of the kernels would warn about what the outcome code reports.
_quietly: Final[Any] = partial(np.errstate, all="ignore") if config.DISABLE_JIT else nullcontext


@dataclass(frozen=True)
class OneSystem:
    """What runs one patient of one model.

    Parameters
    ----------
    method : str
        For the report.
    system : System
    n_states, n_constants, n_factors : int
    rooms : threading.local
        Blocks that every thread keeps from run to run.
    """

    method: str
    system: System
    n_states: int
    n_constants: int
    n_factors: int
    rooms: threading.local = field(default_factory=threading.local, repr=False, compare=False, kw_only=True)

    def constants(self, parameters: Vector) -> Matrix:
        """Return the block of constants that the entry points take, from the vector of parameters."""
        result = block(rows_for(self.n_constants))
        result.reshape(-1)[: len(parameters)] = parameters
        self._complete(result)
        return result

    def _complete(self, constants: Matrix) -> None:
        """Compute what follows from the parameters, behind them."""

    def initial_state(self, parameters: Vector) -> Vector:
        """Return the untreated patient's state."""
        raise NotImplementedError

    def readouts(self, parameters: Vector, states: Matrix) -> Matrix:
        """Return the readouts of states, shape (times, readouts)."""
        raise NotImplementedError

    def integrate(self, parameters: Vector, state: Vector, pieces: Pieces, control: Control, output: Output) -> int:
        """Integrate `state` in place through `pieces`, fill `output`, and return an `Outcome`."""
        place: _Place | None = getattr(self.rooms, "place", None)
        if place is None:
            place = self.rooms.place = _Place(self)
        place.state[: len(state)] = state
        place.constants[: len(parameters)] = parameters
        # A model's workspace is as empty in every run.
        place.constants[len(parameters) :] = 0.0
        self._complete(place.block_of_constants)
        run = prepare(integrate, INTEGRATE_SIGNATURE)
        with _quietly():
            code = int(run(self.system, place.block_of_constants, place.block_of_state, pieces, control, output, place.room))
        if code != Outcome.OK:
            # What a failed run leaves in the rows' unused places must not reach the next one.
            self.rooms.place = None
        state[:] = place.state[: len(state)]
        return code


class _Place:
    """Blocks that a thread's runs of one system use again, and the numbers in two of them in a row."""

    def __init__(self, system: OneSystem) -> None:
        rows = rows_for(system.n_states)
        self.room: Room = room_for(rows, rows_for(system.n_factors))
        self.block_of_state, self.block_of_constants = block(rows), block(rows_for(system.n_constants))
        self.state, self.constants = self.block_of_state.reshape(-1), self.block_of_constants.reshape(-1)


#: Kernels are compiled once a model: a model is its own key, and is forgotten with it.
_systems: weakref.WeakKeyDictionary[Model, OneSystem] = weakref.WeakKeyDictionary()


def system_of(model: Model) -> OneSystem:
    """Return the compiled functions of `model`; compiled or loaded from disk when first asked for."""
    if model not in _systems:
        derived = model.derivatives
        _systems[model] = _dense(model) if derived is None else _straight_line(model, derived)
    return _systems[model]


@kernel
def _fill(fill_constants: Any, constants: Matrix) -> None:
    invoke1(fill_constants, constants, 0)


@kernel
def _start(initial_state: Any, constants: Matrix, state: Matrix) -> None:
    invoke2(initial_state, constants, state, 0)


@kernel
def _read(readouts: Any, states: Matrix, constants: Matrix, outputs: Matrix) -> None:
    for row in range(states.shape[0]):
        invoke3(readouts, states[row], constants, outputs, row * outputs.shape[1])


@dataclass(frozen=True)
class _StraightLine(OneSystem):
    """Entry points of derived code."""

    n_readouts: int
    fill_constants: Any
    start: Any
    read: Any

    def _complete(self, constants: Matrix) -> None:
        prepare(_fill, _FILL_SIGNATURE)(self.fill_constants, constants)

    def initial_state(self, parameters: Vector) -> Vector:
        state = start_block(np.zeros(self.n_states))
        run = prepare(_start, _START_SIGNATURE)
        run(self.start, self.constants(parameters), state)
        return state.reshape(-1)[: self.n_states].copy()

    def readouts(self, parameters: Vector, states: Matrix) -> Matrix:
        outputs = np.zeros((len(states), self.n_readouts))
        run = prepare(_read, _READ_SIGNATURE)
        run(self.read, np.ascontiguousarray(states), self.constants(parameters), outputs)
        return outputs


def _straight_line(model: Model, derived: Derived) -> OneSystem:
    def entry(function: Any, arrays: int, *, padded: bool = False) -> Any:
        return straight_line_entry(function, (False,) * arrays, padded=padded)

    return _StraightLine(
        method="Rodas5P, traced Jacobian, straight-line sparse LU",
        system=System(
            entry(derived.rate_of_change, 3, padded=True),
            entry(derived.factorise, 4),
            entry(derived.solve, 2, padded=True),
        ),
        n_states=len(model.species),
        n_constants=derived.n_constants,
        n_factors=derived.n_factors,
        n_readouts=len(model.readouts),
        fill_constants=entry(derived.fill_constants, 1),
        start=entry(derived.initial_state, 2),
        read=entry(derived.readouts, 3),
    )


@dataclass(frozen=True)
class _Dense(OneSystem):
    """Kernels of the equations as they were written; not the model itself, which is the key they are kept under."""

    n_readouts: int
    start: Any
    read: Any

    def initial_state(self, parameters: Vector) -> Vector:
        state = np.zeros(self.n_states)
        prepare(self.start, INITIAL_SIGNATURE)(parameters, state)
        return state

    def readouts(self, parameters: Vector, states: Matrix) -> Matrix:
        outputs = np.zeros((len(states), self.n_readouts))
        prepare(self.read, READOUTS_SIGNATURE)(np.ascontiguousarray(states), parameters, outputs)
        return outputs


def _dense(model: Model) -> OneSystem:
    parameters, states, workspace = len(model.catalogue), len(model.species), model.workspace_size
    rhs, jacobian = prepare(model.rhs, RHS_SIGNATURE), prepare(model.jacobian, JACOBIAN_SIGNATURE)
    return _Dense(
        method="Rodas5P, complex-step Jacobian, dense LU",
        system=dense_system(rhs, jacobian, model.species.scales(), parameters, workspace),
        n_states=states,
        n_constants=constants_size(states, parameters, workspace),
        n_factors=factors_size(states),
        n_readouts=len(model.readouts),
        start=model.initial_kernel,
        read=model.readout_kernel,
    )
