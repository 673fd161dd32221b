"""Children have more T cells, unless their count is known."""

import numpy as np
import pytest

import bitesim
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia.ages import t_cells_relative_to_adult, t_cells_relative_to_adult_at


def baseline(patient, parameters=None):
    return bitesim.simulate(patient, None, "leukaemia", [0.0], parameters=parameters)["blood_cd8_t_cells_per_ul"][0]


def test_t_cells_fall_with_age_to_the_adults():
    assert [t_cells_relative_to_adult(age) for age in (0.5, 4.0, 12.0, 18.0, 90.0)] == [2.0, 2.0, 1.375, 1.0, 1.0]


def test_the_age_counts_only_where_the_count_is_unknown():
    adult = LEUKAEMIA.parameters["baseline_cd8_t_cells_per_ul"]
    assert baseline(bitesim.Patient()) == pytest.approx(adult)
    child = bitesim.Patient(weight_kg=20, height_cm=112, age_years=6.5)
    assert baseline(child) == pytest.approx(1.75 * adult)
    assert baseline(child.replace(blood_cd8_t_cells_per_ul=300)) == pytest.approx(300)
    assert baseline(child, LEUKAEMIA.parameters.replace(baseline_cd8_t_cells_per_ul=100)) == pytest.approx(100)


def test_many_ages_at_once_are_the_same():
    ages = np.linspace(0.0, 90.0, 37)
    assert t_cells_relative_to_adult_at(ages).tolist() == [t_cells_relative_to_adult(age) for age in ages.tolist()]
