"""One patient, and many of whom some fail."""

import math
from dataclasses import replace

import numpy as np
import pytest

import bitesim
from bitesim.foundation.errors import EstimationError
from bitesim.inference import AmountObserved, FailedFit, PatientData, fit_patient, fit_patients
from tests.inference.small_data import FREE, MODEL, PRIORS, courses_of, small_patient


def seen_by(rates, seed=0, name="small"):
    """Return a patient of the small model with these rates, seen with an error of 0.3 and a limit of 1e-4."""
    times, rng = np.array([0.0, 3.0, 8.0, 15.0, 29.0, 43.0, 71.0, 99.0]), np.random.default_rng(seed)
    values = courses_of(rates, times) * np.exp(0.3 * rng.standard_normal(len(times)))
    rows = tuple(
        AmountObserved(float(day), "mrd", 0.0 if value < 1e-4 else value, max(value, 1e-4), 0.3)
        for day, value in zip(times, values.tolist(), strict=True)
    )
    data = small_patient(rows)
    return PatientData(data.patient.replace(name=name), data.regimen, rows)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 40 patients x 4 parameters, 90 % intervals hold 90 %: binomial with p = 0.9 gives 130 to 156 at alpha 1e-3."""
    held, rng = 0, np.random.default_rng(11)
    for number in range(40):
        scores = rng.standard_normal(4)
        rates = [PRIORS[name].median * math.exp(PRIORS[name].sd * z) for name, z in zip(FREE, scores, strict=True)]
        rates[0] = min(rates[0], 1.0)
        fit = fit_patient(seen_by(tuple(rates), number), FREE, MODEL, priors=PRIORS, starts=1)
        held += sum(low <= rate <= high for (low, high), rate in zip(fit.interval(0.9).values(), rates, strict=True))
    assert 128 <= held <= 157


def test_a_fit_is_the_same_every_time_and_labelled():
    fit, again = (fit_patient(seen_by((0.4, 3e-3, 0.4, 0.03)), FREE, MODEL, priors=PRIORS, seed=2) for _ in range(2))
    assert np.array_equal(fit.scores, again.scores)
    assert np.array_equal(fit.laplace.covariance, again.laplace.covariance)
    assert fit.parameters["slow_share"] == fit.estimates["slow_share"]
    assert fit.agreeing_starts == 4
    text = repr(fit)
    assert "4 of 4 starts found this maximum" in text
    assert "Censored rows: probability beyond the limit (M3); " in text
    assert "slow_share" in fit._repr_html_()
    frame = fit.to_dataframe()
    assert list(frame["parameter"]) == list(FREE)
    assert (frame["low"] < frame["estimate"]).all()
    assert (frame["estimate"] < frame["high"]).all()


def test_failed_patients_are_reported_and_stop_nobody():
    before_any_drug = (AmountObserved(0.0, "drug_pg_per_ml", 500.0, 500.0, 0.3, line=7),)
    wrong = small_patient(before_any_drug)
    good = seen_by((0.4, 3e-3, 0.4, 0.03), name="good")
    found = fit_patients([good, wrong, good], FREE, MODEL, priors=PRIORS, starts=2)
    assert [each.patient for each in found] == ["good", "small", "good"]
    failed = found[1]
    assert isinstance(failed, FailedFit)
    assert "line 7: drug_pg_per_ml = 500 on day 0, where the model has 0" in failed.reason
    assert np.array_equal(found[0].scores, found[2].scores)
    assert failed.reproducer.startswith("bitesim.fit_patient(PatientData(")
    assert "\n" not in failed.reproducer
    assert "repeat with: bitesim.fit_patient" in str(failed)


def test_a_patient_of_whom_no_start_can_be_evaluated_is_an_error():
    data = small_patient((AmountObserved(0.0, "drug_pg_per_ml", 500.0, 500.0, 0.3),))
    with pytest.raises(EstimationError, match=r"no start of patient small.*start 1: failed.*Repeat with: bitesim"):
        fit_patient(data, FREE, MODEL, starts=2)
    assert issubclass(EstimationError, bitesim.BitesimError)


def test_starts_that_end_elsewhere_are_listed():
    fit = fit_patient(seen_by((0.4, 3e-3, 0.4, 0.03)), FREE, MODEL, priors=PRIORS, starts=2)
    first, second = fit.outcomes
    other = replace(second, log_posterior=first.log_posterior - 3.0, scores=second.scores + 1.0)
    text = repr(replace(fit, outcomes=(first, other)))
    assert "1 of 2 starts found this maximum" in text
    assert "Start 1: converged at ln posterior" in text
    failed = replace(second, log_posterior=-math.inf, is_converged=False, reason="why")
    assert "Start 1: failed: why." in repr(replace(fit, outcomes=(first, failed)))
