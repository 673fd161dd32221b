"""Draws from a posterior: from its normal approximation, and set right by importance where that is not the posterior.

Proposals come from Laplace's approximation, a tenth wider in every direction, so that no tail of the posterior is missed.
Each gets the posterior's density over the proposal's as its weight, and as many draws are taken again by these weights
(sampling importance resampling, Rubin 1988). How many proposals count is the effective number, 1 / sum of squared shares:
where few do, the approximation is poor, and the forecast says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.cohort import run_cohort
from bitesim.foundation.errors import EstimationError
from bitesim.inference.laplace import Laplace
from bitesim.inference.posterior import PatientPosterior
from bitesim.inference.transforms import FURTHEST_SCORE
from bitesim.population.events.luck import Luck

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
#: How much wider the proposals are.
_WIDER: Final = 1.1
#: Share of effective draws below which a forecast warns.
_FEW: Final = 0.2


@dataclass(frozen=True, eq=False)
class PosteriorDraws:
    """Draws from a posterior.

    Parameters
    ----------
    scores : ndarray, shape (draws, parameters)
        All of the same weight; some proposals stand there several times, others not at all.
    effective : float
        How many independent draws they are worth.
    unsolved : int
        Proposals whose course could not be integrated: they have no weight.
    """

    scores: Matrix
    effective: float
    unsolved: int

    def __len__(self) -> int:
        return len(self.scores)

    def findings(self) -> list[str]:
        """Return in sentences what is wrong with them; empty where nothing is."""
        if self.effective >= _FEW * len(self):
            return []
        return [
            f"{len(self)} draws are worth {self.effective:.0f}: the normal approximation is poor here, and the ends of "
            "intervals are uncertain"
        ]


def proposals(laplace: Laplace, draws: int, seed: int) -> Matrix:
    """Return scores from the widened normal approximation, shape (draws, parameters).

    Proposal k depends on (seed, k, the parameters' names) alone.
    """
    luck = Luck(seed, np.arange(draws))
    normal = np.array([luck.normal(f"posterior {name}") for name in laplace.names]).T
    return laplace.scores + _WIDER * normal @ np.linalg.cholesky(laplace.covariance).T


def posterior_draws(
    posterior: PatientPosterior, laplace: Laplace, draws: int, seed: int, *, rtol: float = 1e-4, threads: int | None = None
) -> PosteriorDraws:
    """Return draws from a posterior; the same seed gives the same ones.

    Raises
    ------
    EstimationError
        Where no proposal has any weight.
    """
    scores = proposals(laplace, draws, seed)
    inside = np.all(np.abs(scores) <= FURTHEST_SCORE, axis=1)
    log_p = np.full(draws, -math.inf)
    log_likelihood, unsolved = _log_likelihoods(posterior, scores[inside], rtol, threads)
    log_p[inside] = log_likelihood - 0.5 * np.square(scores[inside]).sum(axis=1)
    away = scores - laplace.scores
    log_q = -0.5 * np.einsum("ki,ij,kj->k", away, np.linalg.inv(laplace.covariance), away) / _WIDER**2
    logs = log_p - log_q
    if not np.isfinite(logs).any():
        raise EstimationError(
            f"none of {draws} draws of {posterior.case.patient} has a likelihood: {unsolved} could not be integrated, and "
            "at the others some row cannot be"
        )
    shares = np.exp(logs - logs.max())
    shares /= shares.sum()
    # One number decides all: the k-th draw is the proposal at (k + u) / n of the cumulated shares.
    first = Luck(seed, np.zeros(1, np.int64)).uniform("resampling")[0]
    chosen = np.searchsorted(np.cumsum(shares), (np.arange(draws) + first) / draws)
    return PosteriorDraws(scores[np.minimum(chosen, draws - 1)], float(1.0 / np.square(shares).sum()), unsolved)


def _log_likelihoods(posterior: PatientPosterior, scores: Matrix, rtol: float, threads: int | None) -> tuple[Vector, int]:
    """Return ln likelihood at each of the scores, and how many courses could not be integrated (-inf)."""
    if not len(scores):
        return np.empty(0), 0
    case, observations = posterior.case, posterior.data.observations
    names = list(dict.fromkeys(each.output for each in observations))
    rows = np.array([posterior.vector(each) for each in scores])
    result = run_cohort(
        case.model, rows, case.regimen, posterior.times_days, names, errors="ignore", bsa_m2=case.bsa_m2,
        weight_kg=case.weight_kg, rtol=rtol, threads=threads,
    )  # fmt: skip
    times = np.searchsorted(posterior.times_days, [each.time_days for each in observations])
    columns = [names.index(each.output) for each in observations]
    outputs = result.values[:, times, columns]
    solved = result.outcome == 0
    found = np.full(len(scores), -math.inf)
    for row in np.flatnonzero(solved):
        found[row] = posterior.likelihood.terms(outputs[row]).log_likelihood
    return found, int(np.sum(~solved))
