"""Prevalence weights: targets are met, the entropy is the least, and what cannot be met is named."""

import numpy as np
import pytest
from scipy import optimize, stats

from bitesim import ParameterError, VirtualPopulation
from bitesim.population import Growth, LogNormal, Uniform, Variability, curve, mean, proportion, quantile
from bitesim.population.weighting import _largest_support, weigh

COUNT = 20_000
NORMAL = {"x": np.random.default_rng(8).standard_normal(COUNT)}


def test_targets_are_met_to_the_optimisers_tolerance():
    spread = Variability({"mrd": LogNormal.of_log10(-3.0, 1.5, -8.0, -1.0)})
    population = VirtualPopulation.sample(3000, seed=4, variability=spread, covariates=Growth(Uniform(1, 30)))
    # AALL1331's children and young adults (Brown et al. 2021, JAMA 325:833).
    targets = [
        *curve("age_years", {6: 0.25, 9: 0.5, 16: 0.75}),
        proportion("mrd", 0.6, above=1e-3),
        proportion("mrd", 0.27, at_most=1e-4),
        mean("female", 0.47),
    ]
    weighting = population.weighted(targets)
    np.testing.assert_allclose(weighting.after, [target.value for target in targets], atol=1e-8)
    assert weighting.weights.min() >= 0.0
    assert weighting.weights.sum() == pytest.approx(1.0)
    for probability, age in ((0.25, 6.0), (0.5, 9.0), (0.75, 16.0)):
        order = np.argsort(population["age_years"])
        reached = population["age_years"][order][np.searchsorted(np.cumsum(weighting.weights[order]), probability - 1e-9)]
        assert reached == pytest.approx(age, abs=0.1)
    assert weighting.effective_size == pytest.approx(weighting.weights.sum() ** 2 / (weighting.weights**2).sum())
    assert f"worth {weighting.effective_size:.1f} equally" in str(weighting)
    assert "share with mrd above 0.001" in weighting._repr_html_()


def test_a_shifted_mean_of_a_normal_is_its_exponential_tilt():
    # Of all distributions with mean 0.5, the nearest to N(0, 1) is N(0.5, 1): ESS exp(-0.25) of them, entropy 0.125.
    weighting = weigh(NORMAL, [mean("x", 0.5)], patients=COUNT)
    variance = np.sum(weighting.weights * (NORMAL["x"] - 0.5) ** 2)
    assert variance == pytest.approx(1.0, abs=0.05)
    assert weighting.effective_size / COUNT == pytest.approx(np.exp(-0.25), abs=0.02)
    assert weighting.relative_entropy == pytest.approx(0.125, abs=0.005)


def test_resampled_patients_have_the_summaries():
    weighting = weigh(NORMAL, [proportion("x", 0.3, above=0.0), quantile("x", 0.9, 1.0)], patients=COUNT)
    drawn = np.random.default_rng(9).choice(NORMAL["x"], 10_000, p=weighting.weights)
    # 4.4 standard errors of 10,000 draws are passed by all but 1 in 1e5.
    assert (drawn > 0.0).mean() == pytest.approx(0.3, abs=4.4 * np.sqrt(0.3 * 0.7 / 10_000))
    assert (drawn <= 1.0).mean() == pytest.approx(0.9, abs=4.4 * np.sqrt(0.9 * 0.1 / 10_000))


def test_the_entropy_is_the_least_by_an_independent_optimiser():
    rng = np.random.default_rng(10)
    table = {"x": rng.standard_normal(12), "y": rng.standard_normal(12)}
    start = rng.uniform(0.5, 2.0, 12)
    start /= start.sum()
    targets = [mean("x", 0.2), proportion("y", 0.55, above=0.0)]
    features = np.array([target.features(table, 12) for target in targets])
    weighting = weigh(table, targets, start, patients=12)
    direct = optimize.minimize(
        lambda w: np.sum(w * np.log(w / start)),
        start,
        bounds=[(1e-12, 1)] * 12,
        constraints=[
            {"type": "eq", "fun": lambda w: features @ w - [0.2, 0.55]},
            {"type": "eq", "fun": lambda w: w.sum() - 1.0},
        ],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(weighting.weights, direct.x, atol=1e-5)
    assert weighting.relative_entropy <= direct.fun + 1e-9


def test_what_is_met_already_keeps_the_weights():
    weighting = weigh(NORMAL, [mean("x", float(NORMAL["x"].mean()))], patients=COUNT)
    assert weighting.effective_size == pytest.approx(COUNT)
    assert weighting.relative_entropy == pytest.approx(0.0, abs=1e-12)


def test_a_weighted_bootstrap_mean_is_unbiased():
    """Weights of a sample from a wrong prior give the right mean of another quantity, over many samples."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(400)
        y = x + rng.standard_normal(400)
        weighting = weigh({"x": x}, [mean("x", 0.5)], patients=400)
        found.append(np.sum(weighting.weights * y))
    # Under N(0.5, 1) the mean of y is 0.5; Student's t over 40 samples, passed by all but 1 in 1e4.
    assert stats.ttest_1samp(found, 0.5).pvalue > 1e-4


def test_targets_at_the_end_of_a_range_leave_only_those_patients():
    weighting = weigh(NORMAL, [proportion("x", 0.0, above=1.0), mean("x", -0.5)], patients=COUNT)
    assert weighting.weights[NORMAL["x"] > 1.0].max() == 0.0
    np.testing.assert_allclose(weighting.after, [0.0, -0.5], atol=1e-8)


def test_a_flat_piece_of_a_curve_leaves_nobody_there():
    weighting = weigh(NORMAL, [*curve("x", {-1.0: 0.2, 0.0: 0.5, 1.0: 0.5}), mean("x", 0.4)], patients=COUNT)
    np.testing.assert_allclose(weighting.after, [0.2, 0.5, 0.5, 0.4], atol=1e-8)
    between = (NORMAL["x"] > 0.0) & (NORMAL["x"] <= 1.0)
    assert weighting.weights[between].sum() < 1e-8
    # Where the multipliers would have to be infinite, a linear programme finds who is left.
    features = np.array([NORMAL["x"] <= 0.0, NORMAL["x"] <= 1.0]) - 0.5
    assert np.array_equal(_largest_support(features[:, :2000]), ~between[:2000])


def test_targets_that_repeat_each_other_are_met():
    targets = [proportion("x", 0.4, above=0.0), proportion("x", 0.6, at_most=0.0)]
    np.testing.assert_allclose(weigh(NORMAL, targets, patients=COUNT).after, [0.4, 0.6], atol=1e-8)


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        ([mean("x", 9.0)], "target mean x = 9 is out of reach.*unit"),
        ([proportion("x", 0.5, above=9.0)], "share with x above 9 = 0.5 is out of reach"),
        ([mean("x", 0.0), proportion("x", 0.6, above=0.0), proportion("x", 0.7, at_most=0.0)], "together.*share with x"),
        ([proportion("x", 0.0, above=0.0), mean("x", 1.0)], "whom the other targets leave"),
        ([mean("x", 2.9), proportion("x", 0.9, at_most=0.0)], "together"),
        ([], "targets"),
        (["x"], "targets"),
    ],
)
def test_what_cannot_be_met_is_named(targets, says):
    with pytest.raises(ParameterError, match=says):
        weigh(NORMAL, targets, patients=COUNT)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([1.0, -0.5, 1.0], r"weights\[1\] = -0.5"),
        ([1.0, np.nan, 1.0], r"weights\[1\] = nan"),
        ([1.0, np.inf, 1.0], r"weights\[1\] = inf"),
        ([0.0, 0.0, 0.0], "all 0"),
        ([1.0, 1.0], r"shape \(2,\)"),
        (["a", "b", "c"], "not numbers"),
    ],
)
def test_bad_weights_are_refused(weights, says):
    with pytest.raises(ParameterError, match=says):
        weigh({"x": np.arange(3.0)}, [mean("x", 1.0)], weights, patients=3)
