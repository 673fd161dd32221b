"""Sums of the stages of a step, weighted by a row of a tableau, with the weights written into the instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.numerics.lanes import LANES, call, constant, data_pointer, element, load_from, store_to


def stage_sum(table: NDArray[np.float64], *, onto_base: bool) -> Any:
    """Return the function sum(stage, base, stages, result, first_row, rows) of one table of weights.

    Row by row of blocks it writes, behind row `first_row` of `result`, sum_j table[stage, j] * stages[j], added to `base`
    if `onto_base`. Products are fused with the sum, in the order of the stages; weights of 0 are left out.
    """
    weights = tuple(tuple((j, float(weight)) for j, weight in enumerate(row) if weight != 0.0) for row in table)

    def interpreted(stage: int, base: Any, stages: Any, result: Any, first_row: int, rows: int) -> None:
        source, target = stages.reshape(-1, LANES), result.reshape(-1, LANES)
        total = base[:rows].copy() if onto_base else np.zeros((rows, LANES))
        for j, weight in weights[stage]:
            total = weight * source[j * rows : (j + 1) * rows] + total
        target[first_row : first_row + rows] = total

    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        stage, *arrays, first_row, rows = values
        kinds = signature.args[1:4]
        pointers = [data_pointer(context, builder, kind, array) for kind, array in zip(kinds, arrays, strict=True)]
        done = builder.append_basic_block("done")
        switch = builder.switch(stage, done)
        for index, row_weights in enumerate(weights):
            if row_weights:
                block = builder.append_basic_block(f"stage{index}")
                switch.add_case(ir.Constant(ir.IntType(64), index), block)
                builder.position_at_end(block)
                _rows(builder, pointers, first_row, rows, row_weights, onto_base)
                builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    def weighted(typing_context: Any, stage: Any, base: Any, stages: Any, result: Any, first_row: Any, rows: Any) -> Any:
        return types.void(types.int64, base, stages, result, types.int64, types.int64), generate

    return intrinsic(weighted)


def _rows(
    builder: Any, pointers: list[Any], first_row: Any, rows: Any, weights: tuple[tuple[int, float], ...], onto_base: bool
) -> None:
    """Write the loop over the rows for one stage."""
    base, stages, result = pointers
    offsets = [builder.mul(rows, ir.Constant(ir.IntType(64), j)) for j, _ in weights]
    with cgutils.for_range(builder, rows, intp=ir.IntType(64)) as loop:
        row = loop.index
        total = load_from(builder, element(builder, base, row, LANES), LANES) if onto_base else None
        for (_, weight), offset in zip(weights, offsets, strict=True):
            value = load_from(builder, element(builder, stages, builder.add(offset, row), LANES), LANES)
            factor = constant(weight, LANES)
            is_first = total is None
            total = builder.fmul(value, factor) if is_first else call(builder, "fma", [value, factor, total], LANES)
        store_to(builder, total, element(builder, result, builder.add(first_row, row), LANES))
