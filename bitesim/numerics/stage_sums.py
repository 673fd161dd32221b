"""What a stage can sum while it waits for its rate: its own contributions, and the next stage's state but for one term.

A rate waits for its exponentials and divisions; what is summed in their shadow takes no time. Between a stage's solution
and the next rate then stands one fused operation. Each earlier stage is read once for both sums.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.numerics.combination import Weights, alternating, by_stage, each_row, weights_of
from bitesim.numerics.lanes import LANES, call, constant, data_pointer, element, load_from, splat, store_to

_WORD: Final = ir.IntType(64)


def both_sums(alone: NDArray[np.float64], onto_base: NDArray[np.float64]) -> Any:
    """Return the function both(stage, factor, base, stages, first, second, rows) of two tables of weights.

    Row by row of blocks it writes into `first` factor * sum_j alone[stage, j] * stages[j], and into `second` the sum of
    `onto_base` added to `base`. Products are fused with their sums, which are those of the even and of the odd terms;
    weights of 0 are left out, and a sum without weights is not written.
    """
    cases = tuple(zip(weights_of(alone), weights_of(onto_base), strict=True))

    def interpreted(stage: int, factor: Any, base: Any, stages: Any, first: Any, second: Any, rows: int) -> None:
        alone_weights, weights = cases[stage]
        if alone_weights:
            first[:rows] = factor * _interpreted_sum(alone_weights, stages, rows, 0.0)
        if weights:
            second[:rows] = _interpreted_sum(weights, stages, rows, base[:rows])

    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        stage, factor, *arrays, rows = values
        kinds = signature.args[2:6]
        base, stages, *results = (data_pointer(context, builder, k, a) for k, a in zip(kinds, arrays, strict=True))

        def write(case: tuple[Weights, Weights]) -> None:
            used = sorted({j for weights in case for j, _ in weights})

            def one_row(row: Any, offsets: list[Any]) -> None:
                places = [element(builder, stages, builder.add(offset, row), LANES) for offset in offsets]
                numbers = dict(zip(used, [load_from(builder, place, LANES) for place in places], strict=True))
                begun = load_from(builder, element(builder, base, row, LANES), LANES) if case[1] else None
                for weights, result, start, scale in zip(case, results, (None, begun), (factor, None), strict=True):
                    if weights:
                        total = _sum(builder, weights, numbers, start)
                        total = total if scale is None else builder.fmul(total, scale)
                        store_to(builder, total, element(builder, result, row, LANES))

            each_row(builder, rows, used, one_row)

        by_stage(builder, stage, [case if any(case) else None for case in cases], write)
        return context.get_dummy_value()

    def both(
        typing_context: Any, stage: Any, factor: Any, base: Any, stages: Any, first: Any, second: Any, rows: Any
    ) -> Any:
        return types.void(types.int64, factor, base, stages, first, second, types.int64), generate

    return intrinsic(both)


def whole_sums(alone: NDArray[np.float64], onto_base: NDArray[np.float64]) -> Any:
    """Return the function whole(stage, factor, base, stages, first, second, rows): as `both_sums`, with all terms at once.

    The last term of `onto_base`, which may be that of the stage before, is added last. Where `onto_base` follows the row
    above it, with one more term of weight 1, that term is added to what stands in `second`.
    """
    cases = tuple(zip(weights_of(alone), weights_of(onto_base), strict=True))
    follow = [stage > 1 and case[1] == (*cases[stage - 1][1], (stage - 1, 1.0)) for stage, case in enumerate(cases)]

    def interpreted(stage: int, factor: Any, base: Any, stages: Any, first: Any, second: Any, rows: int) -> None:
        alone_weights, weights = cases[stage]
        if alone_weights:
            first[:rows] = factor * _interpreted_sum(alone_weights, stages, rows, 0.0)
        if follow[stage]:
            second[:rows] += stages.reshape(-1, LANES)[(stage - 1) * rows : stage * rows]
        elif weights:
            second[:rows] = _interpreted_sum(weights, stages, rows, base[:rows])

    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        stage, factor, *arrays, rows = values
        kinds = signature.args[2:6]
        base, stages, first, second = (data_pointer(context, builder, k, a) for k, a in zip(kinds, arrays, strict=True))

        def write(case: tuple[bool, Weights, Weights]) -> None:
            follows, alone_weights, weights = case
            used = sorted({j for each in case[1:] for j, _ in each})

            def one_row(row: Any, offsets: list[Any]) -> None:
                places = [element(builder, stages, builder.add(offset, row), LANES) for offset in offsets]
                numbers = dict(zip(used, [load_from(builder, place, LANES) for place in places], strict=True))
                into = element(builder, second, row, LANES)
                if weights:
                    begun = load_from(builder, into if follows else element(builder, base, row, LANES), LANES)
                    last, weight = weights[-1]
                    total = begun if follows else _sum(builder, weights[:-1], numbers, begun)
                    store_to(builder, call(builder, "fma", [constant(weight, LANES), numbers[last], total], LANES), into)
                if alone_weights:
                    total = builder.fmul(_sum(builder, alone_weights, numbers, None), factor)
                    store_to(builder, total, element(builder, first, row, LANES))

            each_row(builder, rows, used, one_row)

        whole = [(follows, *case) if any(case) else None for follows, case in zip(follow, cases, strict=True)]
        by_stage(builder, stage, whole, write)
        return context.get_dummy_value()

    def whole(
        typing_context: Any, stage: Any, factor: Any, base: Any, stages: Any, first: Any, second: Any, rows: Any
    ) -> Any:
        return types.void(types.int64, factor, base, stages, first, second, types.int64), generate

    return intrinsic(whole)


def _interpreted_sum(weights: Weights, stages: Any, rows: int, begun: Any) -> Any:
    source = stages.reshape(-1, LANES)
    total = np.zeros((rows, LANES)) + begun
    for j, weight in weights:
        total = weight * source[j * rows : (j + 1) * rows] + total
    return total


def _sum(builder: Any, weights: Weights, numbers: dict[int, Any], begun: Any) -> Any:
    return alternating(builder, [numbers[j] for j, _ in weights], [constant(weight, LANES) for _, weight in weights], begun)


def _interpreted_fuse(factor: Any, a: Any, in_a: int, b: Any, in_b: int, result: Any, in_result: int, rows: int) -> None:
    left, added, target = (each.reshape(-1, LANES) for each in (a, b, result))
    target[in_result : in_result + rows] = factor * left[in_a : in_a + rows] + added[in_b : in_b + rows]


def _fuse_rows(
    typing_context: Any, factor: Any, a: Any, in_a: Any, b: Any, in_b: Any, result: Any, in_result: Any, rows: Any
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number, *placed, count = values
        kinds, firsts = signature.args[1:7:2], placed[1::2]
        pointers = [data_pointer(context, builder, k, array) for k, array in zip(kinds, placed[::2], strict=True)]
        factors = splat(builder, number, LANES) if isinstance(signature.args[0], types.Float) else number

        def one_row(row: Any, _: list[Any]) -> None:
            positions = [builder.add(first, row) for first in firsts]
            places = [element(builder, pointer, each, LANES) for pointer, each in zip(pointers, positions, strict=True)]
            operands = [factors, *[load_from(builder, place, LANES) for place in places[:2]]]
            store_to(builder, call(builder, "fma", operands, LANES), places[2])

        each_row(builder, count, [], one_row)
        return context.get_dummy_value()

    word = types.int64
    return types.void(factor, a, word, b, word, result, word, word), generate


fuse_rows: Any = _interpreted_fuse if config.DISABLE_JIT else intrinsic(_fuse_rows)
"""fuse_rows(factor, a, in_a, b, in_b, result, in_result, rows): so many rows of `result` become factor * a + b, rounded
once; `in_a`, `in_b` and `in_result` are the rows at which each begins. `factor` is lanes or a float."""
