"""How likely an amount is that was measured or lies between two limits, and how that answers to the model's output.

ln(measured) ~ Normal(ln(true), sd). The likelihood of a value is the density of ln(value), that of a censored row the
probability between its limits (M3 of Beal 2001, J Pharmacokinet Pharmacodyn 28:481, and M4 for intervals): nothing is
imputed. Slopes are by ln(true). Weights are the information on ln(true) that is to be expected of the whole measurement,
with limits as they are: that of a value where the truth lies well outside the limits, none where it lies well between.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtr

Vector = NDArray[np.float64]
_LN_SQRT_2PI: Final = 0.5 * math.log(2.0 * math.pi)
#: Scores of a patient's own noise over which it is integrated.
_FURTHEST_NOISE: Final = 8.0


class Terms(NamedTuple):
    """ln likelihood, its slope by ln(true), and the expected information on ln(true), of each row."""

    log_likelihood: Vector
    slope: Vector
    weight: Vector


def amount_terms(lower: Vector, upper: Vector, sd: Vector, true: Vector) -> Terms:
    """Return the terms of rows.

    Parameters
    ----------
    lower, upper : ndarray, shape (rows,)
        The same number for a measured value, else the limits; 0 and infinity are no limits.
    sd : ndarray, shape (rows,) or (noises, rows)
        SD of ln(measured); the terms have its shape.
    true : ndarray, shape (rows,)
        The model's outputs. One of 0 is certainly below a limit, and makes a value impossible (-inf).
    """
    measured = lower == upper
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        centre = np.log(np.maximum(true, 0.0))
        if measured.all():
            found = _measured(np.log(upper) - centre, sd)
        elif not measured.any():
            found = _censored(np.log(lower) - centre, np.log(upper) - centre, sd)
        else:
            found = Terms(np.empty_like(sd), np.empty_like(sd), np.empty_like(sd))
            apart = np.log(upper) - centre
            parts = (
                (measured, _measured(apart[measured], sd[..., measured])),
                (
                    ~measured,
                    _censored((np.log(lower) - centre)[~measured], apart[~measured], sd[..., ~measured]),
                ),
            )
            for rows, terms in parts:
                for whole, part in zip(found, terms, strict=True):
                    whole[..., rows] = part
    if np.any(true <= 0.0):
        impossible = (lower > 0.0) & (true <= 0.0)
        certain = (lower == 0.0) & (true <= 0.0)
        for whole, where_impossible in zip(found, (-np.inf, np.inf, 0.0), strict=True):
            whole[..., impossible] = where_impossible
            whole[..., certain] = 0.0
    return found


def _measured(apart: Vector, sd: Vector) -> Terms:
    """Return the terms of values, by ln(value) less ln(true)."""
    score = apart / sd
    return Terms(-0.5 * score * score - _LN_SQRT_2PI - np.log(sd), score / sd, 1.0 / (sd * sd))


def _censored(low: Vector, high: Vector, sd: Vector) -> Terms:
    """Return the terms of intervals, by ln(limit) less ln(true)."""
    found = _between(low / sd, high / sd)
    return Terms(found.log_likelihood, found.slope / sd, found.weight / sd**2)


def _between(low: Vector, high: Vector) -> Terms:
    """Return the terms of rows known to lie between two standard scores, by minus those scores.

    The probability is counted from the tail in which both ends lie, the ratios of the density to it by inverse Mills
    ratios, so that all of it stays finite and exact where the probability underflows.
    """
    mirrored = low + high > 0.0
    near, far = np.where(mirrored, -low, high), np.where(mirrored, -high, low)
    log_near, log_far = log_ndtr(near), log_ndtr(far)
    apart = np.where(np.isneginf(log_far), -np.inf, log_far - log_near)
    share = -np.expm1(apart)
    at_near = inverse_mills(near) / share
    at_far = np.where(np.isneginf(far), 0.0, inverse_mills(far) * np.exp(apart) / share)
    slope = np.where(mirrored, at_near - at_far, at_far - at_near)
    log_p = log_near + np.log(share)
    weight = np.exp(log_p) * slope**2 + _tail(low) + _tail(-high)
    return Terms(log_p, slope, weight)


def _tail(score: Vector) -> Vector:
    """Return the integral of z**2 times the normal density from -infinity to a score."""
    finite = np.where(np.isinf(score), 0.0, score)
    inside = ndtr(finite) - finite * np.exp(-0.5 * finite**2 - _LN_SQRT_2PI)
    return np.where(np.isinf(score), np.where(score > 0.0, 1.0, 0.0), inside)


def inverse_mills(score: Vector) -> Vector:
    """Return the normal density over its distribution function, without cancellation in the far tail."""
    return np.asarray(math.sqrt(2.0 / math.pi) / erfcx(-score / math.sqrt(2.0)))


def noise_nodes(own_sd_ln: float, rows: int) -> tuple[Vector, Vector]:
    """Return scores of a patient's own noise and ln of their weights, by the trapezoidal rule.

    The rule's error falls exponentially with the width of what is integrated over the step. That width is at least
    1 / sqrt(1 + 2 n own_sd**2) for n rows, and the step a third of it; a Gauss-Hermite rule of as many nodes would miss the
    peak that many rows make.
    """
    step = 0.33 / math.sqrt(1.0 + 2.0 * rows * own_sd_ln**2)
    count = math.ceil(_FURTHEST_NOISE / step)
    scores = step * np.arange(-count, count + 1, dtype=np.float64)
    return scores, np.asarray(-0.5 * scores**2 - _LN_SQRT_2PI + math.log(step))


def noisy_terms(lower: Vector, upper: Vector, sd: Vector, own_sd_ln: float, true: Vector) -> tuple[float, Vector, Vector]:
    """Return ln likelihood of all rows of one patient and assay, and slope and weight of each.

    The patient's own SD is `sd` times exp(own_sd_ln z) in every row, with one standard normal z, which is integrated out.
    """
    scores, log_weights = noise_nodes(own_sd_ln, len(lower))
    factors = np.exp(own_sd_ln * scores)[:, np.newaxis]
    each = amount_terms(lower, upper, sd * factors, true)
    joint = log_weights + each.log_likelihood.sum(axis=1)
    peak = float(joint.max())
    if math.isinf(peak):
        return peak, each.slope[0], each.weight[0]
    shares = np.exp(joint - peak)
    whole = float(shares.sum())
    return peak + math.log(whole), shares @ each.slope / whole, shares @ each.weight / whole
