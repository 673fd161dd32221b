"""Bound T cells sleep in a wheel: a slot for each step of its turn, in it a list of those who let go then.

A contact costs nothing until it ends. One that outlasts a turn of the wheel is drawn anew at its end, which is exact since
the time that is left has forgotten how long it took.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bitesim.engines.agents.cell_records import LONGER, NOBODY, holding
from bitesim.engines.agents.draws import passed_over
from bitesim.engines.agents.niche_arrays import FREE, FULL, TOP, WHEEL
from bitesim.foundation.compiled import kernel


@kernel
def steps_bound(word: Any, rules: Any) -> Any:
    """Return after how many steps a contact ends, at least 1."""
    return 1 + passed_over(word, rules.let_go)


@kernel
def enter(niche: Any, slab: Any, slot: Any, record: Any, steps: Any, step: Any) -> None:
    """Put a T cell that sits in a slot of the pool into the wheel, to wake after some steps."""
    is_longer = int(steps >= WHEEL)
    turn = (step + min(steps, WHEEL - 1)) % WHEEL
    niche.bound[slab, slot] = (record & ~LONGER) | (is_longer * LONGER)
    niche.following[slab, slot] = niche.first[slab, turn]
    niche.first[slab, turn] = slot


@kernel
def free_slot(niche: Any, slab: Any) -> Any:
    """Return a free slot, or -1 where there is no room."""
    slot = niche.pool[slab, FREE]
    if slot >= 0:
        niche.pool[slab, FREE] = np.int64(niche.following[slab, slot])
        return slot
    slot = niche.pool[slab, TOP]
    if slot >= niche.bound.shape[1]:
        niche.tallies[slab, FULL] += 1
        return -1
    niche.pool[slab, TOP] = slot + 1
    return slot


@kernel
def vacate(niche: Any, slab: Any, slot: Any) -> None:
    """Give a slot back."""
    niche.bound[slab, slot] = NOBODY
    niche.following[slab, slot] = niche.pool[slab, FREE]
    niche.pool[slab, FREE] = slot


@kernel
def fall_asleep(niche: Any, rules: Any, slab: Any, record: Any, code: Any, word: Any, step: Any) -> Any:
    """Let a T cell hold a target of a code from this step on; return 0 where there is no room for it, else 1."""
    slot = free_slot(niche, slab)
    if slot < 0:
        return 0
    niche.since[slab, slot] = step
    enter(niche, slab, slot, holding(record, code, 0), steps_bound(word, rules), step)
    return 1
