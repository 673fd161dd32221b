"""One step of Rodas5P on blocks, for a system of any width: factorise, eight stages, error, interpolation.

A block's elements are eight states of one system or one state of eight systems (`bitesim.numerics.lanes`); the
arithmetic here is the same, element by element, and only the system's own functions know the width.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.combination import weighted_sum
from bitesim.numerics.entries import invoke2, invoke3, invoke4, invoke5
from bitesim.numerics.lane_output import lane_interpolation
from bitesim.numerics.lanes import LANES, block, fused, load, plus, store, times
from bitesim.numerics.stage_sums import both_sums, fuse_rows, whole_sums
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
#: Of each stage, the weight of the one before it in its state, and the weights of those before that in the next one's.
_LAST_WEIGHT: Final = tuple(1.0 if _FOLLOWS[stage] else float(RODAS5P.a[stage, stage - 1]) for stage in range(STAGES))
_AHEAD: Final = np.array(
    [
        np.where(np.arange(STAGES) < stage, RODAS5P.a[stage + 1], 0.0)
        if stage + 1 < STAGES and not _FOLLOWS[stage + 1]
        else np.zeros(STAGES)
        for stage in range(STAGES)
    ]
)
#: look_ahead(stage, inverse step, state, stages, carried, ahead, rows): what earlier stages contribute to a stage's rate,
#: and the next stage's state without this stage.
look_ahead: Final = both_sums(RODAS5P.c, _AHEAD)
#: _sum_whole(stage, inverse step, state, stages, carried, new_state, rows): the same, with a stage's own state as a whole.
_sum_whole: Final = whole_sums(RODAS5P.c, RODAS5P.a)
_add_weighted: Final = weighted_sum(STAGES)
#: keep_lane(theta, lane, before, stages, columns, shift, result, first): see `lane_interpolation`.
keep_lane: Final = lane_interpolation(RODAS5P.weights, RODAS5P.dense)


class Work(NamedTuple):
    """Blocks that a step reads and writes; a row of `inverse_step`, `diagonal`, `theta` and `control` is one per lane.

    `new_state` is that of the stage at hand, and after the last one the step's; `carried` what earlier stages contribute
    to its rate; `allowed` holds the scales and, behind them, the relative tolerance; `control` what `judge` reads and
    writes; `all_rows` the places of a state's rows, `input_rows` of those that something may be infused into.
    """

    rate: Block
    input_rate: Block
    new_state: Block
    carried: Block
    ahead: Block
    stages: Block
    factors: Block
    allowed: Block
    weights: Block
    interpolated: Block
    inverse_step: Block
    diagonal: Block
    theta: Block
    control: Block
    all_rows: NDArray[np.int64]
    input_rows: NDArray[np.int64]


def work_for(rows: int, factor_rows: int, input_rows: NDArray[np.int64] | None = None) -> Work:
    """Return a step's blocks, aligned to cache lines; without `input_rows` any row has input."""
    room = room_for(rows, factor_rows)
    return _cut(room.arena, room.ends, room.all_rows, room.all_rows if input_rows is None else input_rows)


class Room(NamedTuple):
    """What `Work` is cut from: kernels that are called often take this, since Python hands over each array in 0.2 us.

    `ends` holds where each block of `Work` begins in the `arena`, and behind them the end of the last; `input_rows` is
    room for so many places.
    """

    arena: Block
    ends: NDArray[np.int64]
    all_rows: NDArray[np.int64]
    input_rows: NDArray[np.int64]


def room_for(rows: int, factor_rows: int) -> Room:
    """Return room for the blocks of a step."""
    ends = _layout(rows, factor_rows)
    return Room(block(ends[-1]), np.array(ends), np.arange(rows), np.zeros(rows, np.int64))


def _cut(arena: Block, ends: NDArray[np.int64], all_rows: NDArray[np.int64], input_rows: NDArray[np.int64]) -> Work:
    """Return a step's blocks, behind each other in the arena."""
    return Work(
        arena[ends[0] : ends[1]],
        arena[ends[1] : ends[2]],
        arena[ends[2] : ends[3]],
        arena[ends[3] : ends[4]],
        arena[ends[4] : ends[5]],
        arena[ends[5] : ends[6]].reshape((STAGES, all_rows.shape[0], LANES)),
        arena[ends[6] : ends[7]],
        arena[ends[7] : ends[8]],
        arena[ends[8] : ends[9]],
        arena[ends[9] : ends[10]],
        arena[ends[10] : ends[11]],
        arena[ends[11] : ends[12]],
        arena[ends[12] : ends[13]],
        arena[ends[13] : ends[14]],
        all_rows,
        input_rows,
    )


#: `_cut` for kernels.
cut: Final = kernel(_cut)


@lru_cache
def _layout(rows: int, factor_rows: int) -> tuple[int, ...]:
    """Return where each block begins, and where the last one ends."""
    counts = {name: rows for name in Work._fields if not name.endswith("_rows")}
    counts |= {"stages": STAGES * rows, "factors": factor_rows, "allowed": rows + 1, "weights": STAGES}
    counts |= {"inverse_step": 1, "diagonal": 1, "theta": 1, "control": 7}
    return tuple(accumulate(counts.values(), initial=0))


@kernel
def follows(stage: int) -> bool:
    """Return whether a stage's state is that of the stage before plus its increment."""
    return _FOLLOWS[stage]


@kernel
def last_weight(stage: int) -> float:
    """Return the weight of the stage before in the state of a stage."""
    return _LAST_WEIGHT[stage]


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
def add_input(rates: Any, first_row: int, input_rate: Block, input_rows: NDArray[np.int64]) -> None:
    """Add what is infused to the rates behind a row."""
    for place in range(input_rows.shape[0]):
        row = input_rows[place]
        store(rates, first_row + row, plus(load(rates, first_row + row), load(input_rate, row)))


@kernel
def enter_stage(stage: int, state: Block, inverse_step: Block, work: Any) -> None:
    """Write the state at which a stage takes its rate, and sum, before that rate is asked for, what does not need it.

    A state is the sum of earlier stages, the last of them last: the others were summed while that one was computed. The
    same operations as in `attempt_step`.
    """
    rows, stages, new_state = state.shape[0], work.stages, work.new_state
    weight, before = last_weight(stage), (stage - 1) * rows
    if follows(stage):
        fuse_rows(weight, stages, before, new_state, 0, new_state, 0, rows)
    elif stage == 1:
        fuse_rows(weight, stages, before, state, 0, new_state, 0, rows)
    else:
        fuse_rows(weight, stages, before, work.ahead, 0, new_state, 0, rows)
    look_ahead(stage, load(inverse_step, 0), state, stages, work.carried, work.ahead, rows)


@kernel
def complete_increment(stage: int, work: Any) -> None:
    """Add what is carried to a stage's rate: what earlier stages contribute, by `enter_stage`, and what is infused."""
    rows, stages = work.new_state.shape[0], work.stages
    fuse_rows(1.0, work.carried, 0, stages, stage * rows, stages, stage * rows, rows)


@kernel
def attempt_step(system: Any, constants: Block, state: Block, work: Any) -> None:
    """Take the stages of a step, whose size and diagonal are set and whose first stage holds the rate at `state`.

    `complete_row` does the rest. `system` is a `System`.
    """
    rows = state.shape[0]
    stages, factors, new_state, carried, ahead = work.stages, work.factors, work.new_state, work.carried, work.ahead
    inverse_step, input_rate, input_rows = work.inverse_step, work.input_rate, work.input_rows
    invoke4(system.factorise, state, constants, work.diagonal, factors, 0)
    invoke2(system.solve, factors, stages, 0)
    for stage in range(1, STAGES):
        here = stage * rows
        # Written out: a call of `enter_stage`, which is not inlined, takes longer than its sums.
        weight, before = last_weight(stage), here - rows
        if follows(stage):
            fuse_rows(weight, stages, before, new_state, 0, new_state, 0, rows)
        elif stage == 1:
            fuse_rows(weight, stages, before, state, 0, new_state, 0, rows)
        else:
            fuse_rows(weight, stages, before, ahead, 0, new_state, 0, rows)
        look_ahead(stage, load(inverse_step, 0), state, stages, carried, ahead, rows)
        add_input(carried, 0, input_rate, input_rows)
        invoke3(system.rate, new_state, constants, stages, here * LANES)
        fuse_rows(1.0, carried, 0, stages, here, stages, here, rows)
        invoke2(system.solve, factors, stages, here * LANES)


class StageBlocks(NamedTuple):
    """What the stages of lanes read and write, of `Work`: a call that hands on all of that takes as long as some rows."""

    diagonal: Block
    inverse_step: Block
    input_rate: Block
    input_rows: NDArray[np.int64]
    stages: Block
    factors: Block
    new_state: Block
    carried: Block


@kernel
def attempt_step_of_lanes(system: Any, whole_stage: Any, constants: Block, state: Block, blocks: Any) -> None:
    """Do what `attempt_step` does, with the same operations, for lanes; `blocks` are `StageBlocks`.

    Eight lanes wait less for results than one patient does, and more for what is stored and read back: a stage's sums are
    taken at once, and `whole_stage`, the entry point of function(state, constants, carried, factors, vector), does the
    rest of it.
    """
    rows, stages, factors, new_state, carried = (
        state.shape[0], blocks.stages, blocks.factors, blocks.new_state, blocks.carried,
    )  # fmt: skip
    invoke4(system.factorise, state, constants, blocks.diagonal, factors, 0)
    invoke2(system.solve, factors, stages, 0)
    for stage in range(1, STAGES):
        _sum_whole(stage, load(blocks.inverse_step, 0), state, stages, carried, new_state, rows)
        add_input(carried, 0, blocks.input_rate, blocks.input_rows)
        invoke5(whole_stage, new_state, constants, carried, factors, stages, stage * rows * LANES)


@kernel
def complete_row(stages: NDArray[np.float64], new_state: Block, row: int) -> Any:
    """Add the last stage to one row of the new state; return that stage, which is the error estimate."""
    last = load(stages, (STAGES - 1) * new_state.shape[0] + row)
    store(new_state, row, plus(load(new_state, row), last))
    return last


@kernel
def interpolate(
    before: Block, stages: NDArray[np.float64], theta: Block, weights: Block, wanted: NDArray[np.int64], result: Block
) -> None:
    """Write the `wanted` rows of the state at the fraction `theta` (one row) of the step just taken from `before`.

    `weights` is room for those of the stages:
    y(theta) = before + sum_s w_s(theta) k_s, as in `RosenbrockTableau.dense_weights`.
    """
    fraction = load(theta, 0)
    rest = fused(fraction, -1.0, 1.0)
    for stage in range(STAGES):
        polynomial = times(fraction, _DENSE[_DEGREE - 1, stage])
        for degree in range(_DEGREE - 2, 0, -1):
            polynomial = times(fraction, plus(polynomial, _DENSE[degree, stage]))
        polynomial = plus(polynomial, _DENSE[0, stage])
        store(weights, stage, times(fraction, fused(rest, polynomial, _WEIGHTS[stage])))
    _add_weighted(before, stages, weights, wanted, result)
