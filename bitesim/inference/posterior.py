"""The posterior of one patient's parameters: its value, its gradient and the information to be expected, from one solve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import Case, Settings
from bitesim.engines.sensitivities import PreparedSensitivities
from bitesim.foundation.errors import SolverError, unknown_name
from bitesim.inference.observation_models import ObservationModel
from bitesim.inference.observations import MrdObserved, PatientData
from bitesim.inference.priors import Prior, priors_of
from bitesim.inference.transforms import FURTHEST_SCORE
from bitesim.model import Model
from bitesim.parameters import ParameterSet
from bitesim.population.distributions import Distribution
from bitesim.population.simulate import case_and_times

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
_LN_SQRT_2PI: Final = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Evaluation:
    """The posterior at one point of the search space.

    Parameters
    ----------
    log_posterior, log_likelihood : float
        The first is the second plus the priors' log density by scores; the data's own probability is left out.
    gradient : ndarray, shape (parameters,)
        Of `log_posterior` by the scores.
    data_information : ndarray, shape (parameters, parameters)
        Expected information of the observations on the scores; the priors add the identity.
    problem : str
        Why there is no value, where it is -inf.
    """

    log_posterior: float
    log_likelihood: float
    gradient: Vector
    data_information: Matrix
    problem: str = ""


class PatientPosterior:
    """The posterior of one patient's free parameters, over their scores (`bitesim.inference.transforms`).

    One instance belongs to one thread at a time.

    Parameters
    ----------
    data : PatientData
    free : sequence of str, optional
        Parameters to estimate. Default: those whose catalogue says how they vary between patients, and the blasts before
        treatment where blasts were measured.
    model : str or Model, optional
        Default: bitesim's leukaemia model.
    parameters : ParameterSet, optional
        Instead of the model's own.
    priors : mapping, optional
        Name -> distribution, instead of those of `bitesim.inference.priors`.
    rtol : float
        Relative tolerance of the solver.

    Raises
    ------
    ParameterError
        For names and priors that cannot be used, and for a model without derived code.
    """

    def __init__(
        self,
        data: PatientData,
        free: Sequence[str] | None = None,
        model: str | Model | None = None,
        *,
        parameters: ParameterSet | None = None,
        priors: Mapping[str, Distribution] | None = None,
        rtol: float = 1e-5,
    ) -> None:
        self.data, self.likelihood = data, ObservationModel(data.observations)
        times = np.unique([each.time_days for each in data.observations])
        self.case, self.times_days = case_and_times(data.patient, data.regimen, model, times, parameters=parameters)
        chosen = self.case.model
        known = data.patient.covariates()
        given = [link.parameter for link in chosen.covariates if known.get(link.covariate) is not None]
        names = default_free(chosen, data) if free is None else free
        self.priors: tuple[Prior, ...] = priors_of(chosen, names, self.case.parameters, given, priors)
        self.names = tuple(prior.name for prior in self.priors)
        catalogue = list(chosen.catalogue)
        # An alias of a parameter is no parameter twice: its place is that of the name.
        self._places = [catalogue.index(name) for name in self.names]
        self._base = self.case.parameters.vector()
        self._run = PreparedSensitivities(self.case, self.times_days, list(self.names), Settings(rtol))
        self._rows = np.searchsorted(self.times_days, [each.time_days for each in data.observations])
        self._columns = [self._column(each.output) for each in data.observations]
        self.solves = 0

    def _column(self, output: str) -> int:
        if output not in self._run.outputs:
            raise unknown_name(f"observed output of model {self.case.model.name}", output, self._run.outputs)
        return self._run.outputs.index(output)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rtol(self) -> float:
        """Relative tolerance of the solver."""
        return self._run.settings.rtol

    def at_tolerance(self, rtol: float) -> PatientPosterior:
        """Return the same posterior by another tolerance of the solver."""
        distributions = {prior.name: prior.distribution for prior in self.priors}
        model, base = self.case.model, self.case.parameters
        made = PatientPosterior(self.data, self.names, model, parameters=base, priors=distributions, rtol=rtol)
        made.priors = self.priors
        return made

    def values(self, scores: Vector) -> Vector:
        """Return the free parameters at scores."""
        return self._values_and_slopes(scores)[0]

    def _values_and_slopes(self, scores: Vector) -> tuple[Vector, Vector]:
        both = [prior.score.value_and_slope(score) for prior, score in zip(self.priors, scores.tolist(), strict=True)]
        values, slopes = np.array(both).T
        return values, slopes

    def scores(self, values: Vector) -> Vector:
        """Return the scores of values of the free parameters."""
        return np.array([prior.score.score(float(value)) for prior, value in zip(self.priors, values, strict=True)])

    def vector(self, scores: Vector) -> Vector:
        """Return all parameters of the model at scores, in the order of the catalogue."""
        parameters = self._base.copy()
        parameters[self._places] = self.values(scores)
        return parameters

    def parameters(self, scores: Vector) -> ParameterSet:
        """Return all parameters of the model at scores."""
        return self.case.parameters.replace(**dict(zip(self.names, map(float, self.values(scores)), strict=True)))

    def case_at(self, scores: Vector) -> Case:
        """Return what an engine runs at scores."""
        return replace(self.case, parameters=self.parameters(scores))

    def outputs(self, scores: Vector) -> Vector:
        """Return the model's output behind each observation, shape (observations,).

        Raises
        ------
        SolverError
            As `run_ode`.
        """
        return self._run.at(self.vector(scores))[0][self._rows, self._columns]

    def evaluate(self, scores: Vector) -> Evaluation:
        """Return the posterior at scores; -inf, and why, where the model cannot be solved or a row cannot be."""
        count = len(self)
        nothing = Evaluation(-math.inf, -math.inf, np.zeros(count), np.zeros((count, count)))
        if not np.all(np.abs(scores) <= FURTHEST_SCORE):
            return replace(nothing, problem=f"a score beyond {FURTHEST_SCORE:g} standard deviations of its prior")
        self.solves += 1
        free, slopes = self._values_and_slopes(scores)
        parameters = self._base.copy()
        parameters[self._places] = free
        try:
            values, derivatives = self._run.at(parameters)
        except SolverError as problem:
            return replace(nothing, problem=str(problem))
        outputs = values[self._rows, self._columns]
        terms = self.likelihood.terms(outputs)
        if not math.isfinite(terms.log_likelihood):
            return replace(nothing, problem=self.likelihood.impossible(outputs))
        with np.errstate(divide="ignore", invalid="ignore"):
            # Of ln(output) by the scores; an output of 0 says nothing about them.
            along = derivatives[self._rows, self._columns] * slopes / outputs[:, np.newaxis]
        along[outputs <= 0.0] = 0.0
        log_prior = -0.5 * float(scores @ scores) - count * _LN_SQRT_2PI
        return Evaluation(
            terms.log_likelihood + log_prior,
            terms.log_likelihood,
            along.T @ terms.slope - scores,
            (along * terms.weight[:, np.newaxis]).T @ along,
        )

    def method(self) -> str:
        """Return how rows of every kind enter, as it is printed with every result."""
        return self.likelihood.method()


def default_free(model: Model, data: PatientData) -> tuple[str, ...]:
    """Return the parameters that are estimated where nobody says which."""
    names = [name for name, row in model.catalogue.items() if row.between_patients is not None]
    blasts = any(isinstance(each, MrdObserved) or each.output == "marrow_blast_fraction" for each in data.observations)
    if blasts:
        linked = (link.parameter for link in model.covariates if link.covariate == "marrow_blast_fraction")
        names += [name for name in linked if name not in names]
    return tuple(names)
