"""Targets: what is averaged over patients."""

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.population import curve, mean, proportion, quantile

TABLE = {"age": np.array([1.0, 5.0, 9.0, 20.0]), "gap": np.array([1.0, np.nan, 2.0, 3.0])}


def test_features():
    assert mean("age", 8).features(TABLE, 4).tolist() == [1.0, 5.0, 9.0, 20.0]
    assert proportion("age", 0.5, above=5).features(TABLE, 4).tolist() == [0, 0, 1, 1]
    assert proportion("age", 0.5, at_most=5).features(TABLE, 4).tolist() == [1, 1, 0, 0]
    assert quantile("age", 0.5, 9).features(TABLE, 4).tolist() == [1, 1, 1, 0]
    assert mean([3, 4, 5, 6], 4).features(TABLE, 4).tolist() == [3, 4, 5, 6]


def test_names():
    assert str(mean("age", 8)) == "mean age"
    assert str(proportion(np.ones(4), 0.5, above=0, label="relapsed")) == "share with relapsed above 0"
    assert [str(each) for each in curve("age", {5: 0.25, 9: 0.5})] == [
        "share with age at most 5",
        "share with age at most 9",
    ]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: proportion("age", 60, above=1), "value = 60.*0.6"),
        (lambda: proportion("age", 0.6), "one of them"),
        (lambda: proportion("age", 0.6, above=1, at_most=2), "one of them"),
        (lambda: quantile("age", 50, 9), "probability = 50.*0.5"),
        (lambda: mean("age", np.nan), "value = nan"),
        (lambda: mean("gap", 2).features(TABLE, 4), "mean gap: 1 patients have no finite value"),
        (lambda: mean([1, 2], 2).features(TABLE, 4), r"shape \(2,\)"),
    ],
)
def test_bad_targets_are_refused(make, says):
    with pytest.raises(ParameterError, match=says):
        make()
