"""Runs of the trials behind the facts, each done once for the same values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.cohort import run_cohort
from bitesim.foundation.errors import SolverError
from bitesim.inference.free_parameters import Values
from bitesim.inference.trial_patients import TRIALS
from bitesim.population.virtual_population import VirtualPopulation

Floats = NDArray[np.float64]
_RTOL: Final = 1e-5
#: Runs that are kept: the trials at the point of a calibration, and those of one step beside it.
_KEPT: Final = 40


@dataclass(frozen=True, eq=False)
class TrialRun:
    """One trial at one set of values.

    Parameters
    ----------
    population : VirtualPopulation
    days : ndarray, shape (times,)
    outputs : mapping
        Name -> ndarray, shape (patients, times).
    weights : ndarray, shape (patients,)
        Of sum 1.
    """

    population: VirtualPopulation
    days: Floats
    outputs: Mapping[str, Floats]
    weights: Floats

    def at(self, name: str, day: float) -> Floats:
        """Return an output at one of the days, shape (patients,)."""
        return np.asarray(self.outputs[name][:, int(np.argmin(np.abs(self.days - day)))])

    def between(self, name: str, first: float, last: float) -> Floats:
        """Return an output at the days from `first` to `last`, shape (patients, days)."""
        within = (self.days >= first - 1e-9) & (self.days <= last + 1e-9)
        return np.asarray(self.outputs[name][:, within])

    def mean(self, of_patients: Floats) -> float:
        """Return the weighted mean over patients."""
        return float(self.weights @ of_patients)

    def median(self, of_patients: Floats, weights: Floats | None = None) -> float:
        """Return the weighted median over patients, interpolated between them."""
        return weighted_median(of_patients, self.weights if weights is None else weights)


class TrialRuns:
    """Trials at one set of values; what only events differ in is not run again.

    Parameters
    ----------
    values : Values
    seed : int
        Of every virtual patient.
    kept : OrderedDict
        Runs of earlier values, by what they depend on.
    """

    def __init__(self, values: Values, seed: int, kept: OrderedDict[tuple[object, ...], TrialRun] | None = None) -> None:
        self.values, self.seed = values, seed
        self.kept = OrderedDict() if kept is None else kept

    def __getitem__(self, name: str) -> TrialRun:
        key = (name, self.seed, self.values.parameters, tuple(sorted(self.values.spreads.items())))
        if key not in self.kept:
            self.kept[key] = _run(name, self.values, self.seed)
            while len(self.kept) > _KEPT:
                self.kept.popitem(last=False)
        return self.kept[key]

    def at(self, values: Values) -> TrialRuns:
        """Return the trials at other values; runs are shared."""
        return TrialRuns(values, self.seed, self.kept)


def _run(name: str, values: Values, seed: int) -> TrialRun:
    """Run a trial; a patient who cannot be integrated ends it, as a fact without a patient would be another."""
    trial = TRIALS[name]
    population = trial.population(values, seed)
    arguments = population.cohort_arguments()
    result = run_cohort(
        regimen=trial.treatment(), times_days=trial.days, outputs=trial.outputs, rtol=_RTOL, errors="ignore", **arguments
    )
    if result.failures:
        raise SolverError(f"trial {name}: {result.failures[0]}")
    outputs = {each: result[each] for each in trial.outputs}
    burden = population["marrow_blast_fraction"]
    return TrialRun(population, np.asarray(trial.days), outputs, trial.weights(burden))


def weighted_median(values: Floats, weights: Floats) -> float:
    """Return the value up to which half the weight lies, interpolated between neighbours so that it moves smoothly."""
    order = np.argsort(values, kind="stable")
    middles = np.cumsum(weights[order]) - 0.5 * weights[order]
    return float(np.interp(0.5 * weights.sum(), middles, values[order]))
