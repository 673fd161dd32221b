"""Distributions of a catalogue, correlations, and their descriptions."""

import json

import numpy as np
import pytest

from bitesim import ParameterError, find_model
from bitesim.population import Constant, LogitNormal, LogNormal, Mixture, Normal, Quantiles, Uniform, Variability
from bitesim.population.variability import distribution_from_dict

EVERY_KIND = [
    Constant(1e-3),
    Uniform(0.1, 0.7),
    Normal(1.0, 0.3, low=0.0),
    LogNormal(2.2, 0.476),
    LogitNormal(0.2, 0.5, high=0.6),
    Quantiles({0: 1, 0.3: 6.1, 1: 30}),
    Mixture([1, 2], [Normal(0, 1), Mixture([1], [Uniform(0, 1)])]),
]


def test_every_row_with_a_spread_is_taken():
    model = find_model("leukaemia")
    spread = Variability.of_catalogue(model)
    assert set(spread.distributions) == {name for name, row in model.catalogue.items() if row.between_patients}
    clearance = spread.distributions["clearance_l_per_h"]
    assert (clearance.median, clearance.sd) == (2.22, 0.476)
    for name, each in spread.distributions.items():
        low, high = model.catalogue[name].bounds
        assert low <= each.range()[0] < each.range()[1] <= high


@pytest.mark.parametrize("distribution", EVERY_KIND)
def test_a_description_is_read_back_exactly(distribution):
    again = distribution_from_dict(json.loads(json.dumps(distribution.as_dict(), allow_nan=False)))
    scores = np.linspace(-3, 3, 41)
    assert again == distribution
    assert again.at_score(scores).tobytes() == distribution.at_score(scores).tobytes()


def test_adding_and_leaving_out():
    spread = Variability({"a": 1.0, "b": Normal(0, 1)}).adding({"c": Normal(0, 1)}, {("b", "c"): 0.5})
    assert spread.distributions["a"] == Constant(1.0)
    assert spread.spearman()["b", "c"] == pytest.approx(0.4826, abs=1e-4)
    assert spread.without("c").correlations == {}
    again = Variability.from_dict(json.loads(json.dumps(spread.as_dict())))
    assert (again.distributions, again.correlations) == (spread.distributions, spread.correlations)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Variability(["a"]), "distributions"),
        (lambda: Variability({"a": "wide"}), "a = 'wide'"),
        (lambda: Variability({"a": (1, 2)}), r"a = \(1, 2\)"),
        (lambda: Variability({"a": Normal(0, 1)}, [0.3]), "correlations"),
        (lambda: Variability({"alpha": Normal(0, 1)}).without("alphA"), "Did you mean 'alpha'"),
        (lambda: distribution_from_dict({"kind": "log-norml"}), "Did you mean 'log-normal'"),
    ],
)
def test_bad_input_is_refused(make, says):
    with pytest.raises(ParameterError, match=says):
        make()


def test_a_constant_cannot_correlate():
    with pytest.raises(ParameterError, match="quantity in correlations 'a'"):
        Variability({"a": 1.0, "b": Normal(0, 1)}, {("a", "b"): 0.5}).copula()
