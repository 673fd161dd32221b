"""Calibration: the most probable parameters under the facts and the priors, and how well each is known.

The posterior is the weighted log-likelihood of all facts (`bitesim.inference.grouped_evidence`) and log-normal priors. Its
mode is found by SciPy's trust-region least squares on the signed roots of the log-likelihood; virtual patients keep their
draws, so that the facts move smoothly with the parameters. Uncertainty is Laplace's, from the same Jacobian.

A parameter whose posterior is nearly as wide as its prior is not identified by the facts: it goes back to the
prior's centre, and the others are fitted anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import whole_number
from bitesim.foundation.provenance import source_digest
from bitesim.inference.evaluation_store import EvaluationStore
from bitesim.inference.fact_measures import measured
from bitesim.inference.facts import facts, facts_digest
from bitesim.inference.free_parameters import FREE, FreeParameter, Values, with_free
from bitesim.inference.trial_runs import TrialRuns

Floats = NDArray[np.float64]
DEFAULT_SEED: Final = 2026
#: Posterior over prior SD from which on a parameter keeps its prior.
UNIDENTIFIED: Final = 0.9
#: Step of the differences in ln of a parameter: above the jumps of a median from one patient to the next.
_STEP: Final = 0.03
#: No parameter leaves this many SDs of its prior.
_WIDEST: Final = 3.0
_TOLERANCE: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Fit:
    """The mode of the posterior over some free parameters.

    Parameters
    ----------
    free : tuple of FreeParameter
    logs : ndarray, shape (free,)
        Logarithms at the mode.
    covariance : ndarray, shape (free, free)
        Of the logarithms, by Laplace's approximation.
    cost : float
        Minus the log posterior at the mode, up to a constant.
    numbers : dict
        Fact -> the model's number at the mode.
    """

    free: tuple[FreeParameter, ...]
    logs: Floats
    covariance: Floats
    cost: float
    numbers: dict[str, float]

    @property
    def sd_ln(self) -> Floats:
        """SD of each logarithm."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def values(self) -> Values:
        """What virtual patients are drawn with at the mode."""
        return with_free(self.free, self.logs)


class Posterior:
    """Signed roots of the log posterior of some free parameters, whose squares sum to twice the cost.

    Parameters
    ----------
    free : sequence of FreeParameter
    seed : int
        Of the virtual patients.
    store : EvaluationStore
    """

    def __init__(self, free: Sequence[FreeParameter], seed: int, store: EvaluationStore) -> None:
        self.free, self.store = tuple(free), store
        self._runs = TrialRuns(Values(), seed)
        self._centre = np.log([each.default for each in free])
        self._sd = np.array([each.prior_sd_ln for each in free])
        ends = np.log([each.bounds for each in free])
        self.low = np.maximum(ends[:, 0], self._centre - _WIDEST * self._sd)
        self.high = np.minimum(ends[:, 1], self._centre + _WIDEST * self._sd)

    def numbers(self, logs: Floats) -> dict[str, float]:
        """Return fact -> the model's number."""
        values = with_free(self.free, logs)
        # Keyed by what is simulated: the same point under another list of free parameters is not run again.
        key = [values.parameters.changed(), sorted(values.spreads.items()), values.events.changed()]
        return dict(self.store.get(key, lambda: measured(self._runs.at(values))))

    def residuals(self, logs: Floats) -> Floats:
        """Return the weighted signed roots of every fact, then those of the priors."""
        numbers = self.numbers(logs)
        of_facts = [np.sqrt(each.weight) * each.evidence.residual(numbers[each.id]) for each in facts() if each.weight > 0.0]
        return np.concatenate([of_facts, (logs - self._centre) / self._sd])

    def jacobian(self, logs: Floats) -> Floats:
        """Return the derivative of `residuals`, by differences towards the inside; exact for the priors."""
        base = self.residuals(logs)
        found = np.empty((len(base), len(logs)))
        for place in range(len(logs)):
            step = _STEP if logs[place] + _STEP <= self.high[place] else -_STEP
            moved = logs.copy()
            moved[place] += step
            found[:, place] = (self.residuals(moved) - base) / step
        return found

    def fit(self, start: Floats, iterations: int, report: Callable[[str], None]) -> Fit:
        """Return the mode from a start, and Laplace's covariance there."""
        from scipy.optimize import least_squares

        inside = np.clip(start, self.low + 1e-6, self.high - 1e-6)

        def residuals(logs: Floats) -> Floats:
            found = self.residuals(logs)
            report(f"cost {0.5 * float(found @ found):.2f} after {self.store.computed} evaluations")
            return found

        found = least_squares(
            residuals, inside, jac=self.jacobian, bounds=(self.low, self.high), x_scale=self._sd, max_nfev=iterations,
            ftol=_TOLERANCE, xtol=_TOLERANCE, gtol=None,
        )  # fmt: skip
        jacobian = self.jacobian(found.x)
        covariance = np.asarray(np.linalg.inv(jacobian.T @ jacobian), np.float64)
        return Fit(self.free, found.x, covariance, float(found.cost), self.numbers(found.x))


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a calibration found.

    Parameters
    ----------
    fit : Fit
        Of the parameters that the facts identify.
    unidentified : tuple of (FreeParameter, float)
        Those that keep their prior, with the posterior over the prior SD.
    seed : int
    """

    fit: Fit
    unidentified: tuple[tuple[FreeParameter, float], ...]
    seed: int


def calibrate(
    *,
    seed: int = DEFAULT_SEED,
    free: Sequence[FreeParameter] = FREE,
    store: str | PathLike[str] | None = None,
    iterations: int = 15,
    report: Callable[[str], None] = lambda text: None,
) -> Calibration:
    """Calibrate the leukaemia model to the facts.

    Parameters
    ----------
    seed : int
        Of the virtual patients.
    free : sequence of FreeParameter
        What may change.
    store : path, optional
        File of evaluations: a calibration that was interrupted goes on from it, to the same result.
    iterations : int
        Of each of the two fits.
    report : callable
        Told about progress.

    Raises
    ------
    ParameterError
        For a store of another calibration.
    SolverError
        When a virtual patient cannot be integrated, with a reproducer.
    """
    whole_number("iterations", iterations, (1, 1000))
    about: dict[str, Any] = {"facts": facts_digest(), "sources": source_digest(), "seed": seed}
    kept = EvaluationStore(store, about)
    report(f"{len(free)} free parameters, {len(facts())} facts; {len(kept)} evaluations are known already")
    whole = Posterior(free, seed, kept)
    first = whole.fit(np.log([each.default for each in free]), iterations, report)
    ratio = first.sd_ln / np.array([each.prior_sd_ln for each in free])
    known = ratio < UNIDENTIFIED
    report(f"{int((~known).sum())} parameters are not identified and keep their prior")
    again = Posterior([each for each, good in zip(free, known, strict=True) if good], seed, kept)
    second = again.fit(first.logs[known], iterations, report)
    left = tuple((each, float(width)) for each, width, good in zip(free, ratio, known, strict=True) if not good)
    return Calibration(second, left, seed)
