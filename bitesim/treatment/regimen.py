"""Regimens: cycles of dose steps and rest, bag plan, holds, boluses and decision points, all immutable."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ScenarioError
from bitesim.foundation.units import HOURS_PER_DAY
from bitesim.treatment.decisions import Action, Continue, DecisionPoint, HoldInfusion, Rule
from bitesim.treatment.dose import ALLOWED_DOSE, DoseRate

if TYPE_CHECKING:
    from bitesim.treatment.ledger import DrugLedger
    from bitesim.treatment.schedule import Schedule

LONGEST_DAYS: Final = 36525.0
_DAYS: Final = (0.0, LONGEST_DAYS)
#: Bags whose stability the prescribing information covers.
BAG_HOURS: Final = (24.0, 48.0, 72.0, 96.0, 168.0)


@dataclass(frozen=True)
class DoseStep:
    """One dose rate for some days."""

    rate: DoseRate
    days: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", DoseRate.parse(self.rate))
        days = number("days of a dose step", self.days, "days", _DAYS, "E.g. 28.", ScenarioError)
        if days == 0.0:
            raise ScenarioError(
                f"days of a dose step = 0: a step of {self.rate} that lasts no time gives no drug; leave it out"
            )
        object.__setattr__(self, "days", days)


@dataclass(frozen=True)
class Cycle:
    """Dose steps one after the other, then days off."""

    steps: tuple[DoseStep, ...]
    days_off: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "days_off", number("days_off", self.days_off, "days", _DAYS, error=ScenarioError))

    @property
    def infusion_days(self) -> float:
        """Planned days of infusion."""
        return sum(step.days for step in self.steps)


@dataclass(frozen=True)
class BagPlan:
    """How long a bag lasts and how long the pump stands still when it is changed."""

    hours: float
    change_gap_minutes: float = 0.0

    def __post_init__(self) -> None:
        if self.hours not in BAG_HOURS or isinstance(self.hours, bool):
            allowed = ", ".join(f"{hours:g}" for hours in BAG_HOURS)
            raise ScenarioError(f"bag of {shown(self.hours)} h is not allowed: expected {allowed} h (7 days is 168 h)")
        limit = 60.0 * self.hours
        gap = number("change_gap_minutes", self.change_gap_minutes, "minutes", (0.0, limit), error=ScenarioError)
        if gap >= limit:
            raise ScenarioError(f"change_gap_minutes = {gap:g} leaves nothing of a bag of {self.hours:g} h")
        object.__setattr__(self, "change_gap_minutes", gap)


@dataclass(frozen=True)
class Hold:
    """The pump stands still from `start_day` for `days`, in days of the calendar as treated so far.

    With resume="label" an interruption of at most 7 days is made up: the cycle goes on to its full infusion days and
    the rest of the course shifts; after a longer one a new full cycle starts (BLINCYTO prescribing information,
    section 2). With "as_planned" the calendar is kept and the drug is missed. A `restart` step
    replaces the first of the infusion days that remain, e.g. 9 ug/day for 7 days after cytokine release; then the planned
    dose goes on.
    """

    start_day: float
    days: float
    reason: str = "hold"
    resume: Literal["label", "as_planned"] = "label"
    restart: DoseStep | None = None

    def __post_init__(self) -> None:
        start = number("start_day of a hold", self.start_day, "days", _DAYS, error=ScenarioError)
        object.__setattr__(self, "start_day", start)
        if self.restart is not None and not isinstance(self.restart, DoseStep):
            raise ScenarioError(f"restart = {shown(self.restart)} is not a dose step: write DoseStep('9 ug/day', 7)")
        days = number("days of a hold", self.days, "days", _DAYS, error=ScenarioError)
        if days == 0.0:
            raise ScenarioError("days of a hold = 0: a hold that lasts no time is none")
        object.__setattr__(self, "days", days)
        if self.resume not in ("label", "as_planned"):
            raise ScenarioError(f"resume = {shown(self.resume)} is not allowed: expected 'label' or 'as_planned'")


@dataclass(frozen=True)
class Bolus:
    """An amount given at once into a compartment ('drug', a species' name, or its number from 1)."""

    time_days: float
    amount: float
    compartment: str | int = "drug"

    def __post_init__(self) -> None:
        time = number("time_days of a bolus", self.time_days, "days", _DAYS, error=ScenarioError)
        amount = number("amount of a bolus", self.amount, "-", (0.0, 1e30), error=ScenarioError)
        if amount == 0.0:
            raise ScenarioError("amount of a bolus = 0: nothing would be given; leave it out")
        object.__setattr__(self, "time_days", time)
        object.__setattr__(self, "amount", amount)


@dataclass(frozen=True)
class Infusion:
    """An infusion outside the cycles: a constant rate per day into a compartment, e.g. from an event table."""

    start_day: float
    days: float
    rate_per_day: float
    compartment: str | int = "drug"

    def __post_init__(self) -> None:
        start = number("start_day of an infusion", self.start_day, "days", _DAYS, error=ScenarioError)
        days = number("days of an infusion", self.days, "days", _DAYS, error=ScenarioError)
        unit, allowed = ("ug/day", ALLOWED_DOSE) if self.compartment == "drug" else ("per day", (0.0, 1e30))
        hint = "Blinatumomab is given in ug/day, micrograms: not mg, and not per hour." if unit == "ug/day" else ""
        rate = number("rate_per_day of an infusion", self.rate_per_day, unit, allowed, hint, ScenarioError)
        if days == 0.0 or rate == 0.0:
            raise ScenarioError(f"infusion of {rate:g} {unit} over {days:g} days gives nothing: leave it out")
        for name, value in (("start_day", start), ("days", days), ("rate_per_day", rate)):
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class SteadyState:
    """The state at `day` is that after endless earlier doses: `amount` over `duration_days` (0 at once) every interval.

    With `interval_days` = 0 it is that of a constant infusion of `amount` per day, which ends at `day`.
    """

    day: float
    amount: float
    duration_days: float
    interval_days: float
    compartment: str | int = "drug"

    def __post_init__(self) -> None:
        if self.interval_days and not 0.0 <= self.duration_days <= self.interval_days:
            raise ScenarioError(
                f"steady state: a dose over {self.duration_days:g} d every {self.interval_days:g} d overlaps the next one"
            )


@dataclass(frozen=True)
class Premedication:
    """Dexamethasone, or what of another steroid acts as so much of it; a model without such a mechanism only logs it."""

    time_days: float
    text: str
    dexamethasone_mg: float = 0.0


@dataclass(frozen=True)
class Regimen:
    """What is planned for a patient. Start with `parse`, `label` or `none`; methods return changed copies.

    Parameters
    ----------
    cycles : tuple of Cycle
    bags : BagPlan, optional
    holds : tuple of Hold
    infusions : tuple of Infusion
        Outside the cycles.
    resets : tuple of float
        Days at which the patient's state returns to the untreated one; a running infusion outside the cycles ends.
    steady_states : tuple of SteadyState
    boluses : tuple of Bolus
    premedication : tuple of Premedication
    decisions : tuple of DecisionPoint
    stopped_at_day : float, optional
    stop_reason : str
    notes : tuple of str
        Which rules made it.
    """

    cycles: tuple[Cycle, ...]
    bags: BagPlan | None = None
    holds: tuple[Hold, ...] = ()
    infusions: tuple[Infusion, ...] = ()
    resets: tuple[float, ...] = ()
    steady_states: tuple[SteadyState, ...] = ()
    boluses: tuple[Bolus, ...] = ()
    premedication: tuple[Premedication, ...] = ()
    decisions: tuple[DecisionPoint, ...] = ()
    stopped_at_day: float | None = None
    stop_reason: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Regimen:
        """Return the regimen written as e.g. '15 ug/m2/day for 28 d, 14 d off, x2'; no label caps are applied.

        Steps follow each other with commas; blocks with their own repeats are separated by semicolons:
        '9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off; 28 ug/day for 28 d, 14 d off, x3'. At the end may stand
        'in 48 h bags' and 'with 4 min gaps'.

        Raises
        ------
        ScenarioError
            Quoting the phrase that cannot be read, what is allowed and what was probably meant.
        """
        from bitesim.treatment.regimen_text import parse_regimen

        return parse_regimen(text)

    @classmethod
    def none(cls) -> Regimen:
        """Return the regimen without any drug."""
        return cls(())

    @classmethod
    def label(cls, patient: Any, cycles: int = 2, indication: str = "relapsed") -> Regimen:
        """Return the labelled regimen for a patient's weight; see `bitesim.treatment.label.label_regimen`."""
        from bitesim.treatment.label import label_regimen

        return label_regimen(patient, cycles, indication)

    @classmethod
    def from_table(cls, table: Any, *, time_unit: str, amount_unit: str, patient_id: Any = None) -> Regimen:
        """Return the regimen of a NONMEM-style event table; see `bitesim.treatment.event_table`."""
        from bitesim.treatment.event_table import regimen_from_table

        return regimen_from_table(table, time_unit=time_unit, amount_unit=amount_unit, patient_id=patient_id)

    def to_table(self, *, time_unit: str = "days", bsa_m2: float | None = None, patient_id: Any = 1) -> list[dict[str, Any]]:
        """Return the carried-out schedule as NONMEM-style event records with AMT in ug."""
        from bitesim.treatment.event_table import table_from_regimen

        return table_from_regimen(self, time_unit=time_unit, bsa_m2=bsa_m2, patient_id=patient_id)

    @property
    def days(self) -> float:
        """Planned days from the first infusion to the end of the last rest."""
        return sum(cycle.infusion_days + cycle.days_off for cycle in self.cycles)

    def with_bags(self, hours: float | str, change_gap_minutes: float = 0.0) -> Regimen:
        """Return the regimen given in bags of 24, 48, 72, 96 or 168 h, also '48 h' or '7 d', with a gap at each change."""
        if isinstance(hours, str):
            from bitesim.treatment.regimen_text import bag_hours

            hours = bag_hours(hours)
        return replace(self, bags=BagPlan(hours, change_gap_minutes))

    def hold(
        self,
        start_day: float,
        days: float | None = None,
        hours: float | None = None,
        reason: str = "hold",
        resume: Literal["label", "as_planned"] = "label",
        restart: DoseStep | None = None,
    ) -> Regimen:
        """Return the regimen with the pump held from `start_day` for `days` or `hours`; see `Hold`."""
        if (days is None) == (hours is None):
            raise ScenarioError(f"a hold needs either days= or hours=; got days={days!r}, hours={hours!r}")
        if days is None:
            days = number("hours of a hold", hours, "hours", (0.0, 24 * LONGEST_DAYS), error=ScenarioError) / HOURS_PER_DAY
        changed = replace(self, holds=(*self.holds, Hold(start_day, days, reason, resume, restart)))
        # Compiled once here, so that a hold outside an infusion is refused where it is written.
        changed.schedule(bsa_m2=1.0)
        return changed

    def stop(self, day: float, reason: str = "stop") -> Regimen:
        """Return the regimen that gives no more drug from `day` on."""
        day = number("day of a stop", day, "days", _DAYS, error=ScenarioError)
        earlier = self.stopped_at_day is not None and self.stopped_at_day <= day
        return self if earlier else replace(self, stopped_at_day=day, stop_reason=reason)

    def with_bolus(self, time_days: float, amount: float, compartment: str | int = "drug") -> Regimen:
        """Return the regimen with an amount given at once."""
        return replace(self, boluses=(*self.boluses, Bolus(time_days, amount, compartment)))

    def with_dexamethasone(self, time_days: float, mg: float) -> Regimen:
        """Return the regimen with dexamethasone given at once; holds of the pump before it move it as they move cycles."""
        time = number("time_days of dexamethasone", time_days, "days", _DAYS, error=ScenarioError)
        hint = "Dexamethasone is in mg: 20 in adults, 5 mg/m2 in children."
        amount = number("mg of dexamethasone", mg, "mg", (0.01, 1000.0), hint, ScenarioError)
        given = Premedication(time, f"dexamethasone {amount:g} mg", amount)
        return replace(self, premedication=(*self.premedication, given))

    def with_chemotherapy(self, time_days: float, blocks: float = 1.0) -> Regimen:
        """Return the regimen with a block of chemotherapy from a day on, for models that have its mechanism."""
        hint = "It counts blocks of chemotherapy, not milligrams: 1 is a full block."
        amount = number("blocks of chemotherapy", blocks, "-", (1e-3, 10.0), hint, ScenarioError)
        return self.with_bolus(time_days, amount, "chemotherapy_blocks")

    def with_infusion(self, start_day: float, days: float, rate_per_day: float, compartment: str | int = "drug") -> Regimen:
        """Return the regimen with one more infusion, at a rate per day (ug/day for the drug)."""
        changed = replace(self, infusions=(*self.infusions, Infusion(start_day, days, rate_per_day, compartment)))
        changed.schedule(bsa_m2=1.0)
        return changed

    def with_decision(self, time_days: float, rule: Rule) -> Regimen:
        """Return the regimen with a rule asked at `time_days`."""
        return replace(self, decisions=(*self.decisions, DecisionPoint(time_days, rule)))

    def schedule(self, bsa_m2: float | None = None, weight_kg: float | None = None) -> Schedule:
        """Return the exact half-open segments for a body; a suspicious dose warns once."""
        from bitesim.treatment.schedule import compile_schedule

        return compile_schedule(self, bsa_m2, weight_kg)

    def ledger(self, bsa_m2: float | None = None) -> DrugLedger:
        """Return drug planned, delivered, missed and made up per day [ug]."""
        from bitesim.treatment.ledger import DrugLedger

        return DrugLedger.of(self, bsa_m2)

    def to_text(self) -> str:
        """Return the text of cycles and bags, which `parse` reads back; holds and other changes stand behind in words."""
        from bitesim.treatment.regimen_text import regimen_text

        return regimen_text(self)

    def __str__(self) -> str:
        changes = [
            f"infusion of {i.rate_per_day:g} per day into {i.compartment} for {i.days:g} d from day {i.start_day:g}"
            for i in self.infusions
        ]
        changes += [f"bolus of {b.amount:g} into {b.compartment} at day {b.time_days:g}" for b in self.boluses]
        changes += [f"{p.text} at day {p.time_days:g}" for p in self.premedication if p.dexamethasone_mg > 0.0]
        changes += [f"reset at day {day:g}" for day in self.resets]
        changes += [f"steady state at day {each.day:g}" for each in self.steady_states]
        changes += [f"hold {h.days:g} d from day {h.start_day:g} ({h.reason})" for h in self.holds]
        if self.stopped_at_day is not None:
            changes.append(f"stop at day {self.stopped_at_day:g} ({self.stop_reason})")
        return "; ".join([self.to_text(), *changes])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{number_ + 1}</td><td>{html.escape(', '.join(f'{s.rate} for {s.days:g} d' for s in cycle.steps))}</td>"
            f"<td>{cycle.days_off:g}</td></tr>"
            for number_, cycle in enumerate(self.cycles)
        )
        head = "<tr><th>cycle</th><th>doses</th><th>days off</th></tr>"
        return f"<table><caption>{html.escape(str(self))}</caption>{head}{rows}</table>"


def apply_action(regimen: Regimen, time_days: float, action: Action) -> Regimen:
    """Return the regimen after `action` was decided at `time_days`; everything before that time stays as it was."""
    if isinstance(action, Continue):
        return regimen
    if isinstance(action, HoldInfusion):
        restart = None if action.restart is None else DoseStep(DoseRate.parse(action.restart[0]), action.restart[1])
        return regimen.hold(time_days, days=action.days, reason=action.reason, restart=restart)
    return regimen.stop(time_days, action.reason)
