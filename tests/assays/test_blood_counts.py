"""Blood counts with a floor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.assays import Censoring, CountAssay, DrawKey

B_CELLS = CountAssay("blood B cells", sd_ln=0.3)


def test_the_default_floor_is_one_cell_per_microlitre() -> None:
    results = B_CELLS.sample([0.0, 0.1, 200.0], DrawKey(1, np.arange(3)))
    assert results.texts[:2] == ["< 1 cells/uL", "< 1 cells/uL"]
    assert results.outcomes[2] == Censoring.MEASURED
    assert results.unit == "cells/uL"


def test_likelihood_is_normal_in_the_logarithm_and_its_tail_below_the_floor() -> None:
    assert B_CELLS.log_likelihood("measured", 50.0, 70.0) == pytest.approx(stats.norm.logpdf(np.log(50.0 / 70.0), scale=0.3))
    assert B_CELLS.log_likelihood("below", None, 2.0) == pytest.approx(stats.norm.logcdf(-np.log(2.0) / 0.3))
    assert B_CELLS.log_likelihood_slope("measured", 50.0, 70.0) == pytest.approx(np.log(50.0 / 70.0) / 0.09)
    assert np.isfinite(B_CELLS.log_likelihood("below", None, 1e7))


def test_the_share_below_the_floor_is_its_likelihood() -> None:
    number = 40_000
    below = B_CELLS.sample(np.full(number, 1.4), DrawKey(2, np.arange(number))).counts()["below"]
    share = float(np.exp(B_CELLS.log_likelihood("below", None, 1.4)))
    # Binomial, 4 SD: a correct sampler fails for one seed in 16,000.
    assert abs(below - number * share) < 4.0 * np.sqrt(number * share * (1.0 - share))


def test_kinds_of_cells_have_their_own_luck_and_patients_keep_theirs() -> None:
    other = CountAssay("blood CD8 T cells", sd_ln=0.3)
    few, many = (B_CELLS.sample(np.full(n, 100.0), DrawKey(1, np.arange(n))).values for n in (4, 9))
    assert np.array_equal(few, many[:4])
    assert not np.array_equal(few, other.sample(np.full(4, 100.0), DrawKey(1, np.arange(4))).values)
    assert B_CELLS.sample(100.0, [0.5]).values == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: CountAssay("x", sd_ln=0.0), ["sd_ln = 0.0", "0.001 to 3"]),
        (lambda: CountAssay("x", sd_ln=30), ["sd_ln = 30", "20 %"]),
        (lambda: CountAssay("x", 0.3, floor_per_ul=0.0), ["floor_per_ul = 0.0", "1e-06 to 100000"]),
        (lambda: CountAssay("", 0.3), ["name", "blood B cells"]),
        (lambda: B_CELLS.sample(-4.0, [0.5]), ["count_per_ul = -4.0 cells/uL", "0 to 1e+07"]),
        (lambda: B_CELLS.sample(2e9, [0.5]), ["count_per_ul", "0.2e9/L"]),
        (lambda: B_CELLS.log_likelihood("measured", 0.5, 4.0), ["value = 0.5", "at least 1", "'below'"]),
        (lambda: B_CELLS.log_likelihood("above", None, 4.0), ["no upper limit"]),
    ],
)
def test_refusals(call: Any, words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
