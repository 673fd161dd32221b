"""The luck of measurements: a function of its key alone, uniform, and different for every assay, visit and patient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.assays import DrawKey
from bitesim.assays.draws import luck


def test_adding_patients_changes_nobody() -> None:
    few = DrawKey(7, np.arange(5), 2).uniforms("flow")
    many = DrawKey(7, np.arange(50)[::-1], 2).uniforms("flow")[::-1]
    assert np.array_equal(few, many[:5])
    assert np.array_equal(DrawKey(7, 3, 2).uniforms("flow"), few[3])


def test_patients_and_visits_broadcast() -> None:
    key = DrawKey(7, np.arange(3)[:, None], np.arange(4))
    drawn = key.uniforms("flow")
    assert drawn.shape == (3, 4, 2)
    assert np.array_equal(drawn[2, 1], DrawKey(7, 2, 1).uniforms("flow"))
    assert key.lasting_uniforms("flow").shape == (3, 1, 2)


def test_patients_and_visits_of_other_lengths_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"patients \(3,\), visits \(4,\)"):
        DrawKey(7, np.arange(3), np.arange(4)).uniforms("flow")


def test_luck_lasts_over_visits_only_where_it_is_asked_for() -> None:
    first, second = DrawKey(7, 4, 0), DrawKey(7, 4, 1)
    assert np.array_equal(first.lasting_uniforms("drug"), second.lasting_uniforms("drug"))
    assert not np.array_equal(first.uniforms("drug"), second.uniforms("drug"))


def test_streams_are_uniform_and_uncorrelated() -> None:
    patients = np.arange(20_000)
    streams = np.vstack(
        [DrawKey(3, patients, visit).uniforms(assay).T for assay in ("flow", "NGS") for visit in (0, 1)]
        + [DrawKey(3, patients).lasting_uniforms("flow").T, DrawKey(4, patients).uniforms("flow").T]
    )
    # 12 tests at 1e-4 each: a correct generator fails one seed in 800.
    assert min(stats.kstest(stream, "uniform").pvalue for stream in streams) > 1e-4
    # 66 correlations with SD 1/sqrt(20000); 4.5 SD: false alarm in 1 of 2000 seeds.
    assert np.max(np.abs(np.corrcoef(streams)[np.triu_indices(12, 1)])) < 4.5 / np.sqrt(20_000)


def test_numbers_given_are_taken_as_they_are() -> None:
    assert luck("flow", [[0.1, 0.9]], 2).tolist() == [[0.1, 0.9]]


def test_a_fresh_seed_is_kept() -> None:
    key = DrawKey(None, 0)
    assert np.array_equal(DrawKey(key.seed, 0).uniforms("x"), key.uniforms("x"))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (4, "DrawKey\\(seed=4"),
        (0.5, "shape \\(\\)"),
        ([0.1, 0.2, 0.3], "2 uniform numbers"),
        ([0.0, 0.5], "luck\\[0\\] = 0.0"),
    ],
)
def test_unusable_luck_is_refused(given: Any, word: str) -> None:
    with pytest.raises(ParameterError, match=word):
        luck("flow", given, 2)


@pytest.mark.parametrize(("patients", "visits"), [(-1, 0), (0.5, 0), (2**32 - 1, 0), (0, -1), (0, 14.5), (0, 2**32 - 1)])
def test_patients_and_visits_are_numbered(patients: Any, visits: Any) -> None:
    with pytest.raises(ParameterError, match="numbered 0, 1, 2"):
        DrawKey(1, patients, visits)
