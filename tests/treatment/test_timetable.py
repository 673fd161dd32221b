"""A schedule as data: rates at an instant, and what is delivered between two."""

import pytest

from bitesim.treatment import Regimen

SCHEDULE = (
    Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d").with_bolus(7.0, 5.0).with_dexamethasone(0.0, 20.0).schedule()
)


def test_the_rate_at_a_stop_is_the_next_one():
    assert [SCHEDULE.rate_at(day) for day in (0.0, 6.999, 7.0, 28.0)] == [9.0, 9.0, 28.0, 0.0]
    assert SCHEDULE.rate_at(1.0, "elsewhere") == 0.0


def test_a_bolus_counts_from_its_instant_on():
    assert SCHEDULE.delivered(0.0, 7.0) == 63.0
    assert SCHEDULE.delivered(7.0, 8.0) == pytest.approx(33.0, rel=1e-15)
    assert SCHEDULE.delivered(0.0, 28.0) == 63.0 + 5.0 + 21.0 * 28.0


def test_dexamethasone_is_beside_the_drug():
    assert SCHEDULE.premedication == ((0.0, 20.0),)
    assert Regimen.parse("9 ug/day for 7 d").schedule().premedication == ()
