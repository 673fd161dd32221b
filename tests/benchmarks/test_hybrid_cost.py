"""What a hybrid course costs: its goal, its table, and that a wrong answer is not timed."""

import pytest

from benchmarks import hybrid_cost
from benchmarks.measure import WrongAnswer


def row(ratio):
    names = ("ode_ms_per_year", "alone_ms_per_year", "of_many_ms_per_year", "mrd", "cured", "cured_by_theory")
    return dict.fromkeys(names, 0.5) | dict.fromkeys(
        ("alone_over_ode", "of_many_over_ode"), (ratio - 0.1, ratio, ratio + 0.1)
    )


def test_the_goal_is_met_where_every_burden_is_cheap():
    assert hybrid_cost.goal([row(1.5), row(2.9)]).is_met
    assert not hybrid_cost.goal([row(1.5), row(3.0)]).is_met
    assert len(hybrid_cost.table([row(1.5), row(2.9)]).rows) == 3


def test_a_short_run_costs_what_it_says(monkeypatch):
    monkeypatch.setattr(hybrid_cost, "_QUICK_ROUNDS", 1)
    monkeypatch.setattr(hybrid_cost, "_REPLICATES", 2)
    monkeypatch.setattr(hybrid_cost, "_BURDENS", (1e-7,))
    (found,) = hybrid_cost.measure(is_quick=True)
    assert found["alone_ms_per_year"] > 0.0
    assert 0.1 < found["cured_by_theory"] < 0.5


def test_a_wrong_answer_is_not_timed(monkeypatch):
    monkeypatch.setattr(hybrid_cost, "_LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(WrongAnswer, match=r"P\(cured\) at MRD 1e-07"):
        hybrid_cost._checked(1e-7)
