"""Small systems whose solutions are known, written as dense kernels, as straight-line code and as kernels of any size."""

import math
from typing import Any, NamedTuple

import numpy as np

from bitesim.foundation.compiled import kernel, prepare
from bitesim.numerics.dense import constants_size, dense_system, factors_size
from bitesim.numerics.entries import as_array, kernel_entry, straight_line_entry
from bitesim.numerics.integrate_one import INTEGRATE_SIGNATURE, integrate, start_block
from bitesim.numerics.lanes import block, rows_for
from bitesim.numerics.pieces import COUNTERS, Control, Output, Pieces, System, output_at
from bitesim.numerics.rosenbrock import room_for

SCALE = 1e-3


class Made(NamedTuple):
    """A system, the size of its constants (beginning with the parameters), and of its factors."""

    system: System
    n_constants: int
    n_factors: int


# One problem of two states is many: x' = turn y - decay x, y' = mu (1 - x^2) y - turn x - decay y + burst y^2.
# Parameters: mu, turn, decay, burst. (mu, 1, 0, 0) is van der Pol's oscillator, (0, 1, 0, 0) a circle.


@kernel
def oscillator(state, parameters, workspace, derivative):
    mu, turn, decay, burst = parameters[0], parameters[1], parameters[2], parameters[3]
    x, y = state[0], state[1]
    derivative[0] = turn * y - decay * x
    derivative[1] = mu * (1.0 - x * x) * y - turn * x - decay * y + burst * y * y


@kernel
def oscillator_jacobian(state, parameters, workspace, matrix):
    mu, turn, decay, burst = parameters[0], parameters[1], parameters[2], parameters[3]
    x, y = state[0], state[1]
    matrix[0, 0], matrix[0, 1] = -decay, turn
    matrix[1, 0] = -2.0 * mu * x * y - turn
    matrix[1, 1] = mu * (1.0 - x * x) - decay + 2.0 * burst * y


def oscillator_rate(state, constants, rate):
    x = state[0]
    y = state[1]
    rate[0] = constants[1] * y - constants[2] * x
    rate[1] = constants[0] * (1.0 - x * x) * y - constants[1] * x - constants[2] * y + constants[3] * y * y


def oscillator_factorise(state, constants, diagonal, factors):
    x = state[0]
    y = state[1]
    above = -constants[1]
    below = 2.0 * constants[0] * x * y + constants[1]
    first = 1.0 / (diagonal[0] + constants[2])
    second = diagonal[0] - constants[0] * (1.0 - x * x) + constants[2] - 2.0 * constants[3] * y
    factors[0] = first
    factors[1] = above
    factors[2] = below * first
    factors[3] = 1.0 / (second - below * first * above)


def oscillator_solve(factors, vector):
    y = (vector[1] - factors[2] * vector[0]) * factors[3]
    vector[1] = y
    vector[0] = (vector[0] - factors[1] * y) * factors[0]


def straight_system(rate, factorise, solve, wide=False):
    """Return the system of three straight-line functions, for one case or for eight."""
    return System(*(straight_line_entry(each, (wide,) * n) for each, n in ((rate, 3), (factorise, 4), (solve, 2))))


STRAIGHT = Made(straight_system(oscillator_rate, oscillator_factorise, oscillator_solve), 4, 4)
DENSE = Made(
    dense_system(oscillator, oscillator_jacobian, np.full(2, SCALE), 4, 0), constants_size(2, 4, 0), factors_size(2)
)


# A chain of any length: x_i' = inflow_i x_(i-1) - loss_i x_i. Constants: length, losses, inflows (inflow_0 is not used).


@kernel
def chain_rate(state, constants, rate):
    n = int(as_array(constants, 1)[0])
    known, x, slope = as_array(constants, 1 + 2 * n), as_array(state, n), as_array(rate, n)
    for i in range(n):
        fed = known[1 + n + i] * x[i - 1] if i > 0 else 0.0
        slope[i] = fed - known[1 + i] * x[i]


@kernel
def chain_factorise(state, constants, diagonal, factors):
    n = int(as_array(constants, 1)[0])
    known, kept = as_array(constants, 1 + 2 * n), as_array(factors, 1 + 2 * n)
    for i in range(1 + 2 * n):
        kept[i] = known[i]
    for i in range(n):
        kept[1 + i] += as_array(diagonal, 1)[0]


@kernel
def chain_solve(factors, vector):
    n = int(as_array(factors, 1)[0])
    kept, x = as_array(factors, 1 + 2 * n), as_array(vector, n)
    for i in range(n):
        fed = kept[1 + n + i] * x[i - 1] if i > 0 else 0.0
        x[i] = (x[i] + fed) / kept[1 + i]


CHAIN = System(kernel_entry(chain_rate, 3), kernel_entry(chain_factorise, 4), kernel_entry(chain_solve, 2))


def chain_constants(losses, inflows):
    return np.array([len(losses), *losses, *inflows], float)


def chain_matrix(losses, inflows):
    """Return d rate / d state of the chain."""
    return np.diag(-np.asarray(losses, float)) + np.diag(np.asarray(inflows, float)[1:], -1)


class Run(NamedTuple):
    """What a run left behind."""

    outcome: int
    output: Output
    end: np.ndarray

    @property
    def states(self):
        return self.output.states

    def counted(self, name):
        return self.output.counters[COUNTERS.index(name)]


def run(made: Made, parameters: Any, start: Any, times: Any, boundary: Any = None, **options: Any) -> Run:
    """Return one integration; `rate`, `jump` and `reset` have one row a piece."""
    n = len(start)
    boundary = np.array([0.0, math.inf] if boundary is None else boundary)
    count = len(boundary) - 1
    pieces = Pieces(
        boundary,
        np.array(options.get("rate", np.zeros((count, n))), float).reshape(count, n),
        np.array(options.get("jump", np.zeros((count, n))), float).reshape(count, n),
        np.array(options.get("reset", np.zeros(count)), np.int64),
        np.array(options.get("reset_state", start), float),
    )
    output = output_at(np.array(times, float), n, options.get("record", (0, 0)))
    scale = np.broadcast_to(options.get("scale", SCALE), n).copy()
    control = Control(options.get("rtol", 1e-8), scale, options.get("max_steps", 100_000))
    constants = block(rows_for(made.n_constants))
    constants.reshape(-1)[: len(parameters)] = parameters
    state = start_block(np.array(start, float))
    room = options.get("room") or room_for(rows_for(n), rows_for(made.n_factors))
    outcome = prepare(integrate, INTEGRATE_SIGNATURE)(made.system, constants, state, pieces, control, output, room)
    return Run(outcome, output, state.reshape(-1)[:n])


def run_chain(losses: Any, inflows: Any, start: Any, times: Any, **options: Any) -> Run:
    n = len(losses)
    return run(Made(CHAIN, 1 + 2 * n, 1 + 2 * n), chain_constants(losses, inflows), start, times, **options)
