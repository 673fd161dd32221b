"""Individual estimation: one patient's parameters from what was seen of the patient, with their uncertainty."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bitesim.foundation.errors import BitesimError, EstimationError, needs_extra
from bitesim.inference.estimation import StartOutcome, search_from_starts
from bitesim.inference.laplace import Laplace, laplace
from bitesim.inference.observations import PatientData
from bitesim.inference.posterior import PatientPosterior
from bitesim.inference.reproducer import reproducer
from bitesim.model import Model
from bitesim.parameters import ParameterSet
from bitesim.population.distributions import Distribution

Vector = NDArray[np.float64]
#: Starts whose ln posterior is this near to the best one found the same maximum.
_SAME: Final = 1e-2
LEVEL: Final = 0.9


@dataclass(frozen=True, eq=False)
class PatientFit:
    """The maximum a posteriori of one patient, and the posterior around it.

    Parameters
    ----------
    posterior : PatientPosterior
    outcomes : tuple of StartOutcome
        What became of every start.
    scores : ndarray
        The best maximum, in scores of the priors.
    laplace : Laplace
        Its normal approximation.
    """

    posterior: PatientPosterior
    outcomes: tuple[StartOutcome, ...]
    scores: Vector
    laplace: Laplace

    @property
    def patient(self) -> str:
        """The patient's name."""
        return self.posterior.case.patient

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that were estimated."""
        return self.posterior.names

    @cached_property
    def estimates(self) -> dict[str, float]:
        """Name -> value at the maximum."""
        return dict(zip(self.names, map(float, self.posterior.values(self.scores)), strict=True))

    @property
    def parameters(self) -> ParameterSet:
        """All parameters of the model at the maximum."""
        return self.posterior.parameters(self.scores)

    def interval(self, level: float = LEVEL) -> dict[str, tuple[float, float]]:
        """Return name -> ends of the interval that holds the parameter with a probability.

        Raises
        ------
        ParameterError
            For a level outside 0 to 1.
        """
        low, high = (self.posterior.values(ends) for ends in self.laplace.interval(level))
        return {name: (float(a), float(b)) for name, a, b in zip(self.names, low, high, strict=True)}

    @property
    def agreeing_starts(self) -> int:
        """How many starts found the best maximum."""
        best = max(each.log_posterior for each in self.outcomes)
        return sum(each.log_posterior > best - _SAME for each in self.outcomes)

    def rows(self, level: float = LEVEL) -> list[dict[str, Any]]:
        """Return one dict a parameter: estimate, interval, the prior's interval, share of the prior's SD left, reason."""
        ends, half = self.interval(level), float(ndtri(0.5 + 0.5 * level))
        found = []
        for place, prior in enumerate(self.posterior.priors):
            low, high = ends[prior.name]
            found.append(
                {
                    "parameter": prior.name,
                    "unit": prior.unit,
                    "estimate": self.estimates[prior.name],
                    "low": low,
                    "high": high,
                    "prior_median": prior.score.value(0.0),
                    "prior_low": prior.score.value(-half),
                    "prior_high": prior.score.value(half),
                    "sd_of_prior_left": float(self.laplace.sd[place]),
                    "prior": prior.reason,
                }
            )
        return found

    def findings(self) -> list[str]:
        """Return in sentences: how rows entered, how the starts ended, and what the data do not tell."""
        count, agree = len(self.outcomes), self.agreeing_starts
        best = max(each.log_posterior for each in self.outcomes)
        # Failed starts, and those that found another maximum.
        others = [each for each in self.outcomes if not each.is_converged or each.log_posterior <= best - _SAME]
        starts = f"{agree} of {count} starts found this maximum" if count > 1 else "one start"
        found = [self.posterior.method(), f"{starts}; ln posterior {best:.4f}."]
        found += [f"{text[0].upper()}{text[1:]}." for text in map(str, others)]
        return found + [f"{sentence[0].upper()}{sentence[1:]}." for sentence in self.laplace.findings()]

    def to_dataframe(self, level: float = LEVEL) -> Any:
        """Return `rows` as a pandas DataFrame.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise needs_extra("pandas", "data", "to_dataframe()") from None
        return pandas.DataFrame(self.rows(level))

    def forecast(self, regimen: Any = None, times_days: Any = None, **options: Any) -> Any:
        """Return what is to be expected of the patient: `bitesim.inference.forecast` of this fit."""
        from bitesim.inference.forecasting import forecast

        return forecast(self, regimen, times_days, **options)

    def __repr__(self) -> str:
        lines = [f"PatientFit {self.patient}, model {self.posterior.case.model.name}: {self._observed()}"]
        lines.append(f"  {'parameter':34} {'estimate':>10} {'90 % interval':>24} {'prior':>24} {'SD left':>8}")
        for row in self.rows():
            interval, prior = (f"{row[low]:.3g} to {row[high]:.3g}" for low, high in _ENDS)
            left = row["sd_of_prior_left"]
            lines.append(f"  {row['parameter']:34} {row['estimate']:>10.4g} {interval:>24} {prior:>24} {left:>7.0%}")
        return "\n".join([*lines, *(f"  {sentence}" for sentence in self.findings())])

    def _observed(self) -> str:
        times = self.posterior.times_days
        return f"{len(self.posterior.data.observations)} observations, day {times[0]:g} to {times[-1]:g}"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{each}</th>" for each in ("parameter", "unit", "estimate", "90 %", "prior 90 %", "SD left"))
        body = ""
        for row in self.rows():
            cells = [row["parameter"], row["unit"], f"{row['estimate']:.4g}"]
            cells += [f"{row[low]:.3g} to {row[high]:.3g}" for low, high in _ENDS]
            cells.append(f"{row['sd_of_prior_left']:.0%}")
            body += "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
        notes = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.findings())
        caption = html.escape(f"{self.patient}, {self.posterior.case.model.name}: {self._observed()}")
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table><ul>{notes}</ul>"


_ENDS: Final = (("low", "high"), ("prior_low", "prior_high"))


@dataclass(frozen=True)
class FailedFit:
    """A patient who could not be estimated.

    Parameters
    ----------
    patient, reason, reproducer : str
        The last is one line of Python that raises the reason.
    """

    patient: str
    reason: str
    reproducer: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.patient}: {self.reason}\n  repeat with: {self.reproducer}"


def fit_patient(
    data: PatientData,
    free: Sequence[str] | None = None,
    model: str | Model | None = None,
    *,
    parameters: ParameterSet | None = None,
    priors: Mapping[str, Distribution] | None = None,
    starts: int = 4,
    seed: int = 0,
    rtol: float = 1e-5,
) -> PatientFit:
    """Estimate one patient's parameters: maximum a posteriori from several starts, and the posterior around it.

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
        Name -> distribution, instead of those that `bitesim.inference.priors` describes.
    starts : int
        The first is the middle of the priors, the others are drawn from them.
    seed : int
        Of the starts.
    rtol : float
        Relative tolerance of the solver at the end of a search.

    Returns
    -------
    PatientFit

    Raises
    ------
    ParameterError
        For names and priors that cannot be used.
    EstimationError
        Where every start failed; it holds each one's reason and a line that repeats it.
    """
    posterior = PatientPosterior(data, free, model, parameters=parameters, priors=priors, rtol=rtol)
    outcomes = search_from_starts(posterior, starts, seed)
    best = max(outcomes, key=lambda each: each.log_posterior)
    if not math.isfinite(best.log_posterior):
        reasons = "; ".join(str(each) for each in outcomes)
        line = reproducer(posterior, starts=starts, seed=seed, rtol=rtol)
        raise EstimationError(f"no start of patient {data.patient.name} can be evaluated: {reasons}. Repeat with: {line}")
    return PatientFit(posterior, outcomes, best.scores, laplace(posterior, best.scores))


def fit_patients(
    patients: Iterable[PatientData], free: Sequence[str] | None = None, model: str | Model | None = None, **options: Any
) -> list[PatientFit | FailedFit]:
    """Estimate each patient on its own, as `fit_patient` does; one who fails is reported, and stops nobody else.

    Returns
    -------
    list of PatientFit or FailedFit
        In the order given.
    """
    found: list[PatientFit | FailedFit] = []
    for data in patients:
        try:
            found.append(fit_patient(data, free, model, **options))
        except BitesimError as problem:
            reason, _, line = str(problem).partition(" Repeat with: ")
            found.append(FailedFit(data.patient.name, f"{type(problem).__name__}: {reason}", line))
    return found
