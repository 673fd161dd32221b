"""Runs are shared between values that differ in events only; the weighted median is a median."""

import numpy as np
import pytest

from bitesim.inference.free_parameters import FreeParameter, Values, with_free
from bitesim.inference.trial_runs import TrialRuns, weighted_median


def test_a_run_is_done_once_for_what_it_depends_on() -> None:
    runs = TrialRuns(Values(), 5)
    first = runs["children in remission"]
    assert runs["children in remission"] is first
    events = with_free([FreeParameter("graft_kill_per_day", "event", 0.5)], np.log([0.2]))
    assert runs.at(events)["children in remission"] is first
    cells = with_free([FreeParameter("kills_per_day", "typical", 0.5)], np.log([3.0]))
    assert runs.at(cells)["children in remission"] is not first


def test_outputs_are_read_by_day() -> None:
    run = TrialRuns(Values(), 5)["adults in remission"]
    assert run.at("mrd", 0.0) == pytest.approx(run.population["marrow_blast_fraction"], rel=1e-9)
    assert run.between("blood_b_cells_per_ul", 0.25, 35.0).shape == (len(run.population), 12)
    assert run.mean(np.ones(len(run.population))) == pytest.approx(1.0)


def test_the_weighted_median_of_equal_weights_is_the_median() -> None:
    values = np.random.default_rng(3).normal(size=501)
    assert weighted_median(values, np.full(501, 1 / 501)) == pytest.approx(np.median(values), abs=1e-12)
    # Middles of the weights lie at 0.1, 0.3 and 0.7: half is midway between the last two.
    assert weighted_median(np.array([1.0, 2.0, 10.0]), np.array([0.2, 0.2, 0.6])) == pytest.approx(6.0)


def test_a_weight_counts_as_so_many_patients() -> None:
    values, times = np.array([1.0, 2.0, 3.0, 4.0]), np.array([300, 100, 200, 400])
    repeated = np.repeat(values, times) + np.linspace(0.0, 1e-6, 1000)
    assert weighted_median(values, times / 1000) == pytest.approx(np.median(repeated), abs=1e-5)
