"""Maximum a posteriori of one patient: Gauss-Newton steps in a trust region from several seeded starts.

The posterior is maximised over scores (`bitesim.inference.transforms`) with SciPy's ``trust-exact``, whose matrix is the
expected information: sum of d ln(output) / d score squared times the weight of each row, plus the identity of the priors.
Rows with a value weigh as their residuals do; a censored row weighs what its whole measurement would be expected to tell
there, so that the matrix is never indefinite and a row that the model contradicts still pulls. The derivative of the
posterior itself is exact. A search first goes on a coarse tolerance of the solver, and ends on the one that was asked for,
where the predicted gain is below a thousandth of a standard deviation. One that does not end is handed to L-BFGS-B.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import whole_number
from bitesim.inference.posterior import Evaluation, PatientPosterior
from bitesim.population.events.luck import Luck

Vector = NDArray[np.float64]
#: Tolerance of the solver until a search is near its end.
COARSE: Final = 1e-3
#: Squared distance to the end, in standard deviations of the posterior, at which the coarse and the fine search stop.
_NEAR, _THERE = 0.01, 1e-5
#: A search in which so many steps gained nothing stands still.
_STILL: Final = 6
_MOST_STEPS: Final = 80
_MOST_EVALUATIONS: Final = 300


@dataclass(frozen=True)
class StartOutcome:
    """What became of one start.

    Parameters
    ----------
    number : int
        0 is the middle of the priors; others are drawn from them.
    start, scores : ndarray
        Scores at which it began and ended.
    log_posterior : float
        At its end; -inf where it failed.
    is_converged : bool
    method : str
        The optimiser that ended it.
    solves : int
        Of the model with its sensitivities, at any tolerance.
    reason : str
        Why it failed or did not converge.
    """

    number: int
    start: Vector
    scores: Vector
    log_posterior: float
    is_converged: bool
    method: str
    solves: int
    reason: str = ""

    def __str__(self) -> str:
        if self.reason and not math.isfinite(self.log_posterior):
            return f"start {self.number}: failed: {self.reason}"
        state = "converged" if self.is_converged else f"did not converge ({self.reason})"
        return f"start {self.number}: {state} at ln posterior {self.log_posterior:.4f}, {self.method}, {self.solves} solves"


def search_from_starts(posterior: PatientPosterior, starts: int = 4, seed: int = 0) -> tuple[StartOutcome, ...]:
    """Search the maximum from the middle of the priors and from draws of them; return every outcome, in order.

    Parameters
    ----------
    posterior : PatientPosterior
    starts : int
    seed : int
        Start k has the scores of (seed, k, parameter's name), whatever the others are.
    """
    count = whole_number("starts", starts, (1, 1000))
    luck = Luck(seed, np.arange(count))
    scores = np.array([luck.normal(f"start {name}") for name in posterior.names]).T
    scores[0] = 0.0
    coarse = posterior.at_tolerance(COARSE) if posterior.rtol < COARSE else None
    return tuple(search(posterior, start, number, coarse) for number, start in enumerate(scores))


def search(
    posterior: PatientPosterior, start: Vector, number: int = 0, coarse: PatientPosterior | None = None
) -> StartOutcome:
    """Search from one start, first by the coarse posterior where there is one."""
    used = [each for each in (coarse, posterior) if each is not None]
    before = sum(each.solves for each in used)
    first = used[0].evaluate(start)
    if not math.isfinite(first.log_posterior):
        solves = sum(each.solves for each in used) - before
        return StartOutcome(number, start, start, -math.inf, False, "none", solves, first.problem)
    point, method = start, "trust region"
    if coarse is not None:
        point = _Search(coarse, _NEAR).trust_region(point).point
    found = _Search(posterior, _THERE).trust_region(point)
    if not found.is_there:
        found, method = found.quasi_newton(), "L-BFGS-B"
    solves = sum(each.solves for each in used) - before
    reason = "" if found.is_there else f"{found.distance:.2g} SD of the posterior from a maximum"
    best = found.best
    if best is None:
        reason = f"the solver fails at its own tolerance: {found.problem}"
        return StartOutcome(number, start, start, -math.inf, False, method, solves, reason)
    return StartOutcome(number, start, found.point, best.log_posterior, found.is_there, method, solves, reason)


class _Search:
    """One search: it keeps the last point asked for, and the best one."""

    def __init__(self, posterior: PatientPosterior, enough: float) -> None:
        self.posterior, self.enough = posterior, enough
        self.point: Vector = np.empty(0)
        self.best: Evaluation | None = None
        self.distance, self.problem = math.inf, ""
        self._last: tuple[bytes, Evaluation] | None = None
        self._still = 0

    @property
    def is_there(self) -> bool:
        """Whether the best point is as near to a maximum as was asked for."""
        return self.distance**2 < self.enough

    def _at(self, scores: Vector) -> Evaluation:
        key = scores.tobytes()
        if self._last is None or self._last[0] != key:
            found = self.posterior.evaluate(scores)
            self._last = (key, found)
            if not math.isfinite(found.log_posterior):
                self.problem = found.problem
            elif self.best is None or found.log_posterior > self.best.log_posterior:
                self._still = 0 if self.best is None or found.log_posterior > self.best.log_posterior + 1e-6 else self._still
                self.best, self.point = found, scores.copy()
                self.distance = _distance(found)
            else:
                self._still += 1
        return self._last[1]

    def _value(self, scores: Vector) -> float:
        return -self._at(scores).log_posterior

    def _gradient(self, scores: Vector) -> Vector:
        return -self._at(scores).gradient

    def _information(self, scores: Vector) -> Any:
        return np.eye(len(scores)) + self._at(scores).data_information

    def _stop(self, intermediate_result: Any) -> None:
        if self.is_there or self._still >= _STILL:
            raise StopIteration

    def trust_region(self, start: Vector) -> _Search:
        """Take Gauss-Newton steps from a start."""
        self._at(start)
        if self.best is None or self.is_there:
            return self
        _minimize(
            self._value, start, method="trust-exact", jac=self._gradient, hess=self._information, callback=self._stop,
            options={"gtol": 1e-12, "maxiter": _MOST_STEPS, "initial_trust_radius": 1.0, "max_trust_radius": 10.0},
        )  # fmt: skip
        return self

    def quasi_newton(self) -> _Search:
        """Go on from the best point without the information matrix."""
        if self.best is None:
            return self
        # Infinite values are not for its line search; the last finite one is worse than all it may accept.
        worst = -self.best.log_posterior + 1e6

        def value(scores: Vector) -> tuple[float, Vector]:
            found = self._at(scores)
            return (min(-found.log_posterior, worst), -found.gradient)

        self._still = 0
        _minimize(
            value, self.point, method="L-BFGS-B", jac=True, callback=self._stop,
            options={"maxfun": _MOST_EVALUATIONS, "ftol": 1e-14, "gtol": 1e-6},
        )  # fmt: skip
        return self


def _minimize(value: Any, start: Vector, **options: Any) -> None:
    """Run SciPy's optimiser; what it found is kept by the functions that it is given."""
    # Its import takes a tenth of a second, and who only simulates needs none of it.
    from scipy.optimize import minimize

    minimize(value, start, **options)


def _distance(found: Evaluation) -> float:
    """Return how far the maximum is, in standard deviations of the posterior, as the quadratic model has it."""
    matrix = np.eye(len(found.gradient)) + found.data_information
    step = np.linalg.solve(matrix, found.gradient)
    return math.sqrt(max(float(found.gradient @ step), 0.0))
