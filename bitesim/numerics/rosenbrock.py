"""One step of Rodas5P on blocks, for a system of any width: factorise, eight stages, error, interpolation.

A block's elements are eight states of one system or one state of eight systems (`bitesim.numerics.lanes`); the
arithmetic here is the same, element by element, and only the system's own functions know the width.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.combination import increment_sum, stage_sum
from bitesim.numerics.entries import invoke2, invoke3, invoke4
from bitesim.numerics.lanes import LANES, block, fused, load, plus, store, times
from bitesim.numerics.tableaus import RODAS5P

Block = NDArray[np.float64]

_GAMMA: Final = RODAS5P.gamma
STAGES: Final = RODAS5P.stages
_DENSE: Final = RODAS5P.dense
_DEGREE: Final = len(RODAS5P.dense)
_WEIGHTS: Final = RODAS5P.weights
#: Stages whose state is that of the stage before plus its increment.
_FOLLOWS: Final = tuple(
    stage > 0
    and bool(np.array_equal(RODAS5P.a[stage, : stage - 1], RODAS5P.a[stage - 1, : stage - 1]))
    and RODAS5P.a[stage, stage - 1] == 1.0
    for stage in range(STAGES)
)
#: add_increments(stage, base, stages, result, first_row, rows): the state at which a stage takes its rate.
add_increments: Final = stage_sum(
    np.array([np.eye(STAGES)[stage - 1] if _FOLLOWS[stage] else RODAS5P.a[stage] for stage in range(STAGES)]),
    onto_base=True,
)
#: complete_increment(stage, stages, inverse_step, input_rate, first_row, rows): adds to a stage's rate what is infused and
#: what earlier stages contribute.
complete_increment: Final = increment_sum(RODAS5P.c)


class Work(NamedTuple):
    """Blocks that a step reads and writes; a row of `inverse_step`, `diagonal`, `theta` and `control` is one per lane.

    `allowed` holds the scales and, behind them, the relative tolerance; `control` the sum of squares, the number of
    states, the error norm and the factor to the next step; `all_rows` the places of a state's rows.
    """

    rate: Block
    input_rate: Block
    stage_state: Block
    new_state: Block
    stages: Block
    factors: Block
    allowed: Block
    squares: Block
    weights: Block
    interpolated: Block
    inverse_step: Block
    diagonal: Block
    theta: Block
    control: Block
    all_rows: NDArray[np.int64]


def work_for(rows: int, factor_rows: int) -> Work:
    """Return a step's blocks, aligned to cache lines and behind each other."""
    counts = {name: rows for name in Work._fields if name != "all_rows"}
    counts |= {"stages": STAGES * rows, "factors": factor_rows, "allowed": rows + 1, "weights": STAGES}
    counts |= {"inverse_step": 1, "diagonal": 1, "theta": 1, "control": 4}
    arena, first, parts = block(sum(counts.values())), 0, {}
    for name, count in counts.items():
        parts[name] = arena[first : first + count]
        first += count
    parts["stages"] = parts["stages"].reshape(STAGES, rows, LANES)
    return Work(**parts, all_rows=np.arange(rows))


@kernel
def follows(stage: int) -> bool:
    """Return whether a stage's state is that of the stage before plus its increment."""
    return _FOLLOWS[stage]


@kernel
def set_step(step: float, work: Any) -> None:
    """Set the same step size for every lane."""
    store(work.inverse_step, 0, 1.0 / step)
    set_diagonal(work.inverse_step, work.diagonal)


@kernel
def set_diagonal(inverse_step: Block, diagonal: Block) -> None:
    """Write the diagonal that goes with the inverse step sizes."""
    store(diagonal, 0, times(load(inverse_step, 0), 1.0 / _GAMMA))


@kernel
def attempt_step(system: Any, constants: Block, state: Block, work: Any) -> None:
    """Take one step, whose size and diagonal are set, with the rate at `state` (input included) in `work.rate`.

    The new state is left in `work.new_state`, its error in the last stage. `system` is a `System`.
    """
    rows = state.shape[0]
    stages, stage_state, factors, new_state = work.stages, work.stage_state, work.factors, work.new_state
    inverse_step, input_rate = work.inverse_step, work.input_rate
    invoke4(system.factorise, state, constants, work.diagonal, factors, 0)
    for row in range(rows):
        store(stages, row, load(work.rate, row))
    invoke2(system.solve, factors, stages, 0)
    for stage in range(1, STAGES):
        here = stage * rows
        if follows(stage):
            add_increments(stage, stage_state, stages, stage_state, 0, rows)
        else:
            add_increments(stage, state, stages, stage_state, 0, rows)
        invoke3(system.rate, stage_state, constants, stages, here * LANES)
        complete_increment(stage, stages, inverse_step, input_rate, here, rows)
        invoke2(system.solve, factors, stages, here * LANES)
    for row in range(rows):
        store(new_state, row, plus(load(stage_state, row), load(stages, (STAGES - 1) * rows + row)))


@kernel
def interpolate(
    before: Block, stages: NDArray[np.float64], theta: Block, weights: Block, wanted: NDArray[np.int64], result: Block
) -> None:
    """Write the `wanted` rows of the state at the fraction `theta` (one row) of the step just taken from `before`.

    `weights` is room for those of the stages:
    y(theta) = before + sum_s w_s(theta) k_s, as in `RosenbrockTableau.dense_weights`.
    """
    rows = stages.shape[1]
    fraction = load(theta, 0)
    rest = fused(fraction, -1.0, 1.0)
    for stage in range(STAGES):
        polynomial = times(fraction, _DENSE[_DEGREE - 1, stage])
        for degree in range(_DEGREE - 2, 0, -1):
            polynomial = times(fraction, plus(polynomial, _DENSE[degree, stage]))
        polynomial = plus(polynomial, _DENSE[0, stage])
        store(weights, stage, times(fraction, fused(rest, polynomial, _WEIGHTS[stage])))
    for place in range(wanted.shape[0]):
        row = wanted[place]
        total = load(before, row)
        for stage in range(STAGES):
            total = fused(load(weights, stage), load(stages, stage * rows + row), total)
        store(result, row, total)
