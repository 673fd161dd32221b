"""The stochastic engines: a model's processes as random events of whole cells, exact or by leaps, replicates on threads.

Assumption (well-mixed and memoryless): an event's rate depends on the present counts alone, and every cell of a kind is
like every other. Alternatives: cells with an age or a place of their own. What it changes: waiting times between a cell's
divisions are exponential, which makes small clones die out more often than cells with a minimal cycle time would.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from bitesim.engines.cohort_plan import checked_outputs
from bitesim.engines.deterministic import with_drug_by_name
from bitesim.engines.stochastic_plan import (
    CountedModel,
    check_clock,
    check_start,
    continuous_part,
    counted_model,
    starts,
)
from bitesim.engines.stochastic_result import STOCHASTIC_ADVICE, FailedReplicate, StochasticResult
from bitesim.engines.timeline import pieces_between
from bitesim.foundation.checks import increasing_times, number, shown, whole_number
from bitesim.foundation.compiled import prepare
from bitesim.foundation.errors import ParameterError, ReplicateWarning, ScenarioError, SolverError
from bitesim.foundation.provenance import Provenance, digest_of, installed_versions, source_digest
from bitesim.foundation.random_streams import seed_entropy
from bitesim.model import Model
from bitesim.model.rate_of_change import INITIAL_SIGNATURE, READOUTS_SIGNATURE
from bitesim.numerics.direct_method import DIRECT_SIGNATURE, PATH_COUNTERS, Replicates, room_for, run_direct
from bitesim.numerics.lanes import block, rows_for
from bitesim.numerics.leaping import LEAPS_SIGNATURE, leap_room_for, run_leaps
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Matrix, Pieces, Vector
from bitesim.numerics.piecewise_deterministic import PIECEWISE_SIGNATURE, piecewise_room_for, run_piecewise
from bitesim.parameters import ParameterSet
from bitesim.published import find_model
from bitesim.treatment import Regimen
from bitesim.version import __version__

#: Replicates of one task; a task is what one thread does at a time.
DEFAULT_CHUNK: Final = 256
Method = Literal["exact", "tau"]
Errors = Literal["warn", "raise", "ignore"]


@dataclass(frozen=True)
class _Plan:
    """A checked stochastic run."""

    model: Model
    parameters: ParameterSet
    regimen: Regimen
    counted: CountedModel
    pieces: Pieces
    state: Vector
    times_days: Vector
    outputs: tuple[str, ...]
    seed: int
    method: Method
    epsilon: float
    max_events: int
    rtol: float
    is_piecewise: bool
    bsa_m2: float | None


def run_stochastic(
    model: str | Model | None,
    parameters: ParameterSet | Mapping[str, float] | None,
    regimen: Regimen | str | None,
    times_days: Sequence[float] | Vector,
    replicates: int,
    seed: Any = None,
    method: Method = "exact",
    *,
    outputs: Sequence[str] | None = None,
    bsa_m2: float | None = None,
    weight_kg: float | None = None,
    epsilon: float = 0.02,
    rtol: float = 1e-6,
    max_events: int = 10**9,
    first_replicate: int = 0,
    threads: int | None = None,
    chunk: int = DEFAULT_CHUNK,
    errors: Errors = "warn",
) -> StochasticResult:
    """Run one model many times with the luck of single events.

    Every process is an event whose rate is its flux and which changes the state as the process table says. A replicate's
    bytes depend on the seed and its number alone: not on threads, chunks or how many there are.

    Parameters
    ----------
    model : str or Model
        Its species that are numbers of cells have ``countable=True``. A process that changes one of them is an event; the
        others are continuous: drug or cytokines that follow their differential equations between events ("exact" only).
    parameters : ParameterSet or mapping, optional
        All values, or name -> value beside the model's own.
    regimen : Regimen or str, optional
        Without decision points and steady-state records; what is counted takes whole doses, no infusions.
    times_days : sequence of float
        Strictly increasing output times [d]; an output at the instant of an event is taken behind it.
    replicates : int
    seed : int, SeedSequence, Generator or None
        None takes fresh entropy; the result says which seed was used.
    method : {"exact", "tau"}
        Every event in turn (Gillespie's direct method), or adaptive tau-leaping: faster where there are many cells.
    outputs : sequence of str, optional
        Readouts and states to keep; default all readouts.
    bsa_m2, weight_kg : float, optional
        The patient's, for doses per m2 or kg and parameters that are set from them.
    epsilon : float
        Of "tau": share of itself by which a propensity may change in a leap, 1e-4 to 0.5.
    rtol : float
        Relative tolerance of what is continuous.
    max_events : int
        Events (with continuous species also steps between them; "tau": leaps and single events) after which a replicate
        gives up.
    first_replicate : int
        Number of the first replicate, to go on where another run has ended, or to run one alone.
    threads : int, optional
        Default: the processors of the machine.
    chunk : int
        Replicates a task; changes no number.
    errors : {"warn", "raise", "ignore"}
        Whether replicates that fail give one warning, a `SolverError`, or nothing; they are rows in any case.

    Returns
    -------
    StochasticResult

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used; it names the argument, the species or the process.
    SolverError
        With ``errors="raise"``, about the first replicate that failed.

    Notes
    -----
    A start between two whole numbers is one of them in each replicate, with the probability that keeps the mean.
    """
    plan = _plan(
        find_model(model),
        parameters,
        regimen,
        times_days,
        outputs,
        {"bsa_m2": bsa_m2, "weight_kg": weight_kg},
        seed_entropy(seed),
        _one_of("method", method, Method),
        (
            number("epsilon", epsilon, "-", (1e-4, 0.5), "It is a share of a propensity, e.g. 0.02."),
            whole_number("max_events", max_events, (1, 10**15)),
            number("rtol", rtol, "-", (1e-12, 1e-2), "It is a relative tolerance, e.g. 1e-6."),
        ),
    )
    _one_of("errors", errors, Errors)
    first = whole_number("first_replicate", first_replicate, (0, 2**32 - 1))
    count = whole_number("replicates", replicates, (1, 2**32 - first))
    workers = whole_number("threads", threads, (1, 1024)) if threads is not None else _processors()
    size = whole_number("chunk", chunk, (1, 10**6))
    parts = [(first + begin, min(size, count - begin)) for begin in range(0, count, size)]
    with ThreadPoolExecutor(min(workers, len(parts)), thread_name_prefix="bitesim-stochastic") as pool:
        # In the order of the replicates, whichever thread is ready first.
        done = list(pool.map(lambda part: _run_part(plan, *part), parts))
    result = _gathered(plan, first, done)
    if result.failures and errors == "raise":
        raise SolverError(str(result.failures[0]))
    if result.failures and errors == "warn":
        warnings.warn(
            f"{len(result.failures)} of {count} replicates did not reach their end; the first: {result.failures[0]}. "
            "See result.failures.",
            ReplicateWarning,
            stacklevel=2,
        )
    return result


def _one_of(name: str, value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        raise ParameterError(f"{name} = {shown(value)}: expected one of {', '.join(map(repr, get_args(kind)))}")
    return value


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _plan(
    model: Model,
    parameters: Any,
    regimen: Any,
    times_days: Any,
    outputs: Any,
    body: Mapping[str, float | None],
    seed: int,
    method: Method,
    limits: tuple[float, int, float],
) -> _Plan:
    """Check what is asked for."""
    counted = counted_model(model)
    chosen = model.individual_parameters(_parameter_set(model, parameters), body)
    given = Regimen.none() if regimen is None else Regimen.parse(regimen) if isinstance(regimen, str) else regimen
    if not isinstance(given, Regimen):
        raise ParameterError(f"regimen = {shown(given)} is not a Regimen or a text such as '15 ug/m2/day for 28 d'")
    schedule = with_drug_by_name(model, given).schedule(bsa_m2=body["bsa_m2"], weight_kg=body["weight_kg"])
    if schedule.decisions or schedule.steady_states:
        raise ScenarioError("the regimen has decision points or steady-state records: run it with simulate")
    times = increasing_times("times_days", times_days)
    state = np.zeros(len(model.species))
    prepare(model.initial_kernel, INITIAL_SIGNATURE)(chosen.vector(), state)
    check_start(model, counted, state)
    pieces = pieces_between(model, schedule, (0.0, np.inf), body["bsa_m2"], state)
    check_clock(model, counted, pieces)
    continuous = continuous_part(model, counted, pieces)
    if continuous and method == "tau":
        raise ParameterError(
            f"method = 'tau' leaps over counts alone, but in model {model.name} {continuous} continuously: use "
            "method='exact', which integrates that between events"
        )
    kept, is_piecewise = checked_outputs(model, outputs), continuous is not None
    return _Plan(
        model, chosen, given, counted, pieces, state, times, kept, seed, method, *limits, is_piecewise, body["bsa_m2"]
    )


def _parameter_set(model: Model, parameters: Any) -> ParameterSet:
    if parameters is None:
        return model.parameters
    if isinstance(parameters, ParameterSet):
        if list(parameters.catalogue) != list(model.catalogue):
            raise ParameterError(f"parameters are those of {parameters.catalogue.name}, not of model {model.name}")
        return parameters
    if isinstance(parameters, Mapping):
        return model.parameters.replace(**parameters)
    raise ParameterError(f"parameters = {shown(parameters)}: expected a ParameterSet, a dict of name -> value, or None")


def _run_part(plan: _Plan, first: int, count: int) -> tuple[Replicates, Matrix]:
    """Run some replicates in compiled code; return them with their outputs, one row a replicate and time."""
    species, processes = plan.counted.changes.shape
    states = np.full((count, len(plan.times_days), species), np.nan)
    replicates = Replicates(
        first,
        starts(plan.counted, plan.state, plan.seed, first, count),
        plan.times_days,
        states,
        np.zeros(count, np.int64),
        np.zeros(count),
        np.zeros((count, len(PATH_COUNTERS)), np.int64),
    )
    values = plan.parameters.vector()
    constants = block(max(1, rows_for(len(values))))
    constants.reshape(-1)[: len(values)] = values
    common: Any = (constants, plan.pieces, replicates, np.uint64(plan.seed))
    with np.errstate(all="ignore"):
        if plan.is_piecewise:
            mix: Any = prepare(run_piecewise, PIECEWISE_SIGNATURE)
            room = piecewise_room_for(plan.counted.is_event, plan.model.species.scales())
            mix(plan.counted.one, *common, (plan.rtol, plan.max_events), room)
        elif plan.method == "exact":
            run: Any = prepare(run_direct, DIRECT_SIGNATURE)
            run(plan.counted.in_lanes, *common, plan.max_events, room_for(species, processes))
        else:
            leap: Any = prepare(run_leaps, LEAPS_SIGNATURE)
            leap(plan.counted.one, *common, (plan.epsilon, plan.max_events), leap_room_for(species, processes))
    return replicates, _outputs(plan, states.reshape(-1, species))


def _outputs(plan: _Plan, states: Matrix) -> Matrix:
    """Return the outputs asked for, from states one row each."""
    model = plan.model
    read = np.zeros((len(states), len(model.readouts)))
    with np.errstate(all="ignore"):
        prepare(model.readout_kernel, READOUTS_SIGNATURE)(states, plan.parameters.vector(), read)
    # Where no replicate got to, nothing was read.
    read[np.isnan(states).any(axis=1)] = np.nan
    names = [*(readout.name for readout in model.readouts), *model.species]
    table = np.concatenate([read, states], axis=1)
    return np.ascontiguousarray(table[:, [names.index(name) for name in plan.outputs]])


def _gathered(plan: _Plan, first: int, parts: Sequence[tuple[Replicates, Matrix]]) -> StochasticResult:
    """Return the parts as one result."""
    outcome = np.concatenate([each.outcome for each, _ in parts])
    reached = np.concatenate([each.reached for each, _ in parts])
    failures = tuple(
        FailedReplicate(
            first + int(row),
            Outcome(int(outcome[row])),
            float(reached[row]),
            STOCHASTIC_ADVICE[Outcome(int(outcome[row]))],
            _reproducer(plan, first + int(row)),
        )
        for row in np.flatnonzero(outcome)
    )
    values = np.concatenate([read for _, read in parts])
    return StochasticResult(
        model=plan.model.name,
        method=plan.method,
        seed=plan.seed,
        first_replicate=first,
        times_days=plan.times_days,
        outputs=plan.outputs,
        units={name: plan.model.units[name] for name in plan.outputs},
        values=values.reshape(len(outcome), len(plan.times_days), len(plan.outputs)),
        outcome=outcome,
        time_reached_days=reached,
        counts=np.concatenate([each.counters for each, _ in parts]),
        failures=failures,
        provenance=_provenance(plan),
    )


def _reproducer(plan: _Plan, replicate: int) -> str:
    """Return one line of Python that runs one replicate alone, and raises what happened."""
    body = "" if plan.bsa_m2 is None else f"bsa_m2={plan.bsa_m2!r}, "
    how = f"epsilon={plan.epsilon!r}, " if plan.method == "tau" else f"rtol={plan.rtol!r}, " if plan.is_piecewise else ""
    return (
        f"run_stochastic({plan.model.name!r}, {dict(plan.parameters.changed())!r}, {str(plan.regimen)!r}, "
        f"{plan.times_days.tolist()!r}, 1, {plan.seed}, {plan.method!r}, {body}{how}max_events={plan.max_events}, "
        f"first_replicate={replicate}, errors='raise')"
    )


def _provenance(plan: _Plan) -> Provenance:
    pieces = plan.pieces
    carried_out = [pieces.boundary[:-1].tolist(), pieces.input_rate.tolist(), pieces.jump.tolist(), pieces.reset.tolist()]
    return Provenance(
        bitesim_version=__version__,
        sources_sha256=source_digest(),
        versions=installed_versions(),
        model=plan.model.name,
        parameters=plan.parameters.as_dict(),
        schedule_sha256=digest_of(carried_out),
        regimen=str(plan.regimen),
        seed=plan.seed,
        settings={
            "engine": "stochastic",
            "method": plan.method,
            "epsilon": plan.epsilon,
            "rtol": plan.rtol,
            "max_events": plan.max_events,
            "bsa_m2": plan.bsa_m2,
        },
    )
