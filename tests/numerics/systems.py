"""Small systems whose solutions are known, written as dense kernels, as straight-line code and as kernels of any size."""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from bitesim.foundation.compiled import kernel, prepare
from bitesim.numerics.dense import constants_size, dense_system, factors_size
from bitesim.numerics.integrate_one import INTEGRATE_SIGNATURE, integrator, prepare_work, start_block
from bitesim.numerics.lanes import at, put
from bitesim.numerics.pieces import COUNTERS, Control, Output, Pieces, System
from bitesim.numerics.straight_line import straight_line

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


PLAIN = (False,)
STRAIGHT = Made(
    System(
        straight_line(oscillator_rate, PLAIN * 3),
        straight_line(oscillator_factorise, PLAIN * 4),
        straight_line(oscillator_solve, PLAIN * 2),
    ),
    4,
    4,
)
DENSE = Made(
    dense_system(oscillator, oscillator_jacobian, np.full(2, SCALE), 4, 0), constants_size(2, 4, 0), factors_size(2)
)


# A chain of any length: x_i' = inflow_i x_(i-1) - loss_i x_i. Constants: length, losses, inflows (inflow_0 is not used).


@kernel
def chain_rate(state, constants, rate, start):
    n = int(constants[0])
    for i in range(n):
        fed = constants[1 + n + i] * at(state, i - 1) if i > 0 else 0.0
        put(rate, start + i, fed - constants[1 + i] * at(state, i))


@kernel
def chain_factorise(state, constants, diagonal, factors, start):
    n = int(constants[0])
    put(factors, start, constants[0])
    for i in range(n):
        put(factors, start + 1 + i, at(diagonal, 0) + constants[1 + i])
        put(factors, start + 1 + n + i, constants[1 + n + i])


@kernel
def chain_solve(factors, vector, start):
    n = int(at(factors, 0))
    for i in range(n):
        fed = at(factors, 1 + n + i) * at(vector, start + i - 1) if i > 0 else 0.0
        put(vector, start + i, (at(vector, start + i) + fed) / at(factors, 1 + i))


CHAIN = System(chain_rate, chain_factorise, chain_solve)


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
    output = Output(np.array(times, float), np.full((len(times), n), np.nan), np.zeros(len(COUNTERS), np.int64), np.zeros(3))
    scale = np.broadcast_to(options.get("scale", SCALE), n).copy()
    control = Control(options.get("rtol", 1e-8), scale, options.get("max_steps", 100_000))
    constants = np.zeros(made.n_constants)
    constants[: len(parameters)] = parameters
    state = start_block(np.array(start, float))
    work = options.get("work") or prepare_work(control, made.n_factors)
    outcome = integrator_of(made.system)(constants, state, pieces, control, output, work)
    return Run(outcome, output, state.reshape(-1)[:n])


@functools.cache
def integrator_of(system: System) -> Any:
    """Return the compiled integrator of a system, made once."""
    return prepare(integrator(system), INTEGRATE_SIGNATURE)


def run_chain(losses: Any, inflows: Any, start: Any, times: Any, **options: Any) -> Run:
    n = len(losses)
    return run(Made(CHAIN, 1 + 2 * n, 1 + 2 * n), chain_constants(losses, inflows), start, times, **options)
