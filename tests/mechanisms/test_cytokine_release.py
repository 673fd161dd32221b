"""IL-6: none without targets, fresh activation or response; less at every further exposure."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.cytokine_release import il6_release, il10_release, left_by_il10, responsiveness_rate
from tests.mechanisms.parameters import defaults, plain

P = defaults()


def test_each_factor_can_silence_it():
    release = plain(il6_release)
    assert release(100.0, 1e10, 1.0, P) > 0.0
    assert release(0.0, 1e10, 1.0, P) == 0.0
    assert release(100.0, 0.0, 1.0, P) == 0.0
    assert release(100.0, 1e10, 0.0, P) == 0.0
    assert release(100.0, P.il6_half_targets, 1.0, P) == pytest.approx(0.5 * release(100.0, 1e20, 1.0, P), rel=1e-8)


def test_the_response_is_lost_under_stimulation_and_returns_slowly():
    def after(start, stimulated, days):
        course = solve_ivp(
            lambda t, q: [plain(responsiveness_rate)(stimulated, q[0], P.il6_return_per_day, P)],
            (0.0, days),
            [start],
            rtol=1e-9,
            atol=1e-12,
        )
        return course.y[0, -1]

    lost = P.il6_attenuation_per_day / (1.0 + P.il6_attenuation_half_stimulus)
    back = P.il6_return_per_day
    rest = back / (back + lost)
    assert after(1.0, 1.0, 2.0) == pytest.approx(rest + (1.0 - rest) * np.exp(-2.0 * (lost + back)), rel=1e-6)
    assert after(0.1, 0.0, 14.0) == pytest.approx(1.0 - 0.9 * np.exp(-14.0 * back), rel=1e-6)


def test_il10_needs_the_same():
    release = plain(il10_release)
    assert release(100.0, 1e10, 1.0, P) > 0.0
    assert release(0.0, 1e10, 1.0, P) == release(100.0, 0.0, 1.0, P) == release(100.0, 1e10, 0.0, P) == 0.0
    assert release(100.0, 1e10, 0.25, P) == pytest.approx(0.25 * release(100.0, 1e10, 1.0, P))


def test_il10_damps_il6():
    assert plain(left_by_il10)(0.0, P) == 1.0
    assert plain(left_by_il10)(P.il10_half_pg_per_ml, P) == 0.5
