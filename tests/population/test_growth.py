"""Bodies reproduce the growth references, and belong together."""

import math

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.datasets import cdc_2000_growth
from bitesim.leukaemia.ages import t_cells_relative_to_adult
from bitesim.population import Growth, Normal, Quantiles, Uniform, body_surface_area
from bitesim.population.copula import Copula
from bitesim.population.growth import at_lms, growth_from_dict, height_weight_correlation, heights_and_weights

#: Ages of the randomised children and young adults of AALL1331 (Brown et al. 2021, JAMA 325:833): median 9, quartiles 6, 16.
AALL1331 = Quantiles({0: 1, 0.25: 6, 0.5: 9, 0.75: 16, 1: 30})
COUNT = 20_000
CENTILES = np.array([0.05, 0.5, 0.95])


def drawn(growth, count=COUNT, seed=5):
    return growth.bodies(Copula(growth.scores, {}).scores(seed, np.arange(count, dtype=np.uint64)))


def centile_error(values, expected):
    """Return how far the shares below expected centiles are from these, in standard errors."""
    shares = (values[:, None] <= expected).mean(axis=0)
    return np.abs(shares - CENTILES) / np.sqrt(CENTILES * (1.0 - CENTILES) / len(values))


@pytest.mark.parametrize("age", [0.5, 2.0, 6.0, 9.0, 13.0, 17.0, 20.0, 40.0])
@pytest.mark.parametrize("female", [0, 1])
def test_median_and_outer_centiles_are_those_of_the_reference(age, female):
    body = drawn(Growth(age, female_share=float(female), cd8_sd=None))
    reference = cdc_2000_growth()[female]
    scores = stats.norm.ppf(CENTILES)
    for name, table in (("height_cm", reference.height_cm), ("weight_kg", reference.weight_kg)):
        expected = at_lms(reference, table, np.full(3, age), scores)
        # The cut at 3 moves a share by less than 0.0014, which is a standard error of 0.9; 4.4 + 0.9 of them.
        assert centile_error(body[name], expected).max() < 5.3, name


@pytest.mark.parametrize(("age", "most"), [(3.0, 0.03), (6.0, 0.04), (10.0, 0.04), (15.0, 0.07), (20.0, 0.06), (40.0, 0.03)])
@pytest.mark.parametrize("female", [0, 1])
def test_the_body_mass_index_is_the_published_one_within_per_cent(age, most, female):
    """Independent of what was put in: the index has a reference of its own, of which only the spread was used."""
    body = drawn(Growth(age, female_share=float(female), cd8_sd=None))
    index = body["weight_kg"] / (body["height_cm"] / 100.0) ** 2
    reference = cdc_2000_growth()[female]
    expected = at_lms(reference, reference.bmi_kg_per_m2, np.full(3, age), stats.norm.ppf(CENTILES))
    np.testing.assert_allclose(np.quantile(index, CENTILES), expected, rtol=most)


def test_published_centiles_of_the_source():
    # Statures of boys of 24 months as the source prints them beside L, M and S.
    boys = cdc_2000_growth()[0]
    found = at_lms(boys, boys.height_cm, np.full(3, 2.0), stats.norm.ppf(CENTILES))
    np.testing.assert_allclose(found, [80.72977321, 86.45220101, 92.19687928], rtol=1e-8)


def test_height_and_weight_correlate_as_stated():
    for age, female in ((5.0, 0), (14.0, 1)):
        rng = np.random.default_rng(3)
        tall, heavy = rng.standard_normal((2, COUNT))
        height, weight = heights_and_weights(np.full(COUNT, float(female)), np.full(COUNT, age), tall, heavy)
        found = stats.spearmanr(height, weight).statistic
        rho = float(height_weight_correlation(bool(female), np.array([age]))[0])
        assert 0.3 < rho < 0.85
        assert found == pytest.approx(6 / math.pi * math.asin(rho / 2), abs=4.4 / math.sqrt(COUNT))


def test_ages_sex_and_surface():
    body = drawn(Growth(AALL1331, female_share=0.47))
    assert stats.kstest(body["age_years"], AALL1331.cdf).pvalue > 1e-4
    assert abs(body["female"].mean() - 0.47) < 4.4 * 0.5 / math.sqrt(COUNT)
    for k in range(50):
        assert body["bsa_m2"][k] == body_surface_area(float(body["height_cm"][k]), float(body["weight_kg"][k]))


def test_t_cells_follow_age_with_the_spread_asked_for():
    body = drawn(Growth(Uniform(2.0, 18.0), cd8_sd=0.5))
    usual = 180.0 * np.array([t_cells_relative_to_adult(age) for age in body["age_years"].tolist()])
    spread = np.log(body["blood_cd8_t_cells_per_ul"] / usual)
    assert stats.kstest(spread, stats.norm(0.0, 0.5).cdf).pvalue > 1e-4
    assert "blood_cd8_t_cells_per_ul" not in drawn(Growth(9.0, cd8_sd=None), 10)


def test_a_body_depends_on_its_own_scores_only():
    growth = Growth(AALL1331)
    few, many = drawn(growth, 17), drawn(growth, 1000)
    for name, values in few.items():
        assert values.tobytes() == many[name][:17].tobytes(), name


def test_a_constant_age_draws_none():
    assert "age_years" not in Growth(9.0).scores
    assert (drawn(Growth(9.0), 5)["age_years"] == 9.0).all()


def test_a_description_is_read_back():
    growth = Growth(AALL1331, female_share=0.4, cd8_sd=None)
    assert growth_from_dict(growth.as_dict()) == growth


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Growth(Normal(40, 15)), "age_years reaches from -inf.*low=18"),
        (lambda: Growth(180.0), "age_years reaches from 180"),
        (lambda: Growth("child"), "age_years = 'child'"),
        (lambda: Growth(9.0, female_share=46), "female_share = 46.*0.46"),
        (lambda: Growth(9.0, cd8_sd=-1), "cd8_sd = -1"),
    ],
)
def test_impossible_bodies_are_refused(make, says):
    with pytest.raises(ParameterError, match=says):
        make()
