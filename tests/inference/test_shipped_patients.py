"""The shipped patients as observations: all of them, censored at their floor, once."""

import pytest

from bitesim.datasets import klinger_2012
from bitesim.foundation.errors import ParameterError
from bitesim.inference.shipped_patients import klinger_patients

SDS = {"cd8_sd_ln": 0.3, "b_cells_sd_ln": 0.5}
CD8, B_CELLS = "blood_cd8_t_cells_per_ul", "blood_b_cells_per_ul"


def test_every_count_is_an_observation_and_the_floor_is_censored():
    table, courses = klinger_patients(**SDS), klinger_2012()
    assert table.names == [course.patient for course in courses]
    assert len(table) == 13
    for data, course in zip(table, courses, strict=True):
        cd8 = [each for each in data.observations if each.output == CD8]
        b_cells = [each for each in data.observations if each.output == B_CELLS]
        assert [each.lower for each in cd8] == [each.upper for each in cd8] == course.cd8_t_cells_per_ul.tolist()
        assert [each.censored for each in b_cells] == course.b_cells_below_floor.tolist()
        assert {(each.lower, each.upper) for each in b_cells if each.censored} <= {(0.0, 1.0)}
        assert {each.sd_ln for each in cd8} == {0.3}
        assert {each.sd_ln for each in b_cells} == {0.5}


def test_the_dose_is_15_ug_per_m2_and_day_for_28_days():
    schedule = klinger_patients(**SDS)[0].regimen.schedule(bsa_m2=2.0)
    assert [(each.start_days, each.stop_days, each.rate) for each in schedule.infusions] == [(0.0, 28.0, 30.0)]


def test_a_baseline_that_is_a_covariate_is_not_observed_as_well():
    observed, covariate = klinger_patients(**SDS), klinger_patients(**SDS, baseline="covariate")
    for before, after, course in zip(observed, covariate, klinger_2012(), strict=True):
        assert before.patient.blood_cd8_t_cells_per_ul is None
        assert after.patient.blood_cd8_t_cells_per_ul == course.cd8_t_cells_per_ul[0]
        assert after.after(0.0).observations == before.after(0.0).observations
        assert all(each.censored for each in after.until(0.0).observations)
        assert len(before.observations) - len(after.observations) == 2 - course.b_cells_below_floor[0]
    with pytest.raises(ParameterError, match="Did you mean 'covariate'"):
        klinger_patients(**SDS, baseline="covariates")
