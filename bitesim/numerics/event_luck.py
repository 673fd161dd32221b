"""The luck of events, eight replicates side by side: an exponential and a uniform number for each replicate's next draw.

Draw k of a replicate is Philox of (seed, replicate, purpose, k) alone, as in `foundation.random_streams`; here as vector
instructions, which numba does not find.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.numerics.elementary import EMITTERS
from bitesim.numerics.lanes import LANES, constant, data_pointer, element, store_to, value_type, word_type

_PURPOSE: Final = int(Purpose.CELL_EVENT)
_MULTIPLIERS: Final = (0xD2511F53, 0xCD9E8D57)
_WEYL: Final = (0x9E3779B9, 0xBB67AE85)
_LOW: Final = 0xFFFFFFFF
_ROUNDS: Final = 10
_WORDS: Final = word_type(LANES)


def _words(value: int) -> Any:
    return ir.Constant(_WORDS, [ir.Constant(ir.IntType(64), value)] * LANES)


def _splat(builder: Any, word: Any) -> Any:
    first = builder.insert_element(ir.Constant(_WORDS, ir.Undefined), word, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _philox(builder: Any, counter_0: Any, counter_1: Any, seed: Any) -> tuple[Any, Any]:
    """Return Philox4x32-10 of words side by side; `seed` is one word for all."""
    low, half = _words(_LOW), _words(32)
    a, b = builder.and_(counter_0, low), builder.lshr(counter_0, half)
    c, d = builder.and_(counter_1, low), builder.lshr(counter_1, half)
    word = ir.IntType(64)
    keys = [builder.and_(seed, ir.Constant(word, _LOW)), builder.lshr(seed, ir.Constant(word, 32))]
    for _ in range(_ROUNDS):
        # The key is one for all lanes, so it is advanced as one word.
        wide = [_splat(builder, key) for key in keys]
        first, second = builder.mul(_words(_MULTIPLIERS[0]), a), builder.mul(_words(_MULTIPLIERS[1]), c)
        a = builder.xor(builder.xor(builder.lshr(second, half), b), wide[0])
        c = builder.xor(builder.xor(builder.lshr(first, half), d), wide[1])
        b, d = builder.and_(second, low), builder.and_(first, low)
        steps = zip(keys, _WEYL, strict=True)
        keys = [builder.and_(builder.add(key, ir.Constant(word, weyl)), ir.Constant(word, _LOW)) for key, weyl in steps]
    return builder.or_(a, builder.shl(b, half)), builder.or_(c, builder.shl(d, half))


def _open_unit(builder: Any, words: Any) -> Any:
    numbers = builder.uitofp(builder.lshr(words, _words(12)), value_type(LANES))
    return builder.fmul(builder.fadd(numbers, constant(0.5, LANES)), constant(2.0**-52, LANES))


def _draw_luck(typing_context: Any, seed: Any, counters: Any, room: Any, row: Any) -> Any:
    """Write exponential numbers to room[row] and uniform ones to room[row + 1].

    `counters` holds, as int64, the eight replicates and behind them the eight draws.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, counters_kind, room_kind, _ = signature.args
        counted = builder.bitcast(data_pointer(context, builder, counters_kind, values[1]), _WORDS.as_pointer())
        replicates, draws = (
            builder.load(
                builder.gep(counted, [ir.Constant(ir.IntType(64), place)], source_etype=_WORDS), align=8, typ=_WORDS
            )
            for place in (0, 1)
        )
        key = builder.or_(builder.shl(replicates, _words(32)), _words(_PURPOSE))
        one, two = _philox(builder, draws, key, values[0])
        waits = builder.fneg(EMITTERS["log"](builder, LANES, _open_unit(builder, one)))
        pointer, following = data_pointer(context, builder, room_kind, values[2]), ir.Constant(ir.IntType(64), 1)
        store_to(builder, waits, element(builder, pointer, values[3], LANES))
        behind = builder.add(values[3], following)
        store_to(builder, _open_unit(builder, two), element(builder, pointer, behind, LANES))
        return context.get_dummy_value()

    return types.void(types.uint64, counters, room, types.int64), generate


def _interpreted(seed: Any, counters: NDArray[np.int64], room: NDArray[np.float64], row: int) -> None:
    flat, rows = counters.reshape(-1), room.reshape(-1, LANES)
    for lane in range(LANES):
        one, two = random_words(seed, flat[lane], _PURPOSE, flat[LANES + lane])
        rows[row, lane], rows[row + 1, lane] = -math.log(open_unit(one)), open_unit(two)


draw_luck: Any = _interpreted if config.DISABLE_JIT else intrinsic(_draw_luck)
"""draw_luck(seed, counters, room, row): exponential numbers to row `row` of a block, uniform ones to the next."""
