"""Counter-based random draws inside kernels, keyed by (seed, patient, purpose, draw).

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, Proc. SC11, doi:10.1145/2063384.2063405): a draw is a function of its key
and counter alone, so that adding patients, changing threads or swapping the arm changes nobody else's luck.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any, Final

import numpy as np

from bitesim.foundation.compiled import kernel


class Purpose(IntEnum):
    """What a draw decides; a number is never reused, or two decisions would share their luck."""

    BETWEEN_PATIENTS = 1
    ASSAY = 2
    CLINICAL_EVENT = 3
    CELL_EVENT = 4


# All arithmetic stays in uint64: numba makes a float of a signed and an unsigned 64-bit integer.
_U64: Final = np.uint64
_LOW: Final = np.uint64(0xFFFFFFFF)
_32: Final = np.uint64(32)
_MULTIPLIER_0: Final = np.uint64(0xD2511F53)
_MULTIPLIER_1: Final = np.uint64(0xCD9E8D57)
_WEYL_0: Final = np.uint64(0x9E3779B9)
_WEYL_1: Final = np.uint64(0xBB67AE85)
_ROUNDS: Final = 10
_TO_UNIT: Final = 2.0**-53
_11: Final = np.uint64(11)


@kernel
def philox(counter_0: Any, counter_1: Any, key: Any) -> tuple[Any, Any]:
    """Return 128 random bits as two uint64 for a counter of 128 bits (low half first) and a key of 64 bits."""
    a, b = _U64(counter_0) & _LOW, _U64(counter_0) >> _32
    c, d = _U64(counter_1) & _LOW, _U64(counter_1) >> _32
    key_0, key_1 = _U64(key) & _LOW, _U64(key) >> _32
    for _ in range(_ROUNDS):
        product_0 = _MULTIPLIER_0 * a
        product_1 = _MULTIPLIER_1 * c
        a = (product_1 >> _32) ^ b ^ key_0
        b = product_1 & _LOW
        c = (product_0 >> _32) ^ d ^ key_1
        d = product_0 & _LOW
        key_0 = (key_0 + _WEYL_0) & _LOW
        key_1 = (key_1 + _WEYL_1) & _LOW
    return a | (b << _32), c | (d << _32)


@kernel
def random_words(seed: int, patient: int, purpose: int, draw: int) -> tuple[Any, Any]:
    """Return the 128 random bits of one draw as two uint64; seed and draw have 64 bits, patient and purpose 32."""
    return philox(_U64(draw), (_U64(purpose) & _LOW) | (_U64(patient) << _32), _U64(seed))


@kernel
def uniform(seed: int, patient: int, purpose: int, draw: int) -> float:
    """Return a uniform number in the open interval (0, 1), with 53 random bits."""
    word, _ = random_words(seed, patient, purpose, draw)
    return (float(word >> _11) + 0.5) * _TO_UNIT


@kernel
def standard_normal(seed: int, patient: int, purpose: int, draw: int) -> float:
    """Return a standard normal number (Box & Muller 1958): one draw gives one number and leaves no state."""
    first, second = random_words(seed, patient, purpose, draw)
    radius = math.sqrt(-2.0 * math.log((float(first >> _11) + 0.5) * _TO_UNIT))
    return radius * math.cos(2.0 * math.pi * (float(second >> _11) + 0.5) * _TO_UNIT)


@kernel
def exponential(seed: int, patient: int, purpose: int, draw: int) -> float:
    """Return an exponential number with mean 1."""
    return -math.log(uniform(seed, patient, purpose, draw))
