"""Contacts that end: a kill or not, and a T cell that walks on.

Source of the rates: `bitesim.mechanisms.conjugates`: a free effector meets a free target, and a conjugate lasts for the
handling time, with a kill at its end where the synapse has bridges enough.

Assumption (one T cell, one blast): a held blast is not free for another T cell, as in the equation above. Alternatives:
clusters of three or four, as in the dish. What it changes: marrow with more T cells than blasts, where a kill could be
shared.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.agents.cell_records import (
    GONE,
    LONGER,
    cd3_class_of,
    direction_of,
    facing,
    held_code_of,
    site_of,
    state_of,
    with_one_more_kill,
)
from bitesim.engines.agents.draws import word_at
from bitesim.engines.agents.lattice import CD19_BLAST, DIRECTIONS, EMPTY, neighbour, put_at
from bitesim.engines.agents.movement import hand_over
from bitesim.engines.agents.niche_arrays import (
    DURATION_BIN_STEPS,
    DURATION_BINS,
    KILLED,
    KILLS,
    LOW_KILLS,
    RELEASED,
    RELEASES,
    WHEEL,
)
from bitesim.engines.agents.time_wheel import enter, steps_bound, vacate
from bitesim.foundation.compiled import kernel

_32: Final = np.uint64(32)
_LOW_32: Final = np.uint64(0xFFFFFFFF)
_TO_UNIT: Final = 2.0**-32
_CD19_CLASS: Final = 15


@kernel
def note_duration(niche: Any, slab: Any, end: Any, steps: Any) -> None:
    """Count a contact that has ended, by how and after how long."""
    niche.durations[slab, end, min(steps // DURATION_BIN_STEPS, DURATION_BINS - 1)] += 1


@kernel
def end_contact(niche: Any, rules: Any, keys: Any, slab: Any, slot: Any) -> None:
    """Kill the target or let it go, and let the T cell walk on in a random direction."""
    record = niche.bound[slab, slot]
    site, code = site_of(record), held_code_of(record)
    target = neighbour(site, direction_of(record), niche.box)
    word = word_at(keys.release, np.uint64(site))
    cd19 = np.int64(niche.tags[target & niche.tag_mask]) & _CD19_CLASS
    chance = rules.kills[state_of(record), code - CD19_BLAST, cd3_class_of(record), cd19]
    is_kill = float(word & _LOW_32) * _TO_UNIT < chance
    steps = keys.step - niche.since[slab, slot]
    if is_kill:
        put_at(niche.sites, target, EMPTY)
        record = with_one_more_kill(record)
        niche.tallies[slab, KILLS] += 1
        niche.tallies[slab, LOW_KILLS] += code - CD19_BLAST
        note_duration(niche, slab, KILLED, steps)
    else:
        put_at(niche.sites, target, code)
        niche.tallies[slab, RELEASES] += 1
        note_duration(niche, slab, RELEASED, steps)
    direction = np.int64(((word >> _32) * np.uint64(DIRECTIONS)) >> _32)
    vacate(niche, slab, slot)
    hand_over(niche, 1 - (keys.step & 1), slab, facing(record, direction))


@kernel
def wake(niche: Any, rules: Any, keys: Any, slab: Any) -> None:
    """End all contacts of a slab whose step has come."""
    turn = keys.step % WHEEL
    slot = np.int64(niche.first[slab, turn])
    niche.first[slab, turn] = -1
    while slot >= 0:
        # Before the slot is given back or goes into another list.
        following = np.int64(niche.following[slab, slot])
        record = niche.bound[slab, slot]
        if record & GONE:
            vacate(niche, slab, slot)
        elif record & LONGER:
            word = word_at(keys.release, np.uint64(site_of(record)))
            enter(niche, slab, slot, record, steps_bound(word, rules), keys.step)
        else:
            end_contact(niche, rules, keys, slab, slot)
        slot = following
