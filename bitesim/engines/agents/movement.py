"""Walking T cells: straight on, now and then another way; back from what is in the way, or through it where marrow is packed.

A walking cell tries the next site each step. It walks on if that is empty, may bind a free blast that is there, and turns
back otherwise. Turning back is what makes walkers visit all places and directions alike, so that without depletion they meet
blasts exactly as often as mass action says, however blasts lie: what is left is geometry.

Assumption (T cells search blindly): a walk with persistence, no attraction to blasts or to each other. Alternatives: CXCR4
and CXCL12 gradients, which keep T cells by vessels or stroma; chemotaxis to the first contacts. What it changes: the
spatial factor alone; with attraction it can exceed 1.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.agents.cell_records import DIRECTION_AT, SITE, STATE_AT, direction_of, facing, site_of
from bitesim.engines.agents.draws import word_at
from bitesim.engines.agents.lattice import EMPTY, OTHER, held_at, is_soft, neighbour, put_at, put_soft
from bitesim.engines.agents.niche_arrays import (
    BINDS,
    CHUNK,
    DOWN,
    FULL,
    LOW_BINDS,
    OWN,
    SWAPS,
    UP,
)
from bitesim.engines.agents.prefetch import prefetch
from bitesim.engines.agents.time_wheel import fall_asleep
from bitesim.foundation.compiled import kernel

_16: Final = np.uint64(16)
_32: Final = np.uint64(32)
_1: Final = np.uint64(1)
_3: Final = np.uint64(3)
_6: Final = np.uint64(6)
_LOW_16: Final = np.uint64(0xFFFF)
_IN_WORD: Final = 31


@kernel
def hand_over(niche: Any, parity: Any, slab: Any, record: Any) -> Any:
    """Write a walking T cell into a list of its slab for the next step; return 0 where the list is full, else 1."""
    place = site_of(record) >> niche.box.slab_bits
    if place == slab:
        count = niche.counts[parity, slab, OWN]
        if count >= niche.own.shape[2]:
            niche.tallies[slab, FULL] += 1
            return 0
        niche.own[parity, slab, count] = record
        niche.counts[parity, slab, OWN] = count + 1
        return 1
    # In a box of two slabs both neighbours are one: it counts as the upper.
    above = slab + 1 if slab + 1 < niche.box.slabs else 0
    way = UP if place == above else DOWN
    count = niche.counts[parity, slab, way]
    if count >= niche.across.shape[3]:
        niche.tallies[slab, FULL] += 1
        return 0
    niche.across[parity, way - UP, slab, count] = record
    niche.counts[parity, slab, way] = count + 1
    return 1


@kernel
def trade_places(niche: Any, slab: Any, site: Any, aim: Any, code: Any) -> Any:
    """Let a T cell and the unbound cell in its way trade places; return 1, or 0 where nobody there can be moved."""
    if code == OTHER:
        if is_soft(niche.soft, aim) == 0:
            return 0
        put_soft(niche.soft, aim, 0)
        put_soft(niche.soft, site, 1)
    else:
        put_at(niche.sites, site, code)
        put_at(niche.sites, aim, OTHER)
        mask = niche.tag_mask
        tag = niche.tags[site & mask]
        niche.tags[site & mask] = niche.tags[aim & mask]
        niche.tags[aim & mask] = tag
    niche.tallies[slab, SWAPS] += 1
    return 1


@kernel
def draw_moves(niche: Any, rules: Any, key: Any, records: Any, slab: Any) -> None:
    """Draw the words and the aims of up to `CHUNK` T cells: one pass without branches, eight cells at a time."""
    words, aims, box = niche.words[slab], niche.aims[slab], niche.box
    for i in range(len(records)):
        record = records[i]
        site = record & SITE
        word = word_at(key, np.uint64(site))
        turned = np.int64((((word >> _16) & _LOW_16) * _6) >> _16)
        direction = turned if (word & _LOW_16) < rules.turn else direction_of(record)
        words[i] = word
        aims[i] = neighbour(site, direction, box) | (direction << DIRECTION_AT)


@kernel
def walk(niche: Any, rules: Any, keys: Any, records: Any, slab: Any) -> None:
    """Move the T cells of one list (a view of its records) by one step, into the lists of the next."""
    for begin in range(0, len(records), CHUNK):
        some = records[begin : min(begin + CHUNK, len(records))]
        draw_moves(niche, rules, keys.move, some, slab)
        aims = niche.aims[slab]
        for i in range(len(some)):
            prefetch(niche.sites, (aims[i] & SITE) >> 5)
        make_moves(niche, rules, keys, some, slab)


@kernel
def make_moves(niche: Any, rules: Any, keys: Any, records: Any, slab: Any) -> None:
    """Carry out what `draw_moves` has drawn, one T cell after the other."""
    sites, words, aims = niche.sites, niche.words[slab], niche.aims[slab]
    parity, slab_bits = 1 - (keys.step & 1), niche.box.slab_bits
    own = niche.own[parity, slab]
    count = niche.counts[parity, slab, OWN]
    # `&` and not `and`: a branch that is guessed wrongly costs more than both tests.
    for i in range(len(records)):
        record, luck = records[i], words[i] >> _32
        site, aim, direction = record & SITE, aims[i] & SITE, aims[i] >> DIRECTION_AT
        place = np.uint64((aim & _IN_WORD) << 1)
        code = (sites[aim >> 5] >> place) & _3
        is_blast = (code ^ (code >> _1)) & _1
        if (is_blast != 0) & (luck < rules.bind):
            word = word_at(keys.contact, np.uint64(site))
            code_held = np.int64(code)
            if fall_asleep(niche, rules, slab, facing(record, direction), code_held, word, keys.step) == 1:
                put_at(sites, aim, OTHER)
                niche.tallies[slab, BINDS] += 1
                niche.tallies[slab, LOW_BINDS] += code_held - 1
        elif (code != EMPTY) & (luck >= rules.bind) & (luck < rules.swap):
            traded = trade_places(niche, slab, site, aim, np.int64(code))
            there, facing_now = (aim, direction) if traded == 1 else (site, direction ^ 1)
            niche.counts[parity, slab, OWN] = count
            hand_over(niche, parity, slab, (record >> STATE_AT << STATE_AT) | there | (facing_now << DIRECTION_AT))
            count = niche.counts[parity, slab, OWN]
        else:
            # All ones where the aim is empty; with masks in place of branches.
            free = np.int64(((code | (code >> _1)) & _1) ^ _1)
            mask = -free
            there = site ^ ((site ^ aim) & mask)
            moved = _3 & np.uint64(mask)
            sites[site >> 5] ^= moved << np.uint64((site & _IN_WORD) << 1)
            sites[aim >> 5] ^= moved << place
            record = (record >> STATE_AT << STATE_AT) | there | ((direction ^ (1 - free)) << DIRECTION_AT)
            if there >> slab_bits == slab:
                own[count] = record
                count += 1
            else:
                hand_over(niche, parity, slab, record)
    niche.counts[parity, slab, OWN] = count
