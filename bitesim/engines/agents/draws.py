"""Random numbers of the niche: a word for each (seed, step, purpose, counter), in half a nanosecond.

A key comes from Philox (`foundation.random_streams`); the words of one key are SplitMix64 (Steele, Lea & Flood 2014,
OOPSLA, doi:10.1145/2660193.2660195): a 64-bit mixture of key + counter times an odd constant. The counter of a walking cell
is its site, so that its luck depends on neither its neighbours nor the order of cells.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any, Final

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, open_unit, random_words


class Decision(IntEnum):
    """What a word decides; a number is never reused."""

    MOVE = 0
    CONTACT = 1
    RELEASE = 2
    BLAST_FATE = 3
    T_CELL_FATE = 4
    MIXING = 5
    ARRIVAL = 6


_PURPOSE: Final = int(Purpose.MARROW_NICHE)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)
#: Farther than any box is large; a float of it is a whole number.
FAR: Final = float(2**40)


@kernel
def key_of(seed: Any, decision: Any, step: Any) -> Any:
    """Return the key (uint64) of one decision in one step."""
    word, _ = random_words(seed, decision, _PURPOSE, step)
    return word


@kernel
def word_at(key: Any, counter: Any) -> Any:
    """Return the random word (uint64) of a counter (uint64)."""
    z = key + counter * _GOLDEN
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@kernel
def passed_over(word: Any, inverse_log: Any) -> Any:
    """Return how many candidates are passed over until the next that something happens to: geometric, exact.

    `inverse_log` is 1 / ln(1 - probability), see `inverse_log`.
    """
    return int(min(math.log(open_unit(word)) * inverse_log, FAR))


def inverse_log(probability: float) -> float:
    """Return what `passed_over` needs for a probability a candidate; minus infinity is never multiplied."""
    return 1.0 / math.log1p(-probability) if probability > 0.0 else -1e300
