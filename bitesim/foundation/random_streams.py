"""Counter-based random draws inside kernels, keyed by (seed, patient, purpose, draw).

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, Proc. SC11, doi:10.1145/2063384.2063405): a draw is a function of its key
and counter alone, so that adding patients, changing threads or swapping the arm changes nobody else's luck.
"""

from __future__ import annotations

import math
from enum import IntEnum
from numbers import Integral
from typing import Any, Final

import numpy as np

from bitesim.foundation.checks import shown
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError


class Purpose(IntEnum):
    """What a draw decides; a number is never reused, or two decisions would share their luck."""

    BETWEEN_PATIENTS = 1
    ASSAY = 2
    CLINICAL_EVENT = 3
    CELL_EVENT = 4
    MARROW_NICHE = 6


# All arithmetic stays in uint64: numba makes a float of a signed and an unsigned 64-bit integer.
_U64: Final = np.uint64
_LOW: Final = np.uint64(0xFFFFFFFF)
_32: Final = np.uint64(32)
_MULTIPLIER_0: Final = np.uint64(0xD2511F53)
_MULTIPLIER_1: Final = np.uint64(0xCD9E8D57)
_WEYL_0: Final = np.uint64(0x9E3779B9)
_WEYL_1: Final = np.uint64(0xBB67AE85)
_ROUNDS: Final = 10
_TO_UNIT: Final = 2.0**-52
_12: Final = np.uint64(12)


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
def open_unit(word: Any) -> float:
    """Return a uint64 as a number in the open interval (0, 1): the middle of one of 2**52 equal cells.

    With 53 bits the middle of the last cell would round to 1.
    """
    return (float(word >> _12) + 0.5) * _TO_UNIT


@kernel
def uniform(seed: int, patient: int, purpose: int, draw: int) -> float:
    """Return a uniform number in the open interval (0, 1), with 52 random bits."""
    word, _ = random_words(seed, patient, purpose, draw)
    return open_unit(word)


@kernel
def standard_normal(seed: int, patient: int, purpose: int, draw: int) -> float:
    """Return a standard normal number (Box & Muller 1958): one draw gives one number and leaves no state."""
    first, second = random_words(seed, patient, purpose, draw)
    radius = math.sqrt(-2.0 * math.log(open_unit(first)))
    return radius * math.cos(2.0 * math.pi * open_unit(second))


@kernel
def exponential(seed: int, patient: int, purpose: int, draw: int) -> float:
    """Return an exponential number with mean 1."""
    return -math.log(uniform(seed, patient, purpose, draw))


def seed_entropy(seed: int | np.random.SeedSequence | np.random.Generator | None) -> int:
    """Return the 64-bit seed of all streams for whatever a user gives as a seed.

    Parameters
    ----------
    seed : int, SeedSequence, Generator or None
        A whole number from 0 to 2**64 - 1 is taken as it is. A `SeedSequence` always gives the same seed; a `Generator`
        gives the next one and moves on. None takes fresh entropy from the operating system.

    Raises
    ------
    ParameterError
        For a negative or larger number, a truth value, text, a fraction, or anything else.
    """
    if seed is None:
        seed = np.random.SeedSequence()
    if isinstance(seed, np.random.SeedSequence):
        return int(seed.generate_state(1, np.uint64)[0])
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**64, dtype=np.uint64))
    expected = "expected a whole number from 0 to 2**64 - 1, a NumPy SeedSequence or Generator, or None for a fresh seed"
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, Integral):
        raise ParameterError(f"seed = {shown(seed)} ({type(seed).__name__}) is not a seed: {expected}.")
    if not 0 <= int(seed) < 2**64:
        raise ParameterError(f"seed = {shown(seed)} is outside the allowed range: {expected}.")
    return int(seed)
