"""The shipped measurements are the published ones."""

import numpy as np

from bitesim import Regimen
from bitesim.datasets import hosseini_2020_il6, klinger_2012


def test_thirteen_patients_with_the_medians_of_the_source():
    courses = klinger_2012()
    assert len(courses) == 13
    ratios = np.array([course.cd8_t_cells_per_ul / course.cd8_t_cells_per_ul[0] for course in courses])
    np.testing.assert_allclose(np.median(ratios, axis=0)[[1, 2, 5, 7, 10]], [0.55, 0.15, 0.08, 1.71, 1.57], atol=0.0051)
    assert [int(sum(course.b_cells_below_floor[k] for course in courses)) for k in (0, 1, 2, 3)] == [0, 10, 12, 13]


def test_il6_points_have_the_first_day_medians_of_the_source():
    flat, step = hosseini_2020_il6()
    assert (
        np.median(flat.il6_pg_per_ml[flat.times_days <= 0.7]) == np.float64(504.0).round()
        or abs(np.median(flat.il6_pg_per_ml[flat.times_days <= 0.7]) - 504.0) < 5.0
    )
    assert step.il6_pg_per_ml.max() == 2002.6
    assert Regimen.parse(step.regimen).days == 21.0
