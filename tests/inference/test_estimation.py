"""Starts find the same maximum as SciPy on the closed form; what fails says why."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from bitesim.foundation.errors import ParameterError
from bitesim.inference import AmountObserved, PatientPosterior
from bitesim.inference import estimation as module
from bitesim.inference.amounts import amount_terms
from bitesim.inference.estimation import search, search_from_starts
from tests.inference.small_data import (
    FREE,
    LEUKAEMIA_FREE,
    MODEL,
    PRIORS,
    courses_of,
    leukaemia_patient,
    small_patient,
)

_TIMES = np.array([0.0, 8.0, 29.0, 43.0, 71.0])
_SEEN = np.array([0.4, 0.05, 2e-3, 1e-3, 0.0])
_ROWS = tuple(
    AmountObserved(float(day), "mrd", value, value if value else 1e-4, 0.5) for day, value in zip(_TIMES, _SEEN, strict=True)
)


def minus_log_posterior(scores):
    """Return it from the closed form, by nothing that the search uses but the likelihood of rows."""
    values = [PRIORS[name].median * math.exp(PRIORS[name].sd * z) for name, z in zip(FREE, scores, strict=True)]
    truth = courses_of(tuple(values), _TIMES)
    upper = np.where(_SEEN > 0.0, _SEEN, 1e-4)
    return -amount_terms(_SEEN, upper, np.full(5, 0.5), truth).log_likelihood.sum() - norm.logpdf(scores).sum()


def test_the_maximum_is_that_of_the_closed_form():
    # The share's cut at 1 moves its score, so that it is left out of the comparison's prior.
    priors = {**PRIORS, "fast_share": type(PRIORS["fast_share"])(0.5, 0.5)}
    posterior = PatientPosterior(small_patient(_ROWS), FREE, MODEL, priors=priors, rtol=1e-9)
    found = search(posterior, np.zeros(4))
    reference = minimize(
        minus_log_posterior, np.zeros(4), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000}
    )
    assert found.is_converged
    assert found.method == "trust region"
    np.testing.assert_allclose(found.scores, reference.x, atol=2e-3)
    assert found.log_posterior == pytest.approx(-reference.fun, abs=1e-5)


def test_starts_agree_on_the_leukaemia_model_and_need_few_solves():
    posterior = PatientPosterior(leukaemia_patient(), LEUKAEMIA_FREE, rtol=1e-5)
    outcomes = search_from_starts(posterior, starts=5, seed=3)
    assert all(each.is_converged for each in outcomes)
    best = max(outcomes, key=lambda each: each.log_posterior)
    for each in outcomes:
        assert each.log_posterior == pytest.approx(best.log_posterior, abs=1e-4)
        # In standard deviations of the prior; those of the posterior are a quarter of it and more.
        np.testing.assert_allclose(each.scores, best.scores, atol=0.01)
        assert each.solves <= 25
    starts = [each.start for each in outcomes]
    assert not np.any(starts[0])
    assert np.ptp(starts, axis=0).min() > 0.1


def test_a_start_depends_on_its_number_alone():
    posterior = PatientPosterior(small_patient(_ROWS), FREE, MODEL, priors=PRIORS)
    few, many = search_from_starts(posterior, 2, seed=4), search_from_starts(posterior, 4, seed=4)
    for one, other in zip(few, many, strict=False):
        assert np.array_equal(one.start, other.start)
        assert np.array_equal(one.scores, other.scores)
    assert not np.array_equal(search_from_starts(posterior, 2, seed=5)[1].start, few[1].start)


def test_the_gradient_is_nought_at_the_maximum():
    posterior = PatientPosterior(small_patient(), FREE, MODEL, priors=PRIORS, rtol=1e-8)
    found = search(posterior, np.zeros(4))
    assert np.abs(posterior.evaluate(found.scores).gradient).max() < 0.05


def test_what_the_trust_region_leaves_goes_to_quasi_newton_steps(monkeypatch):
    monkeypatch.setattr(module, "_MOST_STEPS", 1)
    posterior = PatientPosterior(small_patient(_ROWS), FREE, MODEL, priors=PRIORS, rtol=1e-8)
    found = search(posterior, np.full(4, 2.0))
    assert found.method == "L-BFGS-B"
    assert found.is_converged
    monkeypatch.undo()
    assert found.log_posterior == pytest.approx(search(posterior, np.zeros(4)).log_posterior, abs=1e-4)


def test_what_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr(module, "_MOST_STEPS", 1)
    monkeypatch.setattr(module, "_MOST_EVALUATIONS", 1)
    posterior = PatientPosterior(small_patient(_ROWS), FREE, MODEL, priors=PRIORS)
    found = search(posterior, np.full(4, 2.5))
    assert not found.is_converged
    assert "SD of the posterior from a maximum" in str(found)


def test_a_start_that_cannot_be_evaluated_fails_with_its_reason():
    rows = (AmountObserved(0.0, "drug_pg_per_ml", 500.0, 500.0, 0.3, line=7),)
    (found,) = search_from_starts(PatientPosterior(small_patient(rows), FREE, MODEL), 1)
    assert found.log_posterior == -math.inf
    assert str(found) == "start 0: failed: line 7: drug_pg_per_ml = 500 on day 0, where the model has 0"


def test_starts_are_counted():
    posterior = PatientPosterior(small_patient(_ROWS), FREE, MODEL)
    with pytest.raises(ParameterError, match="starts = 0"):
        search_from_starts(posterior, 0)
