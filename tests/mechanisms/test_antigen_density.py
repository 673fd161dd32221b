"""Shares of cells above a threshold, their Hill approximations, and selection by killing."""

import math

import numpy as np
import pint
import pytest
from scipy.integrate import quad
from scipy.optimize import least_squares
from scipy.stats import poisson

from bitesim.foundation.errors import ParameterError
from bitesim.mechanisms import antigen_density, kinks
from bitesim.mechanisms.antigen_density import (
    HILL_FITS,
    Survivors,
    mean_copies,
    share_above,
    share_of_synapses,
    survivors_of_kill,
)

UNITS = pint.UnitRegistry()
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


def plain(function):
    return getattr(function, "py_func", function)


def shares(bridges, half, hill):
    return np.array([share_above(float(each), half, hill) for each in bridges])


def density(z):
    return math.exp(-0.5 * z * z) / ROOT_TWO_PI


def reaches(z, bridges, threshold, ln_sd):
    """P(Poisson >= threshold) of a cell z standard deviations from the median."""
    return poisson.sf(threshold - 1, bridges * math.exp(ln_sd * z - 0.5 * ln_sd**2))


def integral(function, low=-12.0, high=12.0):
    return quad(function, low, high, epsabs=1e-15, epsrel=1e-12, limit=500, points=(-6.0, -3.0, 0.0))[0]


@pytest.mark.parametrize(("bridges", "threshold"), [(0.1, 3), (3.6, 3), (17.7, 3), (3.0, 10), (100.0, 10), (100.0, 100)])
@pytest.mark.parametrize("ln_sd", [0.0, 0.6, 1.5])
def test_share_against_adaptive_quadrature(bridges, threshold, ln_sd):
    expected = integral(lambda z: density(z) * reaches(z, bridges, threshold, ln_sd))
    assert share_of_synapses(bridges, threshold, ln_sd) == pytest.approx(expected, abs=1e-12)


def test_share_at_its_ends_and_shapes():
    assert share_of_synapses(0.0, 3) == 0.0
    assert share_of_synapses(1e9, 10) == pytest.approx(1.0, abs=1e-12)
    table = share_of_synapses([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 3)
    assert table.shape == (2, 3)
    assert np.all(np.diff(table.ravel()) > 0.0)


@pytest.mark.parametrize(("threshold", "error"), [(3, 0.0158), (10, 0.0108)])
def test_hill_approximation_is_the_least_squares_fit(threshold, error):
    bridges = np.geomspace(0.01, 1000.0, 400)
    exact = share_of_synapses(bridges, threshold)
    fit = least_squares(lambda x: shares(bridges, *x) - exact, (float(threshold), 2.0))
    assert fit.x == pytest.approx(HILL_FITS[threshold], rel=0.003)
    assert error - 5e-4 < np.abs(shares(bridges, *HILL_FITS[threshold]) - exact).max() < error < 0.016


def test_hill_approximation_is_too_large_where_bridges_are_few():
    few = np.array([0.01, 0.1])
    assert shares(few, *HILL_FITS[3]) / share_of_synapses(few, 3) == pytest.approx([25.0, 2.9], rel=0.02)


def test_bridges_of_the_fit_are_the_mean_over_cells():
    # Read as bridges of a cell with median copies, half killing would be at 2.56.
    assert HILL_FITS[3][0] / mean_copies(1.0, 0.6) == pytest.approx(2.56, abs=0.01)
    assert share_of_synapses(HILL_FITS[3][0], 3) == pytest.approx(0.5, abs=0.016)


def test_mean_copies_of_sorted_raji():
    # Liu et al. 2023 print mean 144,866, geometric mean 130,670 and sd 65,092: the three agree within 5 %.
    ln_sd = math.sqrt(2.0 * math.log(144_866 / 130_670))
    assert mean_copies(130_670, ln_sd) == pytest.approx(144_866)
    assert 144_866 * math.sqrt(math.expm1(ln_sd**2)) == pytest.approx(65_092, rel=0.08)


@pytest.mark.parametrize("bridges", [1.0, 10.0, 17.7])
@pytest.mark.parametrize("log10_kill", [0.3, 1.0, 3.0])
def test_survivors_against_adaptive_quadrature(bridges, log10_kill):
    result = survivors_of_kill(bridges, log10_kill)

    def left(z):
        return density(z) * math.exp(-result.encounters * reaches(z, bridges, 3, 0.6))

    total = integral(left)
    assert math.log10(total) == pytest.approx(-log10_kill, abs=1e-9)
    median = math.log(result.median_ratio) / 0.6
    assert integral(left, high=median) / total == pytest.approx(0.5, abs=1e-5)
    copies = integral(lambda z: left(z) * math.exp(0.6 * z - 0.18))
    assert copies / total == pytest.approx(result.mean_ratio, rel=1e-9)
    middle = integral(lambda z: left(z) * z) / total
    spread = math.sqrt(integral(lambda z: left(z) * (z - middle) ** 2) / total)
    assert result.ln_sd == pytest.approx(0.6 * spread, rel=1e-9)


def test_survivors_against_cells_drawn_one_by_one():
    random = np.random.default_rng(20230707)
    cells = 200_000
    expected = survivors_of_kill(10.0, 1.0)
    relative = np.exp(0.6 * random.standard_normal(cells))
    synapses = random.poisson(expected.encounters, cells)
    alive = np.ones(cells, bool)
    for number in range(synapses.max()):
        bridges = random.poisson(10.0 * relative / mean_copies(1.0, 0.6))
        alive &= (number >= synapses) | (bridges < 3)
    # 20,000 survivors: 0.7 % of them at one standard error, 0.8 % on the median.
    assert alive.mean() == pytest.approx(0.1, rel=0.03)
    assert np.median(relative[alive]) == pytest.approx(expected.median_ratio, rel=0.04)


def test_selection_grows_with_the_kill_and_ends_with_much_drug():
    medians = [survivors_of_kill(10.0, kill).median_ratio for kill in (0.0, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0)]
    assert medians[0] == pytest.approx(1.0, abs=1e-12)
    assert np.all(np.diff(medians) < 0.0)
    after_three = [survivors_of_kill(bridges, 3.0).median_ratio for bridges in (10.0, 17.0, 100.0)]
    assert after_three == pytest.approx([0.19, 0.60, 1.00], abs=0.005)
    # Where every synapse kills, the number needed is that of equal cells.
    assert survivors_of_kill(1e4, 3.0).encounters == pytest.approx(3.0 * math.log(10.0), rel=1e-6)
    assert survivors_of_kill(10.0, 0.0) == Survivors(0.0, 0.0, pytest.approx(1.0), pytest.approx(1.0), pytest.approx(0.6))


def test_share_is_smooth_and_safe_at_no_drug():
    step = 1e-30
    slope = share_above(2.0 + step * 1j, 3.06, 1.98).imag / step
    ratio = (2.0 / 3.06) ** 1.98
    assert slope == pytest.approx(1.98 / 2.0 * ratio / (1.0 + ratio) ** 2, rel=1e-12)
    assert share_above(0.0, 3.06, 1.98) == 0.0
    assert share_above(-1e-18, 3.06, 1.98) == 0.0
    assert share_above(0.0 + step * 1j, 3.06, 1.98).imag == 0.0


def test_dimensions(monkeypatch):
    monkeypatch.setattr(kinks, "positive_power", lambda x, exponent: x**exponent)
    monkeypatch.setattr(antigen_density, "saturation", plain(kinks.saturation))
    bridges = 3.06 * UNITS.dimensionless
    assert plain(share_above)(bridges, bridges, 1.98).to("").magnitude == 0.5
    assert plain(mean_copies)(2e4 * UNITS.dimensionless, 0.6).check("")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: share_of_synapses(-1.0, 3), r"bridges has -1\.0: expected at least 0 .*averaged over cells"),
        (lambda: share_of_synapses([1.0, math.nan], 3), "bridges has nan"),
        (lambda: share_of_synapses("ten", 3), "bridges = 'ten'"),
        (lambda: share_of_synapses(1.0, 0), r"threshold = 0 .* 1 to 1000.*3 bridges kill"),
        (lambda: share_of_synapses(1.0, 2.5), r"threshold = 2\.5 is not a whole number"),
        (lambda: share_of_synapses(1.0, 3, 65.0), r"ln_sd = 65\.0 .* 65 % is 0\.6"),
        (lambda: survivors_of_kill(0.0, 1.0), "bridges = 0"),
        (lambda: survivors_of_kill(10.0, 99.9), r"log10_kill = 99\.9 .*99\.9 % is 3 decades"),
        (lambda: survivors_of_kill(10.0, 1.0, ln_sd=0.0), "ln_sd = 0"),
        (lambda: survivors_of_kill(1e-3, 1.0, 1000), "cannot kill 1 decades: no cell reaches threshold = 1000"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ParameterError, match=words):
        call()
