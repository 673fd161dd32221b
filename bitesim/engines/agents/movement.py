"""Walking T cells: straight on, now and then another way; back from what is in the way, or through it in packed marrow.

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
from bitesim.engines.agents.lattice import OTHER, held_at, is_soft, neighbour, put_at, put_soft
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
def way_to(box: Any, slab: Any, site: Any) -> Any:
    """Return the list of a slab for a cell at a site in it or in one of its neighbours."""
    place = site >> box.slab_bits
    if place == slab:
        return OWN
    # In a box of two slabs both neighbours are one, which reads both lists.
    return UP if place == (slab + 1 if slab + 1 < box.slabs else 0) else DOWN


@kernel
def hand_over(niche: Any, parity: Any, slab: Any, record: Any) -> Any:
    """Write a walking T cell into a list of its slab for the next step; return 0 where the list is full, else 1."""
    way = way_to(niche.box, slab, site_of(record))
    place = niche.ends[parity, slab, way]
    if place >= niche.starts[way + 1]:
        niche.tallies[slab, FULL] += 1
        return 0
    niche.lists[parity, slab, place] = record
    niche.ends[parity, slab, way] = place + 1
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
def has_room(niche: Any, parity: Any, slab: Any) -> Any:
    """Return whether each list of a slab takes a chunk of T cells: the hot loop appends without looking."""
    ends, starts = niche.ends[parity, slab], niche.starts
    return (ends[OWN] + CHUNK <= starts[1]) & (ends[UP] + CHUNK <= starts[2]) & (ends[DOWN] + CHUNK <= starts[3])


@kernel
def walk(niche: Any, rules: Any, keys: Any, records: Any, slab: Any) -> None:
    """Move the T cells of one list (a view of its records) by one step, into the lists of the next."""
    for begin in range(0, len(records), CHUNK):
        if not has_room(niche, 1 - (keys.step & 1), slab):
            niche.tallies[slab, FULL] += 1
            return
        some = records[begin : min(begin + CHUNK, len(records))]
        draw_moves(niche, rules, keys.move, some, slab)
        aims = niche.aims[slab]
        for i in range(len(some)):
            prefetch(niche.sites, (aims[i] & SITE) >> 5)
        make_moves(niche, rules, keys, some, slab)


@kernel
def meet(niche: Any, rules: Any, keys: Any, meeting: Any, luck: Any, slab: Any) -> None:
    """Let a T cell bind the blast in its way, or trade places with the cell there; `meeting`: T cell, site, its code."""
    record, aim, code = meeting
    site, direction = site_of(record), direction_of(record)
    if code != OTHER and luck < rules.bind:
        word = word_at(keys.contact, np.uint64(site))
        if fall_asleep(niche, rules, slab, record, code, word, keys.step) == 1:
            put_at(niche.sites, aim, OTHER)
            niche.tallies[slab, BINDS] += 1
            niche.tallies[slab, LOW_BINDS] += code - 1
        return
    has_traded = trade_places(niche, slab, site, aim, code) == 1
    after = (record & ~SITE) | aim if has_traded else facing(record, direction ^ 1)
    hand_over(niche, 1 - (keys.step & 1), slab, after)


@kernel
def stride(niche: Any, rules: Any, keys: Any, records: Any, slab: Any, first: Any) -> Any:
    """Carry out the moves of `draw_moves` from one T cell on, up to the next that meets something; return its place.

    What is rare is left to the caller: inside this loop it would cost a fifth of the time.
    """
    sites, words, aims = niche.sites, niche.words[slab], niche.aims[slab]
    parity, slab_bits = 1 - (keys.step & 1), niche.box.slab_bits
    row, ends, limits = niche.lists[parity, slab], niche.ends[parity, slab], rules.limits
    # Unsigned places: a signed one is first tested for counting from the end.
    for i in range(np.uint64(first), np.uint64(len(records))):
        record, site, aim = records[i], records[i] & SITE, aims[i] & SITE
        place = np.uint64((aim & _IN_WORD) << 1)
        code = (sites[aim >> 5] >> place) & _3
        # 0 where the aim is empty.
        if words[i] >> _32 < limits[np.int64(code)]:
            return np.int64(i)
        # All ones where the aim is empty; masks in place of branches that could be guessed wrongly.
        free = np.int64(((code | (code >> _1)) & _1) ^ _1)
        mask = -free
        there = site ^ ((site ^ aim) & mask)
        moved = _3 & np.uint64(mask)
        sites[site >> 5] ^= moved << np.uint64((site & _IN_WORD) << 1)
        sites[aim >> 5] ^= moved << place
        direction = (aims[i] >> DIRECTION_AT) ^ (1 - free)
        # A cell that leaves the slab has walked along z: direction 4 is down, 5 up.
        way = np.uint64(np.int64(there >> slab_bits != slab) * (2 - (direction & 1)))
        end = ends[way]
        row[np.uint64(end)] = (record >> STATE_AT << STATE_AT) | there | (direction << DIRECTION_AT)
        ends[way] = end + 1
    return len(records)


@kernel
def make_moves(niche: Any, rules: Any, keys: Any, records: Any, slab: Any) -> None:
    """Carry out what `draw_moves` has drawn, one T cell after the other."""
    i = 0
    while True:
        i = stride(niche, rules, keys, records, slab, i)
        if i >= len(records):
            return
        aim, direction = niche.aims[slab, i] & SITE, niche.aims[slab, i] >> DIRECTION_AT
        code = np.int64(held_at(niche.sites, aim))
        meet(niche, rules, keys, (facing(records[i], direction), aim, code), niche.words[slab, i] >> _32, slab)
        i += 1
