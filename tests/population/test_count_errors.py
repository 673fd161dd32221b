"""CD8 counts predicted from baselines: models beside curves that leave the patient out."""

import dataclasses

import numpy as np
import pytest

from bitesim.datasets import klinger_2012
from bitesim.population.count_errors import cd8_errors, left_out_median, simulate_course

COURSES = klinger_2012()


@pytest.fixture(scope="module")
def rows():
    runs = {model: [simulate_course(course, model) for course in COURSES] for model in ("leukaemia", "hosseini2020")}
    return {row.predictor: row for row in cd8_errors(COURSES, runs)}


def test_the_leukaemia_model_is_not_worse_than_the_better_curve(rows):
    curves = [row.median for name, row in rows.items() if "other patients" in name]
    assert len(curves) == 2
    assert rows["leukaemia"].median <= min(curves)
    assert rows["leukaemia"].median < rows["hosseini2020"].median


def test_all_are_judged_on_the_same_counts_and_inside_their_intervals(rows):
    assert {row.counts for row in rows.values()} == {13 * 11}
    assert all(row.low <= row.median <= row.high for row in rows.values())


def test_a_patient_never_predicts_himself():
    changed = list(COURSES)
    changed[3] = dataclasses.replace(changed[3], cd8_t_cells_per_ul=changed[3].cd8_t_cells_per_ul * 7.0)
    for of_ratios in (True, False):
        before, after = (left_out_median(each, 3, of_ratios=of_ratios) for each in (COURSES, changed))
        factor = 7.0 if of_ratios else 1.0
        np.testing.assert_allclose(after, factor * before, rtol=1e-12)


def test_different_times_are_refused():
    shifted = [COURSES[0], dataclasses.replace(COURSES[1], times_days=COURSES[1].times_days + 0.5)]
    with pytest.raises(ValueError, match="different times"):
        left_out_median(shifted, 0, of_ratios=True)
