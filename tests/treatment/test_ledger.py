"""The ledger: planned - missed + made up = delivered, and delivered is what the pump gave."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitesim import Regimen

TWO_CYCLES = Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2")


def test_an_undisturbed_course_misses_nothing():
    ledger = TWO_CYCLES.ledger(bsa_m2=2.0)
    assert (ledger.planned_ug, ledger.delivered_ug, ledger.missed_ug, ledger.made_up_ug) == (1680.0, 1680.0, 0.0, 0.0)
    assert [day.planned_ug for day in ledger.days[27:29]] == [30.0, 0.0]


def test_a_hold_as_planned_is_missed_on_its_day():
    ledger = TWO_CYCLES.hold(10.5, hours=6.0, resume="as_planned").ledger(bsa_m2=2.0)
    assert ledger.days[10].missed_ug == pytest.approx(7.5, rel=1e-12)
    assert ledger.delivered_ug == pytest.approx(1680.0 - 7.5, rel=1e-12)


def test_a_hold_that_is_made_up_delivers_all():
    ledger = Regimen.parse("28 ug/day for 28 d").hold(10.0, days=3.0).ledger()
    assert ledger.missed_ug == pytest.approx(ledger.made_up_ug) == pytest.approx(84.0)
    assert ledger.delivered_ug == pytest.approx(ledger.planned_ug, rel=1e-12)


@given(start=st.integers(0, 279), tenths=st.integers(1, 200), gap=st.integers(0, 240), planned=st.booleans())
def test_every_day_adds_up_and_the_total_is_the_schedules(start, tenths, gap, planned):
    regimen = Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off, x2").with_bags(48.0, gap)
    regimen = regimen.hold(start / 10.0, days=tenths / 10.0, resume="as_planned" if planned else "label")
    ledger = regimen.ledger()
    for day in ledger.days:
        assert day.planned_ug - day.missed_ug + day.made_up_ug == pytest.approx(day.delivered_ug, abs=1e-12 * 560)
    schedule = regimen.schedule()
    assert ledger.delivered_ug == pytest.approx(schedule.delivered(0.0, schedule.end_days), rel=1e-12)


def test_the_csv_holds_every_day(tmp_path):
    ledger = TWO_CYCLES.ledger(bsa_m2=1.88)
    with ledger.to_csv(tmp_path / "ledger.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(ledger.days) == 70
    assert float(rows[0]["delivered_ug"]) == ledger.days[0].delivered_ug
    assert "planned 1579.2 ug" in str(ledger)
    assert "<table>" in ledger._repr_html_()
    assert ledger.to_dataframe().columns[0] == "day"


def test_a_bolus_that_a_stop_cancels_is_missed():
    ledger = Regimen.parse("28 ug/day for 28 d").with_bolus(20.0, 50.0).stop(10.0).ledger()
    assert ledger.missed_ug == pytest.approx(28.0 * 18 + 50.0, rel=1e-12)
    for day in ledger.days:
        assert day.planned_ug - day.missed_ug + day.made_up_ug == pytest.approx(day.delivered_ug, abs=1e-12)
