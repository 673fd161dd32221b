"""The well-mixed limit: unbound cells are moved to random sites; and T cells that arrive from blood.

Every walking T cell is moved in every step, so that what it meets does not depend on what it met before. Unbound blasts are
moved too, fewer of them: those beside their mothers would stay crowded.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.engines.agents.cell_records import SITE, site_of, t_cell
from bitesim.engines.agents.draws import word_at
from bitesim.engines.agents.lattice import DIRECTIONS, EMPTY, OTHER, held_at, is_soft, put_at, put_soft
from bitesim.engines.agents.movement import hand_over
from bitesim.engines.agents.niche_arrays import DISPLACED, DOWN, T_ARRIVALS
from bitesim.foundation.compiled import kernel

_1: Final = np.uint64(1)
#: Sites that are tried for one cell.
TRIES: Final = 64
_DIRECTION: Final = 7 << 32
#: Columns of `ends` from here on hold those before the mixing.
_AT_FIRST: Final = 4


@kernel
def exchange(niche: Any, site: Any, other: Any) -> None:
    """Let two sites trade what they hold; neither holds a bound cell, and a T cell's record is its caller's affair."""
    here, there = held_at(niche.sites, site), held_at(niche.sites, other)
    put_at(niche.sites, site, there)
    put_at(niche.sites, other, here)
    soft_here, soft_there = is_soft(niche.soft, site), is_soft(niche.soft, other)
    put_soft(niche.soft, site, soft_there)
    put_soft(niche.soft, other, soft_here)
    mask = niche.tag_mask
    tag = niche.tags[site & mask]
    niche.tags[site & mask] = niche.tags[other & mask]
    niche.tags[other & mask] = tag


@kernel
def is_unbound(niche: Any, site: Any) -> Any:
    """Return whether a site is empty or holds a free blast or a marrow cell: what may be moved without a record."""
    return held_at(niche.sites, site) != OTHER or is_soft(niche.soft, site) == 1


@kernel
def mix_blasts(niche: Any, share: Any, key: Any) -> Any:
    """Let random pairs of sites trade places so often that a site is touched with the probability `share`."""
    draw = np.uint64(0)
    for _ in range(int(0.5 * share * (niche.box.sites_mask + 1))):
        site = np.int64(word_at(key, draw)) & niche.box.sites_mask
        other = np.int64(word_at(key, draw + _1)) & niche.box.sites_mask
        draw += np.uint64(2)
        if is_unbound(niche, site) and is_unbound(niche, other):
            exchange(niche, site, other)
    return draw


@kernel
def relocate(niche: Any, parity: Any, record: Any, key: Any, draw: Any) -> Any:
    """Move one walking T cell, which stands in no list, to a random site and into that slab's list; return the next draw."""
    site = site_of(record)
    for _ in range(TRIES):
        word = word_at(key, draw)
        draw += _1
        other = np.int64(word) & niche.box.sites_mask
        if is_unbound(niche, other):
            exchange(niche, site, other)
            direction = np.int64((word >> np.uint64(40)) % np.uint64(DIRECTIONS))
            record = (record & ~(SITE | _DIRECTION)) | other | (direction << 32)
            break
    hand_over(niche, parity, site_of(record) >> niche.box.slab_bits, record)
    return draw


@kernel
def mix_list(niche: Any, slab: Any, way: Any, parity: Any, key: Any, draw: Any) -> Any:
    """Relocate the T cells that stood in a list at first, last first, and not those that came; return the next counter."""
    row, first = niche.lists[parity, slab], niche.starts[way]
    for place in range(niche.ends[parity, slab, _AT_FIRST + way] - 1, first - 1, -1):
        last = niche.ends[parity, slab, way] - 1
        niche.ends[parity, slab, way] = last
        record = row[place]
        row[place] = row[last]
        draw = relocate(niche, parity, record, key, draw)
    return draw


@kernel
def mix(niche: Any, share: Any, key: Any, parity: Any) -> None:
    """Move all walking T cells, and a share of the other unbound cells, to random sites."""
    draw = mix_blasts(niche, share, key)
    for slab in range(niche.box.slabs):
        for way in range(DOWN + 1):
            niche.ends[parity, slab, _AT_FIRST + way] = niche.ends[parity, slab, way]
    # Once each: T cells that were moved again where they came to a later slab would gather in the first ones.
    for way in range(DOWN + 1):
        for slab in range(niche.box.slabs):
            draw = mix_list(niche, slab, way, parity, key, draw)


@kernel
def arrive(niche: Any, rules: Any, key: Any, parity: Any, number: Any, kind: Any) -> Any:
    """Put T cells of a kind (state, class of CD3) on random free sites; return how many found none.

    Where marrow cells may be pushed aside, one is if every site that was tried is taken.
    """
    draw, without = np.uint64(0), 0
    for _ in range(number):
        found = -1
        soft = -1
        for _ in range(TRIES):
            site = np.int64(word_at(key, draw)) & niche.box.sites_mask
            draw += _1
            if held_at(niche.sites, site) == EMPTY:
                found = site
                break
            if soft < 0 and held_at(niche.sites, site) == OTHER and is_soft(niche.soft, site) == 1:
                soft = site
        direction = np.int64(word_at(key, draw) % np.uint64(DIRECTIONS))
        draw += _1
        if found < 0 and soft >= 0 and rules.displaces == 1:
            found = soft
            put_soft(niche.soft, soft, 0)
            niche.tallies[soft >> niche.box.slab_bits, DISPLACED] += 1
        if found < 0:
            without += 1
            continue
        slab = found >> niche.box.slab_bits
        if hand_over(niche, parity, slab, t_cell(found, direction, kind[0], kind[1])) == 0:
            return without
        put_at(niche.sites, found, OTHER)
        niche.tallies[slab, T_ARRIVALS] += 1
    return without
