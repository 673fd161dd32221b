"""Philox against its published answers; draws against their distributions."""

import numpy as np
import pytest
from scipy import stats

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, exponential, philox, random_words, standard_normal, uniform

SEED = np.uint64(20)


def counter(*words):
    """Return four 32-bit words as two 64-bit ones, low word first."""
    return np.uint64(words[0] | words[1] << 32), np.uint64(words[2] | words[3] << 32)


@pytest.mark.parametrize("function", [philox, getattr(philox, "py_func", philox)], ids=["compiled", "interpreted"])
@pytest.mark.parametrize(
    ("count", "key", "answer"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_known_answers_of_the_authors(function, count, key, answer):
    words = function(*counter(*count), np.uint64(key[0] | key[1] << 32))
    assert tuple(int(word) for word in words) == tuple(int(word) for word in counter(*answer))


@kernel
def many(kind, count, patient, purpose):
    drawn = np.empty(count)
    for draw in range(count):
        if kind == 0:
            drawn[draw] = uniform(20, patient, purpose, draw)
        elif kind == 1:
            drawn[draw] = standard_normal(20, patient, purpose, draw)
        else:
            drawn[draw] = exponential(20, patient, purpose, draw)
    return drawn


@pytest.mark.parametrize(("kind", "law"), [(0, stats.uniform()), (1, stats.norm()), (2, stats.expon())])
def test_draws_follow_their_law(kind, law):
    # The null is the law itself; the seed is fixed, so a correct generator fails this once in 1000 choices of seed.
    assert stats.kstest(many(kind, 100_000, 3, 1), law.cdf).pvalue > 1e-3


def test_streams_of_patients_and_purposes_are_uncorrelated():
    streams = np.array([many(1, 20_000, patient, purpose) for patient in (0, 1, 2**31) for purpose in (1, 2)])
    correlations = np.corrcoef(streams)[np.triu_indices(6, 1)]
    # 15 correlations with SD 1/sqrt(20000); 4 SD: false alarm in 1 of 1000 seeds.
    assert np.max(np.abs(correlations)) < 4.0 / np.sqrt(20_000)


def test_a_draw_depends_on_its_key_alone():
    alone = [uniform(7, patient, Purpose.ASSAY, 5) for patient in range(10)]
    backwards = [uniform(7, patient, Purpose.ASSAY, 5) for patient in reversed(range(10))]
    assert alone == backwards[::-1]
    assert len(set(alone)) == 10
    assert random_words(7, 1, 2, 3) != random_words(7, 2, 1, 3)
    assert uniform(2**63 + 1, 0, 1, 2**40) != uniform(1, 0, 1, 2**40)


def test_compiled_and_interpreted_draws_are_equal():
    for draw in range(50):
        word, other = random_words.py_func(np.uint64(9), 4, 1, draw) if hasattr(random_words, "py_func") else (0, 0)
        assert (int(word), int(other)) == tuple(map(int, random_words(np.uint64(9), 4, 1, draw)))
