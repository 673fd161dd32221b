"""The pump's schedule: half-open, exact, and every event bug that shipped elsewhere."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitesim import DoseWarning, Regimen, ScenarioError
from bitesim.treatment import DoseRate, DoseStep
from bitesim.treatment.regimen import Premedication
from bitesim.treatment.schedule import for_another_body

FOUR_WEEKS = Regimen.parse("28 ug/day for 28 d")


def windows(regimen, **body):
    return [(s.start_days, s.stop_days, s.rate) for s in regimen.schedule(**body).infusions]


def test_windows_are_half_open():
    schedule = FOUR_WEEKS.schedule()
    assert schedule.rate_at(0.0) == 28.0
    assert schedule.rate_at(math.nextafter(28.0, 0.0)) == 28.0
    assert schedule.rate_at(28.0) == 0.0


def test_back_to_back_infusions_are_one_and_sums_are_exact():
    assert windows(Regimen.parse("28 ug/day for 0.1 d, 28 ug/day for 0.2 d")) == [(0.0, 0.3, 28.0)]
    assert windows(Regimen.parse("28 ug/day for 14 d, 28 ug/day for 14 d")) == windows(FOUR_WEEKS)
    assert windows(Regimen.parse("28 ug/day for 28 d, x3")) == [(0.0, 84.0, 28.0)]


def test_a_stop_and_a_start_at_one_instant_change_the_rate_there():
    schedule = Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d").schedule()
    assert [schedule.rate_at(t) for t in (math.nextafter(7.0, 0.0), 7.0)] == [9.0, 28.0]


def test_bag_changes_cut_the_infusion_and_keep_the_calendar():
    bags = windows(Regimen.parse("28 ug/day for 5 d in 48 h bags with 144 min gaps"))
    assert bags == [(0.0, 2.0, 28.0), (2.1, 4.0, 28.0), (4.1, 5.0, 28.0)]


def test_a_gap_of_no_length_is_no_gap():
    assert windows(FOUR_WEEKS.with_bags(48.0)) == windows(FOUR_WEEKS)


def test_two_halves_have_the_bags_of_the_whole():
    halves = Regimen.parse("28 ug/day for 3 d, 28 ug/day for 3 d").with_bags(48.0, 4.0)
    assert windows(halves) == windows(Regimen.parse("28 ug/day for 6 d").with_bags(48.0, 4.0))


def test_a_short_hold_is_made_up_and_shifts_the_course():
    regimen = Regimen.parse("28 ug/day for 28 d, 14 d off, x2").hold(10.0, days=3.0, reason="CRS")
    assert windows(regimen) == [(0.0, 10.0, 28.0), (13.0, 31.0, 28.0), (45.0, 73.0, 28.0)]


def test_a_hold_of_seven_days_resumes_and_a_longer_one_starts_a_new_cycle():
    assert windows(FOUR_WEEKS.hold(10.0, days=7.0)) == [(0.0, 10.0, 28.0), (17.0, 35.0, 28.0)]
    assert windows(FOUR_WEEKS.hold(10.0, days=7.5)) == [(0.0, 10.0, 28.0), (17.5, 45.5, 28.0)]


def test_a_new_cycle_starts_with_its_step_dose():
    regimen = Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d").hold(10.0, days=8.0)
    assert windows(regimen) == [(0.0, 7.0, 9.0), (7.0, 10.0, 28.0), (18.0, 25.0, 9.0), (25.0, 46.0, 28.0)]


def test_a_hold_as_planned_is_missed():
    regimen = Regimen.parse("28 ug/day for 28 d, 14 d off, x2").hold(10.0, hours=6.0, resume="as_planned")
    assert windows(regimen) == [(0.0, 10.0, 28.0), (10.25, 28.0, 28.0), (42.0, 70.0, 28.0)]


def test_a_hold_as_planned_past_the_cycle_ends_in_the_rest_or_in_the_next_cycle():
    two = Regimen.parse("28 ug/day for 28 d, 14 d off, x2")
    assert windows(two.hold(27.0, days=5.0, resume="as_planned")) == [(0.0, 27.0, 28.0), (42.0, 70.0, 28.0)]
    assert windows(two.hold(27.0, days=20.0, resume="as_planned")) == [(0.0, 27.0, 28.0), (47.0, 70.0, 28.0)]


def test_a_hold_inside_a_hold_is_part_of_it():
    outer = FOUR_WEEKS.hold(10.0, days=3.0, reason="CRS")
    assert windows(outer.hold(11.0, days=1.0, reason="line")) == windows(outer)
    assert windows(outer.hold(12.0, days=2.0)) == windows(FOUR_WEEKS.hold(10.0, days=4.0))


@pytest.mark.parametrize("day", [28.0, 35.0, 100.0])
def test_a_hold_outside_an_infusion_is_refused(day):
    with pytest.raises(ScenarioError, match=rf"hold at day {day:g} .* outside every infusion: the pump runs on days 0-28"):
        Regimen.parse("28 ug/day for 28 d, 14 d off").hold(day, days=1.0)


@pytest.mark.parametrize("options", [{}, {"days": 1.0, "hours": 2.0}, {"days": 0.0}, {"days": -1.0}, {"days": math.nan}])
def test_holds_that_make_no_sense_are_refused(options):
    with pytest.raises(ScenarioError, match="hold"):
        FOUR_WEEKS.hold(1.0, **options)


def test_a_stop_ends_everything():
    regimen = Regimen.parse("28 ug/day for 28 d, 14 d off, x2").with_bolus(50.0, 3.0).stop(30.5, "transplant")
    schedule = regimen.schedule()
    assert windows(regimen) == [(0.0, 28.0, 28.0)]
    assert schedule.boluses == ()
    assert schedule.events[-1].text == "treatment stopped: transplant"
    assert windows(regimen.stop(10.0)) == [(0.0, 10.0, 28.0)]


def test_overlapping_infusions_are_refused_with_both_windows():
    with pytest.raises(ScenarioError, match=r"overlap in compartment 'drug': 0-28 d and 20-21 d"):
        FOUR_WEEKS.with_infusion(20.0, 1.0, 9.0)
    assert len(FOUR_WEEKS.with_infusion(28.0, 1.0, 9.0).schedule().infusions) == 2


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf, 600.0, True, "28"])
def test_rates_that_cannot_be_given_are_refused_by_name(rate):
    with pytest.raises(ScenarioError, match="rate_per_day"):
        Regimen.none().with_infusion(0.0, 1.0, rate)


def test_a_dose_per_m2_without_bsa_is_refused():
    with pytest.raises(ScenarioError, match="bsa_m2"):
        Regimen.parse("15 ug/m2/day for 28 d").schedule()


def test_a_suspicious_dose_warns_with_the_likely_intent():
    with pytest.warns(DoseWarning, match="did you mean 15 ug/m2/day"):
        Regimen.parse("15 ug/day for 28 d").schedule(bsa_m2=1.9, weight_kg=70.0)


@given(
    steps=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 4000)), min_size=1, max_size=5),
    bag=st.sampled_from([24.0, 48.0, 72.0, 96.0, 168.0]),
    gap_minutes=st.integers(0, 300),
    repeats=st.integers(1, 4),
)
def test_delivered_is_the_integral_of_the_rate(steps, bag, gap_minutes, repeats):
    text = ", ".join(f"{rate} ug/day for {tenths / 100} d" for rate, tenths in steps)
    schedule = Regimen.parse(f"{text}, x{repeats}").with_bags(bag, gap_minutes).schedule()
    integral = math.fsum(s.rate * (s.stop_days - s.start_days) for s in schedule.infusions)
    assert schedule.delivered(0.0, schedule.end_days) == pytest.approx(integral, rel=1e-12)
    for before, after in zip(schedule.infusions, schedule.infusions[1:], strict=False):
        assert before.start_days < before.stop_days <= after.start_days


def test_hours_are_exact_parts_of_a_day():
    assert windows(Regimen.parse("28 ug/day for 8 h, 28 ug/day for 16 h")) == [(0.0, 1.0, 28.0)]
    assert windows(Regimen.parse("28 ug/day for 7 h, x24")) == [(0.0, 7.0, 28.0)]


def test_a_hold_as_planned_may_outlast_the_course():
    assert windows(FOUR_WEEKS.hold(27.0, days=5.0, resume="as_planned")) == [(0.0, 27.0, 28.0)]


def test_a_hold_as_planned_runs_through_a_block_of_rest():
    regimen = Regimen.parse("28 ug/day for 28 d; 14 d off; 28 ug/day for 28 d")
    assert windows(regimen.hold(27.0, days=20.0, resume="as_planned")) == [(0.0, 27.0, 28.0), (47.0, 70.0, 28.0)]
    assert windows(regimen.hold(27.0, days=10.0, resume="as_planned")) == [(0.0, 27.0, 28.0), (42.0, 70.0, 28.0)]


def test_a_restart_dose_replaces_the_first_of_the_remaining_days():
    low = DoseStep(DoseRate(9.0, "ug/day"), 7.0)
    short = FOUR_WEEKS.hold(10.0, days=3.0, restart=low)
    assert windows(short) == [(0.0, 10.0, 28.0), (13.0, 20.0, 9.0), (20.0, 31.0, 28.0)]
    late = FOUR_WEEKS.hold(25.0, days=3.0, restart=low)
    assert windows(late) == [(0.0, 25.0, 28.0), (28.0, 31.0, 9.0)]
    anew = FOUR_WEEKS.hold(10.0, days=8.0, restart=low)
    assert windows(anew) == [(0.0, 10.0, 28.0), (18.0, 25.0, 9.0), (25.0, 46.0, 28.0)]
    calendar = FOUR_WEEKS.hold(10.0, days=3.0, resume="as_planned", restart=low)
    assert windows(calendar) == [(0.0, 10.0, 28.0), (13.0, 20.0, 9.0), (20.0, 28.0, 28.0)]
    with pytest.raises(ScenarioError, match="restart = '9 ug/day'"):
        FOUR_WEEKS.hold(10.0, days=3.0, restart="9 ug/day")


def test_premedication_moves_with_its_cycle_and_ends_with_a_stop():
    regimen = replace(
        Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off; 28 ug/day for 28 d"),
        premedication=tuple(Premedication(day, "dexamethasone") for day in (0.0, 7.0, 42.0)),
    )

    def days(changed):
        return [event.time_days for event in changed.schedule().events if event.kind == "premedication"]

    assert days(regimen) == [0.0, 7.0, 42.0]
    assert days(regimen.hold(3.0, days=5.0)) == [0.0, 12.0, 47.0]
    assert days(regimen.hold(10.0, days=5.0)) == [0.0, 7.0, 47.0]
    assert days(regimen.stop(10.0)) == [0.0, 7.0]


@pytest.mark.parametrize(
    "regimen",
    [
        Regimen.parse("5 ug/m2/day for 7 d, 15 ug/m2/day for 21 d, 14 d off; 15 ug/m2/day for 28 d, 14 d off, x2"),
        Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d in 48 h bags with 4 min gaps"),
        Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2")
        .hold(3.0, hours=9)
        .with_bolus(5.0, 3.0)
        .with_dexamethasone(0, 8),
        Regimen.parse("15 ug/m2/day for 28 d")
        .hold(3.0, days=2, restart=DoseStep(DoseRate.parse("5 ug/m2/day"), 7.0))
        .stop(20),
        Regimen.none().with_chemotherapy(0.0),
    ],
    ids=str,
)
def test_another_body_has_the_schedule_that_is_compiled_for_it(regimen):
    for_one = regimen.schedule(bsa_m2=1.88)
    for bsa in (0.4567, 1.234, 2.1):
        assert for_another_body(for_one, regimen, 1.88, bsa, None) == regimen.schedule(bsa_m2=bsa)


def test_doses_in_two_units_are_compiled_anew():
    mixed = Regimen.parse("9 ug/day for 7 d, 15 ug/m2/day for 21 d")
    assert for_another_body(mixed.schedule(bsa_m2=1.0), mixed, 1.0, 1.5, None) is None
    foreign = Regimen.none().with_infusion(0.0, 1.0, 5.0)
    assert for_another_body(foreign.schedule(), foreign, None, None, None) is None
