"""Pictures of the niche show what the run says."""

from __future__ import annotations

import numpy as np
import pytest

import bitesim
from bitesim import ParameterError, plots
from bitesim.engines.deterministic import Case
from bitesim.leukaemia import LEUKAEMIA
from bitesim.niche import NicheDesign, NicheOptions, run_niche, spatial_factors
from bitesim.niche.pictures import SITE_KINDS
from bitesim.plots.niche_views import COLOURS


@pytest.fixture(scope="module")
def run():
    parameters = LEUKAEMIA.parameters.replace(antigen_loss_per_day=0.05)
    case = Case(LEUKAEMIA, parameters, bitesim.Regimen.parse("15 ug/m2/day for 2 d"), 1.9)
    options = NicheOptions(own_copies=True, snapshot_days=(0.0, 1.0, 2.0))
    return run_niche(case, np.array([2.0]), NicheDesign(32, 16, 0.6, 0.3, 0.01, 0.04), options, 1)


def test_every_kind_has_a_colour():
    assert list(COLOURS) == list(SITE_KINDS)
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_a_slice_shows_the_plane(run):
    panel = plots.plot_niche_slice(run.snapshots[1], 55.0)
    assert np.array_equal(panel.images[0].get_array(), run.snapshots[1].sites[5])
    assert "day 1" in panel.get_title()
    with pytest.raises(ParameterError, match=r"height_um = 161.0 um is outside"):
        plots.plot_niche_slice(run.snapshots[1], 161.0)


def test_three_dimensions_show_every_kind_of_cell(run):
    panel = plots.plot_niche_3d(run.snapshots[2], most=50)
    shown = [text.get_text() for text in panel.get_legend().get_texts()]
    assert any(text.startswith("CD19+ blast (50 of ") for text in shown)
    assert len(panel.collections) == len(shown)


def test_curves_are_those_of_the_run(run):
    axes = plots.plot_niche(run)
    contacts = {line.get_label(): line.get_ydata() for line in axes[0, 1].lines}
    assert np.array_equal(contacts["kills"], run["kills"])
    assert sum(bar.get_height() for bar in axes[1, 1].patches) == run["t_cells"][-1]
    assert axes[1, 0].lines[0].get_ydata()[0] == 1.0
    assert run.plot().shape == (2, 2)


def test_clones_add_up(run):
    panel = plots.plot_niche_clones(run, most=3)
    assert len(panel.collections) == 4
    assert panel.get_ylim()[1] >= run["low_blasts"][-1]


def test_animation_has_a_frame_a_snapshot(run, tmp_path):
    from PIL import Image

    with Image.open(plots.animate_niche(run, tmp_path / "niche.gif", dpi=40)) as film:
        assert film.n_frames == 3
    with pytest.raises(ParameterError, match=r"must end in \.gif"):
        plots.animate_niche(run, tmp_path / "niche.mp4")


def test_spatial_factors_are_drawn():
    factors = spatial_factors(NicheDesign(16, 16), {"blast_fraction": (0.2, 0.5)}, repeats=2, hours=6.0)
    panel = plots.plot_spatial_factors(factors, "blast_fraction")
    assert panel.lines[0].get_ydata() == pytest.approx([each.chi for each in factors])
    with pytest.raises(ParameterError, match=r"against = 'density'"):
        plots.plot_spatial_factors(factors, "density")
