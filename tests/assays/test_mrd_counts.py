"""The law of MRD counts against SciPy's binomial and Poisson, direct integration, and its own draws."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import expit

from bitesim.assays.mrd_counts import (
    LARGEST_FRACTION,
    NODES,
    draw_counts,
    log_probability,
    log_probability_of_range,
    log_sum,
    logit,
)

LN10 = np.log(10.0)
#: Fine enough to be exact for smooth integrands: 40 SD in steps of 0.002.
Z = np.linspace(-20.0, 20.0, 20_001)
WEIGHTS = stats.norm.pdf(Z) * (Z[1] - Z[0])


def law(count: float, fraction: float, cells: int, sd: float, nodes: int | None = None) -> tuple[float, float]:
    value, slope = log_probability(np.array([float(count)]), np.array([fraction]), cells, sd, nodes)
    return float(value[0]), float(slope[0])


@pytest.mark.parametrize("fraction", [1e-12, 1e-4, 0.02, 0.5, 0.97])
def test_without_error_it_is_the_binomial(fraction: float) -> None:
    counts = np.arange(2001.0)
    ours = log_probability(counts, np.full(2001, fraction), 2000, 0.0)[0]
    # SciPy's logpmf subtracts ln n! and loses digits: 1e-11 of its largest terms.
    assert ours == pytest.approx(stats.binom.logpmf(counts, 2000, fraction), rel=1e-11, abs=1e-10)


def test_without_error_it_is_poisson_within_le_cams_bound() -> None:
    for fraction in (1e-6, 1e-5, 1e-4):
        counts = np.arange(400.0)
        ours = np.exp(log_probability(counts, np.full(400, fraction), 500_000, 0.0)[0])
        distance = 0.5 * np.sum(np.abs(ours - stats.poisson.pmf(counts, 500_000 * fraction)))
        assert distance < fraction * min(1.0, 500_000 * fraction)


@pytest.mark.parametrize("sd", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(
    ("count", "fraction"), [(0, 1e-6), (0, 1e-4), (3, 1e-7), (9, 1e-3), (60, 1e-4), (1000, 5e-3), (9, 0.3)]
)
def test_the_mixture_is_the_direct_sum_over_the_error(count: int, fraction: float, sd: float) -> None:
    shares = expit(float(logit(np.asarray(fraction))) + sd * LN10 * Z)
    brute = np.sum(WEIGHTS * stats.binom.pmf(count, 500_000, shares))
    assert np.exp(law(count, fraction, 500_000, sd)[0]) == pytest.approx(brute, rel=1e-8, abs=1e-80)


def test_it_agrees_with_adaptive_integration() -> None:
    def integrand(z: float) -> float:
        return float(stats.binom.pmf(5, 250_000, expit(np.log(2e-5) - np.log1p(-2e-5) + 0.3 * LN10 * z)) * stats.norm.pdf(z))

    adaptive = integrate.quad(integrand, -10.0, 10.0, epsabs=1e-13, epsrel=1e-12, points=[-1.0, 0.0, 1.0])[0]
    assert np.exp(law(5, 2e-5, 250_000, 0.3)[0]) == pytest.approx(adaptive, rel=1e-9)


def poisson_mixture(counts: np.ndarray, fraction: float, cells: int, sd: float) -> np.ndarray:
    z = np.linspace(-7.0, 7.0, 701)
    return stats.poisson.pmf(counts[:, None], cells * fraction * 10.0 ** (sd * z)) @ (stats.norm.pdf(z) * (z[1] - z[0]))


def test_where_it_is_the_poisson_count_with_a_log_normal_error() -> None:
    distances = []
    for fraction in (1e-5, 1e-4, 1e-3, 1e-2):
        counts = np.arange(3000.0)
        ours = np.exp(log_probability(counts, np.full(3000, fraction), 10_000, 0.3)[0])
        distances.append(0.5 * np.sum(np.abs(ours - poisson_mixture(counts, fraction, 10_000, 0.3))))
    # Total variation grows with the fraction: nothing at MRD levels, below 1 % at 0.01.
    assert np.all(np.array(distances) < [2e-5, 2e-4, 2e-3, 0.01])
    assert np.all(np.diff(distances) > 0.0)


def test_near_one_the_poisson_count_exceeds_the_cells_and_this_does_not() -> None:
    counts = np.arange(1001.0)
    assert 1.0 - np.sum(poisson_mixture(counts, 0.5, 1000, 0.3)) > 0.1
    assert np.sum(np.exp(log_probability(counts, np.full(1001, 0.5), 1000, 0.3)[0])) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("sd", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("fraction", [1e-300, 1e-5, 3e-3, 0.1, 0.9, 1.0])
def test_probabilities_of_all_counts_sum_to_one_and_scores_to_zero(fraction: float, sd: float) -> None:
    counts = np.arange(801.0)
    logs, slopes = log_probability(counts, np.full(801, fraction), 800, sd)
    probabilities = np.exp(logs)
    assert np.sum(probabilities) == pytest.approx(1.0, abs=1e-12)
    # The expected score is zero at the truth: slopes and probabilities are of the same law.
    assert np.sum(probabilities * slopes) == pytest.approx(0.0, abs=1e-9)


def test_larger_errors_sum_to_one_less_exactly() -> None:
    for sd, tolerance in ((0.5, 1e-10), (1.0, 1e-6)):
        logs, _ = log_probability(np.arange(801.0), np.full(801, 0.01), 800, sd)
        assert np.sum(np.exp(logs)) == pytest.approx(1.0, abs=tolerance)


CASES = [(0, 1e-6), (0, 1e-2), (3, 1e-5), (3, 1e-9), (30, 1e-5), (400, 1e-3), (400, 1e-1)]


@pytest.mark.parametrize(("sd", "tolerance"), [(0.1, 1e-10), (0.3, 1e-10), (0.5, 1e-10), (1.0, 1e-6)])
def test_the_quadrature_converges(sd: float, tolerance: float) -> None:
    enough = next(nodes for largest, nodes in NODES if sd <= largest)
    for count, fraction in CASES:
        exact = law(count, fraction, 500_000, sd, 160)
        errors = [abs(law(count, fraction, 500_000, sd, nodes)[0] - exact[0]) for nodes in (8, 16, 32, 64)]
        floor = tolerance * (1.0 + abs(exact[0]))
        assert all(later < max(earlier, floor) for earlier, later in pairwise(errors)), (
            count,
            fraction,
        )
        value, slope = law(count, fraction, 500_000, sd, enough)
        assert value == pytest.approx(exact[0], abs=floor)
        assert slope == pytest.approx(exact[1], rel=10.0 * tolerance, abs=10.0 * tolerance)


@pytest.mark.parametrize("sd", [0.0, 0.01, 0.3, 0.5])
@pytest.mark.parametrize(("count", "fraction"), [*CASES, (3, 0.5), (0, 0.9), (500_000, 0.3)])
def test_the_slope_is_the_derivative(count: int, fraction: float, sd: float) -> None:
    centre, step = float(logit(np.asarray(fraction))), 1e-3
    # Five points: error step**4 times the fifth derivative.
    points = [law(count, float(expit(centre + shift * step)), 500_000, sd)[0] for shift in (-2, -1, 1, 2)]
    derivative = (points[0] - 8.0 * points[1] + 8.0 * points[2] - points[3]) / (12.0 * step)
    noise = 1e-13 * abs(points[0]) / step
    assert law(count, fraction, 500_000, sd)[1] == pytest.approx(derivative, rel=1e-7, abs=1e-9 + noise)


def test_far_tails_are_finite_and_monotone() -> None:
    fractions = np.array([5e-324, 1e-300, 1e-100, 1e-20, 1e-8, 1e-3, 0.5, 0.999, 1.0])
    for count in (0.0, 1.0, 9.0, 1e4, 499_999.0, 500_000.0):
        for sd in (0.0, 0.001, 0.3, 1.0):
            value, slope = log_probability(np.full(9, count), fractions, 500_000, sd)
            assert np.all(np.isfinite(value))
            assert np.all(np.isfinite(slope))
            assert np.all(value <= 0.0)
    none = log_probability_of_range(0, 3, fractions, 500_000, 0.3)[0]
    assert np.all(np.diff(none) <= 0.0)


def test_a_tail_beyond_fixed_nodes_is_right() -> None:
    # No target among 1e6 cells at f = 0.01 needs an error of many SD, where nodes centred on 0 never come.
    z = np.linspace(-25.0, 0.0, 200_001)
    logs = 1_000_000 * np.log1p(-expit(np.log(0.01 / 0.99) + 0.3 * LN10 * z)) - 0.5 * z**2 - 0.5 * np.log(2.0 * np.pi)
    brute = np.max(logs) + np.log(np.sum(np.exp(logs - np.max(logs))) * (z[1] - z[0]))
    assert law(0, 0.01, 1_000_000, 0.3)[0] == pytest.approx(brute, rel=1e-10)


def test_a_fraction_of_zero_has_no_targets() -> None:
    value, slope = log_probability(np.array([0.0, 1.0]), np.zeros(2), 1000, 0.3)
    assert value.tolist() == [0.0, -np.inf]
    assert slope.tolist() == [0.0, np.inf]


def test_sums_of_probabilities() -> None:
    logs, slopes = np.array([[-1000.0, -np.inf], [-1000.0, -np.inf]]), np.array([[1.0, np.inf], [3.0, np.inf]])
    value, slope = log_sum(logs, slopes)
    assert value == pytest.approx([-1000.0 + np.log(2.0), -np.inf])
    assert slope[0] == pytest.approx(2.0)


def test_draws_invert_the_distribution_function() -> None:
    uniforms = np.random.default_rng(1).uniform(size=(2000, 2))
    counts = draw_counts(np.asarray(3e-5), 250_000, 0.3, uniforms)
    shares = expit(logit(np.asarray(3e-5)) + 0.3 * LN10 * stats.norm.ppf(uniforms[:, 0]))
    assert np.all(stats.binom.cdf(counts, 250_000, shares) >= uniforms[:, 1] * (1.0 - 1e-9))
    assert np.all(stats.binom.cdf(counts - 1.0, 250_000, shares) <= uniforms[:, 1] * (1.0 + 1e-9))


def test_draws_follow_the_law() -> None:
    uniforms = np.random.default_rng(2).uniform(size=(100_000, 2))
    counts = draw_counts(np.asarray(0.02), 500, 0.3, uniforms)
    edges = np.array([0, 2, 4, 6, 8, 10, 13, 17, 22, 30, 501])
    expected = [np.exp(log_probability_of_range(a, b, np.array(0.02), 500, 0.3)[0]) for a, b in pairwise(edges)]
    observed = np.histogram(counts, edges)[0]
    # Chi-squared with 9 degrees of freedom; the seed is fixed: a correct law fails one seed in 1000.
    assert stats.chisquare(observed, 100_000 * np.array(expected), sum_check=False).pvalue > 1e-3


def test_with_the_same_luck_more_disease_never_counts_less() -> None:
    uniforms = np.random.default_rng(3).uniform(size=(200, 2))
    fractions = np.append(0.0, np.logspace(-8, 0, 60))
    counts = draw_counts(fractions[:, None], 500_000, 0.3, uniforms)
    assert np.all(np.diff(counts, axis=0) >= 0.0)
    assert np.all(counts[0] == 0.0)
    assert np.all(counts[-1] >= 499_998)
    assert logit(np.asarray(1.0)) == logit(np.asarray(LARGEST_FRACTION))
