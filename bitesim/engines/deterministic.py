"""The ODE engine: Rodas5P from event to event, with decision points between compiled stretches."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitesim.engines.steady_state import steady_state
from bitesim.engines.stops import DECISION, END, ask, next_stop
from bitesim.engines.system import OneSystem, system_of
from bitesim.engines.timeline import delivered_until, pieces_between, pulse_events
from bitesim.engines.trajectory import RunEvent, SolverReport, Trajectory
from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.compiled import prepare
from bitesim.foundation.errors import ParameterError, SolverError
from bitesim.foundation.provenance import Provenance, digest_of, installed_versions, source_digest
from bitesim.model import Model
from bitesim.numerics.integrate_one import INTEGRATE_SIGNATURE, integrate
from bitesim.numerics.outcomes import ADVICE, Outcome
from bitesim.numerics.pieces import COUNTERS, Control, Matrix, Output, Pieces, Vector, output_at
from bitesim.parameters import ParameterSet
from bitesim.treatment import Regimen, Schedule, apply_action
from bitesim.version import __version__


@dataclass(frozen=True)
class Settings:
    """How accurately to integrate.

    Parameters
    ----------
    rtol : float
        Relative tolerance, 1e-12 to 1e-2; a state's absolute tolerance is rtol times the scale of its species.
    max_steps : int
        Steps after which a run gives up.
    """

    rtol: float = 1e-6
    max_steps: int = 100_000

    def __post_init__(self) -> None:
        hint = "It is a relative tolerance, e.g. 1e-6."
        object.__setattr__(self, "rtol", number("rtol", self.rtol, "-", (1e-12, 1e-2), hint))
        object.__setattr__(self, "max_steps", whole_number("max_steps", self.max_steps, (1, 10**9)))


@dataclass(frozen=True)
class Case:
    """What is run: one patient's parameters and body under one regimen."""

    model: Model
    parameters: ParameterSet
    regimen: Regimen
    bsa_m2: float | None = None
    weight_kg: float | None = None
    patient: str = "patient"
    seed: int | None = None

    def schedule(self, regimen: Regimen | None = None) -> Schedule:
        """Return the compiled schedule of the case's regimen, or of another one for the same body."""
        chosen = self.regimen if regimen is None else regimen
        return chosen.schedule(bsa_m2=self.bsa_m2, weight_kg=self.weight_kg)


def with_drug_by_name(model: Model, regimen: Regimen) -> Regimen:
    """Return `regimen` with every way to name the drug's compartment (species, number) written as 'drug'."""

    def named(given: Any) -> Any:
        is_drug = model.input_species(given.compartment) == model.drug.species
        return replace(given, compartment="drug") if is_drug else given

    infusions, boluses = tuple(map(named, regimen.infusions)), tuple(map(named, regimen.boluses))
    return replace(regimen, infusions=infusions, boluses=boluses)


@dataclass
class _Progress:
    """What a run has reached; changed as it goes."""

    state: Vector
    output: Output
    regimen: Regimen
    schedule: Schedule
    events: list[RunEvent] = field(default_factory=list)


def warmup(model: Model) -> float:
    """Compile (or load) every kernel that `model` needs; return the seconds it took."""
    began = time.perf_counter()
    system_of(model)
    state = initial_state(model, model.parameters)
    read_outputs(model, model.parameters, state[np.newaxis])
    prepare(integrate, INTEGRATE_SIGNATURE)
    return time.perf_counter() - began


def initial_state(model: Model, parameters: ParameterSet) -> Vector:
    """Return the untreated patient's state as a flat vector."""
    return system_of(model).initial_state(parameters.vector())


def read_outputs(model: Model, parameters: ParameterSet, states: Matrix) -> Matrix:
    """Return the readouts of `states`, shape (times, readouts)."""
    return system_of(model).readouts(parameters.vector(), states)


def run_ode(case: Case, times_days: Vector, settings: Settings | None = None) -> Trajectory:
    """Integrate one case and return its course at `times_days`.

    An output at the instant of an event holds the values just after it. Output times are interpolated, so asking for
    more of them changes nothing else.

    Raises
    ------
    SolverError
        When the integration fails; the message says where, why, for whom and what to try.
    """
    settings = settings or Settings()
    model = case.model
    system = system_of(model)
    start = initial_state(model, case.parameters)
    case = replace(case, regimen=with_drug_by_name(model, case.regimen))
    schedule = case.schedule()
    output = output_at(times_days, len(model.species))
    progress = _Progress(start.copy(), output, case.regimen, schedule)
    done: set[tuple[str, int]] = set()
    now = 0.0
    while True:
        stop = next_stop(progress.schedule, done, now, float(times_days[-1]))
        if stop.day > now:
            pieces = pieces_between(model, progress.schedule, (now, stop.day), case.bsa_m2, start)
            _integrate(case, system, progress, progress.state, pieces, settings)
        if stop.kind == END:
            break
        done.add((stop.kind, stop.index))
        if stop.kind == DECISION:
            _decide(case, progress, stop.index)
        else:
            _set_steady_state(case, system, progress, stop.index, start, settings)
        now = stop.day
    return _assemble(case, progress, settings)


def _integrate(
    case: Case, system: OneSystem, progress: _Progress, state: Vector, pieces: Pieces, settings: Settings
) -> None:
    """Integrate `state` in place through `pieces` in compiled code."""
    control = Control(settings.rtol, case.model.species.scales(), settings.max_steps)
    code = system.integrate(case.parameters.vector(), state, pieces, control, progress.output)
    if code != Outcome.OK:
        raise SolverError(failure_message(case, Outcome(code), progress.output, progress.schedule, settings))


def _set_steady_state(
    case: Case, system: OneSystem, progress: _Progress, index: int, start: Vector, settings: Settings
) -> None:
    """Replace the state by that after endless doses."""
    dosing = progress.schedule.steady_states[index]
    aside = output_at(np.empty(0), len(start))
    beside = replace(progress, output=aside)

    def advance(state: Vector, pieces: Pieces) -> None:
        # Each interval has its own step limit: a slow model may need thousands of intervals.
        aside.counters[:] = 0
        _integrate(case, system, beside, state, pieces, settings)

    progress.state[:] = steady_state(case.model, dosing, start, case.bsa_m2, advance, settings.rtol)
    progress.events.append(RunEvent(dosing.day, "steady state", "the state is that after endless earlier doses"))


def failure_message(case: Case, outcome: Outcome, output: Output, schedule: Schedule, settings: Settings) -> str:
    """Return the sentence for a run that failed, with a reproducer."""
    reached, step = output.progress[:2]
    before = [event for event in schedule.events if event.time_days <= reached]
    just_after = f", just after {before[-1].text}" if before else ""
    changed = ", ".join(f"{name}={value!r}" for name, value in case.parameters.changed().items()) or "defaults"
    return (
        f"{outcome.name.lower().replace('_', ' ')} at day {reached:.6g}{just_after} (step {step:.2g} d): {ADVICE[outcome]} "
        f"[patient {case.patient}, model {case.model.name}, parameters: {changed}; "
        f"regimen {str(case.regimen)!r}, rtol={settings.rtol:g}, max_steps={settings.max_steps}]"
    )


def _decide(case: Case, progress: _Progress, index: int) -> None:
    """Ask the rule at decision point `index` and change what follows."""
    point = progress.schedule.decisions[index]
    action, event = ask(case.model, case.parameters, point, progress.state)
    progress.regimen = apply_action(progress.regimen, point.time_days, action)
    progress.schedule = case.schedule(progress.regimen)
    progress.events.append(event)


def _conservation(case: Case, progress: _Progress) -> dict[str, float]:
    """Return the largest violation of each balance over the outputs, relative to what was delivered (or 1 unit)."""
    if progress.schedule.resets or progress.schedule.steady_states or not len(progress.output.times):
        return {}
    delivered = delivered_until(case.model, progress.schedule, progress.output.times, case.bsa_m2)
    start = initial_state(case.model, case.parameters)
    residuals = {}
    for balance in case.model.balances:
        columns = [case.model.species.position(name) for name in balance.weights]
        weights = np.array(list(balance.weights.values()))
        change = (progress.output.states[:, columns] - start[columns]) @ weights
        residuals[balance.name] = float(np.max(np.abs(change - delivered)) / max(1.0, float(delivered[-1])))
    return residuals


def _assemble(case: Case, progress: _Progress, settings: Settings) -> Trajectory:
    """Gather outputs, states, events and provenance into the result."""
    model, states, times = case.model, progress.output.states, progress.output.times
    if not np.all(np.isfinite(states)):
        raise ParameterError(f"an output time of patient {case.patient} was never reached; please report this")
    read = read_outputs(model, case.parameters, states)
    values = {readout.name: read[:, column] for column, readout in enumerate(model.readouts)}
    values |= {name: states[:, column] for column, name in enumerate(model.species)}
    schedule = progress.schedule
    events = [RunEvent(event.time_days, event.kind, event.text) for event in schedule.events]
    events += pulse_events(model, schedule) + progress.events
    counters = dict(zip(COUNTERS, map(int, progress.output.counters), strict=True))
    return Trajectory(
        times_days=times,
        values=values,
        outputs=tuple(readout.name for readout in model.readouts),
        states=tuple(model.species),
        units=model.units,
        symbols=model.symbols,
        patient=case.patient,
        solver=SolverReport("ode", system_of(model).method, counters, _conservation(case, progress)),
        events=tuple(sorted(events, key=lambda event: event.time_days)),
        ledger=progress.regimen.ledger(bsa_m2=case.bsa_m2),
        provenance=provenance_of(case, schedule, settings),
        infusions=schedule.infusions,
        clones=tuple(readout.name for readout in model.readouts if readout.is_clone),
    )


def provenance_of(case: Case, schedule: Schedule, settings: Settings, **others: Any) -> Provenance:
    """Return what a run of a case depends on; `others` are settings of the engine, its name among them."""
    carried_out = [[i.start_days, i.stop_days, i.rate, str(i.compartment)] for i in schedule.infusions]
    carried_out += [[b.time_days, b.time_days, b.amount, str(b.compartment)] for b in schedule.boluses]
    carried_out += [[time, time, mg, case.model.dexamethasone] for time, mg in schedule.premedication]
    return Provenance(
        bitesim_version=__version__,
        sources_sha256=source_digest(),
        versions=installed_versions(),
        model=case.model.name,
        parameters=case.parameters.as_dict(),
        schedule_sha256=digest_of(carried_out),
        regimen=str(case.regimen),
        seed=case.seed,
        settings={"engine": "ode", "rtol": settings.rtol, "max_steps": settings.max_steps, "bsa_m2": case.bsa_m2} | others,
    )
