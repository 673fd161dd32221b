"""The shipped measurements are the published ones."""

import numpy as np

from bitesim import Regimen
from bitesim.datasets import cdc_2000_growth, hosseini_2020_il6, klinger_2012


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


def test_growth_references_are_the_published_rows():
    boys, girls = cdc_2000_growth()
    assert (np.diff(boys.age_years) > 0.0).all()
    assert np.array_equal(boys.age_years, girls.age_years)

    def row(table, age):
        return table[:, np.argmin(np.abs(boys.age_years - age))].tolist()

    # Rows of the source: birth, 24 months and 240 months.
    assert row(boys.height_cm, 0.0) == [1.267004226, 49.98888408, 0.053112191]
    assert row(girls.weight_kg, 0.0) == [1.509187507, 3.39918645, 0.142106724]
    assert row(boys.height_cm, 2.0) == [0.941523967, 86.45220101, 0.040321528]
    assert row(boys.bmi_kg_per_m2, 2.0) == [-2.01118107, 16.57502768, 0.080592465]
    assert row(boys.weight_kg, 20.0) == [-0.91648762, 70.59761453, 0.161476792]
    assert row(girls.weight_kg, 20.0) == [-1.51336185, 58.21897289, 0.166644749]


def test_adults_reproduce_the_published_centiles():
    # Fryar et al. 2012, Tables 10, 12 (inches), 14 and 15: the 5th, 25th, 50th, 75th and 95th centiles of adults.
    published = {
        ("height_cm", 0): np.array([64.3, 67.3, 69.3, 71.2, 74.1]) * 2.54,
        ("height_cm", 1): np.array([59.3, 61.9, 63.8, 65.7, 68.4]) * 2.54,
        ("bmi_kg_per_m2", 0): np.array([20.7, 24.7, 27.8, 31.5, 39.2]),
        ("bmi_kg_per_m2", 1): np.array([19.5, 23.3, 27.3, 32.5, 42.0]),
    }
    scores = np.array([-1.6448536, -0.6744898, 0.0, 0.6744898, 1.6448536])
    for (name, sex), values in published.items():
        power, median, spread = getattr(cdc_2000_growth()[sex], name)[:, -1]
        np.testing.assert_allclose(median * (1 + power * spread * scores) ** (1 / power), values, rtol=0.014)
