"""The cohort engine: many patients through one regimen, in chunks on threads, streamed in order.

A patient's numbers depend on the patient alone: not on the chunk, the thread, the lane or the neighbours.
"""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Final, Literal, get_args

import numpy as np

from bitesim.engines.cohort_plan import (
    Clocks,
    CohortPlan,
    check_bodies_suffice,
    checked_bodies,
    checked_outputs,
    parameter_rows,
)
from bitesim.engines.cohort_result import CohortResult, failure_of, joined
from bitesim.engines.lanes_engine import Chunk, prepare_lanes, run_lanes, run_one_by_one
from bitesim.engines.system import system_of
from bitesim.foundation.checks import increasing_times, number, shown, whole_number
from bitesim.foundation.errors import BitesimError, ParameterError, PatientWarning, SolverError
from bitesim.model import Model
from bitesim.numerics.lanes import has_fused_multiply_add
from bitesim.numerics.pieces import Vector
from bitesim.published import find_model
from bitesim.treatment import Regimen

#: Patients of one task; a task is what one thread does at a time.
DEFAULT_CHUNK: Final = 256
#: What happens when patients could not be integrated.
Errors = Literal["warn", "raise", "ignore"]


def run_cohort(
    model: str | Model,
    parameters: Any,
    regimen: Regimen | str | None,
    times_days: Sequence[float] | Vector,
    outputs: Sequence[str] | None = None,
    *,
    errors: Errors = "warn",
    **options: Any,
) -> CohortResult:
    """Run many patients and return all of their outputs; `stream_cohort` describes the other arguments.

    Parameters
    ----------
    errors : {"warn", "raise", "ignore"}
        Whether patients who could not be integrated give one warning with their number, a `SolverError` about the first
        of them, or nothing; they are rows of the result in any case.
    """
    if errors not in get_args(Errors):
        raise ParameterError(f"errors = {shown(errors)}: expected one of {', '.join(get_args(Errors))}")
    result = joined(list(stream_cohort(model, parameters, regimen, times_days, outputs, **options)))
    if result.failures and errors == "raise":
        raise SolverError(str(result.failures[0]))
    if result.failures and errors == "warn":
        warnings.warn(
            f"{len(result.failures)} of {len(result)} patients could not be integrated to the end; the first: "
            f"{result.failures[0].outcome.name.lower().replace('_', ' ')} (patient {result.failures[0].patient}). "
            "See result.failures.",
            PatientWarning,
            stacklevel=2,
        )
    return result


def stream_cohort(
    model: str | Model,
    parameters: Any,
    regimen: Regimen | str | None,
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
    model : str or Model
        With derived code (`bitesim.derive`) eight patients run side by side; without it, one after the other.
    parameters : ndarray, mapping, sequence of ParameterSet, or callable
        An array of shape (patients, parameters) in the order of the catalogue; or name -> value or one value a patient,
        the others at the model's own; or one set a patient; or rows(first, stop) -> array, with `patients`.
    regimen : Regimen or str
        Without decision points and steady-state records. None for no drug.
    times_days : sequence of float
        Strictly increasing output times [d].
    outputs : sequence of str, optional
        Readouts and states to keep; default all readouts.
    patients : int
        How many, where `parameters` is a callable or holds single values only.
    bsa_m2, weight_kg : float or sequence, optional
        Of all, or one a patient: doses per m2 need the surface, and a model's parameters that are the patient's surface
        or weight are set from them, as `simulate` does.
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
        `failures` with the reason and a one-line reproducer (which finds the model by its name).

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used; it names the patient's row.
    """
    chosen = find_model(model)
    times = increasing_times("times_days", times_days)
    rows, count = parameter_rows(chosen, parameters, patients)
    check_bodies_suffice(chosen, parameters, {"bsa_m2": bsa_m2, "weight_kg": weight_kg})
    plan = CohortPlan(
        chosen,
        _regimen(regimen),
        rows,
        count,
        checked_bodies("bsa_m2", bsa_m2, "m2", (0.1, 3.5), count),
        checked_bodies("weight_kg", weight_kg, "kg", (0.5, 300.0), count),
        times,
        checked_outputs(chosen, outputs),
        number("rtol", rtol, "-", (1e-12, 1e-2), "It is a relative tolerance, e.g. 1e-6."),
        whole_number("max_steps", max_steps, (1, 10**9)),
    )
    workers = whole_number("threads", threads, (1, 1024)) if threads is not None else _processors()
    size = whole_number("chunk", chunk, (1, 10**6))
    clocks = Clocks(plan)
    # What is wrong with the regimen is said now, not when the first chunk is asked for.
    clocks.clock(0)
    return _chunks(plan, clocks, _runner(chosen, lanes), workers, size, progress)


def _regimen(regimen: Any) -> Regimen:
    if regimen is None:
        return Regimen.none()
    if isinstance(regimen, str):
        return Regimen.parse(regimen)
    if not isinstance(regimen, Regimen):
        raise ParameterError(f"regimen = {shown(regimen)} is not a Regimen or a text such as '15 ug/m2/day for 28 d'")
    return regimen


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _chunks(
    plan: CohortPlan, clocks: Clocks, run: Callable[[Chunk], Any], workers: int, size: int, progress: bool
) -> Iterator[CohortResult]:
    """Yield the chunks in order, while threads work on the next ones."""
    with ThreadPoolExecutor(workers, thread_name_prefix="bitesim-cohort") as pool, _bar(plan.patients, progress) as bar:
        waiting: deque[Future[CohortResult]] = deque()
        starts = iter(range(0, plan.patients, size))
        try:
            while True:
                # Two tasks a thread are enough to keep all busy, and bound the memory.
                while len(waiting) < 2 * workers and (first := next(starts, None)) is not None:
                    stop = min(first + size, plan.patients)
                    waiting.append(pool.submit(_run_chunk, plan, run, first, clocks.chunk(first, stop)))
                if not waiting:
                    return
                result = waiting.popleft().result()
                if bar is not None:
                    bar.update(len(result))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)


def _bar(patients: int, progress: bool) -> Any:
    """Return a progress bar, or what stands for none."""
    if not progress:
        return nullcontext()
    # In a notebook its import warns where ipywidgets are missing, which concerns only who wants a bar.
    from tqdm.auto import tqdm

    return tqdm(total=patients, unit=" patients")


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
    """Return one line of Python that runs one patient alone, and raises what happened."""
    defaults = plan.model.parameters
    changed = {
        name: float(value) for name, value in zip(plan.model.catalogue, parameters, strict=True) if value != defaults[name]
    }
    bsa, weight = plan.body(patient)
    body = "".join(f"{name}={value!r}, " for name, value in (("weight_kg", weight), ("bsa_m2", bsa)) if value is not None)
    return (
        f"bitesim.run_cohort({plan.model.name!r}, {changed!r}, {spelled_regimen(plan.regimen, bsa)}, "
        f"[{float(plan.times_days[-1])!r}], patients=1, {body}rtol={plan.rtol!r}, max_steps={plan.max_steps}, "
        "errors='raise')"
    )


def spelled_regimen(regimen: Regimen, bsa_m2: float | None) -> str:
    """Return a regimen as Python: its text where that says everything, else the events that are carried out."""
    text = str(regimen)
    try:
        says_everything = Regimen.parse(text) == regimen
    except BitesimError:
        says_everything = False
    if says_everything:
        return repr(text)
    rows = regimen.to_table(time_unit="days", bsa_m2=bsa_m2)
    given = f"bitesim.Regimen.from_table({rows!r}, time_unit='days', amount_unit='ug')" if rows else "bitesim.Regimen.none()"
    # An event table is of the drug's events; what holds moved stands where it is given.
    steroids = [f".with_dexamethasone({time!r}, {mg!r})" for time, mg in regimen.schedule(bsa_m2=bsa_m2).premedication]
    return given + "".join(steroids) if rows or steroids else "None"
