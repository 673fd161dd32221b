"""Figures of the dish: one Axes, log axes, published figures as points, lines that say what they are."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

import bitesim
from bitesim.foundation.errors import UnknownNameError

mpl.use("agg")


@pytest.fixture(scope="module")
def sweep():
    return bitesim.dish.synapse_experiment(
        [0.0, 0.65, 20.0, 100.0, 500.0, 2000.0], [1e6, 4e6], effectors_per_target=[0.1, 1.0, 6.0]
    )


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def drawn(axes):
    """Return the lines with data, without points."""
    return [line for line in axes.lines if len(line.get_xdata()) and line.get_linestyle() != "None"]


def names(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_shares_over_drug_are_a_bell_for_each_density(sweep):
    axes = sweep.select(effectors_per_target=1).plot()
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "drug [ng/mL]"
    assert len(drawn(axes)) == 2
    for line in drawn(axes):
        # Drug 0 has no place on a log axis.
        assert line.get_xdata().tolist() == [0.65, 20.0, 100.0, 500.0, 2000.0]
        assert 0 < np.argmax(line.get_ydata()) < 4
    assert names(axes) == ["1e6 T cells/mL", "4e6 T cells/mL", "Liu et al. 2023"]
    points = [line for line in axes.lines if len(line.get_xdata()) and line.get_linestyle() == "None"]
    assert sorted(value for line in points for value in line.get_ydata()) == pytest.approx([0.41, 15.3, 27.8])


def test_shares_over_e_to_t(sweep):
    axes = sweep.select(drug_ng_per_ml=[20, 100]).plot("effectors_per_target", "engaged_targets")
    assert len(drawn(axes)) == 4
    assert axes.get_ylabel() == "targets in clusters [%]"
    # Two quantities vary: one by colour, one by dashes, no published figure of this share.
    assert names(axes) == ["1e6 T cells/mL", "4e6 T cells/mL", "20 ng/mL", "100 ng/mL"]
    assert {line.get_linestyle() for line in drawn(axes)} == {"-", "--"}


def test_shares_over_time_and_into_given_axes(sweep):
    _, mine = pyplot.subplots()
    dish = sweep.select(drug_ng_per_ml=100, effectors_per_target=1)
    axes = dish.plot("minutes", "effectors_ETE", ax=mine)
    assert axes is mine
    assert [len(line.get_xdata()) for line in drawn(axes)] == [61, 61]
    assert drawn(axes)[0].get_ydata()[-1] == pytest.approx(100.0 * dish["effectors_ETE"][0])
    assert axes.get_xscale() == "linear"


def test_a_long_legend_stands_outside(sweep):
    axes = sweep.plot("effectors_per_target")
    axes.figure.canvas.draw()
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1


def test_one_dish_is_a_point_and_unknown_axes_are_named():
    result = bitesim.dish.synapse_experiment(5.0, 1e6)
    assert result.plot().lines[0].get_marker() == "."
    with pytest.raises(UnknownNameError, match="Did you mean 'minutes'"):
        result.plot("minute")
    with pytest.raises(UnknownNameError, match="share to draw over minutes"):
        result.plot("minutes", "engaged_targets")


def test_lysis_has_published_points_and_dotted_breaks():
    axes = bitesim.dish.exhaustion_experiment(["7 d on, 7 d off, x2", "28 d at 0.5"]).plot()
    # What is the start of a longer schedule is not drawn twice.
    assert names(axes) == ["28 d on", "7 d on, 7 d off, x2", "28 d at 0.5", "Philipp et al. 2022"]
    assert sum(line.get_linestyle() == ":" for line in drawn(axes)) == 2
    assert [text.get_text() for text in axes.texts] == ["7 d on", "14 d on", "28 d on", "7 d on, 7 d off"]
    points = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert [line.get_ydata()[0] for line in points] == pytest.approx([88.4, 34.9, 8.6, 93.4])
