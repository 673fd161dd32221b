"""One step of the niche, slab by slab in two colours: neighbours never run at once, so threads change nothing.

A slab of at least four planes reads and writes its own sites and one plane beyond. Even slabs come first in two steps, odd
ones in the next two, so that neither side is favoured.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bitesim.engines.agents.blast_fates import blast_fates
from bitesim.engines.agents.contacts import wake
from bitesim.engines.agents.draws import Decision, key_of
from bitesim.engines.agents.mixing import mix
from bitesim.engines.agents.movement import walk
from bitesim.engines.agents.niche_arrays import (
    BINDS,
    CD19_BIRTHS,
    CD19_DEATHS,
    DOWN,
    FULL,
    LOW_BIRTHS,
    LOW_DEATHS,
    MOVES,
    OWN,
    RELEASES,
    T_LOST_BOUND,
    UP,
)
from bitesim.engines.agents.t_cell_fates import fates_of_bound, fates_of_walking
from bitesim.foundation.compiled import kernel

#: Planes of a slab: part of what a run is, since the order of cells depends on it. Threads do not.
SLAB_PLANES_BITS = 2
_MOVE, _CONTACT, _RELEASE, _BLAST, _T_CELL, _MIXING = (
    int(each)
    for each in (
        Decision.MOVE, Decision.CONTACT, Decision.RELEASE, Decision.BLAST_FATE, Decision.T_CELL_FATE, Decision.MIXING,
    )
)  # fmt: skip


class Keys(NamedTuple):
    """Keys of one step's draws (uint64), the step, and the free blasts at its start."""

    move: Any
    contact: Any
    release: Any
    blast: Any
    t_cell: Any
    step: Any
    free_blasts: Any


@kernel
def keys_of(seed: Any, step: Any, free_blasts: Any) -> Any:
    """Return the keys of one step."""
    return Keys(
        key_of(seed, _MOVE, step),
        key_of(seed, _CONTACT, step),
        key_of(seed, _RELEASE, step),
        key_of(seed, _BLAST, step),
        key_of(seed, _T_CELL, step),
        step,
        free_blasts,
    )


@kernel
def free_blasts_gained(niche: Any) -> Any:
    """Return by how many the free blasts of all slabs have grown since the start."""
    tallies, total = niche.tallies, 0
    for slab in range(niche.box.slabs):
        row = tallies[slab]
        total += row[CD19_BIRTHS] + row[LOW_BIRTHS] + row[RELEASES] + row[T_LOST_BOUND]
        total -= row[CD19_DEATHS] + row[LOW_DEATHS] + row[BINDS]
    return total


@kernel
def listed(niche: Any, parity: Any, slab: Any, way: Any) -> Any:
    """Return the records of a list, as a view."""
    return niche.lists[parity, slab, niche.starts[way] : niche.ends[parity, slab, way]]


@kernel
def step_slab(niche: Any, rules: Any, keys: Any, slab: Any) -> None:
    """Carry one slab through one step: contacts end, blasts and T cells meet their fates, T cells walk."""
    before, after, slabs = keys.step & 1, 1 - (keys.step & 1), niche.box.slabs
    for way in range(DOWN + 1):
        niche.ends[after, slab, way] = niche.starts[way]
    wake(niche, rules, keys, slab)
    blast_fates(niche, rules, keys, slab)
    below = slab - 1 if slab > 0 else slabs - 1
    above = slab + 1 if slab + 1 < slabs else 0
    own = listed(niche, before, slab, OWN)
    from_below = listed(niche, before, below, UP)
    from_above = listed(niche, before, above, DOWN)
    draw = np.uint64(slab) << np.uint64(32)
    n_own, draw = fates_of_walking(niche, rules, keys, slab, own, draw)
    n_below, draw = fates_of_walking(niche, rules, keys, slab, from_below, draw)
    n_above, draw = fates_of_walking(niche, rules, keys, slab, from_above, draw)
    fates_of_bound(niche, rules, keys, slab, draw)
    walk(niche, rules, keys, own[:n_own], slab)
    walk(niche, rules, keys, from_below[:n_below], slab)
    walk(niche, rules, keys, from_above[:n_above], slab)
    walking = n_own + n_below + n_above
    niche.tallies[slab, MOVES] += walking
    niche.exposure[slab, 0] += float(walking) * keys.free_blasts


@kernel
def step_colour(niche: Any, rules: Any, keys: Any, colour: Any, worker: Any, workers: Any) -> None:
    """Carry every slab of one colour that belongs to a worker through one step."""
    for pair in range(worker, niche.box.slabs // 2, workers):
        step_slab(niche, rules, keys, 2 * pair + colour)


@kernel
def colour_of(step: Any, turn: Any) -> Any:
    """Return which colour has the first (0) or second (1) turn in a step."""
    return turn ^ ((step >> 1) & 1)


@kernel
def is_full(niche: Any) -> Any:
    """Return whether a list had no room for a cell."""
    full = 0
    for slab in range(niche.box.slabs):
        full += niche.tallies[slab, FULL]
    return full > 0


@kernel
def run_steps(niche: Any, rules: Any, seed: Any, first: Any, steps: Any, free_at_first: Any) -> Any:
    """Carry the niche through some steps on one thread; return how many were made before a list was full.

    `free_at_first` are the free blasts when all tallies were 0.
    """
    for step in range(first, first + steps):
        keys = keys_of(seed, step, float(free_at_first + free_blasts_gained(niche)))
        for turn in range(2):
            step_colour(niche, rules, keys, colour_of(step, turn), 0, 1)
        if rules.mixing > 0.0:
            mix(niche, rules.mixing, key_of(seed, _MIXING, step), 1 - (step & 1))
        if is_full(niche):
            return step - first
    return steps
