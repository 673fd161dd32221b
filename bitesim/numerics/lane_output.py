"""The interpolant of one lane of a step, written where it is kept: most steps hold an output of few lanes or of none."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.numerics.combination import alternating
from bitesim.numerics.lanes import LANES, call, data_pointer, element, load_from, load_word, splat, store_to, value_type

_WORD: Final = ir.IntType(64)


def lane_interpolation(weights: NDArray[np.float64], dense: NDArray[np.float64]) -> Any:
    """Return the function keep(theta, lane, before, stages, columns, shift, result, first) of a method of eight stages.

    At the fraction `theta` of a step from `before` it interpolates, in this lane alone, the states columns - shift, and
    writes them one behind the other into `result` from the flat position `first` on. `weights`, shape (8,), and `dense`,
    shape (degrees, 8), are those of `RosenbrockTableau`; the operations are those of `rosenbrock.interpolate`.
    """
    if not weights.shape == dense.shape[1:] == (LANES,):
        raise ValueError(
            f"weights and dense must be of eight stages, one a lane: their shapes are {weights.shape}, {dense.shape}"
        )

    def interpreted(
        theta: float, lane: int, before: Any, stages: Any, columns: Any, shift: int, result: Any, first: int
    ) -> None:
        polynomial = sum(theta**power * row for power, row in enumerate(dense))
        factors = theta * ((1.0 - theta) * polynomial + weights)
        states = columns - shift
        result.reshape(-1)[first : first + len(states)] = before[states, lane] + factors @ stages[:, states, lane]

    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        theta, lane, *_, shift, _, first = values
        before, stages, _, result = (data_pointer(context, builder, signature.args[i], values[i]) for i in (2, 3, 4, 6))
        rows = builder.extract_value(context.make_array(signature.args[3])(context, builder, values[3]).shape, 1)
        columns = context.make_array(signature.args[4])(context, builder, values[4])
        factors = _factors(builder, splat(builder, theta, LANES), weights, dense)
        lanes = ir.Constant(_WORD, LANES)
        step = builder.mul(rows, lanes)
        offsets = [builder.add(builder.mul(step, ir.Constant(_WORD, j)), lane) for j in range(LANES)]
        with cgutils.for_range(builder, builder.extract_value(columns.shape, 0), intp=_WORD) as loop:
            state = builder.sub(load_word(builder, columns.data, loop.index), shift)
            place = builder.mul(state, lanes)
            stage_values = [
                load_from(builder, element(builder, stages, builder.add(place, offset), 1), 1) for offset in offsets
            ]
            begun = load_from(builder, element(builder, before, builder.add(place, lane), 1), 1)
            total = alternating(builder, stage_values, factors, begun, 1)
            store_to(builder, total, element(builder, result, builder.add(first, loop.index), 1))
        return context.get_dummy_value()

    def keep(
        typing_context: Any,
        theta: Any,
        lane: Any,
        before: Any,
        stages: Any,
        columns: Any,
        shift: Any,
        result: Any,
        first: Any,
    ) -> Any:
        word = types.int64
        return types.void(types.float64, word, before, stages, columns, word, result, word), generate

    return intrinsic(keep)


def _factors(builder: Any, fraction: Any, weights: NDArray[np.float64], dense: NDArray[np.float64]) -> list[Any]:
    """Return the weights of the eight stages, which are computed side by side."""
    *between, last = [_numbers(row) for row in dense[1:]]
    rest = call(builder, "fma", [fraction, _numbers(np.full(LANES, -1.0)), _numbers(np.ones(LANES))], LANES)
    polynomial = builder.fmul(fraction, last)
    for row in reversed(between):
        polynomial = builder.fmul(fraction, builder.fadd(polynomial, row))
    polynomial = builder.fadd(polynomial, _numbers(dense[0]))
    factors = builder.fmul(fraction, call(builder, "fma", [rest, polynomial, _numbers(weights)], LANES))
    return [builder.extract_element(factors, ir.Constant(ir.IntType(32), j)) for j in range(LANES)]


def _numbers(row: NDArray[np.float64]) -> Any:
    return ir.Constant(value_type(LANES), [ir.Constant(ir.DoubleType(), float(number)) for number in row])
