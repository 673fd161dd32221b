"""Measured patients are predicted from the others better than by the others' own curves."""

import numpy as np
import pytest

from bitesim.inference.left_out_patients import BASELINE, COUNT, FIRST_48_H, RATIO, LeftOut, predict_left_out


@pytest.fixture(scope="module")
def left_out() -> LeftOut:
    return predict_left_out()


def test_the_first_48_hours_predict_later_counts_better_than_either_curve_of_the_others(left_out: LeftOut) -> None:
    assert left_out.median(FIRST_48_H) < left_out.median(RATIO)
    assert left_out.median(FIRST_48_H) < left_out.median(COUNT)


def test_the_baseline_alone_is_no_worse_than_the_ratio_of_the_others(left_out: LeftOut) -> None:
    assert left_out.difference_bound(BASELINE, RATIO) <= 0.05


def test_every_patient_was_left_out_of_a_fit_of_its_own(left_out: LeftOut) -> None:
    assert len(left_out.fits) == 13
    assert all(fit.is_converged for fit in left_out.fits)
    assert len({tuple(fit.medians.values()) for fit in left_out.fits}) == 13
    assert all(each.shape == (13, 5) for each in left_out.errors.values())


def test_the_bootstrap_draws_patients_and_holds_the_median() -> None:
    errors = {
        name: np.random.default_rng(k).exponential(size=(13, 5))
        for k, name in enumerate((BASELINE, FIRST_48_H, RATIO, COUNT))
    }
    made = LeftOut(errors, ())
    for name in errors:
        low, high = made.interval(name)
        assert low <= made.median(name) <= high
    assert made.difference_bound(BASELINE, BASELINE) == 0.0
    assert "upper 90 % bound" in str(made)
    assert "median error" in made._repr_html_()
