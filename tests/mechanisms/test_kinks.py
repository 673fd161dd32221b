"""Kinks: values and one-sided derivatives."""

import pytest

from bitesim.mechanisms.kinks import at_least, positive_part, positive_power, saturation

STEP = 1e-30j


@pytest.mark.parametrize(("x", "value", "slope"), [(2.0, 2.0, 1.0), (-2.0, 0.0, 0.0), (0.0, 0.0, 0.0)])
def test_positive_part(x, value, slope):
    assert positive_part(x) == value
    assert positive_part(x + STEP).imag / 1e-30 == slope


@pytest.mark.parametrize(("x", "value", "slope"), [(2.0, 2.0, 1.0), (0.5, 1.0, 0.0)])
def test_at_least(x, value, slope):
    assert at_least(x, 1.0) == value
    assert at_least(x + STEP, 1.0).imag / 1e-30 == slope


def test_powers_and_saturation():
    assert positive_power(4.0, 1.5) == pytest.approx(8.0)
    assert positive_power(-4.0, 1.5) == 0.0
    assert positive_power(4.0 + STEP, 1.5).imag / 1e-30 == pytest.approx(3.0)
    assert saturation(3.0, 3.0, 1.4) == pytest.approx(0.5)
    assert saturation(0.0, 3.0, 1.4) == 0.0
    assert saturation(1e9, 3.0, 1.4) == pytest.approx(1.0)
    assert saturation(2.0 + STEP, 2.0, 1.0).imag / 1e-30 == pytest.approx(2.0 / 16.0)
