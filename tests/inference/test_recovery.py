"""What a limit hides: the probability beyond it recovers the slow clone, half of the limit and dropped rows do not.

The full tables are made by ``python -m tests.verification.censored_recovery``.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.verification.biexponential import ERROR, MEANS, PopulationFit, Rows, courses, handled, simulate
from tests.verification.censored_recovery import SLOW_RATE, individual_table, individuals, populations, summary, text

_FILE = Path(__file__).resolve().parents[1] / "data" / "mrd_sim_lloq1e-4.csv"
_LN10 = np.log(10.0)


def reference_rows():
    """Return the file's rows; its values are log10 of the fraction."""
    with _FILE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    logs = np.array([float(row["DV"]) for row in rows]).reshape(60, 7)
    below = np.array([row["CENS"] == "1" for row in rows]).reshape(60, 7)
    assert below.sum() == 54
    return Rows(np.array([float(row["TIME"]) for row in rows[:7]]), np.where(below, 0.0, 10.0**logs), 10.0**logs)


def test_the_population_likelihood_is_the_published_one():
    """Reference: another program's adaptive quadrature with seven nodes, -2 ln L = 571.923 at its maximum."""
    fit = PopulationFit(reference_rows(), nodes=5)
    sds = np.log([0.3966, 1.1078, 0.4464, 0.4453])
    theta = np.concatenate([[-0.5360, -6.1467, -0.9400, -3.1425], sds, [np.log(0.34629 * _LN10)]])
    value, gradient = fit.objective(theta)
    # Per log10 of the fraction, as there, not per ln.
    assert 2.0 * value - 2.0 * 366 * np.log(_LN10) == pytest.approx(571.923, abs=1.0)
    assert np.abs(gradient).max() < 1.5


def test_courses_have_their_derivatives():
    effects, times, step = MEANS + 0.3, np.array([0.0, 8.0, 43.0]), 1e-5
    _, along = courses(effects, times)
    for place in range(4):
        shift = step * np.eye(4)[place]
        exact = (courses(effects + shift, times)[0] - courses(effects - shift, times)[0]) / (2 * step)
        np.testing.assert_allclose(along[:, place], exact, atol=1e-8)


def test_ways_of_handling():
    times, measured = np.array([0.0, 1.0]), np.array([[0.3, 1e-5]])
    for how, lower, upper in (
        ("full data", [0.3, 1e-5], [0.3, 1e-5]), ("M3", [0.3, 0.0], [0.3, 1e-4]), ("LLOQ/2", [0.3, 5e-5], [0.3, 5e-5]),
        ("dropped", [0.3, np.nan], [0.3, np.nan]),
    ):  # fmt: skip
        rows = handled(measured, times, 1e-4, how)
        np.testing.assert_array_equal(rows.lower[0], lower)
        np.testing.assert_array_equal(rows.upper[0], upper)
    assert np.log(simulate(500, times, np.random.default_rng(1)))[:, 0].std() > ERROR


def test_half_the_limit_is_biased_and_the_probability_beyond_it_is_not():
    """Eight paired populations with 11 % below the limit. Of 40, the differences in ln slow rate between M3 and LLOQ/2 have
    mean 0.27 and SD about 0.2: their mean over eight is below 0.05 with probability below 2e-3 under that truth.
    """
    found = populations("11 % below the limit", 8, seed=2)
    rate = {way: each[:, 0, SLOW_RATE] - MEANS[SLOW_RATE] for way, each in found.items()}
    assert abs(np.mean(rate["M3"] - rate["full data"])) < 0.15
    assert np.mean(rate["M3"] - rate["LLOQ/2"]) > 0.05
    assert np.mean(rate["M3"] - rate["dropped"]) > 0.15
    assert np.mean(rate["LLOQ/2"]) < -0.1
    told = summary(rate["M3"], found["M3"][:, 1, SLOW_RATE])
    assert told["no_interval"] < 0.3


def test_single_patients_with_most_rows_below_the_limit():
    """By `fit_patient`: 40 patients, 70 % of rows below. Half the limit puts the slow rate low by more than a half."""
    found = individuals(40, seed=3)
    rows = {(row["way"], row["parameter"]): row for row in individual_table(found)}
    m3, half = rows["M3", "ln slow rate"], rows["LLOQ/2", "ln slow rate"]
    assert abs(m3["bias"]) < 0.25
    assert half["bias"] < -0.5
    assert half["rmse"] > 1.5 * m3["rmse"]
    assert m3["coverage"] > 0.85
    assert half["coverage"] < 0.7
    assert "ln slow rate" in text("single", list(rows.values()))
