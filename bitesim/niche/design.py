"""What a piece of marrow looks like at the start: its size, how densely it is packed, and where blasts lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.cell_records import CALM, CD3_CLASSES
from bitesim.engines.agents.engine import CD19, FAT, LOW, MARROW_CELL, T_CELL, Start, niche_box
from bitesim.engines.agents.lattice import SITE_UM, Box
from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.errors import ParameterError

#: Sites that must stay empty, or no cell could move or divide.
MOST_FILLED: Final = 0.98
#: Share of the sites of a cluster that blasts fill.
_CLUSTER_FILLING: Final = 0.9
_UM3_PER_MM3: Final = 1e9


@dataclass(frozen=True)
class NicheDesign:
    """A box of marrow at the start.

    Parameters
    ----------
    edge_sites, height_sites : int
        Sites of 10 um along x and y, and along z: powers of two. 128 x 128 x 64 are 1.05 mm3.
    cells_per_site : float
        Share of sites that hold a nucleated cell (blast, T cell or marrow cell).
    blast_fraction : float
        Blasts among these cells.
    low_share : float
        CD19-low ones among the blasts.
    t_cell_fraction : float
        T cells among all cells.
    fat_share : float
        Share of sites taken by fat, in drops that no cell enters.
    cluster_um : float
        Radius of the clusters in which blasts lie; 0 scatters them.
    speed_um_per_min, persistence_min : float
        T cells walk straight on for the persistence time, on average.
    swap_chance : float
        Chance a step that a T cell trades places with the unbound cell in its way; marrow cells may then be pushed aside by
        daughters too. Above some 70 % filled, T cells are caged without it.
    """

    edge_sites: int = 64
    height_sites: int = 64
    cells_per_site: float = 0.6
    blast_fraction: float = 0.5
    low_share: float = 0.0
    t_cell_fraction: float = 0.02
    fat_share: float = 0.0
    cluster_um: float = 0.0
    speed_um_per_min: float = 5.0
    persistence_min: float = 5.0
    swap_chance: float = 0.1

    def __post_init__(self) -> None:
        box = niche_box(self.edge_sites, self.height_sites)
        share = (0.0, 1.0)
        number("cells_per_site", self.cells_per_site, "-", (1e-6, MOST_FILLED), "It is a share of the sites, e.g. 0.6.")
        for name in ("blast_fraction", "low_share", "t_cell_fraction", "swap_chance"):
            number(name, getattr(self, name), "-", share, "It is a share; 50 % is 0.5.")
        number("fat_share", self.fat_share, "-", (0.0, 0.9), "It is a share of the sites.")
        largest = 5.0 * min(self.edge_sites, self.height_sites)
        number("cluster_um", self.cluster_um, "um", (0.0, largest), "It is a radius; half the box is the largest.")
        number("speed_um_per_min", self.speed_um_per_min, "um/min", (0.05, 100.0), "T cells walk 2 to 15 um/min in marrow.")
        number("persistence_min", self.persistence_min, "min", (1e-3, 1e5), "Marrow T cells: 1 to 10 min.")
        filled = self.cells_per_site + self.fat_share
        if filled > MOST_FILLED:
            raise ParameterError(
                f"cells_per_site = {self.cells_per_site:g} and fat_share = {self.fat_share:g} fill {filled:g} of the sites: "
                f"denser than packing allows ({MOST_FILLED:g}), no cell could move or divide. Lower one of them."
            )
        if self.blast_fraction + self.t_cell_fraction > 1.0:
            raise ParameterError(
                f"blast_fraction = {self.blast_fraction:g} and t_cell_fraction = {self.t_cell_fraction:g} exceed all cells"
            )
        if self.count("blasts") + self.count("t_cells") == 0:
            raise ParameterError(
                f"blast_fraction = {self.blast_fraction:g} and t_cell_fraction = {self.t_cell_fraction:g} of {self.cells} "
                f"cells in a box of {box.sites} sites make no blast and no T cell: enlarge the box or the fractions"
            )

    @property
    def box(self) -> Box:
        """Shape of the lattice."""
        return niche_box(self.edge_sites, self.height_sites)

    @property
    def cells(self) -> int:
        """Nucleated cells."""
        return round(self.cells_per_site * self.box.sites)

    @property
    def volume_mm3(self) -> float:
        """Volume of the box."""
        return self.box.sites * SITE_UM**3 / _UM3_PER_MM3

    def count(self, kind: str) -> int:
        """Return how many 'blasts', 'low_blasts', 't_cells', 'marrow_cells' or 'fat' sites there are."""
        blasts, t_cells = round(self.blast_fraction * self.cells), round(self.t_cell_fraction * self.cells)
        return {
            "blasts": blasts,
            "low_blasts": round(self.low_share * blasts),
            "t_cells": t_cells,
            "marrow_cells": self.cells - blasts - t_cells,
            "fat": round(self.fat_share * self.box.sites),
        }[kind]


def layout(design: NicheDesign, seed: int, *, classes: Any = None, t_states: NDArray[np.int64] | None = None) -> Start:
    """Return cells on random sites: fat in drops, blasts scattered or in clusters, everything else wherever there is room.

    Parameters
    ----------
    design : NicheDesign
    seed : int
    classes : callable classes(generator, blasts) -> ndarray of uint8, optional
        Draws each blast's class of CD19 copies; tags are kept then.
    t_states : ndarray of int64, optional
        States of the T cells; calm by default.
    """
    luck = np.random.default_rng([seed, 7])
    box = design.box
    kinds = np.zeros(box.sites, np.uint8)
    if design.count("fat"):
        kinds[_nearest_to_centres(box, 30.0, design.count("fat"), luck, 1.0, np.ones(box.sites, bool))] = FAT
    blasts = design.count("blasts")
    free = kinds == 0
    if design.cluster_um > 0.0 and blasts:
        chosen = _nearest_to_centres(box, design.cluster_um, blasts, luck, _CLUSTER_FILLING, free)
    else:
        chosen = luck.choice(np.flatnonzero(free), blasts, replace=False)
    kinds[chosen] = CD19
    kinds[luck.choice(chosen, design.count("low_blasts"), replace=False)] = LOW
    others = luck.permutation(np.flatnonzero(kinds == 0))
    t_cells, marrow = design.count("t_cells"), design.count("marrow_cells")
    kinds[others[:t_cells]] = T_CELL
    kinds[others[t_cells : t_cells + marrow]] = MARROW_CELL
    states = np.full(t_cells, CALM, np.int64) if t_states is None else luck.permutation(t_states)
    if classes is None:
        return Start(kinds, states)
    cd19 = np.zeros(box.sites, np.uint8)
    where = np.flatnonzero((kinds == CD19) | (kinds == LOW))
    cd19[where] = classes(luck, len(where))
    return Start(kinds, states, cd19, luck.integers(0, CD3_CLASSES, t_cells))


def _nearest_to_centres(
    box: Box, radius_um: float, wanted: int, luck: np.random.Generator, filling: float, free: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return so many free sites, filled to a share, around as many random centres as balls of that radius need."""
    # Only clusters need it, and the import takes time.
    from scipy.spatial import cKDTree

    ball = 4.0 / 3.0 * math.pi * (radius_um / SITE_UM) ** 3 * filling
    centres = luck.random((max(1, round(wanted / ball)), 3)) * np.array(box.shape)
    z, y, x = np.unravel_index(np.flatnonzero(free), box.shape)
    distance, _ = cKDTree(centres, boxsize=np.array(box.shape, float)).query(np.stack([z, y, x], axis=1))
    nearest = np.flatnonzero(free)[np.argsort(distance, kind="stable")[: min(int(free.sum()), math.ceil(wanted / filling))]]
    return np.asarray(luck.choice(nearest, wanted, replace=False))


def with_box(design: NicheDesign, cells: int) -> NicheDesign:
    """Return the design in the smallest box that holds so many cells: a cube, or one half or a quarter as high.

    Raises
    ------
    ParameterError
        For a number of cells that is none, or more than the largest box takes.
    """
    from dataclasses import replace

    cells = whole_number("cells", cells, (1, 10**8))
    for bits in range(3, 10):
        for less in (2, 1, 0):
            if bits - less >= 3 and design.cells_per_site * 2 ** (3 * bits - less) >= cells:
                return replace(design, edge_sites=1 << bits, height_sites=1 << (bits - less))
    raise ParameterError(f"cells = {cells} do not fit the largest box at {design.cells_per_site:g} cells a site")
