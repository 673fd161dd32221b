"""Philox against its published answers; draws against their distributions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import (
    Purpose,
    exponential,
    open_unit,
    philox,
    random_words,
    seed_entropy,
    standard_normal,
    uniform,
)

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


def test_the_extreme_words_stay_inside_the_open_interval():
    lowest, highest = open_unit(np.uint64(0)), open_unit(np.uint64(2**64 - 1))
    assert lowest == 2.0**-53
    assert highest == 1.0 - 2.0**-53


DRAWS = """
import json, numpy as np
from bitesim.foundation.random_streams import exponential, random_words, standard_normal, uniform
keys = [(seed, patient, purpose, draw) for seed in (0, 2**63 + 9, 2**64 - 1) for patient in (0, 2**32 - 1)
        for purpose in (1, 4) for draw in (0, 7, 2**63 + 1)]
keys = [tuple(np.uint64(part) for part in key) for key in keys]
words = [[int(word) for word in random_words(*key)] for key in keys]
print(json.dumps([words, [[float(draw(*key)) for draw in (uniform, standard_normal, exponential)] for key in keys]]))
"""


def draws(disable_jit):
    environment = {**os.environ, "NUMBA_DISABLE_JIT": disable_jit, "PYTHONPATH": str(Path(__file__).parents[2])}
    # An overflow warning would mean that interpreted arithmetic left 64 bits.
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", DRAWS],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_compiled_and_interpreted_draws_are_equal():
    (words, numbers), (plain_words, plain_numbers) = draws("0"), draws("1")
    assert words == plain_words
    assert len({tuple(pair) for pair in words}) == len(words) == 36
    # log and cos may differ in the last bit between two libraries.
    np.testing.assert_allclose(numbers, plain_numbers, rtol=1e-14)


def test_a_seed_is_taken_as_it_is_or_drawn():
    assert [seed_entropy(seed) for seed in (0, 2**64 - 1, np.int32(7))] == [0, 2**64 - 1, 7]
    assert seed_entropy(np.random.SeedSequence(1)) == seed_entropy(np.random.SeedSequence(1))
    generator, twin = np.random.default_rng(1), np.random.default_rng(1)
    assert seed_entropy(generator) == seed_entropy(twin)
    assert seed_entropy(generator) != seed_entropy(np.random.default_rng(1))
    # Two fresh seeds are equal once in 2**64.
    assert seed_entropy(None) != seed_entropy(None)


@pytest.mark.parametrize("seed", [-1, 2**64, True, np.bool_(False), "7", 7.0, np.float64(1.0), [1]])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ParameterError, match="seed = "):
        seed_entropy(seed)
