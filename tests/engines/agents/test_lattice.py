"""Sites and records: bits go where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from bitesim.engines.agents import cell_records as cr
from bitesim.engines.agents.draws import Decision, key_of, passed_over, word_at
from bitesim.engines.agents.draws import inverse_log as inverse
from bitesim.engines.agents.lattice import (
    Box,
    held_at,
    is_soft,
    neighbour,
    packed,
    packed_bits,
    put_at,
    put_soft,
    unpacked,
    unpacked_bits,
)
from tests.engines.agents.naive_agents import word_at as plain_word


@pytest.mark.parametrize("bits", [(4, 3), (4, 4), (4, 6)])
def test_neighbours_wrap_on_every_side(bits):
    box = Box.of(*bits, 2)
    planes, edge, _ = box.shape
    assert box.sites == planes * edge * edge
    assert box.slabs == planes // 4
    for site in [0, 5, edge - 1, edge * edge - 1, box.sites - 1, box.sites // 2 + 3]:
        z, y, x = np.unravel_index(site, box.shape)
        for direction in range(6):
            place = [x, y, z]
            place[direction // 2] += 1 if direction % 2 else -1
            wanted = np.ravel_multi_index((place[2] % planes, place[1] % edge, place[0] % edge), box.shape)
            found = neighbour(int(site), direction, box)
            assert found == wanted
            assert neighbour(int(found), direction ^ 1, box) == site


def test_sites_are_written_alone():
    luck = np.random.default_rng(1)
    codes = luck.integers(0, 4, 2048).astype(np.uint8)
    words = packed(codes)
    assert np.array_equal(unpacked(words), codes)
    for site, code in ((0, 3), (31, 1), (32, 2), (2047, 0)):
        put_at(words, site, code)
        codes[site] = code
        assert held_at(words, site) == code
    assert np.array_equal(unpacked(words), codes)
    bits = luck.random(2048) < 0.5
    soft = packed_bits(bits)
    put_soft(soft, 64, 1)
    put_soft(soft, 63, 0)
    bits[64], bits[63] = True, False
    assert np.array_equal(unpacked_bits(soft), bits)
    assert is_soft(soft, 64) == 1
    assert is_soft(soft, 63) == 0


def test_fields_of_a_record_do_not_touch_each_other():
    record = cr.t_cell(2**28 - 1, 5, 2, 7)
    assert (cr.site_of(record), cr.direction_of(record), cr.state_of(record), cr.cd3_class_of(record)) == (
        2**28 - 1,
        5,
        2,
        7,
    )
    for _ in range(300):
        record = cr.with_one_more_kill(record)
    assert cr.kills_of(record) == cr.MOST_KILLS
    record = cr.holding(cr.in_state(cr.facing(record, 2), 1), 2, 1)
    assert (cr.site_of(record), cr.direction_of(record), cr.state_of(record), cr.cd3_class_of(record)) == (
        2**28 - 1,
        2,
        1,
        7,
    )
    assert cr.held_code_of(record) == 2
    assert record & cr.LONGER
    assert not record & cr.GONE
    assert cr.held_code_of(cr.holding(record, 1, 0)) == 1
    assert record != cr.NOBODY
    assert record > 0


def test_words_are_splitmix():
    # First outputs of SplitMix64 from the state 1234567 (reference implementation, Vigna 2015).
    key = 1234567
    found = [int(word_at(np.uint64(key), np.uint64(draw))) for draw in range(1, 4)]
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert found == [plain_word(key, draw) for draw in range(1, 4)]
    assert len({int(key_of(np.uint64(3), int(decision), step)) for decision in Decision for step in range(50)}) == 350


def test_passing_over_is_geometric():
    # Null: P(n) = p (1 - p)^n. Chi-square over ten classes: beyond 27.9 in 1 of 1000.
    chance, count = 0.2, 40_000
    words = [np.uint64(word_at(np.uint64(9), np.uint64(draw))) for draw in range(count)]
    found = np.array([passed_over(word, inverse(chance)) for word in words])
    classes = np.minimum(found, 9)
    expected = count * chance * (1 - chance) ** np.arange(10)
    expected[9] = count * (1 - chance) ** 9
    assert np.sum((np.bincount(classes, minlength=10) - expected) ** 2 / expected) < 27.9
    assert passed_over(np.uint64(2**64 - 1), inverse(0.0)) > 2**39
