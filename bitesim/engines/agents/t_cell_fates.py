"""T cells activate, tire, calm down, divide, die and leave: skipping over lists, walking and bound cells alike."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.agents.blast_fates import settle
from bitesim.engines.agents.cell_records import (
    ACTIVATED,
    CALM,
    EXHAUSTED,
    GONE,
    NOBODY,
    cd3_class_of,
    direction_of,
    held_code_of,
    in_state,
    site_of,
    state_of,
    t_cell,
)
from bitesim.engines.agents.contacts import note_duration
from bitesim.engines.agents.draws import passed_over, word_at
from bitesim.engines.agents.lattice import DIRECTIONS, EMPTY, OTHER, neighbour, put_at
from bitesim.engines.agents.movement import hand_over
from bitesim.engines.agents.niche_arrays import LOST, T_BIRTHS, T_DEATHS, T_EXITS, T_LOST_BOUND, TOP
from bitesim.engines.agents.rules import ACTIVATE, CALM_DOWN, DIE, DIVIDE, LEAVE, TIRE
from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import open_unit

_1: Final = np.uint64(1)
_2: Final = np.uint64(2)


@kernel
def give_birth(niche: Any, rules: Any, parity: Any, slab: Any, mother: Any, word: Any) -> None:
    """Put a daughter beside a T cell: in its mother's state, without kills."""
    site = settle(niche, rules, slab, site_of(mother), OTHER, word)
    if site >= 0:
        direction = np.int64(word % np.uint64(DIRECTIONS))
        hand_over(niche, parity, slab, t_cell(site, direction, state_of(mother), cd3_class_of(mother)))
        niche.tallies[slab, T_BIRTHS] += 1


@kernel
def fate_of(niche: Any, rules: Any, keys: Any, slab: Any, record: Any, draw: Any) -> Any:
    """Draw what happens to a T cell, and return its record after it, NOBODY where it died or left the marrow.

    Its site is left as it is; `draw` (uint64) is the first of two counters.
    """
    share = open_unit(word_at(keys.t_cell, draw))
    word = word_at(keys.t_cell, draw + _1)
    shares = rules.t_cell_shares[state_of(record)]
    if share < shares[ACTIVATE]:
        return in_state(record, ACTIVATED)
    if share < shares[TIRE]:
        return in_state(record, EXHAUSTED)
    if share < shares[CALM_DOWN]:
        return in_state(record, CALM)
    if share < shares[DIVIDE]:
        give_birth(niche, rules, 1 - (keys.step & 1), slab, record, word)
        return record
    if share < shares[DIE]:
        niche.tallies[slab, T_DEATHS] += 1
        return NOBODY
    if share < shares[LEAVE]:
        niche.tallies[slab, T_EXITS] += 1
        return NOBODY
    return record


@kernel
def fates_of_walking(niche: Any, rules: Any, keys: Any, slab: Any, records: Any, draw: Any) -> Any:
    """Let the T cells of a list meet their fates; return how many are left in it, and the next counter.

    The last cell takes the place of one that is gone.
    """
    count, place = len(records), 0
    while True:
        place += passed_over(word_at(keys.t_cell, draw), rules.t_cell)
        draw += _1
        if place >= count:
            return count, draw
        after = fate_of(niche, rules, keys, slab, records[place], draw)
        draw += _2
        if after == NOBODY:
            put_at(niche.sites, site_of(records[place]), EMPTY)
            count -= 1
            records[place] = records[count]
        else:
            records[place] = after
            place += 1


@kernel
def fates_of_bound(niche: Any, rules: Any, keys: Any, slab: Any, draw: Any) -> None:
    """Let the bound T cells of a slab meet their fates; the target of one that is gone is free."""
    slot = -1
    while True:
        slot += 1 + passed_over(word_at(keys.t_cell, draw), rules.t_cell)
        draw += _1
        if slot >= niche.pool[slab, TOP]:
            return
        record = niche.bound[slab, slot]
        if record != NOBODY and record & GONE == 0:
            after = fate_of(niche, rules, keys, slab, record, draw)
            draw += _2
            if after == NOBODY:
                put_at(niche.sites, neighbour(site_of(record), direction_of(record), niche.box), held_code_of(record))
                put_at(niche.sites, site_of(record), EMPTY)
                # It sleeps on as nobody until its step comes: the lists of the wheel have one way only.
                niche.bound[slab, slot] = record | GONE
                niche.tallies[slab, T_LOST_BOUND] += 1
                note_duration(niche, slab, LOST, keys.step - niche.since[slab, slot])
            else:
                niche.bound[slab, slot] = after
