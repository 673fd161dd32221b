"""Lines of birth and death: Kendall's law, its moments, and drawn numbers against it."""

import math

import numpy as np
import pytest
from scipy import stats

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.extinction import survival_of_one
from bitesim.numerics.lines import draw_lines, line_probabilities

DRAWS = 40_000
CASES = [(1, 0.105, 0.04, 20.0), (7, 0.3, 0.3, 5.0), (400, 0.21, 0.9, 1.5), (20, 0.0, 0.05, 10.0), (5000, 0.21, 0.04, 0.3)]


@kernel
def many(cells, probabilities, count, seed, replicate):
    drawn, draw = np.empty(count), 0
    for i in range(count):
        drawn[i], draw = draw_lines(cells, probabilities, seed, replicate, draw)
    return drawn


@pytest.mark.parametrize(("birth", "death"), [(0.105, 0.04), (0.04, 0.105), (0.1, 0.1), (0.0, 0.2)])
def test_a_line_is_alive_as_often_as_the_closed_form_says(birth, death):
    alive, ends = line_probabilities(birth, death, 17.0)
    assert alive == pytest.approx(float(survival_of_one(birth, death, 17.0)), rel=1e-9)
    assert alive / ends == pytest.approx(math.exp((birth - death) * 17.0), rel=1e-9)


def test_nothing_overflows_after_a_long_time():
    assert line_probabilities(2.0, 1.0, 1e4) == (pytest.approx(0.5), 0.0)
    assert line_probabilities(1.0, 2.0, 1e4)[0] == 0.0


@pytest.mark.parametrize(("cells", "birth", "death", "days"), CASES)
def test_cells_are_lines_with_geometric_numbers(cells, birth, death, days):
    alive, ends = line_probabilities(birth, death, days)
    drawn = many(float(cells), (alive, ends), DRAWS, np.uint64(5), 1)
    assert np.array_equal(drawn, np.floor(drawn))
    # A plain twin: binomial lines, geometric cells, by NumPy. False-alarm rate 1e-4 a case, or less: numbers are discrete.
    rng = np.random.default_rng(1)
    lines = rng.binomial(cells, alive, DRAWS)
    twin = lines + np.where(lines > 0, rng.negative_binomial(np.maximum(lines, 1), ends), 0) if ends < 1.0 else lines
    assert stats.ks_2samp(drawn, twin).pvalue > 1e-4
    mean, net = cells * math.exp((birth - death) * days), birth - death
    spread = 2.0 * birth * days * cells if net == 0.0 else mean * (birth + death) / net * math.expm1(net * days)
    assert abs(drawn.mean() - mean) < 4.0 * math.sqrt(spread / DRAWS)
    assert drawn.var() == pytest.approx(spread, rel=0.06)
