"""Sums of the stages of a step: what such sums are made of, and those whose weights are known only when they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.numerics.lanes import LANES, call, data_pointer, element, load_from, load_word, store_to

#: (stage, weight) of every weight that is not 0.
Weights = tuple[tuple[int, float], ...]

_WORD: Final = ir.IntType(64)
#: Up to so many rows (of eight states) loops are written out.
_FEW_ROWS: Final = 4


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


def weights_of(table: NDArray[np.float64]) -> tuple[Weights, ...]:
    """Return the weights of each stage that are not 0."""
    return tuple(tuple((j, float(weight)) for j, weight in enumerate(row) if weight != 0.0) for row in table)


def by_stage(builder: Any, stage: Any, cases: Sequence[Any], write: Callable[[Any], None]) -> None:
    """Write one piece of code for each stage whose case is not empty."""
    done = builder.append_basic_block("done")
    switch = builder.switch(stage, done)
    for index, case in enumerate(cases):
        if case:
            start = builder.append_basic_block(f"stage{index}")
            switch.add_case(ir.Constant(_WORD, index), start)
            builder.position_at_end(start)
            write(case)
            builder.branch(done)
    builder.position_at_end(done)


def each_row(builder: Any, rows: Any, stages_used: list[int], one_row: Callable[[Any, list[Any]], None]) -> None:
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
    """Return the sum of factors * stages of one row, added to `total` unless that is None."""
    places = (element(builder, stages, builder.add(offset, row), LANES) for offset in offsets)
    return alternating(builder, (load_from(builder, place, LANES) for place in places), factors, total)


def alternating(builder: Any, values: Iterable[Any], factors: list[Any], total: Any, width: int = LANES) -> Any:
    """Return the sum of factors * values, added to `total` unless that is None.

    Every second product is summed apart, so that one sum need not wait for the other.
    """
    sums = [total, None]
    for position, (factor, value) in enumerate(zip(factors, values, strict=True)):
        before = sums[position % 2]
        is_first = before is None
        added = builder.fmul(value, factor) if is_first else call(builder, "fma", [value, factor, before], width)
        sums[position % 2] = added
    return sums[0] if sums[1] is None else builder.fadd(sums[0], sums[1])
