"""Figures of single cells: each view shows the numbers of its result, one Axes, errors by name."""

import matplotlib as mpl
import pytest
from matplotlib import pyplot

from bitesim.dish import synapse_population
from bitesim.foundation.errors import ParameterError, UnknownNameError

mpl.use("agg")


@pytest.fixture(scope="module")
def sweep():
    return synapse_population([0.0, 0.65, 20.0, 100.0], [0.5e6, 4e6], volume_ul=2.0, replicates=3)


@pytest.fixture(scope="module")
def killing():
    return synapse_population([0.65, 20.0], 1e6, minutes=1200, volume_ul=5.0)


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def names(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_bell_with_errors_mean_field_and_published_points(sweep):
    axes = sweep.plot()
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "drug [ng/mL]"
    assert {"mean field", "Liu et al. 2023", "4e6 T cells/mL, 4e6 targets/mL"} <= set(names(axes))
    means = sweep.over_replicates()
    dense = (means["effectors_per_ml"] == 4e6) & (means["drug_ng_per_ml"] > 0.0)
    drawn = axes.containers[1].lines[0]
    # Drug 0 has no place on a log axis.
    assert drawn.get_xdata().tolist() == [0.65, 20.0, 100.0]
    assert drawn.get_ydata() == pytest.approx(100.0 * means["engaged_effectors"][dense])
    assert "60 min" in axes.get_title()
    assert "3 dishes each" in axes.get_title()


def test_courses(killing, sweep):
    axes = killing.plot()
    assert axes.get_xlabel() == "time [h]"
    lines = [line for line in axes.lines if len(line.get_xdata())]
    assert len(lines) == 4
    assert lines[2].get_ydata() == pytest.approx(100.0 * killing.dishes[1].engaged())
    assert lines[3].get_ydata() == pytest.approx(100.0 * killing.dishes[1].targets()["free"])
    assert lines[3].get_xdata()[-1] == 20.0
    assert "20 h" in axes.get_title()
    axes = sweep.select(drug_ng_per_ml=20, effectors_per_ml=4e6, replicate=1).plot("time")
    assert axes.get_xlabel() == "time [min]"
    assert len(axes.lines) == 1


def test_clusters_of_one_dish(sweep):
    one = sweep.select(drug_ng_per_ml=100, effectors_per_ml=4e6, replicate=0)
    axes = one.plot("clusters")
    assert names(axes) == ["TETT", "ETEE", "ETET", "TET", "ETE", "ET"]
    assert axes.get_ylim()[1] >= 100.0 * one["engaged_effectors"][0]
    top = axes.collections[-1].get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(100.0 * one["engaged_effectors"][0])
    with pytest.raises(ParameterError, match="draws one dish: select"):
        sweep.plot("clusters")


def test_cd19_of_those_left(killing):
    axes = killing.plot("cd19")
    assert axes.get_xscale() == "log"
    axes.figure.canvas.draw()
    assert {"50,000", "100,000", "200,000"} <= {text.get_text() for text in axes.get_xticklabels()}
    start, *others = axes.patches
    assert start.get_data().values.sum() == pytest.approx(100.0)
    for patch, dish in zip(others, killing.dishes, strict=True):
        assert patch.get_data().values == pytest.approx(100.0 * dish.cd19_after / dish.cd19_after.sum())
    assert names(axes)[2] == f"20 ng/mL: {100.0 * killing['free_targets'][1]:.3g} % left"
    two = synapse_population(20.0, 1e6, minutes=1, volume_ul=1.0, cd19_copies=[1e4, 1e5])
    with pytest.raises(ParameterError, match=r"select\(cd19_copies"):
        two.plot("cd19")
    none = synapse_population(100.0, 1e8, 1e4, minutes=30, volume_ul=0.5, parameters={"adhesion_per_bond": 1e6})
    assert "none left" in names(none.plot("cd19"))


def test_into_given_axes_and_unknown_views(killing):
    _, mine = pyplot.subplots()
    assert killing.plot("time", mine) is mine
    with pytest.raises(UnknownNameError, match="view 'times'"):
        killing.plot("times")


def test_killing_over_drug(killing):
    axes = killing.plot("drug")
    assert axes.get_ylabel() == "targets killed [%]"
    assert axes.containers[0].lines[0].get_ydata() == pytest.approx(100.0 * killing["dead_targets"])
    assert names(axes) == ["single cells"]
