"""Sums of the stages of a step, weighted by a row of a tableau, with the weights written into the instructions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.numerics.lanes import LANES, call, constant, data_pointer, element, load_from, load_word, store_to

#: (stage, weight) of every weight that is not 0.
Weights = tuple[tuple[int, float], ...]

_WORD: Final = ir.IntType(64)
#: Up to so many rows (of eight states) loops are written out.
_FEW_ROWS: Final = 4


def stage_sum(table: NDArray[np.float64], *, onto_base: bool) -> Any:
    """Return the function sum(stage, base, stages, result, first_row, rows) of one table of weights.

    Row by row of blocks it writes, behind row `first_row` of `result`, sum_j table[stage, j] * stages[j], added to `base`
    if `onto_base`. Products are fused with their sums, which are those of the even and of the odd terms; weights of 0 are
    left out, and a stage without weights does nothing.
    """
    weights = _weights(table)

    def interpreted(stage: int, base: Any, stages: Any, result: Any, first_row: int, rows: int) -> None:
        if not weights[stage]:
            return
        total = base.reshape(-1, LANES)[:rows].copy() if onto_base else np.zeros((rows, LANES))
        target = result.reshape(-1, LANES)
        target[first_row : first_row + rows] = _summed(total, weights[stage], stages, rows)

    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        stage, *arrays, first_row, rows = values
        kinds = signature.args[1:4]
        base, stages, result = (data_pointer(context, builder, k, a) for k, a in zip(kinds, arrays, strict=True))

        def one_row(row: Any, offsets: list[Any], factors: list[Any]) -> None:
            begun = load_from(builder, element(builder, base, row, LANES), LANES) if onto_base else None
            total = _row_sum(builder, stages, row, factors, offsets, begun)
            store_to(builder, total, element(builder, result, builder.add(first_row, row), LANES))

        _each_stage(builder, stage, rows, weights, one_row)
        return context.get_dummy_value()

    def weighted(typing_context: Any, stage: Any, base: Any, stages: Any, result: Any, first_row: Any, rows: Any) -> Any:
        return types.void(types.int64, base, stages, result, types.int64, types.int64), generate

    return intrinsic(weighted)


def increment_sum(table: NDArray[np.float64]) -> Any:
    """Return the function complete(stage, stages, inverse_step, first_row, rows) of one table of weights.

    Behind row `first_row` of `stages` stands a stage's rate; to it is added inverse_step * sum_j table[stage, j] *
    stages[j], where stages are `rows` rows long. `inverse_step` is one row. A stage without weights is left as it is.
    """
    weights = _weights(table)

    def interpreted(stage: int, stages: Any, inverse_step: Any, first_row: int, rows: int) -> None:
        if not weights[stage]:
            return
        carried = _summed(np.zeros((rows, LANES)), weights[stage], stages, rows)
        target = stages.reshape(-1, LANES)[first_row : first_row + rows]
        target[:] = inverse_step.reshape(-1, LANES)[0] * carried + target

    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        stage, *arrays, first_row, rows = values
        kinds = signature.args[1:3]
        stages, inverse = (data_pointer(context, builder, k, a) for k, a in zip(kinds, arrays, strict=True))
        step = load_from(builder, element(builder, inverse, ir.Constant(_WORD, 0), LANES), LANES)

        def one_row(row: Any, offsets: list[Any], factors: list[Any]) -> None:
            place = element(builder, stages, builder.add(first_row, row), LANES)
            rate = load_from(builder, place, LANES)
            carried = _row_sum(builder, stages, row, factors, offsets, None)
            store_to(builder, call(builder, "fma", [step, carried, rate], LANES), place)

        _each_stage(builder, stage, rows, weights, one_row)
        return context.get_dummy_value()

    def completed(typing_context: Any, stage: Any, stages: Any, inverse_step: Any, first_row: Any, rows: Any) -> Any:
        return types.void(types.int64, stages, inverse_step, types.int64, types.int64), generate

    return intrinsic(completed)


def weighted_sum(count: int) -> Any:
    """Return the function add(before, stages, weights, wanted, result) of weights known only when it runs, one a lane.

    For each row in `wanted` it writes that of `before` plus sum_j weights[j] * stages[j] of `count` stages.
    """

    def interpreted(before: Any, stages: Any, weights: Any, wanted: Any, result: Any) -> None:
        rows = stages.shape[1]
        source, factors = stages.reshape(-1, LANES), weights.reshape(-1, LANES)
        for row in wanted:
            total = before.reshape(-1, LANES)[row].copy()
            for j in range(count):
                total = factors[j] * source[j * rows + row] + total
            result.reshape(-1, LANES)[row] = total

    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        before, stages, weights, _, result = (
            data_pointer(context, builder, kind, value) for kind, value in zip(signature.args, values, strict=True)
        )
        rows = builder.extract_value(context.make_array(signature.args[1])(context, builder, values[1]).shape, 1)
        wanted = context.make_array(signature.args[3])(context, builder, values[3])
        offsets = [builder.mul(rows, ir.Constant(_WORD, j)) for j in range(count)]
        # Read once: in the loop LLVM could not know that the result leaves them alone.
        factors = [load_from(builder, element(builder, weights, ir.Constant(_WORD, j), LANES), LANES) for j in range(count)]
        with cgutils.for_range(builder, builder.extract_value(wanted.shape, 0), intp=_WORD) as loop:
            row = load_word(builder, wanted.data, loop.index)
            begun = load_from(builder, element(builder, before, row, LANES), LANES)
            total = _row_sum(builder, stages, row, factors, offsets, begun)
            store_to(builder, total, element(builder, result, row, LANES))
        return context.get_dummy_value()

    def summed(typing_context: Any, before: Any, stages: Any, weights: Any, wanted: Any, result: Any) -> Any:
        return types.void(before, stages, weights, wanted, result), generate

    return intrinsic(summed)


def _weights(table: NDArray[np.float64]) -> tuple[Weights, ...]:
    return tuple(tuple((j, float(weight)) for j, weight in enumerate(row) if weight != 0.0) for row in table)


def _summed(total: Any, weights: Weights, stages: Any, rows: int) -> Any:
    source = stages.reshape(-1, LANES)
    for j, weight in weights:
        total = weight * source[j * rows : (j + 1) * rows] + total
    return total


def _each_stage(builder: Any, stage: Any, rows: Any, weights: tuple[Weights, ...], one_row: Callable[..., None]) -> None:
    """Write, for each stage that has weights, the loop over the rows."""
    done = builder.append_basic_block("done")
    switch = builder.switch(stage, done)
    for index, row_weights in enumerate(weights):
        if row_weights:
            case = builder.append_basic_block(f"stage{index}")
            switch.add_case(ir.Constant(_WORD, index), case)
            builder.position_at_end(case)
            factors = [constant(weight, LANES) for _, weight in row_weights]
            _each_row(builder, rows, [j for j, _ in row_weights], partial(one_row, factors=factors))
            builder.branch(done)
    builder.position_at_end(done)


def _each_row(builder: Any, rows: Any, stages_used: list[int], one_row: Callable[[Any, list[Any]], None]) -> None:
    """Write the loop over the rows; few rows, which are those of one patient, are written out one by one."""
    end = builder.append_basic_block("rows_done")
    many = builder.append_basic_block("many_rows")
    switch = builder.switch(rows, many)
    for count in range(1, _FEW_ROWS + 1):
        case = builder.append_basic_block(f"rows{count}")
        switch.add_case(ir.Constant(_WORD, count), case)
        builder.position_at_end(case)
        offsets = [ir.Constant(_WORD, count * j) for j in stages_used]
        for row in range(count):
            one_row(ir.Constant(_WORD, row), offsets)
        builder.branch(end)
    builder.position_at_end(many)
    offsets = [builder.mul(rows, ir.Constant(_WORD, j)) for j in stages_used]
    with cgutils.for_range(builder, rows, intp=_WORD) as loop:
        one_row(loop.index, offsets)
    builder.branch(end)
    builder.position_at_end(end)


def _row_sum(builder: Any, stages: Any, row: Any, factors: list[Any], offsets: list[Any], total: Any) -> Any:
    """Return the sum of factors * stages of one row, added to `total` unless that is None.

    Every second product is summed apart, so that one sum need not wait for the other.
    """
    sums = [total, None]
    for position, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
        value = load_from(builder, element(builder, stages, builder.add(offset, row), LANES), LANES)
        before = sums[position % 2]
        is_first = before is None
        added = builder.fmul(value, factor) if is_first else call(builder, "fma", [value, factor, before], LANES)
        sums[position % 2] = added
    return sums[0] if sums[1] is None else builder.fadd(sums[0], sums[1])
