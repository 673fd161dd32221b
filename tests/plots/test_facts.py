"""Pictures of facts and of the calibrated set show every row."""

from matplotlib import pyplot

from bitesim.inference.calibrated_set import calibrated
from bitesim.inference.fact_table import FactRow, FactTable
from bitesim.inference.facts import facts
from bitesim.plots import plot_calibrated, plot_facts


def test_every_counted_fact_has_a_mark_where_its_residual_is():
    numbers = {each.id: each.evidence.published for each in facts()}
    numbers["regrowth_months"] *= 0.5
    table = FactTable([FactRow(each, numbers[each.id]) for each in facts()])
    axes = table.plot()
    marks = [line for line in axes.lines if line.get_marker() in ("o", "X")]
    assert len(marks) == len(table.counted)
    assert sum(line.get_marker() == "X" for line in marks) == 1
    wrong = next(line for line in marks if line.get_marker() == "X")
    row = table["regrowth_months"]
    assert wrong.get_xdata()[0] == row.fact.evidence.residual(row.model)
    pyplot.close(axes.figure)


def test_every_parameter_of_the_set_is_drawn():
    found = calibrated()
    axes = found.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == [row.free.name.replace("_", " ") for row in found.rows]
    pyplot.close(axes.figure)


def test_both_draw_into_given_axes():
    figure, panels = pyplot.subplots(1, 2)
    assert plot_facts(FactTable([FactRow(each, each.evidence.published) for each in facts()]), panels[0]) is panels[0]
    assert plot_calibrated(calibrated(), panels[1]) is panels[1]
    pyplot.close(figure)
