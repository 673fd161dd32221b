"""exp, log, power, sqrt and choose in straight-line code, against mpmath and NumPy, one by one and eight at once."""

import math

import mpmath
import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics import elementary
from bitesim.numerics.elementary import choose, exp, log, power, sqrt
from bitesim.numerics.straight_line import straight_line

COUNT = 100_000
INF, NAN = math.inf, math.nan
SPECIAL = np.array(
    [0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-17, 0.5, 1.0, 2.0, 3.5, 1e300, 1.7976931348623157e308, INF]
)
SPECIAL = np.concatenate([SPECIAL, -SPECIAL, [NAN]])


# Each works in place on rows: its arguments stand there one after another, the result takes the first row.


def exp_in_place(v):
    v[0] = exp(v[0])


def log_in_place(v):
    v[0] = log(v[0])


def sqrt_in_place(v):
    v[0] = sqrt(v[0])


def power_in_place(v):
    v[0] = power(v[0], v[1])


def choose_in_place(v):
    v[0] = choose(v[0], v[1], v[2], v[3])


def loop(in_place, lanes, stride):
    """Return the kernel that applies straight-line code again and again, `stride` numbers apart."""
    code = straight_line(in_place, (lanes,))

    @kernel
    def run(numbers):
        for start in range(0, numbers.size, stride):
            code(numbers, start)

    return run


ARGUMENTS = {exp_in_place: 1, log_in_place: 1, sqrt_in_place: 1, power_in_place: 2, choose_in_place: 4}
ONE_BY_ONE = {each: loop(each, False, count) for each, count in ARGUMENTS.items()}
EIGHT = {each: loop(each, True, 8 * count) for each, count in ARGUMENTS.items()}


def bits(numbers):
    """Return the bits; one NaN is as good as another."""
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)


def compute(in_place, *arguments):
    """Return the results, after those of eight at once were found equal to them bit by bit, in every lane."""
    arguments = np.broadcast_arrays(*(np.asarray(each, float) for each in arguments))
    size = arguments[0].size
    one_by_one = np.stack([each.ravel() for each in arguments], axis=-1)
    # Every number passes through every lane once: rows of eight are rolled.
    padded = np.resize(one_by_one, (-(-size // 8) * 8, len(arguments))).reshape(-1, 8, len(arguments))
    rolled = np.concatenate([np.roll(padded, shift, axis=1) for shift in range(8)] if size < 1000 else [padded])
    eight = np.ascontiguousarray(rolled.transpose(0, 2, 1))
    ONE_BY_ONE[in_place](one_by_one)
    EIGHT[in_place](eight)
    result, wide = one_by_one[:, 0].copy(), eight[:, 0, :].reshape(-1, len(padded), 8)
    for shift, found in enumerate(wide):
        back = np.roll(found, -shift, axis=1).ravel()[:size]
        assert np.array_equal(bits(back), bits(result))
    return result


def exact(function, *arguments):
    """Return mpmath's results with 100 bits."""
    with mpmath.workprec(100):
        return [function(*map(mpmath.mpf, map(float, each))) for each in zip(*arguments, strict=True)]


def errors_in_last_place(found, expected):
    with mpmath.workprec(100):
        return np.array(
            [
                float(abs(mpmath.mpf(float(ours)) - theirs) / mpmath.mpf(float(np.spacing(abs(float(theirs))))))
                for ours, theirs in zip(found, expected, strict=True)
            ]
        )


@pytest.fixture
def draws():
    return np.random.default_rng(11)


def test_exp_errs_by_less_than_two_units_in_the_last_place(draws):
    x = draws.uniform(-708.36, 709.78, COUNT)
    # Also around 0, and at the edges of its reduction, odd multiples of ln(2) / 2.
    x[::4] = draws.choice([-1.0, 1.0], COUNT // 4) * 10.0 ** draws.uniform(-320.0, 0.0, COUNT // 4)
    x[1::4] = (draws.integers(-1000, 1000, COUNT // 4) + 0.5) * math.log(2.0) * (1.0 + draws.normal(0.0, 1e-15, COUNT // 4))
    assert errors_in_last_place(compute(exp_in_place, x), exact(mpmath.exp, x)).max() < 2.0


def test_log_errs_by_less_than_two_units_in_the_last_place(draws):
    x = np.exp2(draws.uniform(-1074.0, 1024.0, COUNT))
    # Also around 1, and at the edges of its reduction.
    x[::4] = 1.0 + draws.choice([-1.0, 1.0], COUNT // 4) * 10.0 ** draws.uniform(-16.0, -0.3, COUNT // 4)
    x[1::4] = np.ldexp(math.sqrt(0.5) * (1.0 + draws.normal(0.0, 1e-15, COUNT // 4)), draws.integers(-900, 900, COUNT // 4))
    x = x[x != 1.0]
    assert errors_in_last_place(compute(log_in_place, x), exact(mpmath.log, x)).max() < 2.0


def test_power_errs_by_the_logarithms_error_times_the_exponent(draws):
    base = np.concatenate([10.0 ** draws.uniform(-12.0, 12.0, COUNT // 4), draws.uniform(0.5, 2.0, COUNT // 4)])
    exponent = np.concatenate([draws.uniform(-20.0, 20.0, COUNT // 4), draws.uniform(-300.0, 300.0, COUNT // 4)])
    expected = exact(mpmath.power, base, exponent)
    found = compute(power_in_place, base, exponent)
    with mpmath.workprec(100):
        errors = np.array([float(abs(float(ours) / theirs - 1)) for ours, theirs in zip(found, expected, strict=True)])
    amplified = np.abs(exponent * np.log(base))
    # Two units of exp, two of log and half of their product.
    assert np.max(errors / (2.0**-52 * (2.0 + 2.5 * amplified))) < 1.0
    assert amplified.max() > 300.0


@pytest.mark.parametrize("bits_of_result", [-1022, -1000, 0, 1000, 1023])
def test_exp_reaches_both_ends_of_the_numbers(bits_of_result):
    x = (bits_of_result + np.linspace(0.01, 0.99, 200)) * math.log(2.0)
    x = x[x <= 709.78]
    assert errors_in_last_place(compute(exp_in_place, x), exact(mpmath.exp, x)).max() < 2.0


def test_exp_beyond_the_numbers_is_zero_or_infinite():
    assert compute(exp_in_place, [-708.4, -720.0, -745.2, -1e4, -1e308, -INF]).tolist() == [0.0] * 6
    assert compute(exp_in_place, [709.783, 710.0, 1e4, 1e308, INF]).tolist() == [INF] * 5


def test_special_values_equal_numpy():
    with np.errstate(all="ignore"):
        for in_place, function in ((exp_in_place, np.exp), (log_in_place, np.log), (sqrt_in_place, np.sqrt)):
            found, expected = compute(in_place, SPECIAL), function(SPECIAL)
            np.testing.assert_array_max_ulp(found, expected, 2)
            ends = np.isin(expected, [0.0, 1.0, INF, -INF])
            assert np.array_equal(bits(found[ends]), bits(expected[ends]))


def test_exact_results_are_exact():
    assert compute(exp_in_place, [0.0, -0.0]).tolist() == [1.0, 1.0]
    assert bits(compute(log_in_place, [1.0])).tolist() == [0]
    whole = np.arange(-1074.0, 1024.0)
    np.testing.assert_array_max_ulp(compute(log_in_place, np.exp2(whole)), whole * np.log(2.0), 2)


def test_sqrt_is_rounded_correctly(draws):
    x = np.exp2(draws.uniform(-1074.0, 1024.0, COUNT))
    assert np.array_equal(compute(sqrt_in_place, x), np.sqrt(x))


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        *((base, exponent, 1.0) for base in SPECIAL for exponent in (0.0, -0.0)),
        *((zero, exponent, result) for zero in (0.0, -0.0) for exponent, result in ((0.3, 0.0), (2.0, 0.0), (-1.5, INF))),
        *((0.0, exponent, result) for exponent, result in ((INF, 0.0), (-INF, INF), (5e-324, 0.0))),
        *((INF, exponent, result) for exponent, result in ((0.3, INF), (-0.3, 0.0), (INF, INF), (-INF, 0.0))),
        *((2.0, exponent, result) for exponent, result in ((INF, INF), (-INF, 0.0), (1025.0, INF), (-1080.0, 0.0))),
        *((0.5, exponent, result) for exponent, result in ((INF, 0.0), (-INF, INF), (1080.0, 0.0), (-1025.0, INF))),
        *((negative, exponent, NAN) for negative in (-1.0, -5e-324, -INF) for exponent in (0.5, 2.0, -1.0, INF)),
        *((base, NAN, NAN) for base in (0.0, 0.5, 2.0, INF, -1.0, NAN)),
        *((NAN, exponent, NAN) for exponent in (0.5, -1.0, INF)),
        *((1.0, exponent, 1.0) for exponent in (0.5, -3.0, 1e308)),
    ],
)
def test_power_of_special_values(base, exponent, expected):
    found = compute(power_in_place, base, exponent)
    assert np.array_equal(found, [expected], equal_nan=True)
    # The interpreted twin agrees, and NumPy where the base is not negative.
    with np.errstate(all="ignore"):
        assert np.array_equal(elementary.power(base, exponent), expected, equal_nan=True)
        if not base < 0.0:
            assert np.array_equal(np.power(base, exponent), expected, equal_nan=True)


def test_choose_is_a_comparison_without_a_branch():
    left, right = (each.ravel() for each in np.meshgrid(SPECIAL, SPECIAL))
    then, otherwise = np.arange(left.size) + 0.25, -np.arange(left.size) - 0.75
    expected = [
        math.nan if math.isnan(a) or math.isnan(b) else t if a > b else o
        for a, b, t, o in zip(left, right, then, otherwise, strict=True)
    ]
    assert np.array_equal(compute(choose_in_place, left, right, then, otherwise), expected, equal_nan=True)
    assert np.array_equal(elementary.choose(left, right, then, otherwise), expected, equal_nan=True)
    # What is not chosen may be anything.
    assert compute(choose_in_place, [1.0, 0.0], [0.0, 1.0], [5.0, NAN], [INF, 6.0]).tolist() == [5.0, 6.0]


def test_the_interpreted_twins_agree_within_both_errors(draws):
    x, positive = draws.uniform(-700.0, 700.0, COUNT), np.exp2(draws.uniform(-1020.0, 1020.0, COUNT))
    np.testing.assert_array_max_ulp(compute(exp_in_place, x), elementary.exp(x), 3)
    np.testing.assert_array_max_ulp(compute(log_in_place, positive), elementary.log(positive), 3)
    base, exponent = draws.uniform(0.5, 2.0, COUNT), draws.uniform(-3.0, 3.0, COUNT)
    np.testing.assert_array_max_ulp(compute(power_in_place, base, exponent), elementary.power(base, exponent), 10)
    assert np.array_equal(elementary.sqrt(positive), np.sqrt(positive))
