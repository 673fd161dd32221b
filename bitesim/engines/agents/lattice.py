"""Sites of a box of marrow: two bits a site in 64-bit words, neighbours in a box without walls.

A site is empty or holds one cell. Two bits tell what a walking T cell has to know: nothing, a CD19+ blast, a CD19-low
blast, or something else (a T cell, a blast that a T cell holds, a marrow cell, fat). A box of a million sites is a quarter
of a megabyte, which stays in the cache.

Assumption (cells live on a cubic lattice): cells have one size and sites of 10 um, six neighbours each, and the box has no
walls: what leaves at one side enters at the other. Alternatives: cells that push each other off a lattice (a hundredfold
cost); vessels, bone and gradients. What it changes: how T cells are caged in dense marrow: six ways out are fewer than a
real cell has, which is why they may trade places there.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel

#: What a site holds.
EMPTY, CD19_BLAST, LOW_BLAST, OTHER = range(4)
DIRECTIONS: Final = 6
SITES_PER_WORD: Final = 32
SITE_UM: Final = 10.0

_THREE: Final = np.uint64(3)
_ONE: Final = np.uint64(1)
_WORD_BITS, _IN_WORD = 5, 31
_SOFT_BITS, _IN_SOFT = 6, 63


class Box(NamedTuple):
    """Shape of the lattice, as whole numbers that a kernel shifts and masks by.

    Parameters
    ----------
    edge_bits : int
        Binary logarithm of the sites along x, and along y.
    edge_mask, height_more : int
        Sites along x less one; sites along z less those along x.
    sites_mask : int
        All sites less one.
    slab_bits : int
        Binary logarithm of the sites of a slab.
    slabs : int
    """

    edge_bits: int
    edge_mask: int
    height_more: int
    sites_mask: int
    slab_bits: int
    slabs: int

    @classmethod
    def of(cls, edge_bits: int, height_bits: int, planes_bits: int) -> Box:
        """Return a box of 2**edge_bits by 2**edge_bits by 2**height_bits sites, in slabs of 2**planes_bits planes."""
        sites = 1 << (2 * edge_bits + height_bits)
        edge = 1 << edge_bits
        slab_bits = 2 * edge_bits + planes_bits
        return cls(edge_bits, edge - 1, (1 << height_bits) - edge, sites - 1, slab_bits, sites >> slab_bits)

    @property
    def sites(self) -> int:
        """All sites."""
        return self.sites_mask + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sites along z, y and x."""
        edge = self.edge_mask + 1
        return edge + self.height_more, edge, edge


@kernel
def neighbour(site: Any, direction: Any, box: Any) -> Any:
    """Return the site next to one, in one of six directions: down and up along x, y and z; `direction ^ 1` is opposite."""
    axis = direction >> 1
    shift = box.edge_bits * axis
    mask = (box.edge_mask + (axis >> 1) * box.height_more) << shift
    step = (((direction & 1) << 1) - 1) << shift
    return (site & ~mask) | ((site + step) & mask)


@kernel
def neighbours(sites: Any, directions: Any, box: Any, found: Any) -> None:
    """Write the site next to each of many."""
    for i in range(len(sites)):
        found[i] = neighbour(sites[i], directions[i], box)


@kernel
def held_at(sites: Any, site: Any) -> Any:
    """Return what a site holds, 0 to 3 (uint64)."""
    return (sites[site >> _WORD_BITS] >> np.uint64((site & _IN_WORD) << 1)) & _THREE


@kernel
def put_at(sites: Any, site: Any, code: Any) -> None:
    """Let a site hold something else."""
    place = np.uint64((site & _IN_WORD) << 1)
    word = site >> _WORD_BITS
    sites[word] = (sites[word] & ~(_THREE << place)) | (np.uint64(code) << place)


@kernel
def is_soft(soft: Any, site: Any) -> Any:
    """Return 1 where a site that holds something else holds a marrow cell, which can be pushed aside, else 0 (uint64)."""
    return (soft[site >> _SOFT_BITS] >> np.uint64(site & _IN_SOFT)) & _ONE


@kernel
def put_soft(soft: Any, site: Any, bit: Any) -> None:
    """Say whether a site holds a marrow cell."""
    place = np.uint64(site & _IN_SOFT)
    word = site >> _SOFT_BITS
    soft[word] = (soft[word] & ~(_ONE << place)) | (np.uint64(bit) << place)


def packed(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the words of sites given one by one (0 to 3)."""
    rows = codes.reshape(-1, SITES_PER_WORD).astype(np.uint64)
    shifts = np.arange(SITES_PER_WORD, dtype=np.uint64) << np.uint64(1)
    return np.asarray(np.bitwise_or.reduce(rows << shifts, axis=1))


def unpacked(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return what each site holds."""
    shifts = np.arange(SITES_PER_WORD, dtype=np.uint64) << np.uint64(1)
    return np.asarray(((words[:, None] >> shifts) & _THREE).astype(np.uint8).reshape(-1))


def packed_bits(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return 64 bits a word."""
    return np.packbits(bits, bitorder="little").view(np.uint64).copy()


def unpacked_bits(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return the bits one by one."""
    return np.unpackbits(words.view(np.uint8), bitorder="little").astype(bool)
