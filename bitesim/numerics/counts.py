"""Poisson, binomial and gamma numbers inside kernels, from counter-based draws.

Small means by inversion, larger ones by transformed rejection with a squeeze (Hoermann 1993: PTRS, Insurance Math Econ
12:39, and BTRS, J Stat Comput Simul 46:101), the largest by a rounded normal number, whose skewness is then below 1e-4.
Gamma numbers by a squeezed cube of a normal one (Marsaglia & Tsang 2000, ACM Trans Math Softw 26:363).
A rejected attempt takes the next draw, so each function returns its number and the next unused draw.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, open_unit, random_words, standard_normal

_PURPOSE: Final = int(Purpose.CELL_EVENT)
#: Below this mean a number is found by counting up from 0.
_COUNTED: Final = 10.0
#: From this mean (of a binomial number: variance) on, a rounded normal number.
_NORMAL: Final = 1e8
_HALF_LOG_TWO_PI: Final = 0.9189385332046727
#: log(k!) - Stirling's formula (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2, for k = 0 to 9.
_STIRLING: Final = np.array(
    [
        0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.0207906721037650, 0.0166446911898211,
        0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.0092554621827127, 0.0083305634333631,
    ]
)  # fmt: skip
#: Behind as many terms nothing is left of a distribution whose mean is below `_COUNTED`.
_MOST_TERMS: Final = 200


@kernel
def stirling_rest(k: float) -> float:
    """Return log(k!) - ((k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2), to 1e-13."""
    if k < _STIRLING.shape[0]:
        return float(_STIRLING[int(k)])
    inverse = 1.0 / (k + 1.0)
    square = inverse * inverse
    return (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - square / 1680.0) * square) * square) * inverse


@kernel
def poisson(mean: float, seed: int, replicate: int, draw: int) -> tuple[float, int]:
    """Return a Poisson number with a mean >= 0, and the next draw."""
    if mean <= 0.0:
        return 0.0, draw
    if mean >= _NORMAL:
        normal = standard_normal(seed, replicate, _PURPOSE, draw)
        return max(0.0, math.floor(mean + math.sqrt(mean) * normal + 0.5)), draw + 1
    if mean < _COUNTED:
        word, _ = random_words(seed, replicate, _PURPOSE, draw)
        left, probability, k = open_unit(word), math.exp(-mean), 0
        while left > probability and k < _MOST_TERMS:
            left -= probability
            k += 1
            probability *= mean / k
        return float(k), draw + 1
    return _poisson_by_rejection(mean, seed, replicate, draw)


@kernel
def _poisson_by_rejection(mean: float, seed: int, replicate: int, draw: int) -> tuple[float, int]:
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    log_inverse_alpha = math.log(1.1239 + 1.1328 / (b - 3.4))
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        first, second = random_words(seed, replicate, _PURPOSE, draw)
        draw += 1
        u, v = open_unit(first) - 0.5, open_unit(second)
        s = 0.5 - abs(u)
        k = math.floor((2.0 * a / s + b) * u + mean + 0.43)
        if s >= 0.07 and v <= squeeze:
            return k, draw
        if k < 0.0 or (s < 0.013 and v > s):
            continue
        # Written so that large terms do not cancel.
        beyond = k + 1.0 - mean
        log_probability = (
            beyond - k * math.log1p(beyond / mean) - 0.5 * math.log(k + 1.0) - _HALF_LOG_TWO_PI - stirling_rest(k)
        )
        if math.log(v) + log_inverse_alpha - math.log(a / (s * s) + b) <= log_probability:
            return k, draw


@kernel
def binomial(trials: float, probability: float, seed: int, replicate: int, draw: int) -> tuple[float, int]:
    """Return a binomial number of whole `trials`, each with a probability from 0 to 1, and the next draw."""
    if trials <= 0.0 or probability <= 0.0:
        return 0.0, draw
    if probability >= 1.0:
        return trials, draw
    rare = min(probability, 1.0 - probability)
    variance = trials * rare * (1.0 - rare)
    if variance >= _NORMAL:
        normal = standard_normal(seed, replicate, _PURPOSE, draw)
        k = min(trials, max(0.0, math.floor(trials * rare + math.sqrt(variance) * normal + 0.5)))
        draw += 1
    elif trials * rare < _COUNTED:
        word, _ = random_words(seed, replicate, _PURPOSE, draw)
        left, odds, k = open_unit(word), rare / (1.0 - rare), 0.0
        term = math.exp(trials * math.log1p(-rare))
        while left > term and k < min(trials, _MOST_TERMS):
            left -= term
            k += 1.0
            term *= odds * (trials - k + 1.0) / k
        draw += 1
    else:
        k, draw = _binomial_by_rejection(trials, rare, seed, replicate, draw)
    return k if probability <= 0.5 else trials - k, draw


@kernel
def _binomial_by_rejection(trials: float, p: float, seed: int, replicate: int, draw: int) -> tuple[float, int]:
    sd = math.sqrt(trials * p * (1.0 - p))
    b = 1.15 + 2.53 * sd
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * sd
    squeeze = 0.92 - 4.2 / b
    odds, mode = p / (1.0 - p), math.floor((trials + 1.0) * p)
    at_mode = stirling_rest(mode) + stirling_rest(trials - mode)
    while True:
        first, second = random_words(seed, replicate, _PURPOSE, draw)
        draw += 1
        u, v = open_unit(first) - 0.5, open_unit(second)
        s = 0.5 - abs(u)
        k = math.floor((2.0 * a / s + b) * u + trials * p + 0.5)
        if k < 0.0 or k > trials:
            continue
        if s >= 0.07 and v <= squeeze:
            return k, draw
        # log of the probability of k over that of the mode, so that large terms do not cancel.
        others = trials - k + 1.0
        ratio = (
            (mode + 0.5) * math.log((mode + 1.0) / (odds * (trials - mode + 1.0)))
            + (trials + 1.0) * math.log1p((k - mode) / others)
            + (k + 0.5) * math.log(odds * others / (k + 1.0))
            + at_mode
            - stirling_rest(k)
            - stirling_rest(trials - k)
        )
        if math.log(v * alpha / (a / (s * s) + b)) <= ratio:
            return k, draw


@kernel
def gamma(shape: float, seed: int, replicate: int, draw: int) -> tuple[float, int]:
    """Return a gamma number of a shape >= 1 and the scale 1, and the next draw."""
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        normal = standard_normal(seed, replicate, _PURPOSE, draw)
        word, _ = random_words(seed, replicate, _PURPOSE, draw + 1)
        draw += 2
        root = 1.0 + c * normal
        if root > 0.0:
            cube = root * root * root
            if math.log(open_unit(word)) < 0.5 * normal * normal + d * (1.0 - cube + math.log(cube)):
                return d * cube, draw
