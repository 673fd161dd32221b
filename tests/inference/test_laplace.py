"""Laplace's approximation: exact where the posterior is normal, and honest where the data say nothing."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

import bitesim
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError
from bitesim.inference import AmountObserved, PatientData, PatientPosterior, fit_patient
from bitesim.inference.laplace import Laplace, laplace
from bitesim.inference.posterior import Evaluation
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet
from bitesim.population.distributions import LogNormal
from bitesim.treatment import Regimen
from tests.inference.small_data import FREE, MODEL, PRIORS, leukaemia_patient, small_patient


@kernel
def _fluxes(s, p, f):
    f.fall = -p.rate


@kernel
def _start(p, s):
    s.ln_size = np.log(p.a * p.b)


@kernel
def _read(s, p, r):
    r.size = np.exp(s.ln_size)


def _row(name, value):
    return Parameter(name, "1", value, (1e-6, 1e6), "of the test", "made up", "assumed")


#: y = a b exp(-rate t): no data can tell a from b.
PRODUCT = bitesim.derive(
    Model(
        name="product",
        title="a product",
        source="made up",
        parameters=ParameterSet(
            Catalogue("product", (_row("a", 2.0), _row("b", 3.0), _row("rate", 0.1), _row("idle", 1.0)))
        ),
        species=SpeciesTable((Species("ln_size", "-", "size", 1.0),)),
        processes=Processes({"fall": {"ln_size": 1}}),
        fluxes=_fluxes,
        initial_state=_start,
        readouts=(Readout("size", "1", "size"),),
        read=_read,
        drug=DrugInput("ln_size"),
    )
)
_TIMES = (0.0, 2.0, 5.0, 9.0)


def product_fit(sd=0.1, **options):
    rows = tuple(AmountObserved(day, "size", y, y, sd) for day, y in zip(_TIMES, (6.3, 5.0, 3.5, 2.5), strict=True))
    data = PatientData(bitesim.Patient(name="product"), Regimen.none(), rows)
    return fit_patient(data, options.pop("free", ["a", "b", "rate"]), PRODUCT, starts=1, **options)


def test_a_normal_posterior_is_met_exactly():
    """ln y is linear in ln a: the posterior of ln a and ln b is normal, with covariance (I + J'J / sd2)**-1."""
    fit = product_fit(free=["a", "b"], rtol=1e-9)
    along = np.ones((4, 2))
    exact = np.linalg.inv(np.eye(2) + along.T @ along / 0.1**2)
    np.testing.assert_allclose(fit.laplace.covariance, exact, rtol=1e-6)
    residuals = np.log([6.3, 5.0, 3.5, 2.5]) - math.log(6.0) + 0.1 * np.array(_TIMES)
    np.testing.assert_allclose(fit.scores, exact @ along.T @ residuals / 0.1**2, rtol=1e-5)
    # And its probability of the data is that of a normal vector.
    covariance = along @ along.T + 0.1**2 * np.eye(4)
    evidence = -0.5 * residuals @ np.linalg.solve(covariance, residuals) - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    assert fit.laplace.log_evidence == pytest.approx(evidence, abs=1e-5)


def test_a_product_is_named_with_both_its_factors():
    fit = product_fit()
    assert fit.laplace.rank_deficit == 1
    assert fit.laplace.unseen_combinations() == (("a", "b"),)
    assert "the data fix a single combination of a and b" in " ".join(fit.laplace.findings())
    assert "The data fix a single combination of a and b." in repr(fit)
    # The product is known, the factors are as one prior of two leaves them: 1 / sqrt(2).
    spread = dict(zip(fit.names, fit.laplace.sd, strict=True))
    assert spread["a"] == pytest.approx(math.sqrt(0.5), rel=0.02)
    along = np.array([1.0, 1.0, 0.0]) / math.sqrt(2.0)
    assert along @ fit.laplace.covariance @ along < 0.01
    across = np.array([1.0, -1.0, 0.0]) / math.sqrt(2.0)
    assert across @ fit.laplace.covariance @ across == pytest.approx(1.0, rel=1e-6)


def test_a_profile_along_the_product_is_flat_and_across_it_a_parabola():
    fit = product_fit()
    here = fit.posterior.evaluate(fit.scores).log_likelihood
    for shift in (-2.0, -0.5, 1.0, 2.0):
        flat = fit.posterior.evaluate(fit.scores + shift * np.array([1.0, -1.0, 0.0])).log_likelihood
        assert flat == pytest.approx(here, abs=1e-3)
        steep = fit.posterior.evaluate(fit.scores + shift * np.array([1.0, 0.0, 0.0])).log_likelihood
        assert here - steep > 20.0


def test_a_parameter_that_nothing_depends_on_keeps_its_prior_and_says_so():
    fit = product_fit(free=["a", "rate", "idle"])
    assert fit.laplace.unseen_parameters() == ("idle",)
    assert fit.laplace.unseen_combinations() == ()
    assert fit.laplace.kept_priors() == ("idle",)
    assert fit.scores[2] == 0.0
    assert fit.laplace.sd[2] == pytest.approx(1.0, abs=1e-9)
    row = next(row for row in fit.rows() if row["parameter"] == "idle")
    assert (row["low"], row["high"]) == pytest.approx((row["prior_low"], row["prior_high"]))
    assert "Not identified, keeps its prior: idle." in repr(fit)


def test_uninformative_data_return_the_prior_and_say_so():
    """One vague level: no parameter of the disease has moved, and all of them are named."""
    data = leukaemia_patient()
    rows = (AmountObserved(2.0, "serum_drug_pg_per_ml", 500.0, 500.0, 20.0),)
    fit = fit_patient(PatientData(data.patient, data.regimen, rows), starts=2)
    np.testing.assert_allclose(fit.scores, 0.0, atol=1e-2)
    np.testing.assert_allclose(fit.laplace.sd, 1.0, atol=1e-2)
    assert fit.laplace.kept_priors() == fit.names
    for row in fit.rows():
        assert row["estimate"] == pytest.approx(row["prior_median"], rel=0.02)
        assert row["low"] == pytest.approx(row["prior_low"], rel=0.05)
        assert row["high"] == pytest.approx(row["prior_high"], rel=0.05)
    assert f"Not identified, keeps its prior: {', '.join(fit.names)}." in repr(fit)


def test_late_rows_below_the_limit_leave_the_slow_clone_open_below():
    """All that is known of a clone that was never seen is that it is small: its upper end moves, its lower one hardly."""
    rows = tuple(AmountObserved(day, "mrd", 0.0, 1e-4, 0.5) for day in (43.0, 71.0, 99.0))
    fit = fit_patient(small_patient(rows), ["slow_share"], MODEL, priors={"slow_share": PRIORS["slow_share"]}, starts=1)
    (row,) = fit.rows()
    assert row["estimate"] < row["prior_median"]
    assert row["high"] < 0.6 * row["prior_high"]
    assert row["low"] > 0.2 * row["prior_low"]


def test_approximation_is_near_the_integral_of_one_parameter():
    rows = (AmountObserved(43.0, "mrd", 1e-3, 1e-3, 0.5), AmountObserved(71.0, "mrd", 0.0, 1e-4, 0.5))
    posterior = PatientPosterior(small_patient(rows), FREE[3:], MODEL, priors={FREE[3]: LogNormal(0.04, 0.5)}, rtol=1e-8)
    fit = fit_patient(small_patient(rows), FREE[3:], MODEL, priors={FREE[3]: LogNormal(0.04, 0.5)}, starts=1)

    def density(score):
        return math.exp(posterior.evaluate(np.array([score])).log_posterior)

    whole, _ = quad(density, -6, 6, epsabs=1e-10)
    mean, _ = quad(lambda z: z * density(z) / whole, -6, 6, epsabs=1e-10)
    square, _ = quad(lambda z: z * z * density(z) / whole, -6, 6, epsabs=1e-10)
    assert fit.laplace.log_evidence == pytest.approx(math.log(whole), abs=0.05)
    assert fit.laplace.sd[0] == pytest.approx(math.sqrt(square - mean**2), rel=0.1)


class _Saddle:
    """A posterior that curves upwards along its second score."""

    rtol, names = 1e-8, ("up", "down")

    def evaluate(self, scores):
        gradient = np.array([-2.0 * scores[0], 0.5 * scores[1]])
        return Evaluation(-(scores[0] ** 2) + 0.25 * scores[1] ** 2, 0.0, gradient, np.diag([1.0, 0.2]))


def test_a_point_that_is_no_maximum_is_named_by_its_direction():
    found = laplace(_Saddle(), np.zeros(2))
    assert "not positive definite (smallest eigenvalue -0.5, along down)" in found.problem
    np.testing.assert_allclose(found.covariance, np.diag([0.5, 1.0 / 1.2]))


def test_levels_are_probabilities():
    flat = Laplace(("a",), np.zeros(1), np.eye(1), np.eye(1), np.zeros((1, 1)), 0.0)
    np.testing.assert_allclose(np.ravel(flat.interval(0.95)), [-1.959964, 1.959964], atol=1e-6)
    with pytest.raises(ParameterError, match=r"90 % is 0.9"):
        flat.interval(90)
