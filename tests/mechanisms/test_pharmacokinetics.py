"""Rates from clearance, half-life and size."""

import math

import pytest

from bitesim.mechanisms.pharmacokinetics import decay_rate, elimination_rate, size_scaled


def test_rates():
    assert elimination_rate(22300.0, 1610.0) == pytest.approx(13.851, abs=1e-3)
    assert math.exp(-decay_rate(2.0) * 2.0) == pytest.approx(0.5)


def test_clearance_at_the_papers_body_sizes():
    # Half-lives at 0.37, 1.31, 1.88 and 2.7 m2 are 5.11, 2.34, 1.86 and 1.49 h (Clements 2020).
    for bsa_m2, half_life_h in ((0.37, 5.11), (1.31, 2.34), (1.88, 1.86), (2.7, 1.49)):
        clearance = size_scaled(2.22, bsa_m2, 1.876, 0.62)
        assert math.log(2.0) / elimination_rate(clearance, 5.98) == pytest.approx(half_life_h, abs=0.011)
