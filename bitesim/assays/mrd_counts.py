"""How many target cells an MRD assay counts: a binomial count mixed with a log-normal measurement error.

Of N cells analysed, K carry the marker: K ~ Binomial(N, p), logit p = logit f + s ln(10) Z, Z standard normal, where f is
the fraction in the tube and s the error's SD [log10]. At the fractions of MRD the odds p/(1 - p) are the fraction itself,
and this is the usual Poisson count with a log-normal error, Poisson(N f 10^(s Z)): the means differ by f (10^(s Z) - 1),
relative: 1 % where f = 0.01 is read as 0.02. Nearer to 1 that Poisson count exceeds the cells analysed; this one never does.

The integrand is log-concave in Z (a binomial likelihood is log-concave in its logit), so it has one peak, and Gauss-Hermite
quadrature centred on and scaled to that peak (Liu & Pierce 1994, Biometrika 81:624) converges for every count.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.special import expit, gammaln, ndtri

from bitesim.assays.inputs import Floats

#: (largest SD [log10], nodes): relative errors below 1e-10, in the last row below 1e-5.
NODES: Final = ((0.3, 32), (0.5, 48), (1.0, 64))
#: Fractions closer to 1 are read as this: one healthy cell in 1e9, fewer than any assay analyses.
LARGEST_FRACTION: Final = 1.0 - 1e-9
_LN10: Final = math.log(10.0)
_CHUNK: Final = 4096
_HALF_LN_2PI: Final = 0.5 * math.log(2.0 * math.pi)


def logit(fraction: Floats) -> Floats:
    """Return ln(f / (1 - f)), -inf at 0; a fraction of 1 is read as `LARGEST_FRACTION`."""
    clipped = np.minimum(fraction, LARGEST_FRACTION)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(clipped) - np.log1p(-clipped))


def draw_counts(fraction: Floats, cells: int, sd_log10: float, uniforms: Floats) -> Floats:
    """Return counts of target cells by inverse distribution functions.

    Parameters
    ----------
    fraction : ndarray
        Fraction in the tube, 0 to 1.
    cells : int
        Cells analysed.
    sd_log10 : float
        SD of the measurement error.
    uniforms : ndarray, shape (..., 2)
        The first decides the measurement error, the second the count.
    """
    share = expit(logit(fraction) + sd_log10 * _LN10 * ndtri(uniforms[..., 0]))
    # Its import takes a second, and who never measures needs none of it.
    from scipy.stats import binom

    return np.asarray(binom.ppf(uniforms[..., 1], cells, share), dtype=np.float64)


def log_probability(
    counts: Floats, fraction: Floats, cells: int, sd_log10: float, nodes: int | None = None
) -> tuple[Floats, Floats]:
    """Return ln P(K = count) and its derivative with respect to logit(fraction).

    Parameters
    ----------
    counts, fraction : ndarray, same shape
        Whole counts, 0 to `cells`; fractions in the tube, 0 to 1. The fraction 0 makes the count 0 certain.
    cells : int
    sd_log10 : float
    nodes : int, optional
        Of the quadrature. Default: enough for the SD, by `NODES`.

    Returns
    -------
    (ndarray, ndarray)
        Both finite for every fraction above 0.
    """
    shape = counts.shape
    if nodes is None:
        nodes = next(enough for largest, enough in NODES if sd_log10 <= largest)
    count, fractions = counts.ravel(), fraction.ravel()
    value, slope = np.where(count == 0.0, 0.0, -np.inf), np.where(count == 0.0, 0.0, np.inf)
    present = np.flatnonzero(fractions > 0.0)
    for start in range(0, present.size, _CHUNK):
        rows = present[start : start + _CHUNK]
        value[rows], slope[rows] = _integral(count[rows], logit(fractions[rows]), cells, sd_log10 * _LN10, nodes)
    # The slope at the fraction 0 is taken in ln(fraction): a count of 0 no longer changes, another is impossible.
    return value.reshape(shape), slope.reshape(shape)


def log_probability_of_range(
    first: int, last: int, fraction: Floats, cells: int, sd_log10: float, nodes: int | None = None
) -> tuple[Floats, Floats]:
    """Return ln P(first <= K < last) and its derivative with respect to logit(fraction), for each fraction."""
    each = np.broadcast_to(
        np.arange(first, last, dtype=np.float64).reshape((-1,) + (1,) * fraction.ndim), (last - first, *fraction.shape)
    )
    logs, slopes = log_probability(each, np.broadcast_to(fraction, each.shape), cells, sd_log10, nodes)
    return log_sum(logs, slopes)


def log_sum(logs: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Return the logarithm of a sum of probabilities over the first axis, and its derivative from theirs."""
    peak = np.max(logs, axis=0)
    impossible = np.isneginf(peak)
    safe = np.where(impossible, 0.0, peak)
    shares = np.exp(logs - safe)
    total = np.sum(shares, axis=0)
    with np.errstate(divide="ignore"):
        # Rounding must not make a probability larger than one.
        value = np.where(impossible, -np.inf, np.minimum(0.0, safe + np.log(total)))
    weighted = np.sum(shares * np.where(shares > 0.0, slopes, 0.0), axis=0)
    slope = np.where(impossible, np.inf, weighted / np.where(impossible, 1.0, total))
    return value, slope


def _integral(count: Floats, centre: Floats, cells: int, error: float, nodes: int) -> tuple[Floats, Floats]:
    if error == 0.0:
        return _log_binomial(count, centre, cells), count - cells * expit(centre)
    peak = _peak(count, centre, cells, error)
    share = expit(centre + error * peak)
    width = 1.0 / np.sqrt(1.0 + error**2 * cells * share * (1.0 - share))
    points, weights = _rule(nodes)
    steps = peak[:, None] + width[:, None] * points
    logits = centre[:, None] + error * steps
    terms = (
        np.log(weights)
        + 0.5 * points**2
        + _log_binomial(count[:, None], logits, cells)
        - 0.5 * steps**2
        - _HALF_LN_2PI
        + np.log(width)[:, None]
    )
    return log_sum(terms.T, (count[:, None] - cells * expit(logits)).T)


@lru_cache(maxsize=8)
def _rule(nodes: int) -> tuple[Floats, Floats]:
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return points, weights


def _peak(count: Floats, centre: Floats, cells: int, error: float) -> Floats:
    """Return where the integrand is largest: the root of a decreasing function, by Newton steps inside a bracket."""
    far = error * (count - cells * expit(centre))
    low, high = np.minimum(far, 0.0), np.maximum(far, 0.0)
    ratio = (count + 0.5) / (cells + 1.0)
    information = error**2 * cells * ratio * (1.0 - ratio)
    guess = (np.log(ratio) - np.log1p(-ratio) - centre) / error * information / (1.0 + information)
    peak = np.clip(guess, low, high)
    for _ in range(100):
        share = expit(centre + error * peak)
        slope = error * (count - cells * share) - peak
        low, high = np.where(slope > 0.0, peak, low), np.where(slope > 0.0, high, peak)
        moved = peak + slope / (1.0 + error**2 * cells * share * (1.0 - share))
        moved = np.where((moved > low) & (moved < high), moved, 0.5 * (low + high))
        # The peak only says where the nodes lie. Nearer to it, rounding would leave the bracket's halves to the rest.
        settled = np.abs(moved - peak) <= 1e-5 * (1.0 + np.abs(peak))
        peak = moved
        if settled.all():
            break
    return peak


def _log_binomial(count: Floats, logits: Floats, cells: int) -> Floats:
    """Return ln of the binomial probability as its value at the best share, less the deviance.

    Differences of ln n! lose nine digits at a million cells; after Loader (2000), 'Fast and accurate computation of binomial
    probabilities', only Stirling's remainders and a deviance that vanishes at the peak are summed.
    """
    count, logits = np.broadcast_arrays(count, logits)
    result = np.empty(count.shape)
    none, all_of_them = count == 0.0, count == cells
    result[none] = -cells * np.logaddexp(0.0, logits[none])
    result[all_of_them] = -cells * np.logaddexp(0.0, -logits[all_of_them])
    some = ~(none | all_of_them)
    k = count[some]
    other = cells - k
    ratio = k / cells
    best = (
        _stirling_remainder(np.asarray(float(cells)))
        - _stirling_remainder(k)
        - _stirling_remainder(other)
        + 0.5 * np.log(cells / (k * other))
        - _HALF_LN_2PI
    )
    away = logits[some] - (np.log(k) - np.log(other))
    log_mean = np.log1p(ratio * np.expm1(np.minimum(away, 30.0)))
    far = away > 30.0
    log_mean[far] = np.logaddexp(np.log1p(-ratio[far]), np.log(ratio[far]) + away[far])
    result[some] = best - (cells * log_mean - k * away)
    return result


def _stirling_remainder(n: Floats) -> Floats:
    """Return ln n! less Stirling's formula."""
    small = np.minimum(n, 16.0)
    exact = gammaln(small + 1.0) - (small + 0.5) * np.log(small) + small - _HALF_LN_2PI
    square = n * n
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / (1188 * square)) / square) / square) / square) / n
    return np.where(n < 16.0, exact, series)
