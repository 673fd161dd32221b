"""What a lattice looks like at one moment: the kind of cell at each site, and the clone of each CD19-low blast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.cell_records import DIRECTION_AT, HELD_AT, SITE, STATE_AT
from bitesim.engines.agents.engine import NicheEngine
from bitesim.engines.agents.lattice import CD19_BLAST, EMPTY, LOW_BLAST, neighbours

#: What is at a site, in the order of the numbers of a snapshot.
SITE_KINDS: Final = (
    "empty", "CD19+ blast", "CD19-low blast", "calm T cell", "activated T cell", "exhausted T cell", "T cell in contact",
    "CD19+ blast in contact", "CD19-low blast in contact", "marrow cell", "fat",
)  # fmt: skip
(
    NOTHING, FREE_CD19, FREE_LOW, WALKING, _ACTIVATED, _EXHAUSTED, IN_CONTACT, HELD_CD19, HELD_LOW, MARROW, FAT_DROP,
) = range(len(SITE_KINDS))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The lattice at one moment.

    Parameters
    ----------
    day : float
    sites : ndarray of uint8, shape (z, y, x)
        `SITE_KINDS`.
    clones : ndarray of int64, shape (CD19-low blasts, 2)
        Site and clone; clone 0 was there at the start. Clones are kept only where blasts have tags.
    """

    day: float
    sites: NDArray[np.uint8]
    clones: NDArray[np.int64]

    def count(self, kind: str) -> int:
        """Return how many sites are of a kind of `SITE_KINDS`."""
        return int(np.count_nonzero(self.sites == SITE_KINDS.index(kind)))


def snapshot(engine: NicheEngine, day: float) -> Snapshot:
    """Return what each site holds now."""
    codes = engine.codes()
    sites = np.full(len(codes), FAT_DROP, np.uint8)
    sites[codes == EMPTY], sites[codes == CD19_BLAST], sites[codes == LOW_BLAST] = NOTHING, FREE_CD19, FREE_LOW
    sites[engine.marrow_cells()] = MARROW
    walking, bound = engine.walking(), engine.bound()
    sites[walking & SITE] = WALKING + ((walking >> STATE_AT) & 3)
    sites[bound & SITE] = IN_CONTACT
    targets = np.zeros(len(bound), np.int64)
    neighbours(bound & SITE, (bound >> DIRECTION_AT) & 7, engine.box, targets)
    sites[targets] = HELD_CD19 + ((bound >> HELD_AT) & 1)
    low = np.flatnonzero((sites == FREE_LOW) | (sites == HELD_LOW))
    clone = (engine.niche.tags[low].astype(np.int64) >> 4) if engine.niche.tag_mask else np.zeros(len(low), np.int64)
    return Snapshot(day, sites.reshape(engine.box.shape), np.column_stack([low, clone]))
