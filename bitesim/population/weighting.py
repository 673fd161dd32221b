"""Prevalence weights: the least change of weights with which virtual patients have published summaries.

Among all weights that meet the targets, those of least relative entropy to the present ones are ``w0 exp(lambda . f)``, with
one multiplier a target (Csiszar 1975, Ann Probab 3:146); the multipliers minimise a convex function, here by Newton steps.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError
from bitesim.population.targets import Target

Vector = NDArray[np.float64]
#: Largest error of a target, relative to the spread of its quantity.
_TOLERANCE: Final = 1e-8


@dataclass(frozen=True, eq=False)
class Weighting:
    """Weights of patients, and what they achieve.

    Parameters
    ----------
    weights : ndarray, shape (patients,)
        At least 0; they add up to 1.
    targets : tuple of Target
    before, after : ndarray, shape (targets,)
        What the targets were by the weights given, and by these.
    relative_entropy : float
        Of these weights to those given [nats].
    """

    weights: Vector
    targets: tuple[Target, ...]
    before: Vector
    after: Vector
    relative_entropy: float

    @property
    def effective_size(self) -> float:
        """Number of equally weighted patients that would be as informative: (sum w)^2 / sum w^2."""
        return float(self.weights.sum() ** 2 / np.sum(self.weights**2))

    def __len__(self) -> int:
        return len(self.weights)

    def __str__(self) -> str:
        head = f"{'':50s}{'wanted':>12s}{'before':>12s}{'weighted':>12s}"
        lines = [f"{label!s:50s}{wanted:>12.5g}{old:>12.5g}{new:>12.5g}" for label, wanted, old, new in self._rows()]
        return "\n".join([self._caption(), head, *lines])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in ("target", "wanted", "before", "weighted"))
        rows = "".join(
            f"<tr><td>{html.escape(str(label))}</td>{''.join(f'<td>{value:.5g}</td>' for value in values)}</tr>"
            for label, *values in self._rows()
        )
        return f"<table><caption>{html.escape(self._caption())}</caption><tr>{head}</tr>{rows}</table>"

    def _rows(self) -> list[tuple[Target, float, float, float]]:
        rows = zip(self.targets, self.before.tolist(), self.after.tolist(), strict=True)
        return [(target, target.value, old, new) for target, old, new in rows]

    def _caption(self) -> str:
        return f"{len(self)} patients are worth {self.effective_size:.1f} equally weighted ones"


def weigh(
    population: Any, targets: Sequence[Target], weights: Sequence[float] | Vector | None = None, *, patients: int
) -> Weighting:
    """Return the weights of least relative entropy to the present ones that meet all targets.

    Parameters
    ----------
    population : mapping of str to ndarray
        Where targets find their quantities by name.
    targets : sequence of Target
    weights : sequence of float, optional
        Present weights, at least 0, of any sum. Default: equal ones.
    patients : int

    Raises
    ------
    ParameterError
        For negative or non-finite weights, and targets that no weights meet; it says which.
    """
    start = _checked_weights(weights, patients)
    flat = [each for target in targets for each in (target if isinstance(target, list) else [target])]
    if not flat or not all(isinstance(target, Target) for target in flat):
        raise ParameterError(f"targets = {shown(targets)}: expected a list of mean(...), proportion(...), quantile(...)")
    features = np.array([target.features(population, patients) for target in flat])
    wanted = np.array([target.value for target in flat])
    kept = _support(features, wanted, start, flat)
    found = np.zeros(patients)
    found[kept] = _solved(features[:, kept], wanted, start[kept] / start[kept].sum(), flat)
    positive = found > 0.0
    entropy = float(np.sum(found[positive] * np.log(found[positive] / start[positive])))
    return Weighting(found, tuple(flat), features @ start, features @ found, entropy)


def _checked_weights(weights: Any, patients: int) -> Vector:
    if weights is None:
        return np.full(patients, 1.0 / patients)
    try:
        array = np.asarray(weights, np.float64)
    except (TypeError, ValueError) as problem:
        raise ParameterError(f"weights = {shown(weights)} are not numbers: {problem}") from None
    if array.shape != (patients,):
        raise ParameterError(f"weights has shape {array.shape}: expected one a patient, ({patients},)")
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0.0)))
    if len(bad):
        number(f"weights[{bad[0]}]", array[bad[0]], "-", (0.0, math.inf), "A weight is a share of patients.")
    if not array.sum() > 0.0:
        raise ParameterError("weights are all 0: expected some above 0")
    return np.asarray(array / array.sum())


def _support(features: Vector, wanted: Vector, start: Vector, targets: Sequence[Target]) -> NDArray[np.bool_]:
    """Return who may have weight: a target at the end of its range leaves only the patients who stand there.

    Raises
    ------
    ParameterError
        For a target beyond the range of its quantity.
    """
    kept = start > 0.0
    for _ in range(len(wanted) + 1):
        before = kept.copy()
        for row, target, value in zip(features, targets, wanted, strict=True):
            if not kept.any():
                break
            low, high = float(row[kept].min()), float(row[kept].max())
            if not low <= value <= high:
                others = "" if kept.sum() == (start > 0.0).sum() else ", of those whom the other targets leave,"
                raise ParameterError(
                    f"target {target} = {value:g} is out of reach: no weights of these patients{others} give less than "
                    f"{low:g} or more than {high:g}. Is it in the unit of the quantity, or are there no such "
                    "patients?"
                )
            if low < high and value in (low, high):
                kept = kept & (row == value)
        if np.array_equal(before, kept):
            break
    return kept


def _solved(features: Vector, wanted: Vector, start: Vector, targets: Sequence[Target]) -> Vector:
    """Return the weights, by minimising ln sum w0 exp(lambda . (f - t)) over the multipliers."""
    spread = features.std(axis=1)
    varies = spread > 0.0
    if not varies.any():
        return start
    scaled = (features[varies] - wanted[varies, None]) / spread[varies, None]
    log_start = np.log(start)

    def weights_at(multipliers: Vector) -> tuple[float, Vector]:
        exponents = log_start + multipliers @ scaled
        total = float(logsumexp(exponents))
        return total, np.exp(exponents - total)

    def value_and_slope(multipliers: Vector) -> tuple[float, Vector]:
        total, weights = weights_at(multipliers)
        return total, scaled @ weights

    def curvature(multipliers: Vector) -> Vector:
        _, weights = weights_at(multipliers)
        centre = scaled @ weights
        return np.asarray((scaled * weights) @ scaled.T - np.outer(centre, centre))

    # Imported where it is needed: `import bitesim` is to stay quick.
    from scipy.optimize import minimize

    answer = minimize(
        value_and_slope,
        np.zeros(len(scaled)),
        jac=True,
        hess=curvature,
        method="trust-exact",
        options={"gtol": 1e-3 * _TOLERANCE, "maxiter": 500, "max_trust_radius": 1e6},
    )
    multipliers = _polished(answer.x, value_and_slope, curvature)
    _, weights = weights_at(multipliers)
    if np.abs(scaled @ weights).max() > _TOLERANCE:
        varying = [target for target, kept in zip(targets, varies, strict=True) if kept]
        support = _largest_support(scaled)
        if not support.any() or support.all():
            raise _out_of_reach(scaled, varying)
        # E.g. a curve that is flat between two points leaves nobody between them.
        weights = np.zeros(len(start))
        inner = start[support] / start[support].sum()
        weights[support] = _solved(features[:, support], wanted, inner, targets)
    return np.asarray(weights / weights.sum())


def _polished(multipliers: Vector, value_and_slope: Any, curvature: Any) -> Vector:
    """Return the multipliers after plain Newton steps, as long as these bring the targets nearer."""
    error = float(np.abs(value_and_slope(multipliers)[1]).max())
    for _ in range(5):
        step = np.linalg.lstsq(curvature(multipliers), value_and_slope(multipliers)[1], rcond=1e-12)[0]
        better = float(np.abs(value_and_slope(multipliers - step)[1]).max())
        if not better < error:
            break
        multipliers, error = multipliers - step, better
    return multipliers


def _largest_support(scaled: Vector) -> NDArray[np.bool_]:
    """Return who can have weight at all when the targets are met; nobody where they cannot be met together.

    Parameters
    ----------
    scaled : ndarray, shape (targets, patients)
        Features less their targets: weights w, of any sum, meet the targets where ``scaled @ w`` is 0.
    """
    from scipy.optimize import linprog

    patients = scaled.shape[1]
    # w = u + v with 0 <= u <= 1: as the sum is free, the largest sum of u has u = 1 for all who can have weight.
    answer = linprog(
        np.concatenate([-np.ones(patients), np.zeros(patients)]),
        A_eq=np.hstack([scaled, scaled]),
        b_eq=np.zeros(len(scaled)),
        bounds=[(0.0, 1.0)] * patients + [(0.0, None)] * patients,
    )
    return np.asarray(answer.x[:patients] > 0.5) if answer.success else np.ones(patients, bool)


def _out_of_reach(scaled: Vector, targets: Sequence[Target]) -> ParameterError:
    """Return the error that says which targets cannot be met together: by the weights that miss them least in sum."""
    from scipy.optimize import linprog

    count, patients = scaled.shape
    answer = linprog(
        np.concatenate([np.zeros(patients), np.ones(2 * count)]),
        A_eq=np.block([[scaled, np.eye(count), -np.eye(count)], [np.ones((1, patients)), np.zeros((1, 2 * count))]]),
        b_eq=np.append(np.zeros(count), 1.0),
    )
    misses = answer.x[patients : patients + count] + answer.x[patients + count :] if answer.success else np.ones(count)
    blamed = [str(target) for target, miss in zip(targets, misses, strict=True) if miss > _TOLERANCE]
    listed = "; ".join(map(str, targets))
    if not blamed:
        return ParameterError(
            f"targets are met only by weights that rest on almost nobody: {listed}. Loosen one, or draw more patients there"
        )
    return ParameterError(
        f"targets cannot be met together by any weights of these patients: {listed}. The nearest miss {'; '.join(blamed)}. "
        "Draw patients who combine them, or loosen one"
    )
