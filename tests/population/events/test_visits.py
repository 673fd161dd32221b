"""When patients are looked at."""

import pytest

from bitesim.foundation.errors import ScenarioError
from bitesim.population.events.visits import timetable
from bitesim.treatment import Regimen


def made(text, visits=None):
    regimen = Regimen.parse(text) if text else Regimen.none()
    return timetable(regimen, regimen.schedule(bsa_m2=1.0), visits)


def test_visits_end_the_cycles_and_steps_are_rises():
    found = made("9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off; 28 ug/day for 28 d, 14 d off")
    assert found.visits == (42.0, 84.0)
    assert found.steps == (0.0, 7.0, 42.0)
    assert found.exposures == ((0, 0.0), (1, 7.0), (64, 42.0))
    assert found.cycles == ((0.0, 28.0), (42.0, 70.0))
    assert found.end == 84.0
    assert found.times[found.place(42.0)] == 42.0
    assert found.times[found.after(7.0)].tolist() == [7.0, 7.17, 7.25, 7.35, 7.5, 7.75, 8.0, 9.0]


def test_bag_changes_are_neither_steps_nor_cycles_and_holds_are_steps():
    assert made("28 ug/day for 28 d in 48 h bags with 4 min gaps").steps == (0.0,)
    held = Regimen.parse("28 ug/day for 28 d").hold(5.0, days=2.0)
    found = timetable(held, held.schedule(bsa_m2=1.0))
    assert found.steps == (0.0, 7.0)
    assert found.cycles == ((0.0, 30.0),)


def test_without_drug_there_are_visits_too():
    assert made("").visits == (35.0, 70.0)
    assert made("", (10.0, 50.0)).visits == (10.0, 50.0)


@pytest.mark.parametrize("visits", [(), (0.0, 10.0), (20.0, 10.0)])
def test_visits_increase_from_after_the_start(visits):
    with pytest.raises(ScenarioError, match="increasing days"):
        made("28 ug/day for 28 d", visits)
