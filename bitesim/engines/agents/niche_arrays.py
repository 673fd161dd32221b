"""The memory of a niche: lattice, lists of walking T cells, slots of bound ones, and what was counted.

Walking T cells stand in lists by slab, those of this step and those of the next. A slab writes its own next list and two
lists of cells that leave it, up and down, which the neighbours read a step later; so slabs that are not neighbours never
touch the same memory. The three lists are sections of one row, so that the next record goes to a computed place: a branch
that is guessed wrongly would cost a quarter of the time.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.lattice import SITES_PER_WORD, Box

#: Steps of one turn of the time wheel.
WHEEL: Final = 2048
#: T cells whose moves are drawn together, before any of them is made.
CHUNK: Final = 128
#: How contacts ended, and steps of a bin of their durations.
ENDS: Final = ("killed", "released", "T cell lost")
KILLED, RELEASED, LOST = range(3)
DURATION_BINS: Final = 512
DURATION_BIN_STEPS: Final = 16
#: Lists that a slab fills: its own, up, down.
OWN, UP, DOWN = range(3)
#: Columns of `pool`: head of the free slots (-1: none), and slots that were ever used.
FREE, TOP = range(2)

TALLIES: Final = (
    "moves",
    "binds",
    "kills",
    "releases",
    "cd19_births",
    "low_births",
    "cd19_deaths",
    "low_deaths",
    "antigen_losses",
    "t_births",
    "t_deaths",
    "t_exits",
    "t_arrivals",
    "t_lost_bound",
    "low_kills",
    "displaced",
    "births_without_room",
    "swaps",
    "low_binds",
    "full_lists",
)
(
    MOVES, BINDS, KILLS, RELEASES, CD19_BIRTHS, LOW_BIRTHS, CD19_DEATHS, LOW_DEATHS, LOSSES, T_BIRTHS, T_DEATHS, T_EXITS,
    T_ARRIVALS, T_LOST_BOUND, LOW_KILLS, DISPLACED, NO_ROOM, SWAPS, LOW_BINDS, FULL,
) = range(len(TALLIES))  # fmt: skip
#: Rows of tallies are kept on cache lines of their own: neighbours are written by other threads.
_TALLY_COLUMNS: Final = 32


class Niche(NamedTuple):
    """Arrays of one niche; kernels change them in place.

    Parameters
    ----------
    box : Box
    sites, soft : ndarray of uint64
        Two bits and one bit a site.
    tags : ndarray of uint32
        What else is known of the blast at a site: class of CD19 (4 bits), clone (28 bits). One element where nothing is.
    tag_mask : int
        Sites less one, or 0 where tags are not kept: every site then reads the same zero.
    lists : ndarray of int64, shape (2, slabs, room)
        Records of walking T cells by parity of the step, in three sections: own, up, down.
    starts : ndarray of int64, shape (4,)
        Where the sections start, and the end of the last.
    ends : ndarray of int64, shape (2, slabs, 8)
        Where the next record of each section goes; the other columns are room to work.
    bound : ndarray of int64, shape (slabs, room)
        Records of bound T cells; NOBODY in free slots.
    following, since : ndarray of int32, shape (slabs, room)
        Next slot of the same list, step at which the contact began.
    first : ndarray of int32, shape (slabs, WHEEL)
        First slot of those whose contact ends in a step.
    pool : ndarray of int64, shape (slabs, 8)
    tallies : ndarray of int64, shape (slabs, columns)
    exposure : ndarray of float64, shape (slabs, 8)
        First column: sum over steps of walking T cells times free blasts of the niche.
    durations : ndarray of int32, shape (slabs, ends, bins)
    words, aims : ndarray of uint64 and int64, shape (slabs, CHUNK)
        Room to work.
    """

    box: Box
    sites: NDArray[np.uint64]
    soft: NDArray[np.uint64]
    tags: NDArray[np.uint32]
    tag_mask: int
    lists: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    bound: NDArray[np.int64]
    following: NDArray[np.int32]
    since: NDArray[np.int32]
    first: NDArray[np.int32]
    pool: NDArray[np.int64]
    tallies: NDArray[np.int64]
    exposure: NDArray[np.float64]
    durations: NDArray[np.int32]
    words: NDArray[np.uint64]
    aims: NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(each.nbytes for each in self if isinstance(each, np.ndarray))


def empty_niche(box: Box, room: int, with_tags: bool) -> Niche:
    """Return a niche without cells, with room for so many T cells a slab (a third of them crossing to either side)."""
    slabs, aside = box.slabs, CHUNK + room // 3
    starts = np.array([0, room + CHUNK, room + CHUNK + aside, room + CHUNK + 2 * aside])
    ends = np.zeros((2, slabs, 8), np.int64)
    ends[:, :, : len(starts) - 1] = starts[:-1]
    pool = np.zeros((slabs, 8), np.int64)
    pool[:, FREE] = -1
    return Niche(
        box=box,
        sites=np.zeros(box.sites // SITES_PER_WORD, np.uint64),
        soft=np.zeros(box.sites // 64, np.uint64),
        tags=np.zeros(box.sites if with_tags else 1, np.uint32),
        tag_mask=box.sites_mask if with_tags else 0,
        lists=np.zeros((2, slabs, int(starts[-1])), np.int64),
        starts=starts,
        ends=ends,
        bound=np.full((slabs, room), -1, np.int64),
        following=np.full((slabs, room), -1, np.int32),
        since=np.zeros((slabs, room), np.int32),
        first=np.full((slabs, WHEEL), -1, np.int32),
        pool=pool,
        tallies=np.zeros((slabs, _TALLY_COLUMNS), np.int64),
        exposure=np.zeros((slabs, 8)),
        durations=np.zeros((slabs, len(ENDS), DURATION_BINS), np.int32),
        words=np.zeros((slabs, CHUNK), np.uint64),
        aims=np.zeros((slabs, CHUNK), np.int64),
    )


def list_counts(niche: Niche, parity: int) -> NDArray[np.int64]:
    """Return how many records the lists of each slab hold; shape (slabs, 3)."""
    return np.asarray(niche.ends[parity, :, : DOWN + 1] - niche.starts[:-1])


def room_of(niche: Niche) -> int:
    """Return how many T cells a slab's own list takes."""
    return int(niche.starts[1]) - CHUNK


def fullest(niche: Niche) -> float:
    """Return the share of room that the fullest list uses [-]."""
    rooms = np.diff(niche.starts) - CHUNK
    lists = max(float((list_counts(niche, parity) / rooms).max()) for parity in range(2))
    return float(max(lists, niche.pool[:, TOP].max() / niche.bound.shape[1]))


def with_more_room(niche: Niche, room: int) -> Niche:
    """Return the same niche with room for more T cells a slab; nothing that happens depends on the room."""
    larger = empty_niche(niche.box, room, niche.tag_mask > 0)
    for parity in range(2):
        for way, (old, new) in enumerate(zip(niche.starts[:-1], larger.starts[:-1], strict=True)):
            size = int(list_counts(niche, parity)[:, way].max())
            larger.lists[parity, :, new : new + size] = niche.lists[parity, :, old : old + size]
            larger.ends[parity, :, way] = niche.ends[parity, :, way] - old + new
    changes: dict[str, Any] = {name: getattr(larger, name) for name in ("lists", "starts", "ends")}
    for name in ("bound", "following", "since"):
        old_slots, new_slots = getattr(niche, name), getattr(larger, name)
        new_slots[:, : old_slots.shape[1]] = old_slots
        changes[name] = new_slots
    return niche._replace(**changes)
