"""How parameters vary between measured patients: medians, spreads and the error of measurement, by maximum likelihood.

Parameters are log-normal between patients and independent; measurements are log-normal about the model. The likelihood is
maximised by the EM algorithm (Dempster, Laird and Rubin 1977, J R Stat Soc B 39:1) with each patient's posterior taken as
normal about its mode, from the expected information: exact where ln(output) is linear in the logarithms of the parameters.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import EstimationError, ParameterError
from bitesim.inference.estimation import search
from bitesim.inference.observations import AmountObserved, PatientData
from bitesim.inference.posterior import PatientPosterior
from bitesim.model import Model
from bitesim.population.distributions import LogNormal
from bitesim.published import find_model

Floats = NDArray[np.float64]
#: A spread is at least this: one that falls to 0 would hold its parameter for good.
_LEAST_SPREAD: float = 1e-3


@dataclass(frozen=True)
class PopulationFit:
    """What was found of a group of patients.

    Parameters
    ----------
    model : str
    medians, spreads : mapping
        Parameter -> median, and SD of its logarithm between patients [-].
    sd_ln : float
        SD of ln(measured) about ln(model) [-].
    iterations : int
    is_converged : bool
    """

    model: str
    medians: Mapping[str, float]
    spreads: Mapping[str, float]
    sd_ln: float
    iterations: int
    is_converged: bool

    def priors(self) -> dict[str, LogNormal]:
        """Return parameter -> distribution between patients, as `fit_patient` takes priors."""
        catalogue = find_model(self.model).catalogue
        return {
            name: LogNormal(median, self.spreads[name], max(catalogue[name].bounds[0], 0.0), catalogue[name].bounds[1])
            for name, median in self.medians.items()
        }

    def __str__(self) -> str:
        state = "converged" if self.is_converged else "not converged"
        lines = [f"{self.model}: {state} after {self.iterations} iterations, error of measurement {self.sd_ln:.3f} ln"]
        lines += [f"  {name:38s}{self.medians[name]:>12.4g}  SD of ln {self.spreads[name]:.3f}" for name in self.medians]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{self.medians[name]:.4g}</td><td>{self.spreads[name]:.3f}</td></tr>"
            for name in self.medians
        )
        caption = html.escape(str(self).splitlines()[0])
        head = "<tr><th>parameter</th><th>median</th><th>SD of ln</th></tr>"
        return f"<table><caption>{caption}</caption>{head}{rows}</table>"


def fit_population(
    patients: Sequence[PatientData],
    free: Mapping[str, float],
    model: str | Model | None = None,
    *,
    sd_ln: float = 0.4,
    iterations: int = 100,
    tolerance: float = 0.02,
    rtol: float = 1e-4,
) -> PopulationFit:
    """Estimate medians, spreads and error from the measured amounts of some patients.

    Parameters
    ----------
    patients : sequence of PatientData
        Measured amounts of one output, none censored.
    free : mapping
        Parameter -> SD of its logarithm to start from; medians start at the model's values.
    model : str or Model, optional
        Default: the leukaemia model.
    sd_ln : float
        Error of measurement to start from.
    iterations : int
        At most.
    tolerance : float
        Change of every logarithm (of medians, spreads and error) at which it has converged.
    rtol : float
        Of the solver.

    Raises
    ------
    ParameterError
        For fewer than two patients, and for rows that are no measured amounts of one output.
    EstimationError
        Where a patient's posterior has no maximum.
    """
    whole_number("iterations", iterations, (1, 10_000))
    _check(patients)
    chosen = find_model(model)
    fit = PopulationFit(
        chosen.name, {name: chosen.parameters[name] for name in free}, dict(free), sd_ln, 0, is_converged=False
    )
    starts = np.zeros((len(patients), len(free)))
    while fit.iterations < iterations and not fit.is_converged:
        fit, starts = _improved(patients, chosen, fit, starts, (tolerance, rtol))
    return fit


def with_error(data: PatientData, sd_ln: float) -> PatientData:
    """Return a patient whose measured amounts have an error of `sd_ln`."""
    rows = tuple(replace(row, sd_ln=sd_ln) if isinstance(row, AmountObserved) else row for row in data.observations)
    return replace(data, observations=rows)


def _check(patients: Sequence[PatientData]) -> None:
    if len(patients) < 2:
        raise ParameterError(f"{len(patients)} patient: a spread between patients needs at least 2")
    rows = [row for data in patients for row in data.observations]
    unusable = [row for row in rows if not isinstance(row, AmountObserved) or row.censored]
    if unusable or len({row.output for row in rows}) != 1:
        raise ParameterError(
            "a population is fitted to measured amounts of one output: leave out censored rows, MRD by counts and other "
            f"outputs (given: {', '.join(sorted({row.output for row in rows}))}, {len(unusable)} rows not measured amounts)"
        )


def _improved(
    patients: Sequence[PatientData], model: Model, fit: PopulationFit, starts: Floats, settings: tuple[float, float]
) -> tuple[PopulationFit, Floats]:
    """Return the next iterate of the EM algorithm, and each patient's mode in its scores."""
    tolerance, rtol = settings
    names = list(fit.medians)
    middles, widths = np.log(list(fit.medians.values())), np.array(list(fit.spreads.values()))
    logs, variances = np.empty_like(starts), np.empty_like(starts)
    squares, counted = 0.0, 0.0
    for row, data in enumerate(patients):
        posterior = PatientPosterior(with_error(data, fit.sd_ln), names, model, priors=fit.priors(), rtol=rtol)
        found = search(posterior, starts[row])
        if not math.isfinite(found.log_posterior):
            raise EstimationError(f"{data.patient.name}: {found.reason}")
        covariance = np.linalg.inv(np.eye(len(names)) + posterior.evaluate(found.scores).data_information)
        logs[row] = np.log(posterior.values(found.scores))
        variances[row] = widths**2 * np.diag(covariance)
        measured = np.array([each.lower for each in data.observations if isinstance(each, AmountObserved)])
        squares += float(np.sum(np.log(measured / posterior.outputs(found.scores)) ** 2))
        # What the parameters' own uncertainty adds to the expected squares, as rows.
        information = posterior.evaluate(found.scores).data_information
        squares += fit.sd_ln**2 * float(np.trace(covariance @ information))
        counted += len(measured)
    new_middles = logs.mean(axis=0)
    new_widths = np.maximum(np.sqrt(((logs - new_middles) ** 2 + variances).mean(axis=0)), _LEAST_SPREAD)
    sd_ln = math.sqrt(squares / counted)
    moved = np.concatenate([new_middles - middles, np.log(new_widths / widths), [math.log(sd_ln / fit.sd_ln)]])
    next_fit = PopulationFit(
        fit.model,
        dict(zip(names, map(float, np.exp(new_middles)), strict=True)),
        dict(zip(names, map(float, new_widths), strict=True)),
        sd_ln,
        fit.iterations + 1,
        bool(np.max(np.abs(moved)) < tolerance),
    )
    return next_fit, (logs - new_middles) / new_widths
