"""One step of Rodas5P on blocks, for a system of any width: factorise, eight stages, error, interpolation.

A block's elements are eight states of one system or one state of eight systems (`bitesim.numerics.lanes`); the
arithmetic here is the same, element by element, and only the system's own functions know the width.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.lanes import LANES, block, fused, load, plus, store, times
from bitesim.numerics.pieces import System
from bitesim.numerics.tableaus import RODAS5P

Block = NDArray[np.float64]

_A: Final = RODAS5P.a
_C: Final = RODAS5P.c
_DENSE: Final = RODAS5P.dense
_GAMMA: Final = RODAS5P.gamma
_STAGES: Final = RODAS5P.stages
_DEGREE: Final = len(RODAS5P.dense)
#: Stages whose state is that of the stage before plus its increment.
_FOLLOWS: Final = tuple(
    stage > 0 and bool(np.array_equal(_A[stage, : stage - 1], _A[stage - 1, : stage - 1])) and _A[stage, stage - 1] == 1.0
    for stage in range(_STAGES)
)


class Work(NamedTuple):
    """Blocks that a step reads and writes; a row of `inverse_step`, `diagonal`, `theta` and `control` is one per lane.

    `allowed` holds the scales and, behind them, the relative tolerance; `control` the sum of squares, the number of
    states, the error norm and the factor to the next step.
    """

    rate: Block
    input_rate: Block
    stage_state: Block
    new_state: Block
    stages: Block
    factors: Block
    allowed: Block
    squares: Block
    polynomial: Block
    interpolated: Block
    inverse_step: Block
    diagonal: Block
    theta: Block
    control: Block


def work_for(rows: int, factor_rows: int) -> Work:
    """Return a step's blocks, aligned to cache lines."""
    return Work(
        *(block(rows) for _ in range(4)),
        block(_STAGES, rows),
        block(factor_rows),
        block(rows + 1),
        block(rows),
        block(_DEGREE, rows),
        block(rows),
        *(block(1) for _ in range(3)),
        block(4),
    )


def attempt_step(system: System) -> Any:
    """Return the kernel attempt(constants, state, work) of one system.

    It takes one step of size 1 / inverse_step with the rate at `state` (input included) in `work.rate`; the new state
    is left in `work.new_state`, its error in the last stage.
    """
    rate, factorise, solve = system

    @kernel
    def attempt(constants: NDArray, state: Block, work: Any) -> None:
        rows = state.shape[0]
        stages, stage_state = work.stages, work.stage_state
        inverse_step = load(work.inverse_step, 0)
        store(work.diagonal, 0, times(inverse_step, 1.0 / _GAMMA))
        factorise(state, constants, work.diagonal, work.factors, 0)
        for row in range(rows):
            store(stages, row, load(work.rate, row))
        solve(work.factors, stages, 0)
        for stage in range(1, _STAGES):
            here = stage * rows
            for row in range(rows):
                if _FOLLOWS[stage]:
                    total = plus(load(stage_state, row), load(stages, here - rows + row))
                else:
                    total = fused(load(stages, row), _A[stage, 0], load(state, row))
                    for j in range(1, stage):
                        total = fused(load(stages, j * rows + row), _A[stage, j], total)
                store(stage_state, row, total)
            rate(stage_state, constants, stages, here * LANES)
            for row in range(rows):
                carried = times(load(stages, row), _C[stage, 0])
                for j in range(1, stage):
                    carried = fused(load(stages, j * rows + row), _C[stage, j], carried)
                with_input = plus(load(stages, here + row), load(work.input_rate, row))
                store(stages, here + row, fused(inverse_step, carried, with_input))
            solve(work.factors, stages, here * LANES)
        for row in range(rows):
            store(work.new_state, row, plus(load(stage_state, row), load(stages, (_STAGES - 1) * rows + row)))

    return attempt


@kernel
def prepare_interpolation(work: Any) -> None:
    """Write the coefficients of the interpolant of the step just taken."""
    stages, polynomial = work.stages, work.polynomial
    rows = stages.shape[1]
    for degree in range(_DEGREE):
        for row in range(rows):
            total = times(load(stages, row), _DENSE[degree, 0])
            for stage in range(1, _STAGES):
                total = fused(load(stages, stage * rows + row), _DENSE[degree, stage], total)
            store(polynomial, degree * rows + row, total)


@kernel
def interpolate(before: Block, work: Any) -> None:
    """Write the state at the fraction `theta` of the step just taken, after `prepare_interpolation`.

    y(theta) = (1 - theta) before + theta (new + (1 - theta) sum_r theta^r polynomial_r).
    """
    polynomial = work.polynomial
    rows = polynomial.shape[1]
    theta = load(work.theta, 0)
    rest = fused(theta, -1.0, 1.0)
    for row in range(rows):
        total = load(polynomial, (_DEGREE - 1) * rows + row)
        for degree in range(_DEGREE - 2, -1, -1):
            total = fused(total, theta, load(polynomial, degree * rows + row))
        ahead = times(theta, fused(rest, total, load(work.new_state, row)))
        store(work.interpolated, row, fused(rest, load(before, row), ahead))


__all__ = ["LANES", "Work", "attempt_step", "interpolate", "prepare_interpolation", "work_for"]
