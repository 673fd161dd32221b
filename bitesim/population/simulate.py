"""The front door: simulate one patient under one regimen."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final, Literal, overload

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import Case, Settings, run_ode
from bitesim.engines.hybrid import run_hybrid
from bitesim.engines.hybrid_result import HybridRun
from bitesim.engines.trajectory import Trajectory
from bitesim.foundation.checks import increasing_times, whole_number
from bitesim.foundation.errors import ParameterError, PatientWarning, closest, unknown_name
from bitesim.model import Model
from bitesim.niche import NicheRun, run_niche
from bitesim.parameters import ParameterSet
from bitesim.population.patient import Patient
from bitesim.published import find_model
from bitesim.treatment import Regimen, Schedule

#: What a patient has only where it is given, and a model may not know.
_DISEASE_AND_CELLS: Final = ("blood_b_cells_per_ul", "blood_cd8_t_cells_per_ul", "t_cell_fitness", "marrow_blast_fraction")
_LATEST_DEFAULT_DAYS: Final = 28.0


def default_times(schedule: Schedule) -> NDArray[np.float64]:
    """Return output times that show every event: 6-hourly over the course, hourly on the day after each dose change."""
    end = schedule.end_days or _LATEST_DEFAULT_DAYS
    times = set(np.arange(0.0, np.floor(4.0 * end) + 1.0) / 4.0) | {end}
    for segment in schedule.infusions:
        for change in (segment.start_days, segment.stop_days):
            times |= set(change + np.arange(25.0) / 24.0)
    ordered = np.array(sorted(time for time in times if time <= end))
    # Hours after a change may fall within rounding of a quarter day.
    return np.asarray(ordered[np.append(True, np.diff(ordered) > 1e-9)])


@overload
def simulate(
    patient: Patient | None = None,
    regimen: Regimen | str | None = None,
    model: str | Model | None = None,
    times_days: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    parameters: ParameterSet | None = None,
    rtol: float = 1e-6,
    seed: int | None = None,
    max_steps: int = 100_000,
    engine: Literal["ode"] = "ode",
    replicates: int = 1,
) -> Trajectory: ...


@overload
def simulate(
    patient: Patient | None = None,
    regimen: Regimen | str | None = None,
    model: str | Model | None = None,
    times_days: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    parameters: ParameterSet | None = None,
    rtol: float = 1e-6,
    seed: int | None = None,
    max_steps: int = 100_000,
    engine: Literal["hybrid"],
    replicates: int = 1,
) -> HybridRun: ...


@overload
def simulate(
    patient: Patient | None = None,
    regimen: Regimen | str | None = None,
    model: str | Model | None = None,
    times_days: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    parameters: ParameterSet | None = None,
    rtol: float = 1e-6,
    seed: int | None = None,
    max_steps: int = 100_000,
    engine: Literal["niche"],
    replicates: int = 1,
) -> NicheRun: ...


def simulate(
    patient: Patient | None = None,
    regimen: Regimen | str | None = None,
    model: str | Model | None = None,
    times_days: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    parameters: ParameterSet | None = None,
    rtol: float = 1e-6,
    seed: int | None = None,
    max_steps: int = 100_000,
    engine: str = "ode",
    replicates: int = 1,
) -> Trajectory | HybridRun | NicheRun:
    """Simulate one patient through a regimen.

    Parameters
    ----------
    patient : Patient, optional
        Default: the reference adult (70 kg, 1.88 m2).
    regimen : Regimen or str
        A text is read by `Regimen.parse`. Default: no drug.
    model : str or Model, optional
        Name of a published model or "leukaemia", or a model of your own. Default: bitesim's own leukaemia model.
    times_days : sequence of float, optional
        Strictly increasing output times [d]. At an event's instant the output holds the values just after it.
        Default: 6-hourly, and hourly on the day after each dose change.
    parameters : ParameterSet, optional
        Instead of the model's own; the patient's counts and size are applied on top.
    rtol : float
        Relative tolerance of the solver, 1e-12 to 1e-2.
    seed : int, optional
        Of the hybrid engine's luck (default 0); recorded in a deterministic run, where nothing is drawn.
    max_steps : int
        Steps after which the solver gives up.
    engine : {"ode", "hybrid", "niche"}
        "hybrid" counts clones of few cells one by one, with luck of their own: `bitesim.engines.hybrid`. "niche" follows
        every cell of a piece of marrow in space beside the whole body: `bitesim.niche.run_niche` has its options.
    replicates : int
        Runs of the hybrid engine, each with the luck of (seed, replicate).

    Returns
    -------
    Trajectory, HybridRun of the hybrid engine, or NicheRun of the niche engine

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used, by name. What a patient has and the model cannot use gets a PatientWarning.
    SolverError
        When the run could not be integrated.
    """
    case, times = case_and_times(patient, regimen, model, times_days, parameters=parameters, seed=seed)
    settings, count = Settings(rtol, max_steps), whole_number("replicates", replicates, (1, 10**6))
    if engine == "hybrid":
        return run_hybrid(case, times, count, 0 if seed is None else seed, settings)
    if engine not in ("ode", "niche"):
        raise unknown_name("engine", engine, ("ode", "hybrid", "niche"))
    if count > 1:
        why = "would all be the same" if engine == "ode" else "are one niche each, with seeds of their own"
        raise ParameterError(f"replicates = {count} of the {engine} engine {why}: use engine='hybrid'")
    if engine == "niche":
        return run_niche(case, times, seed=0 if seed is None else seed)
    return run_ode(case, times, settings)


def case_and_times(
    patient: Patient | None,
    regimen: Regimen | str | None,
    model: str | Model | None,
    times_days: Sequence[float] | NDArray[np.float64] | None,
    *,
    parameters: ParameterSet | None = None,
    seed: int | None = None,
) -> tuple[Case, NDArray[np.float64]]:
    """Return what an engine runs, and its output times, from what a user hands in; `simulate` describes both."""
    patient = Patient() if patient is None else patient
    if not isinstance(patient, Patient):
        raise ParameterError(f"patient = {patient!r} is not a Patient: write bitesim.Patient(weight_kg=70, ...)")
    regimen = _regimen(regimen)
    chosen = find_model(model)
    base = chosen.parameters if parameters is None else parameters
    if not isinstance(base, ParameterSet) or base.catalogue is not chosen.catalogue:
        raise ParameterError(
            f"parameters = {base!r} do not belong to model {chosen.name}: start from model.parameters.replace(...)"
        )
    _warn_of_what_is_left_out(patient, chosen)
    if seed is not None:
        seed = whole_number("seed", seed, (0, 2**64 - 1))
    case = Case(
        model=chosen,
        parameters=chosen.individual_parameters(base, patient.covariates()),
        regimen=regimen,
        bsa_m2=patient.bsa_m2,
        weight_kg=patient.weight_kg,
        patient=patient.name,
        seed=seed,
    )
    times = (
        default_times(regimen.schedule(bsa_m2=patient.bsa_m2))
        if times_days is None
        else increasing_times("times_days", times_days)
    )
    return case, times


def _warn_of_what_is_left_out(patient: Patient, model: Model) -> None:
    """Warn where the patient has a value that the model cannot use."""
    used = {link.covariate for link in model.covariates}
    for name in _DISEASE_AND_CELLS:
        value = patient.covariates()[name]
        if value is not None and name not in used:
            warnings.warn(
                f"model {model.name} has no use for {name} = {value:g} of {patient.name}: it is left out",
                PatientWarning,
                stacklevel=4,
            )


def _regimen(regimen: Any) -> Regimen:
    if regimen is None:
        return Regimen.none()
    if isinstance(regimen, str):
        return Regimen.parse(regimen)
    if not isinstance(regimen, Regimen):
        hint = closest(regimen, ["Regimen.parse('15 ug/m2/day for 28 d, 14 d off, x2')"])
        raise ParameterError(f"regimen = {regimen!r} is not a Regimen or a text such as '15 ug/m2/day for 28 d'.{hint}")
    return regimen
