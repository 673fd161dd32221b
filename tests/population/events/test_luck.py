"""Luck: uniform, the same for a patient in any company, and apart for whatever else is decided."""

import numpy as np
import pytest
from scipy import stats

from bitesim.foundation.errors import ParameterError
from bitesim.population.events.luck import Luck

MANY = Luck(1, np.arange(20_000))


def test_numbers_have_their_distributions():
    # Kolmogorov-Smirnov, false-alarm rate 1e-3 each, fixed seed.
    assert stats.kstest(MANY.uniform("a"), "uniform").pvalue > 1e-3
    assert stats.kstest(MANY.exponential("b"), "expon").pvalue > 1e-3
    assert stats.kstest(MANY.normal("c"), "norm").pvalue > 1e-3
    assert stats.kstest([MANY.generator(row, "d").random() for row in range(2000)], "uniform").pvalue > 1e-3


def test_a_patient_keeps_the_luck_in_any_company():
    few = Luck(1, np.array([7, 3]))
    assert np.array_equal(few.uniform("a"), MANY.uniform("a")[[7, 3]])
    assert np.array_equal(MANY.of(np.array([3])).uniform("a", 5), MANY.uniform("a", 5)[[3]])
    assert few.generator(0, "a").random() == MANY.generator(7, "a").random()


def test_what_is_decided_the_occasion_and_the_seed_are_apart():
    drawn = [MANY.uniform("a"), MANY.uniform("b"), MANY.uniform("a", 1), Luck(2, np.arange(20_000)).uniform("a")]
    for first in range(4):
        for second in range(first):
            # The correlation of 20,000 independent pairs: 4 standard deviations.
            assert abs(np.corrcoef(drawn[first], drawn[second])[0, 1]) < 4.0 / np.sqrt(20_000)


@pytest.mark.parametrize("patients", [[-1], [1.5], [2**32], [[1]]])
def test_patients_are_numbers(patients):
    with pytest.raises(ParameterError, match="whole numbers"):
        Luck(1, np.array(patients))
