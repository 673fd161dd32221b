"""Luck side by side is the luck of the random streams, draw by draw."""

import math

import numpy as np
from scipy import stats

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.numerics.event_luck import draw_luck
from bitesim.numerics.lanes import LANES, block

SEED = np.uint64(2**63 + 12345)
PURPOSE = int(Purpose.CELL_EVENT)


@kernel
def draws(seed, counters, room):
    draw_luck(seed, counters, room, 1)


@kernel
def units(seed, replicate, draw):
    one, two = random_words(seed, replicate, PURPOSE, draw)
    return open_unit(one), open_unit(two)


def test_luck_is_that_of_the_streams():
    counters = np.zeros((2, LANES), np.int64)
    counters[0] = [0, 1, 2, 3, 2**31, 2**32 - 1, 7, 7]
    counters[1] = [0, 1, 2**32 - 1, 2**32, 2**40, 5, 6, 2**62]
    room = block(4)
    draws(SEED, counters, room)
    for lane in range(LANES):
        first, second = units(SEED, counters[0, lane], counters[1, lane])
        assert math.isclose(room[1, lane], -math.log(first), rel_tol=1e-15)
        assert room[2, lane] == second
    assert not room[0].any()
    assert not room[3].any()


def test_waits_are_exponential_and_choices_uniform():
    counters, room = np.zeros((2, LANES), np.int64), block(3)
    counters[0] = np.arange(LANES)
    seen = []
    for _ in range(5000):
        draws(SEED, counters, room)
        seen.append(room[1:].copy())
        counters[1] += 1
    waits, choices = np.array(seen)[:, 0].ravel(), np.array(seen)[:, 1].ravel()
    # False-alarm rate 1e-4 each.
    assert stats.kstest(waits, "expon").pvalue > 1e-4
    assert stats.kstest(choices, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(waits, choices)[0, 1]) < 4.0 / math.sqrt(len(waits))
