"""Pictures of the hybrid engine: what is drawn of a few replicates."""

import matplotlib as mpl
import numpy as np
import pytest

import bitesim
from bitesim.plots import plot_cure_against_nadir, plot_extinction_times, plot_fan

mpl.use("agg")


@pytest.fixture(scope="module")
def run():
    return bitesim.simulate(
        bitesim.Patient(mrd=1e-8), "28 ug/day for 28 d, 14 d off, x2", None, np.arange(0.0, 300.0, 7.0),
        parameters=bitesim.find_model("leukaemia").parameters.replace(low_blast_share=1e-9), engine="hybrid",
        replicates=60, seed=1,
    )  # fmt: skip


def test_the_fan_colours_who_is_cured(run):
    axes = plot_fan(run, most=50)
    assert axes.get_yscale() == "log"
    colours = [line.get_color() for line in axes.lines[:-1]]
    cured = np.isfinite(run.extinction_days()).all(axis=1)[:50]
    assert len(colours) == 50
    assert [colour == "#2c7f5b" for colour in colours] == cured.tolist()


def test_extinction_ends_at_the_share_of_cure(run):
    axes = plot_extinction_times(run)
    everybody = next(line for line in axes.lines if line.get_label() == "all")
    assert everybody.get_ydata()[-1] == pytest.approx(run.p_cured().value)
    assert np.all(np.diff(everybody.get_ydata()) >= 0.0)


def test_mrd_negative_is_not_cured(run):
    axes = plot_cure_against_nadir(run)
    cured = int(np.isfinite(run.extinction_days()).all(axis=1).sum())
    assert f"60 of 60 below 0.0001, {cured} of them cured" in axes.get_title()
    assert len(run.plot()) == 3
