"""The exhaustion experiment: published rows as the mechanism gives them, schedules of one's own, limits."""

import numpy as np
import pytest

import bitesim
from bitesim.dish.exhaustion import POINTS
from bitesim.leukaemia.exhaustion_experiment import PHILIPP_2022, competence
from bitesim.leukaemia.exhaustion_experiment import exhaustion_experiment as published_rows

PUBLISHED = ["7 d on", "14 d on", "28 d on", "7 d on, 7 d off"]


def row(result, schedule):
    return result.rows()[result["schedule"].tolist().index(schedule)]


def test_published_schedules_are_those_of_the_mechanism():
    result = bitesim.dish.exhaustion_experiment()
    assert result["schedule"].tolist() == PUBLISHED
    rows = published_rows()
    assert result["lysis"] == pytest.approx([each.lysis for each in rows], rel=1e-6)
    assert result["published_lysis"].tolist() == list(PHILIPP_2022.values())
    assert result["off_by"] == pytest.approx(result["lysis"] - result["published_lysis"])


def test_what_is_met_and_what_is_missed_is_printed():
    result = bitesim.dish.exhaustion_experiment()
    # In the order of the rows; the first is set.
    allowed = [1e-9, 0.15, 0.12, 0.08]
    assert np.all(np.abs(result["off_by"]) < allowed)
    assert "off_by" in str(result)
    assert "none is predicted" in str(result)


def test_schedules_of_ones_own_stand_beside():
    result = bitesim.dish.exhaustion_experiment(
        {"weekly": "7 d on, 7 d off, x2", "mine": [(7, 1), (7, 0)], "half": "9 d at 0.5"}
    )
    assert result["schedule"].tolist() == [*PUBLISHED, "weekly", "mine", "half"]
    weekly = row(result, "weekly")
    assert (weekly["days"], weekly["exposed_days"], weekly["free_days"]) == (28.0, 14.0, 14.0)
    assert np.isnan(weekly["published_lysis"])
    assert weekly["competence"] == pytest.approx(competence([(7.0, 1.0), (7.0, 0.0)] * 2), rel=1e-6)
    # The same schedule under another name has the same published figure.
    assert row(result, "mine")["published_lysis"] == 0.934
    assert "the model's guess" in result.notes[-1]
    # A published schedule that is asked for is not shown twice.
    assert len(bitesim.dish.exhaustion_experiment("14 d on")) == 4


def test_more_exposure_less_lysis_and_longer_breaks_more():
    exposed = bitesim.dish.exhaustion_experiment([f"{days} d on" for days in (1, 3, 7, 10, 20)])
    order = np.argsort(exposed["exposed_days"][exposed["free_days"] == 0.0])
    assert np.all(np.diff(exposed["lysis"][exposed["free_days"] == 0.0][order]) < 0.0)
    names = ["14 d on", *(f"14 d on, {days} d off" for days in (1, 3, 7, 30))]
    breaks = [row(bitesim.dish.exhaustion_experiment(names), name)["competence"] for name in names]
    assert np.all(np.diff(breaks) > 0.0)


def test_without_exposure_nothing_is_lost():
    assert row(bitesim.dish.exhaustion_experiment("30 d off"), "30 d off")["competence"] == pytest.approx(1.0)


def test_courses_pass_through_the_rows():
    result = bitesim.dish.exhaustion_experiment("7 d on, 7 d off, x2")
    days, lysis = result.courses["7 d on, 7 d off, x2"]
    assert len(days) == 1 + 4 * POINTS
    assert np.all(np.diff(days) > 0.0)
    for schedule in ("7 d on", "7 d on, 7 d off"):
        assert np.interp(row(result, schedule)["days"], days, lysis) == pytest.approx(
            row(result, schedule)["lysis"], rel=1e-5
        )


def test_parameters_are_the_leukaemia_models():
    slow = bitesim.find_model("leukaemia").parameters.replace(exhaustion_per_day=0.0)
    result = bitesim.dish.exhaustion_experiment(parameters=slow)
    assert result["competence"] == pytest.approx(1.0)
    assert result.parameters["exhaustion_per_day"] == 0.0
    with pytest.raises(bitesim.ParameterError, match="not the leukaemia model's"):
        bitesim.dish.exhaustion_experiment(parameters=bitesim.find_model("hosseini2020").parameters)


def test_a_published_name_cannot_be_another_schedule():
    with pytest.raises(bitesim.ParameterError, match="'28 d on' has the name of a published one"):
        bitesim.dish.exhaustion_experiment({"28 d on": "3 d on"})
