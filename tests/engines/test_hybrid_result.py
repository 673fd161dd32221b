"""What the hybrid engine returns: shares with intervals, extinction times, tables."""

import numpy as np
import pytest

import bitesim
from bitesim.engines.hybrid_result import HybridRun, Share


def made():
    cells = np.zeros((3, 1, 4, 2))
    cells[0, 0, :, 0] = [5.0, 1.0, 0.0, 0.0]
    cells[1, 0, :, 1] = [5.0, 0.0, 2.0, 3.0]
    cells[2, 0, :, 0] = [5.0, 0.0, 0.0, 0.0]
    values = {"blasts": cells.sum(axis=3)[:, 0]}
    days = np.array([0.0, 1.0, 2.0, 3.0])
    return HybridRun("p", "m", "none", 1, 1e4, days, values, {"blasts": "cells"}, ("blasts",), days, cells, 0.5)


def test_shares_have_wilsons_interval():
    # Newcombe 1998, Stat Med 17:857, Table I: 81 of 263.
    share = Share.of(81, 263)
    assert (share.low, share.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert Share.of(0, 20).low == 0.0
    assert "20 replicates" in str(Share.of(0, 20))


def test_extinction_is_the_first_day_after_the_last_cell():
    found = made()
    assert found.extinction_days()[:, 0].tolist() == [2.0, np.inf, 1.0]
    assert found.p_cured().value == pytest.approx(2.0 / 3.0)


def test_tables_names_and_percentiles():
    found = made()
    assert found.nadir("blasts").tolist() == [0.0, 0.0, 0.0]
    assert found.percentiles("blasts", [50.0])[0].tolist() == [5.0, 0.0, 0.0, 0.0]
    assert len(found.to_dataframe()) == 12
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'blasts'"):
        found["blast"]
    assert "branching theory" in found._repr_html_()


def test_it_is_written_and_says_what_it_came_from(tmp_path):
    found = made()
    lines = found.to_csv(tmp_path / "runs.csv").read_text().splitlines()
    assert lines[0] == "replicate,time_days,blasts"
    assert lines[6] == "1,1.0,0.0"
    content = found.as_dict()
    assert content["extinction_days"] == {"blasts": [2.0, None, 1.0]}
    assert content["p_cured"]["replicates"] == 3
    run = bitesim.simulate(
        bitesim.Patient(mrd=1e-8), "28 ug/day for 7 d", None, [0, 7], engine="hybrid", replicates=2, seed=4
    )
    assert run.provenance.seed == 4
    assert run.provenance.settings["engine"] == "hybrid"
    assert run.provenance.settings["threshold_cells"] == run.threshold_cells
