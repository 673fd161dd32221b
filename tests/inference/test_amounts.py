"""The likelihood of amounts: exact in the far tails, whole over a partition, and with its exact slope."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import norm

from bitesim.assays import CD69_BIOASSAY
from bitesim.inference.amounts import amount_terms, inverse_mills, noise_nodes, noisy_terms


def terms(lower, upper, sd, true):
    return amount_terms(*(np.atleast_1d(np.asarray(each, float)) for each in (lower, upper, sd, true)))


@pytest.mark.parametrize("score", [-1e3, -38.0, -5.0, -1.0, 0.0, 2.0, 30.0])
def test_censored_tails_are_finite_and_exact(score):
    limit, sd = 100.0, 0.4
    found = terms(0.0, limit, sd, limit * math.exp(-score * sd))
    assert found.log_likelihood[0] == pytest.approx(log_ndtr(score), rel=1e-12, abs=1e-300)
    mills = math.exp(norm.logpdf(score) - log_ndtr(score)) if score > -30 else -score * (1.0 + 1.0 / score**2)
    assert -found.slope[0] * sd == pytest.approx(mills, rel=1e-9 if score > -30 else 2.5 / score**2, abs=1e-300)
    assert np.isfinite([*found.weight, *found.slope]).all()


def test_inverse_mills_equals_its_asymptotic_series():
    for score in (-100.0, -1e3, -1e6):
        series = -score / (1.0 - 1.0 / score**2 + 3.0 / score**4 - 15.0 / score**6 + 105.0 / score**8)
        assert inverse_mills(np.array(score)) == pytest.approx(series, rel=1e-12)


def test_a_value_is_the_density_of_its_logarithm():
    found = terms(30.0, 30.0, 0.5, 20.0)
    assert found.log_likelihood[0] == pytest.approx(norm.logpdf(math.log(30.0), math.log(20.0), 0.5), abs=1e-14)
    assert found.slope[0] == pytest.approx(math.log(1.5) / 0.25, rel=1e-14)
    assert found.weight[0] == pytest.approx(4.0)


def test_values_and_limits_are_those_of_the_assay():
    level = 300.0
    for outcome, value, lower, upper in (
        ("measured", 400.0, 400.0, 400.0), ("below", None, 0.0, 50.0), ("above", None, 1000.0, math.inf),
    ):  # fmt: skip
        found = terms(lower, upper, CD69_BIOASSAY.sd_ln, level)
        assert found.log_likelihood[0] == pytest.approx(CD69_BIOASSAY.log_likelihood(outcome, value, level), rel=1e-13)
        assert found.slope[0] == pytest.approx(CD69_BIOASSAY.log_likelihood_slope(outcome, value, level), rel=1e-12)


def test_a_lower_limit_that_vanishes_gives_m3_and_both_ends_open_say_nothing():
    m3 = terms(0.0, 70.0, 0.3, 100.0)
    for low in (1e-10, 1e-100, 1e-300):
        m4 = terms(low, 70.0, 0.3, 100.0)
        for ours, theirs in zip(m4, m3, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    # With a limit of quantification far below everything no row is under it, and being under it cannot happen.
    values = np.array([3e-5, 1.0, 200.0])
    limited = np.where(values < 1e-300, 0.0, values), np.where(values < 1e-300, 1e-300, values)
    for ours, theirs in zip(terms(*limited, 0.3, 90.0), terms(values, values, 0.3, 90.0), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert math.exp(terms(0.0, 1e-300, 0.3, 90.0).log_likelihood[0]) == 0.0
    assert terms(1e-300, 1e300, 0.3, 100.0).log_likelihood[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("true", [1e-3, 0.7, 20.0, 55.0, 1e4])
def test_a_partition_of_the_outcomes_is_whole(true):
    sd, limits = 0.6, [0.0, 0.5, 3.0, 50.0, 60.0, math.inf]
    lower, upper = np.array(limits[:-1]), np.array(limits[1:])
    found = amount_terms(lower, upper, np.full(5, sd), np.full(5, true))
    shares = np.exp(found.log_likelihood)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    # The slopes of a whole cancel.
    assert shares @ found.slope == pytest.approx(0.0, abs=1e-12)

    def density(x):
        return math.exp(terms(math.exp(x), math.exp(x), sd, true).log_likelihood[0])

    values, _ = quad(density, math.log(3), math.log(50))
    assert values == pytest.approx(shares[2], abs=1e-9)


def test_slopes_are_derivatives_also_far_out():
    rng = np.random.default_rng(1)
    lower = np.array([0.0, 3.0, 5.0, 4.0, 10.0])
    upper = np.array([2.0, 3.0, math.inf, 6.0, 10.5])
    sd = np.array([0.3, 0.4, 0.2, 0.5, 0.1])
    for _ in range(200):
        true = np.exp(rng.uniform(-8, 8, 5))
        step = 1e-4
        shifted = [amount_terms(lower, upper, sd, true * math.exp(k * step)).log_likelihood for k in (-2, -1, 1, 2)]
        exact = (shifted[0] - 8 * shifted[1] + 8 * shifted[2] - shifted[3]) / (12 * step)
        found = amount_terms(lower, upper, sd, true)
        np.testing.assert_allclose(found.slope, exact, rtol=1e-6, atol=1e-6)
        assert np.all(found.weight >= 0.0)


def test_weights_are_the_information_of_the_whole_measurement():
    """Over values above a limit and the event of being below, the mean squared slope is the weight of the censored row."""
    limit, sd = 10.0, 0.5
    for true in (1.0, 8.0, 12.0, 60.0):
        below = terms(0.0, limit, sd, true)
        above, _ = quad(lambda z: norm.pdf(z) * (z / sd) ** 2, (math.log(limit) - math.log(true)) / sd, 12.0, epsabs=1e-12)
        expected = math.exp(below.log_likelihood[0]) * below.slope[0] ** 2 + above
        assert below.weight[0] == pytest.approx(expected, rel=1e-8)


def test_nothing_is_certainly_below_and_never_a_value():
    found = amount_terms(np.array([0.0, 5.0, 2.0]), np.array([1.0, 5.0, 3.0]), np.full(3, 0.3), np.array([0.0, 0.0, -1e-20]))
    assert found.log_likelihood.tolist() == [0.0, -math.inf, -math.inf]
    assert found.slope.tolist() == [0.0, math.inf, math.inf]
    assert found.weight.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("rows", [1, 4, 12, 60])
def test_own_noise_is_integrated_to_the_last_digits(rows):
    rng = np.random.default_rng(rows)
    own, sd, true = 0.643, np.full(rows, 0.559), np.full(rows, 300.0)
    values = true * np.exp(1.3 * rng.normal(size=rows))
    lower, upper = values.copy(), values.copy()
    lower[::3], upper[::3] = 0.0, 50.0

    def joint(z, centre=true):
        each = amount_terms(lower, upper, sd * math.exp(own * z), centre)
        return each.log_likelihood.sum() + norm.logpdf(z)

    grid = np.linspace(-8, 8, 4001)
    heights = [joint(z) for z in grid]
    peak, top = max(heights), grid[int(np.argmax(heights))]
    integral, _ = quad(lambda z: math.exp(joint(z) - peak), -8, 8, points=[top], limit=400, epsabs=1e-13)
    total, slope, weight = noisy_terms(lower, upper, sd, own, true)
    assert total == pytest.approx(peak + math.log(integral), abs=1e-9)
    step = 1e-3
    for row in range(min(rows, 4)):
        near, far = (
            noisy_terms(lower, upper, sd, own, np.where(np.arange(rows) == row, true * math.exp(k * step), true))[0]
            - noisy_terms(lower, upper, sd, own, np.where(np.arange(rows) == row, true * math.exp(-k * step), true))[0]
            for k in (1, 2)
        )
        assert slope[row] == pytest.approx((8 * near - far) / (12 * step), rel=1e-7, abs=1e-9)
    assert np.all(weight > 0.0)


def test_noise_that_hardly_varies_is_the_typical_patients():
    lower = upper = np.array([200.0, 500.0])
    sd, true = np.full(2, 0.5), np.full(2, 300.0)
    assert noisy_terms(lower, upper, sd, 1e-6, true)[0] == pytest.approx(
        amount_terms(lower, upper, sd, true).log_likelihood.sum(), abs=1e-9
    )
    scores, log_weights = noise_nodes(0.5, 10)
    assert np.exp(log_weights).sum() == pytest.approx(1.0, abs=1e-12)
    assert len(scores) < 150
