"""What a stochastic run gives back."""

import numpy as np
import pytest

import bitesim
from bitesim.engines.stochastic import run_stochastic
from tests.problems.small_networks import DIMERISATION


@pytest.fixture(scope="module")
def run():
    return run_stochastic(DIMERISATION, None, None, [0.0, 5.0], 30, 12, outputs=["total", "pairs"], first_replicate=3)


def test_outputs_are_read_by_name(run):
    assert run.values.shape == (30, 2, 2)
    assert (run["total"] == 100.0).all()
    assert len(run) == 30
    assert run.units == {"total": "cells", "pairs": "cells"}
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'pairs'"):
        run["pair"]


def test_counters_are_read_by_name(run):
    assert run.counted("events").min() > 0
    assert not run.counted("leaps").any()
    with pytest.raises(bitesim.ParameterError, match="unknown counter"):
        run.counted("jumps")


def test_percentiles_table_and_text(run):
    low, middle, high = run.percentiles("pairs")[:, 1]
    assert low < middle < high
    assert "30 replicates" in repr(run)
    assert "<td>pairs</td>" in run._repr_html_()
    pytest.importorskip("pandas")
    table = run.to_dataframe()
    assert table["replicate"].tolist()[:4] == [3, 3, 4, 4]
    assert np.array_equal(table["pairs"], run["pairs"].ravel())


def test_it_says_what_it_came_from(run):
    assert run.provenance.seed == run.seed == 12
    assert run.provenance.settings["method"] == "exact"
    assert len(run.digest()) == 64
