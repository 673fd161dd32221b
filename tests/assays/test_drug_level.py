"""Drug levels censored at both ends, with a residual that differs between patients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.assays import CD69_BIOASSAY, DrawKey, DrugLevelAssay

FIXED = replace(CD69_BIOASSAY, sd_variance_between_patients=0.0)


def test_the_preset_is_the_published_assay() -> None:
    assert (CD69_BIOASSAY.lower_limit_pg_per_ml, CD69_BIOASSAY.upper_limit_pg_per_ml) == (50.0, 1000.0)
    assert (CD69_BIOASSAY.sd_ln, CD69_BIOASSAY.sd_variance_between_patients) == (0.559, 0.4134)
    assert "Clements" in CD69_BIOASSAY.source


def test_likelihood_of_the_three_reports() -> None:
    normal = stats.norm(np.log(600.0), 0.559)
    assert FIXED.log_likelihood("below", None, 600.0) == pytest.approx(normal.logcdf(np.log(50.0)))
    assert FIXED.log_likelihood("measured", 300.0, 600.0) == pytest.approx(normal.logpdf(np.log(300.0)))
    assert FIXED.log_likelihood("above", None, 600.0) == pytest.approx(normal.logsf(np.log(1000.0)))
    assert FIXED.log_likelihood("above", None, 600.0, sd_ln=0.2) == pytest.approx(
        stats.norm.logsf(np.log(1000.0 / 600.0) / 0.2)
    )
    assert FIXED.log_likelihood_slope("measured", 300.0, 600.0) == pytest.approx(np.log(0.5) / 0.559**2)


def test_samples_follow_the_likelihood() -> None:
    number = 40_000
    counts = FIXED.sample(np.full(number, 600.0), DrawKey(8, np.arange(number))).counts()
    shares = np.exp([FIXED.log_likelihood(each, None, 600.0) for each in ("below", "above")])
    expected = number * np.array([shares[0], 1.0 - shares.sum(), shares[1]])
    # Chi-squared with 2 degrees of freedom: a correct sampler fails for one seed in 1000.
    assert stats.chisquare([counts["below"], counts["measured"], counts["above"]], expected).pvalue > 1e-3


def test_patients_keep_their_own_error_at_every_visit() -> None:
    patients = np.arange(20_000)
    first, second = (CD69_BIOASSAY.sd_of_patients(DrawKey(3, patients, visit)) for visit in (0, 5))
    assert np.array_equal(first, second)
    # Kolmogorov-Smirnov: a correct sampler fails for one seed in 1000.
    assert stats.kstest(np.log(first / 0.559) / np.sqrt(0.4134), "norm").pvalue > 1e-3
    assert FIXED.sd_of_patients(DrawKey(3, patients)) == pytest.approx(np.full(20_000, 0.559))


def test_a_patients_levels_scatter_by_the_patients_own_error() -> None:
    wide = DrugLevelAssay("wide", 1e-6, 1e9, 0.559, 0.4134)
    key = DrawKey(3, np.arange(50)[:, None], np.arange(400))
    scatter = np.std(np.log(wide.sample(600.0, key).values), axis=1)
    # SD of an SD of 400 values is 1/sqrt(800) of it; 50 patients at 5 SD: one seed in 30,000.
    assert np.all(np.abs(scatter / wide.sd_of_patients(key)[:, 0] - 1.0) < 5.0 / np.sqrt(800))
    chosen = wide.sample(600.0, key, sd_ln=0.1)
    assert np.std(np.log(chosen.values)) == pytest.approx(0.1, rel=0.03)


def test_numbers_given_are_of_the_typical_patient() -> None:
    drawn = CD69_BIOASSAY.sample(100.0, [[0.5], [stats.norm.cdf(1.0)]])
    assert drawn.values == pytest.approx([100.0, 100.0 * np.exp(0.559)])
    assert drawn.texts == ["100 pg/mL", "175 pg/mL"]
    assert CD69_BIOASSAY.sd_of_patients([0.5]) == pytest.approx(0.559)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: DrugLevelAssay("x", 1000, 50, 0.5), ["lower_limit_pg_per_ml = 1000", "less than 50", "swap"]),
        (lambda: DrugLevelAssay("x", -1, 50, 0.5), ["lower_limit_pg_per_ml = -1", "ng/mL"]),
        (lambda: DrugLevelAssay("x", 50, 1000, 50.0), ["sd_ln = 50.0", "0.001 to 3", "2.303"]),
        (lambda: DrugLevelAssay("x", 50, 1000, 0.5, -0.1), ["sd_variance_between_patients = -0.1", "0 to 4"]),
        (lambda: FIXED.log_likelihood("measured", 20.0, 600.0), ["value = 20.0 pg/mL", "50 to 1000"]),
        (lambda: FIXED.log_likelihood("below", None, 600.0, sd_ln=0.0), ["sd_ln = 0.0"]),
        (lambda: FIXED.sample(-6.0, [0.5]), ["level_pg_per_ml = -6.0 pg/mL", "54 pg/mL"]),
        (lambda: DrugLevelAssay(3, 50, 1000, 0.5), ["name = 3"]),  # type: ignore[arg-type]
    ],
)
def test_refusals(call: Any, words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
