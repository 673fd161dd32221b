"""The gradient of the posterior against differences of tight solves, at random points and at the edges of doses."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from bitesim.foundation.errors import ParameterError, UnknownNameError
from bitesim.inference import AmountObserved, PatientPosterior
from bitesim.inference.amounts import amount_terms
from bitesim.inference.posterior import default_free
from tests.inference.small_data import (
    FREE,
    LEUKAEMIA_FREE,
    MODEL,
    PRIORS,
    courses_of,
    leukaemia_patient,
    rows_of_every_kind,
    small_patient,
)

_TIGHT = 1e-11
_DRUG_TOO = (*FREE, "elimination_per_day", "volume_ml")


def differences(posterior, scores, step):
    """Return the gradient by differences of fourth order."""
    found = np.empty(len(scores))
    for place in range(len(scores)):
        shift = np.zeros(len(scores))
        shift[place] = step
        a, b, c, d = (posterior.evaluate(scores + k * shift).log_posterior for k in (-2, -1, 1, 2))
        found[place] = (a - 8 * b + 8 * c - d) / (12 * step)
    return found


def test_gradient_at_200_random_points():
    posterior = PatientPosterior(small_patient(), _DRUG_TOO, MODEL, priors=PRIORS, rtol=_TIGHT)
    rng = np.random.default_rng(5)
    for _ in range(200):
        scores = rng.normal(scale=1.5, size=len(posterior))
        found, exact = posterior.evaluate(scores).gradient, differences(posterior, scores, 2e-3)
        np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(exact).max()))


@pytest.mark.parametrize("kind", range(len(rows_of_every_kind())))
def test_gradient_of_each_kind_of_row_alone(kind):
    posterior = PatientPosterior(small_patient(rows_of_every_kind()[kind : kind + 1]), _DRUG_TOO, MODEL, rtol=_TIGHT)
    rng = np.random.default_rng(kind)
    for _ in range(5):
        scores = rng.normal(size=len(posterior))
        exact = differences(posterior, scores, 2e-3)
        np.testing.assert_allclose(posterior.evaluate(scores).gradient, exact, rtol=1e-5, atol=1e-6)


def test_gradient_on_the_leukaemia_model():
    posterior = PatientPosterior(leukaemia_patient(), LEUKAEMIA_FREE, rtol=_TIGHT)
    rng = np.random.default_rng(2)
    scores = 0.7 * rng.normal(size=len(posterior))
    exact = differences(posterior, scores, 2e-3)
    np.testing.assert_allclose(posterior.evaluate(scores).gradient, exact, rtol=1e-5, atol=1e-6 * np.abs(exact).max())


def test_value_is_that_of_the_closed_form():
    """The small model has one: likelihood and prior are then written down without any solver."""
    times = np.array([0.0, 8.0, 29.0, 71.0])
    rows = (
        AmountObserved(0.0, "mrd", 0.4, 0.4, 0.5), AmountObserved(8.0, "mrd", 0.05, 0.05, 0.5),
        AmountObserved(29.0, "mrd", 1e-4, 1e-3, 0.5), AmountObserved(71.0, "mrd", 0.0, 1e-4, 0.5),
    )  # fmt: skip
    priors = {**PRIORS, "fast_share": PRIORS["slow_share"]}
    posterior = PatientPosterior(small_patient(rows), FREE, MODEL, priors=priors, rtol=_TIGHT)
    scores = np.array([0.3, -0.4, 0.7, -1.1])
    middle = np.array([priors[name].median for name in FREE])
    values = middle * np.exp(np.array([priors[name].sd for name in FREE]) * scores)
    truth = courses_of(tuple(values), times)
    lower, upper = np.array([0.4, 0.05, 1e-4, 0.0]), np.array([0.4, 0.05, 1e-3, 1e-4])
    expected = amount_terms(lower, upper, np.full(4, 0.5), truth).log_likelihood.sum() + norm.logpdf(scores).sum()
    assert posterior.evaluate(scores).log_posterior == pytest.approx(expected, abs=1e-7)
    # The cuts at the catalogue's bounds, six standard deviations out, change the tenth digit.
    np.testing.assert_allclose(posterior.values(scores), values, rtol=1e-9)
    np.testing.assert_allclose(posterior.scores(values), scores, rtol=1e-9)
    np.testing.assert_allclose(posterior.outputs(scores), truth, rtol=1e-9)


def test_information_is_the_mean_square_of_the_score():
    """For values alone it is exactly J'WJ; drawn data have gradients whose covariance it is (5 SE, alpha 1e-5)."""
    times, sd = np.array([0.0, 8.0, 29.0, 71.0]), 0.5
    scores = np.array([0.2, -0.3, 0.4, 0.1])
    flat = tuple(AmountObserved(float(day), "mrd", 1e-2, 1e-2, sd) for day in times)
    posterior = PatientPosterior(small_patient(flat), FREE, MODEL, priors=PRIORS, rtol=1e-9)
    information, truth = posterior.evaluate(scores).data_information, posterior.outputs(scores)
    rng, drawn = np.random.default_rng(3), []
    for _ in range(400):
        seen = truth * np.exp(sd * rng.standard_normal(4))
        rows = tuple(AmountObserved(float(day), "mrd", v, v, sd) for day, v in zip(times, seen, strict=True))
        here = PatientPosterior(small_patient(rows), FREE, MODEL, priors=PRIORS, rtol=1e-6).evaluate(scores)
        drawn.append(here.gradient + scores)
    squares = np.einsum("ki,kj->kij", drawn, drawn)
    error = squares.std(axis=0) / math.sqrt(len(drawn))
    assert np.all(np.abs(squares.mean(axis=0) - information) < 5.0 * error + 1e-12)


def test_a_row_that_cannot_be_is_named_with_its_line():
    rows = (AmountObserved(0.0, "drug_pg_per_ml", 500.0, 500.0, 0.3, line=7),)
    found = PatientPosterior(small_patient(rows), FREE, MODEL).evaluate(np.zeros(4))
    assert found.log_posterior == -math.inf
    assert found.problem == "line 7: drug_pg_per_ml = 500 on day 0, where the model has 0"


def test_far_scores_and_failing_solves_have_no_value():
    posterior = PatientPosterior(leukaemia_patient(), LEUKAEMIA_FREE)
    assert "a score beyond" in posterior.evaluate(np.full(6, 31.0)).problem
    posterior._run.settings = type(posterior._run.settings)(1e-6, 20)
    assert "too many steps" in posterior.evaluate(np.zeros(6)).problem


def test_default_parameters_are_those_that_vary_and_the_blasts():
    data = leukaemia_patient()
    names = PatientPosterior(data).names
    assert "clearance_l_per_h" in names
    assert "baseline_blast_fraction" in names
    assert "volume_l" not in names
    counts = tuple(each for each in data.observations if each.output == "blood_cd8_t_cells_per_ul")
    model = PatientPosterior(data).case.model
    assert "baseline_blast_fraction" not in default_free(model, type(data)(data.patient, data.regimen, counts))


def test_outputs_that_do_not_exist_are_named():
    rows = (AmountObserved(1.0, "drug_pg_per_l", 5.0, 5.0, 0.3),)
    with pytest.raises(UnknownNameError, match="Did you mean 'drug_pg_per_ml'"):
        PatientPosterior(small_patient(rows), FREE, MODEL)
    with pytest.raises(ParameterError, match="nothing observed"):
        PatientPosterior(small_patient(()), FREE, MODEL)


def test_method_says_what_is_done_with_censored_rows():
    text = PatientPosterior(small_patient(), FREE, MODEL).method()
    assert text == (
        "Censored rows: probability beyond the limit (M3); 4 of 10; between two limits (M4); 3 of 10. MRD: law of the cells "
        "counted, nothing imputed; 1 not detected, 1 positive not quantifiable, 1 quantified of 3. The patient's own noise "
        "is integrated out: bioassay."
    )
