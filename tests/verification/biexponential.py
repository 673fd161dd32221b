"""A population whose MRD falls in two phases, estimated by adaptive Gauss-Hermite quadrature over patients' own parameters.

ln f(t) = ln(P1 exp(-k1 t) + P2 exp(-k2 t)); ln P1, ln P2, ln k1 and ln k2 are normal between patients, independently; what
is measured has a log-normal error. Rows enter by `bitesim.inference.amounts`, whatever they are: values, or limits. It is
written for this proof, in NumPy, and knows nothing of the package's own estimation.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bitesim.inference.amounts import amount_terms

Array = NDArray[np.float64]
#: Truth: means of ln P1, ln P2, ln k1, ln k2; their SDs; SD of ln(measured), which is 0.35 in log10.
MEANS = np.log([0.5, 0.002, 0.35, 0.04])
SDS = np.array([0.5, 1.2, 0.4, 0.5])
ERROR = 0.35 * np.log(10.0)
EFFECTS = 4


@dataclass(frozen=True)
class Rows:
    """Observations of all patients, shape (patients, times); a row that is not there has lower = nan."""

    times: Array
    lower: Array
    upper: Array


def simulate(patients: int, times: Array, rng: np.random.Generator) -> Array:
    """Return measured fractions, shape (patients, times), none of them censored."""
    effects = MEANS + SDS * rng.standard_normal((patients, EFFECTS))
    return np.exp(courses(effects, times)[0] + ERROR * rng.standard_normal((patients, len(times))))


def courses(effects: Array, times: Array) -> tuple[Array, Array]:
    """Return ln f, shape (..., times), and its derivatives by the effects, shape (..., times, 4)."""
    first = effects[..., 0, None] - np.exp(effects[..., 2, None]) * times
    second = effects[..., 1, None] - np.exp(effects[..., 3, None]) * times
    whole = np.logaddexp(first, second)
    share = np.exp(first - whole)
    fast, slow = -np.exp(effects[..., 2, None]) * times * share, -np.exp(effects[..., 3, None]) * times * (1.0 - share)
    return whole, np.stack([share, 1.0 - share, fast, slow], axis=-1)


def handled(measured: Array, times: Array, limit: float, how: str) -> Rows:
    """Return rows as a way of handling what lies below the limit makes them."""
    below = measured < limit
    if how == "full data":
        return Rows(times, measured, measured)
    if how == "M3":
        return Rows(times, np.where(below, 0.0, measured), np.where(below, limit, measured))
    if how == "LLOQ/2":
        imputed = np.where(below, 0.5 * limit, measured)
        return Rows(times, imputed, imputed)
    assert how == "dropped"
    kept = np.where(below, np.nan, measured)
    return Rows(times, kept, kept)


class PopulationFit:
    """Maximum likelihood of means, ln SDs and ln error, by adaptive quadrature with some nodes in each dimension."""

    def __init__(self, rows: Rows, nodes: int = 4) -> None:
        self.rows = rows
        self.there = np.isfinite(rows.lower)
        self.modes = np.tile(MEANS, (len(rows.lower), 1))
        points, weights = np.polynomial.hermite_e.hermegauss(nodes)
        self.points = np.array(list(itertools.product(points, repeat=EFFECTS)))
        logs = np.log(weights) - 0.5 * np.log(2.0 * np.pi) + 0.5 * points**2 + 0.5 * np.log(2.0 * np.pi)
        self.log_weights = np.array([sum(each) for each in itertools.product(logs, repeat=EFFECTS)])

    def _rows(self, whole: Array, error: float) -> tuple[Array, Array, Array, Array]:
        """Return sums over a patient's rows of ln likelihood and its derivative by ln error; slopes and weights."""
        shape = whole.shape
        lower, upper, there = (np.broadcast_to(each, shape) for each in (self.rows.lower, self.rows.upper, self.there))
        log_p, slope, weight = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        truth = np.exp(whole[there])
        found = amount_terms(lower[there], upper[there], np.full(truth.shape, error), truth)
        log_p[there], slope[there], weight[there] = found
        by_error = np.zeros(shape)
        by_error[there] = found.slope * (np.log(upper[there]) - whole[there]) - (lower[there] == upper[there])
        return log_p.sum(axis=-1), by_error.sum(axis=-1), slope, weight

    def _find_modes(self, means: Array, sds: Array, error: float) -> Array:
        """Move every patient's mode by damped Gauss-Newton steps; return the Cholesky factors of the covariances."""
        damping = np.full(len(self.modes), 1e-3)
        eye = np.eye(EFFECTS)

        def joint(effects: Array) -> tuple[Array, Array, Array]:
            whole, along = courses(effects, self.rows.times)
            log_p, _, slope, weight = self._rows(whole, error)
            value = log_p - 0.5 * (((effects - means) / sds) ** 2).sum(axis=1)
            gradient = np.einsum("pt,pte->pe", slope, along) - (effects - means) / sds**2
            matrix = np.einsum("pt,pte,ptf->pef", weight, along, along) + eye / sds**2
            return value, gradient, matrix

        value, gradient, matrix = joint(self.modes)
        for _ in range(60):
            scale = matrix * (1.0 + damping[:, None, None] * eye)
            step = np.linalg.solve(scale, gradient[:, :, None])[:, :, 0]
            # Gain that the quadratic model promises: how far each patient's mode still is.
            if np.max(np.sum(step * gradient, axis=1)) < 1e-9:
                break
            moved = self.modes + np.clip(step, -1.0, 1.0)
            new = joint(moved)
            better = new[0] >= value
            damping = np.where(better, 0.2 * damping, np.minimum(10.0 * damping + 1e-6, 1e6))
            self.modes = np.where(better[:, None], moved, self.modes)
            value = np.where(better, new[0], value)
            gradient = np.where(better[:, None], new[1], gradient)
            matrix = np.where(better[:, None, None], new[2], matrix)
        return np.linalg.inv(np.linalg.cholesky(matrix)).transpose(0, 2, 1)

    def objective(self, theta: Array) -> tuple[float, Array]:
        """Return minus the log likelihood and its gradient (Fisher's identity under the quadrature)."""
        means, sds, error = theta[:EFFECTS], np.exp(theta[EFFECTS:-1]), float(np.exp(theta[-1]))
        factors = self._find_modes(means, sds, error)
        effects = self.modes[None] + np.einsum("pef,kf->kpe", factors, self.points)
        log_p, by_error, _, _ = self._rows(courses(effects, self.rows.times)[0], error)
        standard = (effects - means) / sds
        log_prior = -0.5 * (standard**2).sum(axis=-1) - np.log(sds).sum() - 0.5 * EFFECTS * np.log(2.0 * np.pi)
        size = np.log(np.abs(np.linalg.det(factors)))
        logs = log_p + log_prior + self.log_weights[:, None] + size
        peak = logs.max(axis=0)
        shares = np.exp(logs - peak)
        total = shares.sum(axis=0)
        shares /= total
        gradient = np.concatenate(
            [
                np.einsum("kp,kpe->e", shares, standard / sds),
                np.einsum("kp,kpe->e", shares, standard**2 - 1.0),
                [np.einsum("kp,kp->", shares, by_error)],
            ]
        )
        return -float((np.log(total) + peak).sum()), -gradient

    def fit(self) -> tuple[Array, Array, bool]:
        """Return the estimates, their Wald standard errors (nan where the Hessian has none), and whether it converged."""
        # Near the truth, as one who knows the disease would begin; SDs and error are kept where they mean something.
        start = np.concatenate([MEANS + 0.2, np.log(SDS) - 0.2, [np.log(ERROR) + 0.2]])
        bounds = [(-12.0, 3.0)] * EFFECTS + [(np.log(0.02), np.log(5.0))] * EFFECTS + [(np.log(0.05), np.log(4.0))]
        found = minimize(
            self.objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 150, "ftol": 1e-9}
        )
        hessian = np.empty((len(start), len(start)))
        for place in range(len(start)):
            step = np.zeros(len(start))
            step[place] = 0.02
            hessian[place] = (self.objective(found.x + step)[1] - self.objective(found.x - step)[1]) / 0.04
        # A SD at its bound is none: what is left is looked at without it.
        free = [place for place in range(len(start)) if bounds[place][0] + 0.05 < found.x[place] < bounds[place][1] - 0.05]
        errors = np.full(len(start), np.nan)
        with np.errstate(invalid="ignore"):
            covariance = np.linalg.pinv(0.5 * (hessian + hessian.T)[np.ix_(free, free)])
            errors[free] = np.sqrt(np.diag(covariance))
        return found.x, errors, bool(found.success)
