"""Free blasts divide into free space, die, and lose CD19: found by skipping over sites, so that idle ones cost nothing.

Whether anything happens at a site is a Bernoulli trial with the chance of the busiest kind; the number of sites to the next
success is geometric and drawn as such. What happens is then thinned to the hazards of the cell that is there.

Assumption (daughters need a place): a daughter takes an empty site beside its mother, or that of a marrow cell where these
may be pushed aside; without either the division fails and is counted. Alternatives: pushing whole rows of cells; division
that waits. What it changes: growth inside dense clusters, which stalls here.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.agents.draws import passed_over, word_at
from bitesim.engines.agents.lattice import (
    CD19_BLAST,
    DIRECTIONS,
    EMPTY,
    LOW_BLAST,
    OTHER,
    held_at,
    is_soft,
    neighbour,
    put_at,
    put_soft,
)
from bitesim.engines.agents.niche_arrays import (
    CD19_BIRTHS,
    CD19_DEATHS,
    DISPLACED,
    LOSSES,
    LOW_BIRTHS,
    LOW_DEATHS,
    NO_ROOM,
)
from bitesim.engines.agents.rules import BIRTH, DEATH, LOSS
from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import open_unit

_32: Final = np.uint64(32)
_CD19_CLASS: Final = 15
_CLONE_AT: Final = 4


@kernel
def settle(niche: Any, rules: Any, slab: Any, mother: Any, code: Any, word: Any) -> Any:
    """Put a daughter beside its mother; return its site, or -1 where there is no room."""
    # The upper half of the word: the lower one may have decided that there is a daughter.
    direction = np.int64(((word >> _32) * np.uint64(DIRECTIONS)) >> _32)
    for turn in range(DIRECTIONS):
        site = neighbour(mother, (direction + turn) % DIRECTIONS, niche.box)
        if held_at(niche.sites, site) == EMPTY:
            put_at(niche.sites, site, code)
            return site
    if rules.displaces == 1:
        for turn in range(DIRECTIONS):
            site = neighbour(mother, (direction + turn) % DIRECTIONS, niche.box)
            if held_at(niche.sites, site) == OTHER and is_soft(niche.soft, site) == 1:
                put_soft(niche.soft, site, 0)
                put_at(niche.sites, site, code)
                niche.tallies[slab, DISPLACED] += 1
                return site
    niche.tallies[slab, NO_ROOM] += 1
    return -1


@kernel
def divide(niche: Any, rules: Any, slab: Any, site: Any, code: Any, word: Any) -> None:
    """Let a blast divide: the daughter has its CD19 and belongs to its clone."""
    daughter = settle(niche, rules, slab, site, code, word)
    if daughter >= 0:
        niche.tags[daughter & niche.tag_mask] = niche.tags[site & niche.tag_mask]
        niche.tallies[slab, CD19_BIRTHS if code == CD19_BLAST else LOW_BIRTHS] += 1


@kernel
def lose_antigen(niche: Any, slab: Any, site: Any) -> None:
    """Make a CD19+ blast a CD19-low one, the founder of a clone."""
    put_at(niche.sites, site, LOW_BLAST)
    niche.tallies[slab, LOSSES] += 1
    if niche.tag_mask > 0:
        clone = 1 + slab + niche.box.slabs * (niche.tallies[slab, LOSSES] - 1)
        kept = np.int64(niche.tags[site]) & _CD19_CLASS
        niche.tags[site] = np.uint32(kept | (clone << _CLONE_AT))


@kernel
def blast_fates(niche: Any, rules: Any, keys: Any, slab: Any) -> None:
    """Let the blasts of a slab divide, die and lose CD19."""
    site, end = (slab << niche.box.slab_bits) - 1, (slab + 1) << niche.box.slab_bits
    # Counters of a slab's draws are far from those of the others.
    draw = np.uint64(slab) << _32
    while True:
        site += 1 + passed_over(word_at(keys.blast, draw), rules.blast)
        draw += np.uint64(1)
        if site >= end:
            return
        code = np.int64(held_at(niche.sites, site))
        if code in (CD19_BLAST, LOW_BLAST):
            share = open_unit(word_at(keys.blast, draw))
            word = word_at(keys.blast, draw + np.uint64(1))
            draw += np.uint64(2)
            shares = rules.blast_shares[code - CD19_BLAST]
            if share < shares[BIRTH]:
                divide(niche, rules, slab, site, code, word)
            elif share < shares[DEATH]:
                put_at(niche.sites, site, EMPTY)
                niche.tallies[slab, CD19_DEATHS if code == CD19_BLAST else LOW_DEATHS] += 1
            elif share < shares[LOSS] and code == CD19_BLAST:
                lose_antigen(niche, slab, site)
