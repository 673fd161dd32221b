"""Priors say what they are from, and follow the catalogue, the covariates and the user in that order."""

import math

import pytest

import bitesim
from bitesim.foundation.errors import ParameterError, UnknownNameError
from bitesim.inference.priors import WIDTHS, prior_of, priors_of
from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.distributions import LogitNormal, LogNormal, Normal, Uniform
from bitesim.published import MODELS

SET = LEUKAEMIA.parameters


def test_a_published_spread_is_the_prior():
    prior = prior_of(LEUKAEMIA, "clearance_l_per_h", 3.0)
    assert prior.distribution == LogNormal(3.0, 0.476, 0.05, 50.0)
    assert "Clements" in prior.reason


def test_without_one_the_knowledge_decides_and_says_so():
    fitted, assumed = prior_of(LEUKAEMIA, "kills_per_day", 2.0), prior_of(LEUKAEMIA, "marrow_drug_access", 0.9)
    assert fitted.distribution == LogNormal(2.0, WIDTHS["fitted"], 0.1, 50.0)
    assert assumed.distribution == LogNormal(0.9, WIDTHS["assumed"], 0.01, 2.0)
    assert "no published spread; the value is assumed" in assumed.reason
    assert isinstance(prior_of(LEUKAEMIA, "cycling_share", 0.5).distribution, LogitNormal)


def test_a_covariate_is_as_sure_as_its_measurement():
    given = prior_of(LEUKAEMIA, "baseline_blast_fraction", 1e-3, is_covariate_given=True)
    unknown = prior_of(LEUKAEMIA, "baseline_blast_fraction", 1e-3)
    assert given.distribution.sd == pytest.approx(0.3 * math.log(10.0))
    assert unknown.distribution.sd == pytest.approx(math.log(10.0))
    assert "measured with an error" in given.reason
    assert "not measured in this patient" in unknown.reason
    assert prior_of(LEUKAEMIA, "baseline_cd8_t_cells_per_ul", 200.0, is_covariate_given=True).distribution.sd == 0.2


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_every_row_of_every_catalogue_has_a_prior_or_says_what_to_give(model):
    for name, row in model.catalogue.items():
        if row.default > 0.0 or row.bounds[0] < 0.0:
            low, high = prior_of(model, name, row.default).distribution.range()
            assert row.bounds[0] <= low < high <= row.bounds[1]
        else:
            with pytest.raises(ParameterError, match="give its prior"):
                prior_of(model, name, row.default)


def test_the_users_prior_comes_first_and_is_cut_to_the_bounds():
    (prior,) = priors_of(LEUKAEMIA, ["kills_per_day"], SET, priors={"kills_per_day": LogNormal(4.0, 1.0)})
    assert prior.distribution == LogNormal(4.0, 1.0, 0.1, 50.0)
    assert prior.reason == "given"
    (prior,) = priors_of(LEUKAEMIA, ["kills_per_day"], SET, priors={"kills_per_day": Normal(4.0, 1.0)})
    assert prior.distribution == Normal(4.0, 1.0, 0.1, 50.0)


@pytest.mark.parametrize(
    ("free", "priors", "error", "words"),
    [
        ("kills_per_day", None, ParameterError, "give a list"),
        ([], None, ParameterError, "give a list"),
        (["kills_per_day", "kills_per_day"], None, ParameterError, "twice"),
        (["kills_per_dya"], None, UnknownNameError, "Did you mean 'kills_per_day'"),
        (["kills_per_day"], {"volume_l": Uniform(1, 2)}, ParameterError, "not free"),
        (["kills_per_day"], {"kills_per_day": Uniform(0, 2)}, ParameterError, "expected within 0.1 to 50"),
        (["kills_per_day"], {"kills_per_day": LogNormal(200.0, 0.1, 100.0, 300.0)}, ParameterError, "expected within"),
    ],
)
def test_what_cannot_be_a_prior_is_named(free, priors, error, words):
    with pytest.raises(error, match=words):
        priors_of(LEUKAEMIA, free, SET, priors=priors)


def test_models_are_found_where_users_find_them():
    assert bitesim.find_model(None) is LEUKAEMIA
