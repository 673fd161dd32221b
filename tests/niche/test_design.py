"""Designs: what is laid out is what was asked for, and what cannot be is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.niche import NicheDesign, with_box
from bitesim.niche.design import layout


def test_layout_has_the_cells_that_were_asked_for():
    design = NicheDesign(32, 16, 0.7, 0.4, 0.1, 0.05, 0.1, 0.0)
    start = layout(design, 3)
    counted = np.bincount(start.kinds, minlength=6)
    blasts = design.count("blasts")
    low = design.count("low_blasts")
    sites = design.box.sites
    assert blasts == round(0.4 * round(0.7 * sites))
    assert counted.tolist() == [
        sites - design.cells - design.count("fat"), blasts - low, low, design.count("t_cells"), design.count("marrow_cells"),
        round(0.1 * sites),
    ]  # fmt: skip
    assert np.array_equal(layout(design, 3).kinds, start.kinds)
    assert not np.array_equal(layout(design, 4).kinds, start.kinds)


def test_clusters_are_dense_and_of_their_size():
    design = NicheDesign(64, 32, 0.5, 0.1, cluster_um=80.0)
    blasts = (layout(design, 1).kinds == 1).reshape(design.box.shape)
    # Neighbours of a blast are blasts in 9 of 10 inside a ball of 8 sites' radius, less at its surface.
    beside = np.mean([np.roll(blasts, 1, axis)[blasts].mean() for axis in range(3)])
    assert 0.7 < beside < 0.92
    scattered = (layout(NicheDesign(64, 32, 0.5, 0.1), 1).kinds == 1).reshape(design.box.shape)
    assert np.roll(scattered, 1, 0)[scattered].mean() < 0.1


def test_volume():
    assert NicheDesign(128, 64).volume_mm3 == pytest.approx(1.048576)


def test_smallest_box_that_holds_cells():
    design = with_box(NicheDesign(cells_per_site=0.5), 10**6)
    assert (design.edge_sites, design.height_sites) == (128, 128)
    assert with_box(NicheDesign(cells_per_site=0.5), 10**5).box.sites == 2**18
    assert with_box(NicheDesign(cells_per_site=0.5), 8 * 10**6).box.sites == 2**24
    with pytest.raises(ParameterError, match=r"do not fit the largest box"):
        with_box(NicheDesign(cells_per_site=1e-3), 10**8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells_per_site": 0.99}, "cells_per_site = 0.99 is outside the allowed range: expected 1e-06 to 0.98"),
        ({"cells_per_site": 0.9, "fat_share": 0.2}, "denser than packing allows"),
        ({"blast_fraction": 0.0, "t_cell_fraction": 0.0}, "make no blast and no T cell"),
        ({"blast_fraction": 0.9, "t_cell_fraction": 0.2}, "exceed all cells"),
        ({"blast_fraction": 50.0}, "blast_fraction = 50.0 is outside .* 50 % is 0.5"),
        ({"speed_um_per_min": -2.0}, "speed_um_per_min = -2.0 um/min is outside the allowed range: expected 0.05 to 100"),
        ({"persistence_min": 0.0}, "persistence_min = 0.0 min is outside"),
        ({"edge_sites": 100}, "edge_sites = 100 is no power of two: choose 64 or 128"),
        ({"cluster_um": 1e4}, "half the box is the largest"),
        ({"swap_chance": 1.5}, "swap_chance = 1.5 is outside"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        NicheDesign(**changes)
