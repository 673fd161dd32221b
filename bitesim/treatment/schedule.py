"""A regimen compiled to exact half-open segments: [start, stop) at a constant rate, disjoint and sorted.

Times are added as exact fractions of the decimals the user wrote and become floats once, at the end: two halves of an
infusion are one whole, repeats equal what is written out, and 0.1 + 0.2 days is 0.3.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from bitesim.foundation.errors import DoseWarning, ScenarioError
from bitesim.treatment.regimen import BagPlan, Bolus, Cycle, Hold, Regimen
from bitesim.treatment.timetable import RateSegment, Schedule, ScheduleEvent

#: Longest interruption after which the label resumes the same cycle.
LONGEST_INTERRUPTION_DAYS: Final = 7
#: A decimal with more digits than this was computed, e.g. from hours.
_MOST_WRITTEN_DIGITS: Final = 15
_SECONDS_PER_DAY: Final = 86400


class _Stretch(NamedTuple):
    """A stretch of constant rate with exact times."""

    start: Fraction
    stop: Fraction
    rate: float


class _Step(NamedTuple):
    """A dose step, or what is left of it; `planned` is the day of the plan on which it begins."""

    rate: float
    days: Fraction
    dose: str
    planned: Fraction


class _Stop(NamedTuple):
    """One or more holds that touch, as one."""

    start: Fraction
    stop: Fraction
    hold: Hold


@dataclass
class _Clock:
    """The calendar as it is being laid out."""

    now: Fraction = Fraction(0)
    stretches: list[_Stretch] = field(default_factory=list)
    planned: Fraction = Fraction(0)
    anchors: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    events: list[tuple[Fraction, str, str]] = field(default_factory=list)

    def infuse(self, rate: float, days: Fraction) -> None:
        if days > 0:
            self.stretches.append(_Stretch(self.now, self.now + days, rate))
        self.now += days

    def reach(self, step: _Step) -> None:
        """Note when a planned step really begins, the first time it does."""
        if not self.anchors or step.planned > self.anchors[-1][0]:
            self.anchors.append((step.planned, self.now))

    def moved(self, planned_time: Fraction) -> Fraction:
        """Return when something planned for a time happens: it moves with the cycle or step it belongs to."""
        position = bisect.bisect_right(self.anchors, planned_time, key=lambda anchor: anchor[0])
        if not position:
            return planned_time
        planned, actual = self.anchors[position - 1]
        return actual + planned_time - planned

    def log(self, kind: str, text: str) -> None:
        self.events.append((self.now, kind, text))


def exact(value: float) -> Fraction:
    """Return the decimal that was written, as a fraction; 8 h as days (0.3333...) is a third of a day."""
    written = Decimal(repr(float(value)))
    if len(written.as_tuple().digits) > _MOST_WRITTEN_DIGITS:
        seconds = Fraction(round(Fraction(value) * _SECONDS_PER_DAY), _SECONDS_PER_DAY)
        if float(seconds) == value:
            return seconds
    return Fraction(written)


def compile_schedule(regimen: Regimen, bsa_m2: float | None, weight_kg: float | None = None) -> Schedule:
    """Return the schedule of `regimen` for a body.

    Raises
    ------
    ScenarioError
        For a dose per m2 without a BSA, a hold outside an infusion, or infusions that overlap.
    """
    _warn_suspicious(regimen, weight_kg)
    clock = _Clock()
    stops = _united(regimen.holds)
    cycles = list(regimen.cycles)
    for position, cycle in enumerate(cycles):
        _lay_out_cycle(clock, cycle, position, bsa_m2, stops)
    if stops and not _is_carried(stops[0]):
        raise _outside(stops[0].hold, clock.stretches)
    stretches = _merged(clock.stretches)
    if regimen.bags:
        stretches = _with_bag_changes(stretches, regimen.bags, clock)
    end = clock.now
    if regimen.stopped_at_day is not None:
        last = exact(regimen.stopped_at_day)
        stretches = [_Stretch(s.start, min(s.stop, last), s.rate) for s in stretches if s.start < last]
        clock.events = [event for event in clock.events if event[0] < last]
        clock.events.append((last, "stop", f"treatment stopped: {regimen.stop_reason}"))
    events = [ScheduleEvent(float(time), kind, text) for time, kind, text in clock.events]
    premedication = []
    for given in regimen.premedication:
        moved = clock.moved(exact(given.time_days))
        if regimen.stopped_at_day is None or moved < exact(regimen.stopped_at_day):
            events.append(ScheduleEvent(float(moved), "premedication", given.text))
            if given.dexamethasone_mg > 0.0:
                premedication.append((float(moved), given.dexamethasone_mg))
    segments = [RateSegment(float(s.start), float(s.stop), s.rate) for s in stretches] + _outside_cycles(regimen)
    segments.sort(key=lambda segment: (str(segment.compartment), segment.start_days))
    segments = _closed(segments)
    _refuse_overlaps(segments)
    boluses = tuple(sorted(_before_stop(regimen), key=lambda bolus: bolus.time_days))
    return Schedule(
        infusions=tuple(segments),
        boluses=boluses,
        resets=tuple(sorted(set(regimen.resets))),
        steady_states=tuple(sorted(regimen.steady_states, key=lambda each: each.day)),
        decisions=tuple(sorted(regimen.decisions, key=lambda point: point.time_days)),
        events=tuple(sorted(events, key=lambda event: event.time_days)),
        end_days=max([float(end), *(segment.stop_days for segment in segments)]),
        premedication=tuple(sorted(premedication)),
    )


def for_another_body(
    schedule: Schedule, regimen: Regimen, bsa_m2: float | None, other_bsa_m2: float | None, weight_kg: float | None
) -> Schedule | None:
    """Return the schedule that `regimen` has for another body, from that of one body, or None where it must be compiled.

    With all doses in one unit the days are the same for everybody, and rates follow from the doses as they do there.
    """
    restarts = [hold.restart for hold in regimen.holds if hold.restart is not None]
    doses = {step.rate for step in [*restarts, *(step for cycle in regimen.cycles for step in cycle.steps)]}
    if regimen.infusions or len({dose.unit for dose in doses}) > 1:
        return None
    rates = {dose.ug_per_day(bsa_m2): dose.ug_per_day(other_bsa_m2) for dose in doses}
    if len(rates) < len(doses) or any(segment.rate not in rates for segment in schedule.infusions):
        return None
    _warn_suspicious(regimen, weight_kg)
    return replace(schedule, infusions=tuple(each._replace(rate=rates[each.rate]) for each in schedule.infusions))


def _lay_out_cycle(clock: _Clock, cycle: Cycle, position: int, bsa_m2: float | None, stops: list[_Stop]) -> None:
    """Lay out one cycle, taking from `stops` the holds that fall into its infusion."""
    plan = _plan(clock, cycle, bsa_m2)
    remaining = list(plan)
    days_off = exact(cycle.days_off)
    if plan:
        clock.log("cycle", f"cycle {position + 1} starts at {plan[0].dose}")
    elif stops and _is_carried(stops[0]):
        _carry_over(clock, stops.pop(0), stops, days_off)
    while remaining:
        step = remaining.pop(0)
        clock.reach(step)
        if not stops or stops[0].start >= clock.now + step.days:
            clock.infuse(step.rate, step.days)
            if remaining:
                clock.log("step", f"dose changes to {remaining[0].dose}")
            continue
        stop = stops.pop(0)
        if stop.start < clock.now:
            raise _outside(stop.hold, clock.stretches)
        given = stop.start - clock.now
        clock.infuse(step.rate, given)
        clock.log("hold", f"pump held for {float(stop.stop - stop.start):g} d: {stop.hold.reason}")
        remaining.insert(0, step._replace(days=step.days - given))
        if stop.hold.resume == "as_planned":
            _skip(clock, remaining, stop, stops, days_off)
            remaining = _restarted(remaining, stop.hold, bsa_m2)
            if remaining:
                clock.log("resume", f"pump resumes at {remaining[0].dose}, as planned")
            continue
        clock.now = stop.stop
        anew = stop.stop - stop.start > LONGEST_INTERRUPTION_DAYS
        remaining = _restarted(plan if anew else remaining, stop.hold, bsa_m2)
        if anew:
            dose = remaining[0].dose
            clock.log("cycle", f"cycle {position + 1} starts anew at {dose} (interruption of more than 7 days)")
        else:
            clock.log("resume", f"pump resumes the cycle at {remaining[0].dose} (interruption of 7 days or less)")
    if plan:
        clock.log("infusion end", f"infusion of cycle {position + 1} ends")
    clock.now += days_off


def _plan(clock: _Clock, cycle: Cycle, bsa_m2: float | None) -> list[_Step]:
    """Return the steps of a cycle, and let the planned calendar run to the cycle's end."""
    plan = []
    for step in cycle.steps:
        plan.append(_Step(step.rate.ug_per_day(bsa_m2), exact(step.days), f"{step.rate}", clock.planned))
        clock.planned += exact(step.days)
    clock.planned += exact(cycle.days_off)
    return plan


def _restarted(remaining: Sequence[_Step], hold: Hold, bsa_m2: float | None) -> list[_Step]:
    """Return the remaining steps with the hold's restart dose in place of the first of their days."""
    if hold.restart is None or not remaining:
        return list(remaining)
    left = exact(hold.restart.days)
    given = min(left, sum((step.days for step in remaining), Fraction(0)))
    steps = [_Step(hold.restart.rate.ug_per_day(bsa_m2), given, f"{hold.restart.rate}", remaining[0].planned)]
    for step in remaining:
        replaced = min(left, step.days)
        left -= replaced
        if replaced < step.days:
            steps.append(step._replace(days=step.days - replaced))
    return steps


def _skip(clock: _Clock, remaining: list[_Step], stop: _Stop, stops: list[_Stop], days_off: Fraction) -> None:
    """Let the calendar run on through a hold that is not made up; what lies beyond the rest goes to the next cycle."""
    while remaining and clock.now < stop.stop:
        step = remaining.pop(0)
        missed = min(step.days, stop.stop - clock.now)
        clock.now += missed
        if missed < step.days:
            remaining.insert(0, step._replace(days=step.days - missed))
    if not remaining:
        _carry_over(clock, stop, stops, days_off)


def _carry_over(clock: _Clock, stop: _Stop, stops: list[_Stop], days_off: Fraction) -> None:
    """Put what is left of a hold after the coming rest back, for the next cycle."""
    if stop.stop > clock.now + days_off:
        stops.insert(0, _Stop(clock.now + days_off, stop.stop, stop.hold))


def _is_carried(stop: _Stop) -> bool:
    """Return whether the hold began in an earlier cycle, so that it may end in a rest or after the last cycle."""
    return stop.start > exact(stop.hold.start_day)


def _united(holds: Sequence[Hold]) -> list[_Stop]:
    """Return the holds in order of time; those that overlap or touch are one, with both reasons."""
    united: list[_Stop] = []
    for hold in sorted(holds, key=lambda hold: hold.start_day):
        start = exact(hold.start_day)
        stop = start + exact(hold.days)
        if united and start <= united[-1].stop:
            before = united[-1]
            reason = f"{before.hold.reason}; {hold.reason}"
            both = replace(before.hold, reason=reason, restart=hold.restart or before.hold.restart)
            united[-1] = _Stop(before.start, max(before.stop, stop), both)
        else:
            united.append(_Stop(start, stop, hold))
    return united


def _outside(hold: Hold, stretches: Sequence[_Stretch]) -> ScenarioError:
    windows = ", ".join(f"{float(s.start):g}-{float(s.stop):g}" for s in _merged(stretches)[:6]) or "none"
    return ScenarioError(
        f"hold at day {hold.start_day:g} ({hold.reason}) lies outside every infusion: the pump runs on days {windows}. "
        "Holds are given in days of the calendar as treated, earlier holds included."
    )


def _merged(stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """Return the stretches with equal adjacent rates as one."""
    merged: list[_Stretch] = []
    for stretch in stretches:
        if merged and merged[-1].stop == stretch.start and merged[-1].rate == stretch.rate:
            merged[-1] = merged[-1]._replace(stop=stretch.stop)
        else:
            merged.append(stretch)
    return merged


def _with_bag_changes(stretches: Sequence[_Stretch], bags: BagPlan, clock: _Clock) -> list[_Stretch]:
    """Cut each stretch at its bag changes; the drug of a gap is missed, the calendar is kept."""
    length, gap = exact(bags.hours) / 24, exact(bags.change_gap_minutes) / 1440
    cut: list[_Stretch] = []
    for stretch in stretches:
        start, change = stretch.start, stretch.start + length
        while change < stretch.stop:
            clock.events.append((change, "bag", f"bag changed, {bags.change_gap_minutes:g} min without drug"))
            cut.append(_Stretch(start, change, stretch.rate))
            start, change = min(change + gap, stretch.stop), change + length
        if start < stretch.stop:
            cut.append(_Stretch(start, stretch.stop, stretch.rate))
    return _merged(cut)


def _outside_cycles(regimen: Regimen) -> list[RateSegment]:
    """Return the infusions outside the cycles; a reset and a stop end them."""
    segments = []
    for infusion in regimen.infusions:
        start = exact(infusion.start_day)
        stop = start + exact(infusion.days)
        restarts = [*regimen.resets, *(each.day for each in regimen.steady_states)]
        ends = [exact(time) for time in restarts if exact(time) > start]
        if regimen.stopped_at_day is not None:
            ends.append(exact(regimen.stopped_at_day))
        stop = min([stop, *ends])
        if stop > start:
            segments.append(RateSegment(float(start), float(stop), infusion.rate_per_day, infusion.compartment))
    return segments


def _before_stop(regimen: Regimen) -> list[Bolus]:
    last = regimen.stopped_at_day
    return [bolus for bolus in regimen.boluses if last is None or bolus.time_days < last]


def _closed(segments: Sequence[RateSegment]) -> list[RateSegment]:
    """Return sorted segments with a stop and a start that differ by rounding only (of a table's hours) as one instant."""
    closed: list[RateSegment] = []
    for segment in segments:
        if closed and closed[-1].compartment == segment.compartment:
            start, before = segment.start_days, closed[-1]
            if before.start_days < start and abs(start - before.stop_days) <= 8.0 * math.ulp(start):
                closed[-1] = before._replace(stop_days=start)
        closed.append(segment)
    return closed


def _refuse_overlaps(segments: Sequence[RateSegment]) -> None:
    for before, after in itertools.pairwise(segments):
        if before.compartment == after.compartment and after.start_days < before.stop_days:
            raise ScenarioError(
                f"infusions overlap in compartment {before.compartment!r}: {before.start_days:g}-{before.stop_days:g} d "
                f"and {after.start_days:g}-{after.stop_days:g} d. One pump gives one rate: end one before the other starts."
            )


def _warn_suspicious(regimen: Regimen, weight_kg: float | None) -> None:
    rates = dict.fromkeys(step.rate for cycle in regimen.cycles for step in cycle.steps)
    for rate in rates:
        suspicion = rate.suspicion(weight_kg)
        if suspicion:
            warnings.warn(suspicion, DoseWarning, stacklevel=5)
