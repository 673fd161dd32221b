"""The cohort engine: many patients through one regimen, in chunks on threads, streamed in order.

A patient's numbers depend on the patient alone: not on the chunk, the thread, the lane or the neighbours.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from bitesim.engines.cohort_result import CohortResult, failure_of, joined
from bitesim.engines.lanes_engine import Chunk, prepare_lanes, run_lanes, run_one_by_one
from bitesim.engines.system import system_of
from bitesim.engines.timeline import pieces_between
from bitesim.foundation.checks import increasing_times, number, whole_number
from bitesim.foundation.errors import ParameterError, ScenarioError, unknown_name
from bitesim.model import Model
from bitesim.numerics.lanes import has_fused_multiply_add
from bitesim.numerics.pieces import Matrix, Pieces, Vector
from bitesim.parameters import ParameterSet
from bitesim.treatment import Regimen

#: Patients of one task; a task is what one thread does at a time.
DEFAULT_CHUNK: Final = 256
#: Rows of parameters [first, stop) of a cohort, made when they are needed.
ParameterRows = Callable[[int, int], Matrix]


@dataclass(frozen=True)
class CohortPlan:
    """What a cohort run was asked for, checked."""

    model: Model
    regimen: Regimen
    rows: ParameterRows
    patients: int
    bsa_m2: NDArray[np.float64] | float | None
    weight_kg: NDArray[np.float64] | float | None
    times_days: Vector
    outputs: tuple[str, ...]
    rtol: float
    max_steps: int

    def body(self, patient: int) -> tuple[float | None, float | None]:
        """Return a patient's body surface area and weight."""
        return _of_patient(self.bsa_m2, patient), _of_patient(self.weight_kg, patient)

    def columns(self) -> NDArray[np.int64]:
        """Return the place of each output among readouts and states."""
        names = [*(readout.name for readout in self.model.readouts), *self.model.species]
        return np.array([names.index(name) for name in self.outputs], np.int64)


def _of_patient(value: NDArray[np.float64] | float | None, patient: int) -> float | None:
    return float(value[patient]) if isinstance(value, np.ndarray) else value


def run_cohort(
    model: Model,
    parameters: Any,
    regimen: Regimen | str,
    times_days: Sequence[float] | Vector,
    outputs: Sequence[str] | None = None,
    **options: Any,
) -> CohortResult:
    """Run many patients and return all of their outputs; `stream_cohort` describes the arguments."""
    return joined(list(stream_cohort(model, parameters, regimen, times_days, outputs, **options)))


def stream_cohort(
    model: Model,
    parameters: Any,
    regimen: Regimen | str,
    times_days: Sequence[float] | Vector,
    outputs: Sequence[str] | None = None,
    *,
    patients: int | None = None,
    bsa_m2: Any = None,
    weight_kg: Any = None,
    rtol: float = 1e-6,
    max_steps: int = 100_000,
    threads: int | None = None,
    chunk: int = DEFAULT_CHUNK,
    lanes: bool | None = None,
    progress: bool = False,
) -> Iterator[CohortResult]:
    """Run many patients and yield them in order, chunk by chunk: memory does not grow with the cohort.

    Parameters
    ----------
    model : Model
        With derived code (`bitesim.derive`) eight patients run side by side; without it, one after the other.
    parameters : ndarray, mapping, sequence of ParameterSet, or callable
        An array of shape (patients, parameters) in the order of the catalogue; or name -> value or one value a patient,
        the others at the model's own; or one set a patient; or rows(first, stop) -> array, with `patients`.
    regimen : Regimen or str
        Without decision points and steady-state records.
    times_days : sequence of float
        Strictly increasing output times [d].
    outputs : sequence of str, optional
        Readouts and states to keep; default all readouts.
    patients : int
        How many, where `parameters` is a callable or holds single values only.
    bsa_m2, weight_kg : float or sequence, optional
        Of all, or one a patient; doses per m2 and labels by weight need them.
    rtol, max_steps
        As in `simulate`.
    threads : int, optional
        Default: the processors of the machine.
    chunk : int
        Patients a task; changes no number.
    lanes : bool, optional
        Whether to run eight side by side; default: where the model and the processor can. Changes no number.
    progress : bool
        Show a progress bar.

    Yields
    ------
    CohortResult
        Of consecutive patients. A patient who could not be integrated is a row with NaN, an outcome, and an entry in
        `failures` with the reason and a one-line reproducer.

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used; it names the patient's row.
    """
    times = increasing_times("times_days", times_days)
    chosen = _outputs(model, outputs)
    regimen = Regimen.parse(regimen) if isinstance(regimen, str) else regimen
    rows, count = _parameter_rows(model, parameters, patients)
    plan = CohortPlan(
        model,
        regimen,
        rows,
        count,
        _bodies("bsa_m2", bsa_m2, "m2", (0.1, 3.5), count),
        _bodies("weight_kg", weight_kg, "kg", (0.5, 300.0), count),
        times,
        chosen,
        number("rtol", rtol, "-", (1e-12, 1e-2), "It is a relative tolerance, e.g. 1e-6."),
        whole_number("max_steps", max_steps, (1, 10**9)),
    )
    workers = whole_number("threads", threads, (1, 1024)) if threads is not None else _processors()
    size = whole_number("chunk", chunk, (1, 10**6))
    run = _runner(model, lanes)
    bar = tqdm(total=count, unit=" patients", disable=not progress)
    with ThreadPoolExecutor(workers, thread_name_prefix="bitesim-cohort") as pool, bar:
        waiting: deque[Future[CohortResult]] = deque()
        clocks = _Clocks(plan)
        starts = iter(range(0, count, size))
        try:
            while True:
                # Two tasks a thread are enough to keep all busy, and bound the memory.
                while len(waiting) < 2 * workers and (first := next(starts, None)) is not None:
                    stop = min(first + size, count)
                    waiting.append(pool.submit(_run_chunk, plan, run, first, clocks.chunk(first, stop)))
                if not waiting:
                    return
                result = waiting.popleft().result()
                bar.update(len(result))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _runner(model: Model, lanes: bool | None) -> Callable[[Chunk], Any]:
    """Return what runs a chunk: eight side by side or one by one, with its kernels ready."""
    derived = model.derivatives
    if lanes and derived is None:
        raise ParameterError(
            f"lanes = True, but model {model.name} has no derived code: run bitesim.derive(model) first, or leave lanes out"
        )
    if derived is None or lanes is False or (lanes is None and not has_fused_multiply_add()):
        system_of(model)
        return lambda chunk: run_one_by_one(model, chunk)
    prepare_lanes(model, derived)
    return lambda chunk: run_lanes(model, derived, chunk)


class _Clocks:
    """The clocks of a cohort: one for each body that makes a difference."""

    def __init__(self, plan: CohortPlan) -> None:
        self.plan = plan
        self.of_body: dict[tuple[float | None, float | None], Pieces] = {}

    def clock(self, patient: int) -> Pieces:
        body = self.plan.body(patient)
        if body not in self.of_body:
            model, regimen = self.plan.model, self.plan.regimen
            schedule = regimen.schedule(bsa_m2=body[0], weight_kg=body[1])
            if schedule.decisions or schedule.steady_states:
                raise ScenarioError(
                    "the regimen has decision points or steady-state records, which look at one patient: run these with "
                    "simulate"
                )
            # The reset state is each patient's own; the integrator knows it.
            untreated = np.zeros(len(model.species))
            self.of_body[body] = pieces_between(model, schedule, (0.0, np.inf), body[0], untreated)
        return self.of_body[body]

    def chunk(self, first: int, stop: int) -> Chunk:
        """Return the patients [first, stop) with their clocks."""
        places: dict[int, int] = {}
        clocks: list[Pieces] = []
        timetable = np.zeros(stop - first, np.int64)
        for row in range(stop - first):
            clock = self.clock(first + row)
            if id(clock) not in places:
                places[id(clock)] = len(clocks)
                clocks.append(clock)
            timetable[row] = places[id(clock)]
        plan = self.plan
        parameters = plan.rows(first, stop)
        return Chunk(parameters, timetable, tuple(clocks), plan.times_days, plan.columns(), plan.rtol, plan.max_steps)


def _run_chunk(plan: CohortPlan, run: Callable[[Chunk], Any], first: int, chunk: Chunk) -> CohortResult:
    harvest = run(chunk)
    failed = np.nonzero(harvest.outcome)[0]
    failures = tuple(
        failure_of(
            first + int(row),
            int(harvest.outcome[row]),
            harvest.progress[row],
            _reproducer(plan, first + int(row), chunk.parameters[row]),
        )
        for row in failed
    )
    return CohortResult(
        plan.model.name,
        first,
        plan.times_days,
        plan.outputs,
        {name: plan.model.units[name] for name in plan.outputs},
        harvest.values,
        harvest.outcome,
        harvest.progress[:, 0],
        harvest.steps,
        failures,
    )


def _reproducer(plan: CohortPlan, patient: int, parameters: Vector) -> str:
    """Return one line of Python that runs one patient alone."""
    defaults = plan.model.parameters
    changed = {
        name: float(value) for name, value in zip(plan.model.catalogue, parameters, strict=True) if value != defaults[name]
    }
    bsa, weight = plan.body(patient)
    body = ", ".join(f"{name}={value!r}" for name, value in (("weight_kg", weight), ("bsa_m2", bsa)) if value is not None)
    values = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    model = repr(plan.model.name)
    return (
        f"bitesim.simulate(bitesim.Patient({body}), {str(plan.regimen)!r}, {model}, [{float(plan.times_days[-1])!r}], "
        f"parameters=bitesim.find_model({model}).parameters.replace({values}), rtol={plan.rtol!r}, "
        f"max_steps={plan.max_steps})"
    )


def _outputs(model: Model, outputs: Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(outputs, str):
        raise ParameterError(f"outputs = {outputs!r} is one text: write [{outputs!r}]")
    chosen = tuple(readout.name for readout in model.readouts) if outputs is None else tuple(outputs)
    for name in chosen:
        if name not in model.units:
            raise unknown_name(f"output or state of {model.name}", name, model.units)
    if not chosen:
        raise ParameterError("outputs is empty: name at least one readout or state, or leave it out for all readouts")
    return chosen


def _bodies(
    name: str, value: Any, unit: str, allowed: tuple[float, float], patients: int
) -> NDArray[np.float64] | float | None:
    if value is None:
        return None
    if np.ndim(value) == 0:
        return number(name, value, unit, allowed)
    if len(value) != patients:
        raise ParameterError(f"{name} has {len(value)} values for {patients} patients: give one value, or one a patient")
    return np.array([number(f"{name}[{row}]", each, unit, allowed) for row, each in enumerate(value)])


def _parameter_rows(model: Model, parameters: Any, patients: int | None) -> tuple[ParameterRows, int]:
    """Return rows(first, stop) and the number of patients, whatever form the parameters have."""
    count = None if patients is None else whole_number("patients", patients, (1, 10**9))
    if callable(parameters):
        if count is None:
            raise ParameterError("parameters is a function of (first, stop): say how many there are with patients=")
        return lambda first, stop: _checked(model, np.asarray(parameters(first, stop), float), first, stop), count
    if isinstance(parameters, Mapping):
        table = _table_of_names(model, parameters, count)
    elif isinstance(parameters, np.ndarray):
        table = np.asarray(parameters, float)
    else:
        table = _table_of_sets(model, parameters)
    if table.ndim != 2 or not len(table):
        raise ParameterError(f"parameters has shape {table.shape}: expected (patients, {len(model.catalogue)})")
    if count is not None and count != len(table):
        raise ParameterError(f"patients = {count}, but parameters has {len(table)} rows: leave patients out")
    _checked(model, table, 0, len(table))
    return lambda first, stop: table[first:stop], len(table)


def _table_of_sets(model: Model, sets: Any) -> Matrix:
    for row, each in enumerate(sets):
        if not isinstance(each, ParameterSet) or each.catalogue is not model.catalogue:
            raise ParameterError(
                f"parameters[{row}] = {each!r} does not belong to model {model.name}: "
                "start from model.parameters.replace(...)"
            )
    return np.array([each.vector() for each in sets])


def _table_of_names(model: Model, values: Mapping[str, Any], count: int | None) -> Matrix:
    lengths = {name: len(value) for name, value in values.items() if np.ndim(value) > 0}
    for name in values:
        model.catalogue[name]
    sizes = {*lengths.values(), *([] if count is None else [count])}
    if len(sizes) != 1:
        given = ", ".join(f"{name}: {length}" for name, length in lengths.items()) or "single values only"
        raise ParameterError(f"parameters do not say how many patients there are ({given}): give lists of one length")
    table = np.tile(model.parameters.vector(), (sizes.pop(), 1))
    for name, value in values.items():
        table[:, list(model.catalogue).index(name)] = value
    return table


def _checked(model: Model, table: Matrix, first: int, stop: int) -> Matrix:
    """Return `table` if every value is inside its bounds."""
    if table.shape != (stop - first, len(model.catalogue)):
        raise ParameterError(
            f"parameters of patients {first} to {stop - 1} have shape {table.shape}: expected "
            f"({stop - first}, {len(model.catalogue)}), one column for each parameter of {model.name}"
        )
    bounds = np.array([row.bounds for row in model.catalogue.values()])
    # Written so that NaN is refused too.
    bad = np.argwhere(~((table >= bounds[:, 0]) & (table <= bounds[:, 1])))
    if len(bad):
        row, column = bad[0]
        parameter = list(model.catalogue.values())[column]
        try:
            parameter.checked(table[row, column])
        except ParameterError as problem:
            raise ParameterError(f"patient {first + row}: {problem} ({len(bad)} values of this table are refused)") from None
    return table
