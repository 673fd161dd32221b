"""The controller's rough power against the exact one."""

import math

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.numerics.fitting_step import minus_tenth_power
from bitesim.numerics.lanes import load, store


@kernel
def powers_of(bases, results):
    for row in range(bases.shape[0]):
        store(results, row, minus_tenth_power(load(bases, row)))


def roughly(bases):
    results = np.zeros((len(bases) // 8, 8))
    powers_of(np.reshape(bases, (-1, 8)), results)
    return results.ravel()


def test_the_power_is_right_to_three_digits():
    bases = np.exp(np.random.default_rng(2).uniform(math.log(1e-24), math.log(1e300), 80_000))
    np.testing.assert_allclose(roughly(bases), bases**-0.1, rtol=6e-4)


def test_the_power_is_right_where_its_pieces_meet_and_at_the_ends():
    # Pieces of the logarithm meet at odd powers of the root of 2, those of the exponential at odd powers of 2**5.
    bases = [2.0 ** (exponent + shift) for exponent in (-0.5, 0.5, 4.5, 5.0, -5.0, 15.0) for shift in (-1e-12, 0.0, 1e-12)]
    bases += [2.3e-308, 1e-24, 1e300, 1.7e308, 2.0, 0.5]
    np.testing.assert_allclose(roughly(bases), np.array(bases) ** -0.1, rtol=6e-4)


def test_the_power_of_1_is_1_and_that_of_infinity_is_nearly_0():
    ones = roughly([1.0] * 7 + [math.inf])
    assert ones[:7].tolist() == [1.0] * 7
    assert 0.0 < ones[7] < 1e-30


def test_a_lane_depends_on_itself_alone():
    bases = np.exp(np.linspace(-50.0, 50.0, 8))
    for lane in range(8):
        others = np.full(8, math.nan)
        others[lane] = bases[lane]
        assert roughly(others)[lane] == roughly(bases)[lane]
