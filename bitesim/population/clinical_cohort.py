"""Many patients through a regimen and their clinical events, chunk by chunk: who fails, relapses, is transplanted, dies.

The cohort engine gives cells and drug; events are drawn by each patient's own luck. Patients whose toxicity makes the label
hold or stop the pump are run again under what they really got: their luck is the same.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.assays import MULTICOLOUR_FLOW, MrdSample
from bitesim.engines.cohort import stream_cohort
from bitesim.engines.cohort_result import CohortResult, Failure
from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError, PatientWarning, unknown_name
from bitesim.foundation.random_streams import seed_entropy
from bitesim.leukaemia import LEUKAEMIA
from bitesim.parameters import ParameterSet
from bitesim.population.clinical_result import ClinicalResult
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.course import OUTPUTS, PARAMETERS, FollowUp, Treated, clinical_course
from bitesim.population.events.luck import Luck
from bitesim.population.events.toxicity import label_action
from bitesim.population.events.visits import Timetable, timetable
from bitesim.population.individuals import parameter_table
from bitesim.population.patient import REFERENCE_AGE_YEARS
from bitesim.population.virtual_population import VirtualPopulation
from bitesim.treatment import DoseRate, DoseStep, Regimen

Floats = NDArray[np.float64]
#: Toxicity is acted on at the next half day, so that few schedules differ.
_ACTS_AT: Final = 0.5
#: The label's restart after a hold: the first step's dose, for a week, under dexamethasone (a prior).
_RESTART_PER_M2, _RESTART_FIXED, _RESTART_DAYS = "5 ug/m2/day", "9 ug/day", 7.0
_DEXAMETHASONE_MG: Final = 8.0
_CHUNK: Final = 16_384


@dataclass(frozen=True, eq=False)
class Cohort:
    """Who is treated.

    Parameters
    ----------
    parameters : mapping
        Name of a parameter of the leukaemia model -> one value, or one a patient.
    weight_kg, bsa_m2, age_years : ndarray, shape (patients,)
    numbers : ndarray of int, shape (patients,)
        Whose luck it is: a patient keeps the number in every cohort. Default: 0, 1, 2, ...
    """

    parameters: Mapping[str, Any]
    weight_kg: Floats
    bsa_m2: Floats
    age_years: Floats
    numbers: NDArray[Any] = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        count = len(self.weight_kg)
        if not len(self.numbers):
            object.__setattr__(self, "numbers", np.arange(count))
        for name in ("bsa_m2", "age_years", "numbers"):
            if len(getattr(self, name)) != count:
                raise ParameterError(f"{name} has {len(getattr(self, name))} values for {count} patients")
        for name, values in self.parameters.items():
            LEUKAEMIA.catalogue[name]
            if np.ndim(values) and len(values) != count:
                raise ParameterError(f"parameter {name} has {len(values)} values for {count} patients")

    def __len__(self) -> int:
        return len(self.weight_kg)

    @classmethod
    def of(cls, population: VirtualPopulation, first: int = 0, stop: int | None = None) -> Cohort:
        """Return virtual patients [first, stop) as a cohort, with their own luck.

        Raises
        ------
        ParameterError
            For patients of another model than the leukaemia model.
        """
        if population.model is not LEUKAEMIA:
            raise ParameterError(
                f"these virtual patients are of model {population.model.name}: clinical events need those of leukaemia"
            )
        end = len(population) if stop is None else min(stop, len(population))
        table = parameter_table(LEUKAEMIA, population.columns, first, end)
        parameters = dict(zip(LEUKAEMIA.catalogue, table.T, strict=True))
        ages = population.columns.get("age_years", np.full(len(population), REFERENCE_AGE_YEARS))[first:end]
        return cls(parameters, parameters["weight_kg"], parameters["bsa_m2"], ages, population.patients[first:end])

    def rows(self, chosen: Any) -> Cohort:
        """Return some of the patients; they keep their numbers."""
        parameters = {name: np.asarray(each)[chosen] if np.ndim(each) else each for name, each in self.parameters.items()}
        bodies = (self.weight_kg[chosen], self.bsa_m2[chosen], self.age_years[chosen])
        return Cohort(parameters, *bodies, self.numbers[chosen])

    def values(self, name: str) -> Floats:
        """Return a parameter of each patient."""
        if name == "weight_kg":
            return self.weight_kg
        given = self.parameters.get(name, LEUKAEMIA.parameters[name])
        return np.broadcast_to(np.asarray(given, float), len(self)).copy()


@dataclass(frozen=True, eq=False)
class ClinicalPlan:
    """What is done with a cohort.

    Parameters
    ----------
    regimen : Regimen
    follow_up : FollowUp
    visits : tuple of float, optional
    seed : int
    events : ParameterSet
        Of the events catalogue.
    follow_label : bool
        Whether severe toxicity holds or stops the pump.
    rtol : float
    max_steps : int
    threads : int, optional
    keep : tuple of str
        Outputs whose courses are kept.
    """

    regimen: Regimen
    follow_up: FollowUp
    visits: tuple[float, ...] | None
    seed: int
    events: ParameterSet
    follow_label: bool
    rtol: float
    max_steps: int
    threads: int | None
    keep: tuple[str, ...] = ()


def simulate_clinical_cohort(
    cohort: Cohort | VirtualPopulation, regimen: Regimen | str | None, *, errors: str = "warn", **options: Any
) -> ClinicalResult:
    """Treat and follow many patients; `stream_clinical_cohort` describes the options.

    Parameters
    ----------
    cohort : VirtualPopulation or Cohort
    regimen : Regimen or str
    errors : {"warn", "ignore"}
        Whether patients who could not be integrated give one warning; they are rows with a reason in any case.
    """
    if errors not in ("warn", "ignore"):
        raise unknown_name("value of errors=", errors, ("warn", "ignore"))
    result = ClinicalResult.joined(list(stream_clinical_cohort(cohort, regimen, **options)))
    if result.failures and errors == "warn":
        warnings.warn(
            f"{len(result.failures)} of {len(result)} patients could not be integrated; see result.failures",
            PatientWarning,
            stacklevel=2,
        )
    return result


def stream_clinical_cohort(
    cohort: Cohort | VirtualPopulation,
    regimen: Regimen | str | None,
    *,
    follow_up_days: float = 730.0,
    visits_days: Sequence[float] | None = None,
    sample: MrdSample | None = None,
    missing_visits: float = 0.0,
    events: ParameterSet | None = None,
    follow_label: bool = True,
    seed: Any = 1,
    rtol: float = 1e-4,
    max_steps: int = 100_000,
    threads: int | None = None,
    chunk: int = _CHUNK,
    keep: Sequence[str] = (),
) -> Iterator[ClinicalResult]:
    """Treat and follow many patients, chunk by chunk in order: memory does not grow with the cohort.

    Parameters
    ----------
    cohort : VirtualPopulation or Cohort
    regimen : Regimen or str
        None for no drug.
    follow_up_days : float
        From day 0 [d].
    visits_days : sequence of float, optional
        Days of marrow samples; default the end of each cycle.
    sample : MrdSample, optional
        How MRD is measured; default multicolour flow.
    missing_visits : float
        Share of visits without a sample [-].
    events : ParameterSet, optional
        Of the events catalogue (`bitesim.population.events.catalogue.EVENTS`).
    follow_label : bool
        Whether severe toxicity holds or stops the pump, by the label.
    seed : int, SeedSequence, Generator or None
        Of the patients' luck.
    rtol, max_steps
        As in `bitesim.simulate`.
    threads : int, optional
    chunk : int
        Patients at a time; changes no number.
    keep : sequence of str
        Outputs of the model whose courses are kept, to be drawn; memory grows with them.

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used, by name.
    """
    plan = ClinicalPlan(
        regimen=Regimen.none() if regimen is None else Regimen.parse(regimen) if isinstance(regimen, str) else regimen,
        follow_up=FollowUp(
            number("follow_up_days", follow_up_days, "d", (1.0, 36500.0), "Two years are 730."),
            MrdSample(MULTICOLOUR_FLOW) if sample is None else sample,
            number("missing_visits", missing_visits, "-", (0.0, 1.0), "It is a share: 10 % is 0.1."),
        ),
        visits=None if visits_days is None else tuple(visits_days),
        seed=seed_entropy(seed),
        events=ParameterSet(EVENTS) if events is None else events,
        follow_label=follow_label,
        rtol=rtol,
        max_steps=max_steps,
        threads=threads,
        keep=tuple(keep),
    )
    if plan.events.catalogue is not EVENTS:
        raise ParameterError(f"events = {events!r} are not parameters of clinical events: start from ParameterSet(EVENTS)")
    table = _base(plan)
    if plan.follow_up.days <= table.end:
        raise ParameterError(
            f"follow_up_days = {plan.follow_up.days:g} end before treatment does, at day {table.end:g}: give more"
        )
    for first in range(0, len(cohort), chunk):
        stop = first + chunk
        some = cohort.rows(slice(first, stop)) if isinstance(cohort, Cohort) else Cohort.of(cohort, first, stop)
        yield _treat(plan, some, first)


def _base(plan: ClinicalPlan) -> Timetable:
    """Return the timetable of the regimen as planned."""
    return timetable(plan.regimen, plan.regimen.schedule(bsa_m2=1.0), plan.visits)


def _treat(plan: ClinicalPlan, cohort: Cohort, first: int) -> ClinicalResult:
    """Return the courses of one chunk."""
    base = _base(plan)
    columns, courses, failures = _course(plan, cohort, plan.regimen, first)
    given: list[tuple[_Action, ...]] = [()] * len(cohort)
    # A release and a neurologic event: each is acted on once, in the order in which they come.
    for _ in range(2 if plan.follow_label else 0):
        for row, action in enumerate(_next_actions(plan, columns, given)):
            given[row] = (*given[row], action) if action is not None else given[row]
        fresh = _grouped(given, columns["label_actions"])
        for actions, rows in fresh.items():
            again, drawn, more = _course(plan, cohort.rows(rows), _changed(plan.regimen, actions), first)
            for name, values in again.items():
                # What was acted on has happened; a cytokine release happens again as it did, by the same luck and IL-6.
                done = name.startswith("neurotoxicity") and any(each.event == "neurotoxicity" for each in actions)
                if not done:
                    columns[name][rows] = values
            columns["label_actions"][rows] = len(actions)
            columns["label_action_day"][rows] = actions[0].day
            for name, values in drawn.items():
                courses[name][rows] = values
            failures = [each for each in failures if each.patient - first not in set(rows.tolist())]
            failures += [replace(each, patient=first + int(rows[each.patient - first])) for each in more]
    failures.sort(key=lambda each: each.patient)
    failed = np.isin(np.arange(len(cohort)), [each.patient - first for each in failures])
    for values in columns.values():
        values[failed] = np.nan if values.dtype.kind == "f" else -1 if values.dtype.kind == "i" else False
    return ClinicalResult(
        str(plan.regimen), plan.seed, plan.follow_up.days, base.visits, cohort.numbers, columns, failed, tuple(failures),
        base.times, courses,
    )  # fmt: skip


def _course(
    plan: ClinicalPlan, cohort: Cohort, regimen: Regimen, first: int
) -> tuple[dict[str, NDArray[Any]], dict[str, Floats], list[Failure]]:
    """Run patients under a regimen; return their events, the courses to keep, and who could not be integrated."""
    base = _base(plan)
    table = timetable(plan.regimen, regimen.schedule(bsa_m2=1.0), plan.visits, tuple(base.times))
    parameters = {name: each for name, each in cohort.parameters.items() if name not in ("weight_kg", "bsa_m2")}
    wanted = (*OUTPUTS, *(name for name in plan.keep if name not in OUTPUTS))
    chunks: list[CohortResult] = list(
        stream_cohort(
            LEUKAEMIA, parameters, regimen, table.times, wanted, patients=len(cohort), bsa_m2=cohort.bsa_m2,
            weight_kg=cohort.weight_kg, rtol=plan.rtol, max_steps=plan.max_steps, threads=plan.threads,
        )
    )  # fmt: skip
    outputs = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in wanted}
    # Rows of those who could not be integrated are emptied at the end; until then they must not disturb the others.
    broken = np.concatenate([chunk.outcome for chunk in chunks]) != 0
    kept = {name: outputs[name].copy() for name in plan.keep}
    for values in outputs.values():
        values[broken] = 0.0
    failures = [replace(each, patient=first + each.patient) for chunk in chunks for each in chunk.failures]
    treated = Treated(table, outputs, {name: cohort.values(name) for name in PARAMETERS}, cohort.age_years)
    luck = Luck(plan.seed, cohort.numbers)
    courses = {name: values[:, np.isin(table.times, base.times)] for name, values in kept.items()}
    columns = clinical_course(treated, plan.follow_up, luck, plan.events)
    columns["label_action_day"] = np.full(len(cohort), np.inf)
    columns["label_actions"] = np.zeros(len(cohort), np.int64)
    return columns, courses, failures


class _Action(NamedTuple):
    """What is done to the pump, when, for how long, and because of what."""

    kind: str
    day: float
    days: float
    event: str


def _next_actions(
    plan: ClinicalPlan, columns: Mapping[str, NDArray[Any]], given: Sequence[tuple[_Action, ...]]
) -> list[_Action | None]:
    """Return what the label asks for each patient after the first severe toxicity that was not acted on yet, or None."""
    infusions = _base(plan).cycles
    found: list[_Action | None] = []
    for row, before in enumerate(given):
        chosen = None
        for event, column in (("cytokine release", "cytokine_release"), ("neurotoxicity", "neurotoxicity")):
            when, grade = columns[f"{column}_day"][row], int(columns[f"{column}_grade"][row])
            action = label_action(event, grade, plan.events) if math.isfinite(when) and grade >= 3 else None
            if action is None or any(each.event == event or each.kind == "stop" for each in before):
                continue
            day = math.ceil(when / _ACTS_AT) * _ACTS_AT
            # What comes in a rest, or while the pump is held already, holds nothing.
            running = any(start <= day < stop for start, stop in infusions) if not before else day > before[-1].day
            if running and (chosen is None or day < chosen.day):
                chosen = _Action(action.kind, day, action.days, event)
        found.append(chosen)
    return found


def _grouped(
    given: Sequence[tuple[_Action, ...]], carried_out: NDArray[np.int64]
) -> dict[tuple[_Action, ...], NDArray[np.int64]]:
    """Return the actions that were not carried out yet -> the rows of those patients."""
    groups: dict[tuple[_Action, ...], list[int]] = {}
    for row, actions in enumerate(given):
        if len(actions) > carried_out[row]:
            groups.setdefault(actions, []).append(row)
    return {actions: np.array(rows) for actions, rows in groups.items()}


def _changed(regimen: Regimen, actions: Sequence[_Action]) -> Regimen:
    """Return the regimen after toxicity: stopped, or held and restarted low for a week under dexamethasone."""
    per_m2 = any("m2" in str(step.rate) for cycle in regimen.cycles for step in cycle.steps)
    restart = DoseStep(DoseRate.parse(_RESTART_PER_M2 if per_m2 else _RESTART_FIXED), _RESTART_DAYS)
    for action in actions:
        if action.kind == "stop":
            regimen = regimen.stop(action.day, action.event)
        elif any(s.start_days <= action.day < s.stop_days for s in regimen.schedule(bsa_m2=1.0).infusions):
            regimen = regimen.hold(action.day, days=action.days, reason=action.event, restart=restart)
            regimen = regimen.with_dexamethasone(action.day, _DEXAMETHASONE_MG)
    return regimen
