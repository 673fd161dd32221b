"""What is to be expected of one patient: draws from the posterior, each run through a regimen and followed up.

A draw is a set of parameters that the data leave possible. MRD and counts are what the model makes of each; relapse and cure
are drawn from the cells that each has left (`bitesim.population.events.relapse`), so that an interval holds both what is not
known of the patient and what is chance. The draws (`bitesim.inference.draws`) depend on the data and the seed: another
regimen is forecast with the same draws and the same luck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.cohort import run_cohort
from bitesim.foundation.checks import increasing_times, number, whole_number
from bitesim.foundation.errors import EstimationError, ParameterError
from bitesim.foundation.random_streams import seed_entropy
from bitesim.inference.draws import posterior_draws
from bitesim.inference.forecast_result import Forecast
from bitesim.inference.patient_fit import PatientFit
from bitesim.model import Model
from bitesim.parameters import ParameterSet
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.clone_courses import extinction_of
from bitesim.population.events.course import PARAMETERS, Treated, courses_of, remaining
from bitesim.population.events.luck import Luck
from bitesim.population.events.relapse import Relapses, draw_relapses
from bitesim.population.events.transplantation import Transplants
from bitesim.population.events.visits import timetable
from bitesim.treatment import Regimen

Matrix = NDArray[np.float64]
_LEFT: Final = ("mrd", "blasts", "low_blasts", "sanctuary_blasts")


def forecast(
    fit: PatientFit,
    regimen: Regimen | str | None = None,
    times_days: Sequence[float] | None = None,
    *,
    draws: int = 500,
    seed: int = 0,
    follow_up_days: float = 730.0,
    events: ParameterSet | None = None,
    rtol: float = 1e-4,
    threads: int | None = None,
) -> Forecast:
    """Return what is to be expected of a patient under a regimen.

    Parameters
    ----------
    fit : PatientFit
    regimen : Regimen or str, optional
        From day 0, with what was given already. Default: that of the patient's data.
    times_days : sequence of float, optional
        Default: daily until treatment and its rest are over, and the days on which something was observed.
    draws : int
        Sets of parameters, 20 to 100,000.
    seed : int
        Of the draws and of chance in relapse and cure.
    follow_up_days : float
        From day 0 until which relapses are followed [d].
    events : ParameterSet, optional
        Of `bitesim.population.events.catalogue.EVENTS`: what is a relapse.
    rtol : float
    threads : int, optional

    Returns
    -------
    Forecast

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used.
    EstimationError
        Where no draw could be run.
    """
    posterior = fit.posterior
    case, model = posterior.case, posterior.case.model
    given = Regimen.parse(regimen) if isinstance(regimen, str) else regimen
    chosen = posterior.data.regimen if given is None else given
    if not isinstance(chosen, Regimen):
        raise ParameterError(f"regimen = {regimen!r} is not a Regimen or a text such as '15 ug/m2/day for 28 d'")
    count = whole_number("draws", draws, (20, 100_000))
    entropy = seed_entropy(seed)
    schedule = chosen.schedule(bsa_m2=case.bsa_m2, weight_kg=case.weight_kg)
    looks = timetable(chosen, schedule)
    days = number("follow_up_days", follow_up_days, "days", (1.0, 36525.0), "It is counted from day 0: 2 years are 730.")
    times = _times(times_days, looks.end, posterior.times_days)
    drawn = posterior_draws(posterior, fit.laplace, count, entropy, rtol=rtol, threads=threads)
    rows = np.array([posterior.vector(each) for each in drawn.scores])
    result = run_cohort(
        model, rows, chosen, np.union1d(times, looks.times), errors="ignore", bsa_m2=case.bsa_m2, weight_kg=case.weight_kg,
        rtol=rtol, threads=threads,
    )  # fmt: skip
    kept = result.outcome == 0
    if not kept.any():
        raise EstimationError(f"none of {count} draws of {fit.patient} could be run: {result.failures[0]}")
    shown = np.searchsorted(result.times_days, times)
    values = {name: result[name][kept][:, shown] for name in result.outputs}
    relapse, cure = np.full(int(kept.sum()), math.nan), np.full(int(kept.sum()), math.nan)
    if _has_disease(model):
        at_looks = np.searchsorted(result.times_days, looks.times)
        left = {name: result[name][kept][:, at_looks] for name in _LEFT}
        numbers, events_p = np.flatnonzero(kept), ParameterSet(EVENTS) if events is None else events
        parameters = dict(zip(model.catalogue, rows[kept].T, strict=True))
        treated = Treated(looks, left, {name: parameters[name] for name in PARAMETERS}, np.zeros(len(numbers)))
        later = _relapses(treated, max(looks.end, days), Luck(entropy, numbers), events_p)
        relapse, cure = np.min(list(later.days.values()), axis=0), _cure(treated)
    notes = (posterior.method(), *drawn.findings(), *fit.laplace.findings())
    return Forecast(
        fit.patient, model.name, str(chosen), times, values, model.units, relapse, cure, looks.end, max(looks.end, days),
        count - int(kept.sum()), entropy, posterior.data.observations, notes, drawn.effective,
    )  # fmt: skip


def _times(given: Sequence[float] | None, end: float, observed: Matrix) -> Matrix:
    if given is not None:
        return increasing_times("times_days", given)
    return np.union1d(np.arange(0.0, math.floor(max(end, float(observed[-1]))) + 1.0), observed)


def _has_disease(model: Model) -> bool:
    """Tell whether a model has what relapse and cure are drawn from."""
    read = {readout.name for readout in model.readouts}
    return read.issuperset(_LEFT) and all(name in model.catalogue for name in PARAMETERS)


def _relapses(treated: Treated, until: float, luck: Luck, events: ParameterSet) -> Relapses:
    """Draw the relapses of each draw after its treatment, without a transplant."""
    count = len(treated)
    none = Transplants(np.full(count, math.inf), np.ones(count), np.zeros(count), 0.0)
    return draw_relapses(remaining(treated, luck, events), none, until, luck)


def _cure(treated: Treated) -> Matrix:
    """Return the probability of each draw that every clone of the model dies out, by branching-process theory."""
    courses = courses_of(treated, np.zeros(len(treated)), slice(None))
    each = [extinction_of(course, treated.parameters) for _, course in courses]
    return np.asarray(np.prod(each, axis=0))
