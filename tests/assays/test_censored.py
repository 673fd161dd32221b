"""The censored log-normal law against closed forms, asymptotic series and its own draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from bitesim import ParameterError
from bitesim.assays import CensoredResults, Censoring
from bitesim.assays.censored import CensoredLogNormal

LAW = CensoredLogNormal("assay", "level", "pg/mL", 50.0, 1000.0, 1e9, "Look.")
OPEN = CensoredLogNormal("count", "count", "cells/uL", 1.0, math.inf, 1e7, "Look.")
SD = np.asarray(0.5)


@pytest.mark.parametrize("true", [3.0, 50.0, 300.0, 1000.0, 2e4])
def test_all_reports_together_are_certain(true: float) -> None:
    below, above = (np.exp(LAW.log_likelihood(side, None, true, SD)[0]) for side in ("below", "above"))
    between, _ = integrate.quad(
        lambda log_value: float(np.exp(LAW.log_likelihood("measured", np.exp(log_value), true, SD)[0])),
        math.log(50.0) + 1e-12,
        math.log(1000.0) - 1e-12,
        epsabs=1e-12,
    )
    assert below + between + above == pytest.approx(1.0, abs=1e-10)


def test_values_have_the_normal_density_of_their_logarithm() -> None:
    got = LAW.log_likelihood("measured", 400.0, [30.0, 400.0, 900.0], SD)[0]
    assert got == pytest.approx(stats.norm.logpdf(np.log(400.0), np.log([30.0, 400.0, 900.0]), 0.5))


@pytest.mark.parametrize("z", [30.0, 1e3, 3e4])
def test_far_tails_follow_their_asymptotic_series(z: float) -> None:
    sd = np.asarray(10.0 / z)
    log_p = -0.5 * z**2 - math.log(z * math.sqrt(2.0 * math.pi)) + math.log1p(-(z**-2) + 3.0 * z**-4)
    mills = z / (1.0 - z**-2 + 3.0 * z**-4)
    for outcome, true, sign in (("below", 50.0 * math.exp(10.0), -1.0), ("above", 1000.0 * math.exp(-10.0), 1.0)):
        value, slope = LAW.log_likelihood(outcome, None, true, sd)
        assert value == pytest.approx(log_p, rel=1e-7)
        assert slope == pytest.approx(sign * mills / float(sd), rel=1e-7)


@pytest.mark.parametrize(("outcome", "value"), [("below", None), ("measured", 77.0), ("above", None)])
def test_the_slope_is_the_derivative_in_ln_truth(outcome: str, value: float | None) -> None:
    true, step = np.array([1e-3, 1.0, 40.0, 60.0, 500.0, 3e3, 1e6]), 1e-3
    moved = true * np.exp(step * np.array([-2.0, -1.0, 1.0, 2.0]))[:, None]
    logs = LAW.log_likelihood(outcome, value, moved, SD)[0]
    derivative = (logs[0] - 8.0 * logs[1] + 8.0 * logs[2] - logs[3]) / (12.0 * step)
    slope = LAW.log_likelihood(outcome, value, true, SD)[1]
    assert slope == pytest.approx(derivative, rel=1e-7, abs=1e-10)


def test_every_truth_above_zero_is_finite_and_zero_is_below() -> None:
    true = np.array([5e-324, 1e-300, 1.0, 1e9])
    for outcome, value in (("below", None), ("measured", 77.0), ("above", None)):
        for sd in (1e-3, 0.5, 3.0):
            for part in LAW.log_likelihood(outcome, value, true, np.asarray(sd)):
                assert np.all(np.isfinite(part))
    assert [float(part) for part in LAW.log_likelihood("below", None, 0.0, SD)] == [0.0, 0.0]
    assert [float(part) for part in LAW.log_likelihood("measured", 77.0, 0.0, SD)] == [-math.inf, math.inf]
    assert LAW.log_likelihood("above", None, 0.0, SD)[0] == -math.inf


def test_a_limit_never_reached_leaves_the_uncensored_likelihood() -> None:
    wide = CensoredLogNormal("assay", "level", "pg/mL", 1e-6, 1e9, 1e9, "")
    for true in (10.0, 400.0):
        assert wide.log_likelihood("measured", 200.0, true, SD)[0] == LAW.log_likelihood("measured", 200.0, true, SD)[0]
    assert wide.log_likelihood("below", None, 200.0, SD)[0] < -600.0


def test_draws_invert_the_distribution_and_follow_it() -> None:
    uniform = np.random.default_rng(4).uniform(size=50_000)
    results = LAW.sample(300.0, SD, uniform)
    law = stats.lognorm(0.5, scale=300.0)
    # A report is its quantile: compared with SciPy's, one by one.
    amounts = law.ppf(uniform)
    assert np.array_equal(results.outcomes == Censoring.BELOW, amounts <= 50.0)
    assert np.array_equal(results.outcomes == Censoring.ABOVE, amounts >= 1000.0)
    measured = results.outcomes == Censoring.MEASURED
    assert results.values[measured] == pytest.approx(amounts[measured], rel=1e-12)
    assert np.all(np.isnan(results.values[~measured]))
    # Binomial, 4 SD on two sides: a correct sampler fails for one seed in 8000.
    for outcome in ("below", "above"):
        share = float(np.exp(LAW.log_likelihood(outcome, None, 300.0, SD)[0]))
        assert abs(results.counts()[outcome] - 50_000 * share) < 4.0 * math.sqrt(50_000 * share * (1.0 - share))


def test_rows_can_differ_in_everything() -> None:
    outcomes, values = ["below", "measured", "above"], [None, 200.0, np.nan]
    together = LAW.log_likelihood(outcomes, values, [40.0, 150.0, 900.0], np.array([0.2, 0.4, 0.6]))[0]
    rows = zip(outcomes, values, [40.0, 150.0, 900.0], [0.2, 0.4, 0.6], strict=True)
    assert together.tolist() == [LAW.log_likelihood(o, v, t, np.asarray(s))[0] for o, v, t, s in rows]


def test_reports_are_written_with_limits_and_units() -> None:
    results = CensoredResults(
        "<assay>", "pg/mL", np.array([-1, 0, 1], dtype=np.int8), np.array([np.nan, 418.2, np.nan]), 50.0, 1e3
    )
    assert results.texts == ["< 50 pg/mL", "418 pg/mL", "> 1000 pg/mL"]
    assert repr(results) == "<assay>: 3 results in pg/mL\n  < 50 pg/mL\n  418 pg/mL\n  > 1000 pg/mL"
    assert "&lt;assay&gt;" in results._repr_html_()
    many = LAW.sample(300.0, SD, np.linspace(0.01, 0.99, 40))
    assert len(repr(many).splitlines()) == 12
    assert len(many) == sum(many.counts().values()) == 40


@pytest.mark.parametrize(
    ("law", "outcome", "value", "true", "words"),
    [
        (LAW, "measured", 20.0, 100.0, ["value = 20.0 pg/mL", "50 to 1000", "'below' or 'above'"]),
        (LAW, "measured", None, 100.0, ["value = nan", "50 to 1000 pg/mL"]),
        (LAW, "below", 50.0, 100.0, ["value = 50", "None or nan", "'measured'"]),
        (LAW, "censored", None, 100.0, ["unknown outcome 'censored'", "below, measured, above"]),
        (LAW, "below", None, -1.0, ["level = -1.0 pg/mL", "0 to 1e+09", "Look."]),
        (OPEN, "above", None, 10.0, ["'above'", "no upper limit"]),
    ],
)
def test_refusals(law: CensoredLogNormal, outcome: Any, value: Any, true: float, words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        law.log_likelihood(outcome, value, true, SD)
    for word in words:
        assert word in str(caught.value)
