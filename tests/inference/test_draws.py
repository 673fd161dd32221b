"""Draws are of the posterior: exact for a normal one, set right for a skewed one, and honest about what they are worth."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from bitesim.engines.cohort import run_cohort
from bitesim.foundation.errors import EstimationError
from bitesim.inference import AmountObserved, PatientPosterior, fit_patient
from bitesim.inference import draws as module
from bitesim.inference.draws import posterior_draws, proposals
from bitesim.inference.laplace import Laplace
from bitesim.numerics.outcomes import Outcome
from bitesim.population.distributions import LogNormal
from tests.inference.small_data import FREE, LEUKAEMIA_FREE, MODEL, PRIORS, leukaemia_patient, small_patient

FIT = fit_patient(leukaemia_patient(), LEUKAEMIA_FREE, starts=1)


def test_proposals_have_the_moments_of_the_widened_approximation():
    """Of 4000: means within 5 SE, SDs within 5 SE, correlations within 0.08; alpha below 1e-5 for each."""
    drawn, sd = proposals(FIT.laplace, 4000, seed=1), 1.1 * FIT.laplace.sd
    assert np.all(np.abs(drawn.mean(axis=0) - FIT.scores) < 5.0 * sd / math.sqrt(4000))
    assert np.all(np.abs(drawn.std(axis=0) / sd - 1.0) < 5.0 / math.sqrt(8000))
    exact = 1.1**2 * FIT.laplace.covariance / np.outer(sd, sd)
    assert np.abs(np.corrcoef(drawn.T) - exact).max() < 0.08


def test_a_proposal_depends_on_its_number_and_the_seed_alone():
    few, many = proposals(FIT.laplace, 20, seed=1), proposals(FIT.laplace, 50, seed=1)
    assert np.array_equal(few, many[:20])
    assert not np.array_equal(proposals(FIT.laplace, 20, seed=2), few)


def test_draws_are_worth_many_where_the_approximation_is_good():
    drawn = posterior_draws(FIT.posterior, FIT.laplace, 300, seed=1)
    assert drawn.effective > 150.0
    assert drawn.unsolved == 0
    assert drawn.findings() == []
    again = posterior_draws(FIT.posterior, FIT.laplace, 300, seed=1, threads=1)
    assert np.array_equal(drawn.scores, again.scores)


def test_a_skewed_posterior_is_met_where_its_approximation_is_not():
    """One rate seen through a limit: quantiles of 4000 draws against the integral of the density, each within 5 SE."""
    rows = (AmountObserved(43.0, "mrd", 0.0, 1e-4, 0.5), AmountObserved(71.0, "mrd", 0.0, 1e-4, 0.5))
    priors = {"slow_rate_per_day": LogNormal(0.04, 1.0)}
    fit = fit_patient(small_patient(rows), ["slow_rate_per_day"], MODEL, priors=priors, starts=1)
    exact = PatientPosterior(small_patient(rows), ["slow_rate_per_day"], MODEL, priors=priors, rtol=1e-8)
    drawn = posterior_draws(exact, fit.laplace, 4000, seed=2, rtol=1e-6)

    def density(score):
        return math.exp(exact.evaluate(np.array([score])).log_posterior)

    whole, _ = quad(density, -8, 8, epsabs=1e-12, points=[0.0])
    normal = proposals(fit.laplace, 4000, seed=2)[:, 0]
    off = []
    for score in fit.scores[0] + fit.laplace.sd[0] * np.array([-1.5, -0.7, 0.0, 0.8, 1.6]):
        share = quad(density, -8, score, epsabs=1e-12)[0] / whole
        error = math.sqrt(share * (1.0 - share) / drawn.effective)
        assert abs(np.mean(drawn.scores[:, 0] <= score) - share) < 5.0 * error
        off.append(abs(np.mean(normal <= score) - share) / error)
    assert max(off) > 5.0, "the approximation alone would have passed: the case tests nothing"


def test_an_approximation_somewhere_else_is_told():
    wrong = Laplace(FIT.names, FIT.scores + 4.0 * FIT.laplace.sd, FIT.laplace.covariance, FIT.laplace.hessian,
                    FIT.laplace.data_information, 0.0)  # fmt: skip
    drawn = posterior_draws(FIT.posterior, wrong, 200, seed=1)
    assert drawn.effective < 20.0
    assert "200 draws are worth" in drawn.findings()[0]


def test_ranks_of_the_truth_are_uniform():
    """40 patients of the small model drawn from the prior, four parameters each, ranks among 19 draws in 10 bins.

    Null: the truth is one more draw. Chi-square with 9 degrees of freedom over 160 ranks, which within a patient are nearly
    independent; above 33.7 with probability 1e-4.
    """
    counts, times = np.zeros(10), np.array([0.0, 3.0, 8.0, 15.0, 29.0, 43.0, 71.0])
    priors = {**PRIORS, "fast_share": LogNormal(0.5, 0.5)}
    for number in range(40):
        rng = np.random.default_rng([7, number])
        truth = rng.standard_normal(4)
        rates = [priors[name].median * math.exp(priors[name].sd * z) for name, z in zip(FREE, truth, strict=True)]
        mean = rates[0] * np.exp(-rates[2] * times) + rates[1] * np.exp(-rates[3] * times)
        seen = mean * np.exp(0.5 * rng.standard_normal(len(times)))
        rows = tuple(
            AmountObserved(float(day), "mrd", 0.0 if value < 1e-3 else value, max(value, 1e-3), 0.5)
            for day, value in zip(times, seen.tolist(), strict=True)
        )
        fit = fit_patient(small_patient(rows), FREE, MODEL, priors=priors, starts=2)
        drawn = posterior_draws(fit.posterior, fit.laplace, 380, seed=number, threads=1).scores[::20]
        ranks = np.sum(drawn < truth, axis=0)
        counts += np.bincount(ranks // 2, minlength=10)
    assert counts.sum() == 160
    assert np.sum((counts - 16.0) ** 2 / 16.0) < 33.7


def test_what_cannot_be_solved_has_no_weight(monkeypatch):
    def half_of_them(*arguments, **options):
        result = run_cohort(*arguments, **options)
        result.outcome[::2] = int(Outcome.TOO_MANY_STEPS)
        return result

    monkeypatch.setattr(module, "run_cohort", half_of_them)
    drawn = posterior_draws(FIT.posterior, FIT.laplace, 40, seed=1)
    assert drawn.unsolved == 20
    lost = {each.tobytes() for each in proposals(FIT.laplace, 40, seed=1)[::2]}
    assert not lost & {each.tobytes() for each in drawn.scores}

    def none_of_them(*arguments, **options):
        result = run_cohort(*arguments, **options)
        result.outcome[:] = int(Outcome.TOO_MANY_STEPS)
        return result

    monkeypatch.setattr(module, "run_cohort", none_of_them)
    with pytest.raises(EstimationError, match="none of 40 draws of p001"):
        posterior_draws(FIT.posterior, FIT.laplace, 40, seed=1)
