"""Events in continuous surroundings: drug, survival and release against closed forms, and what may not matter."""

import math

import numpy as np
import pytest

import bitesim
from bitesim.engines.stochastic import run_stochastic
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.piecewise_deterministic import _ERROR, _WEIGHTS
from tests.problems.drug_and_cells import DRUG_AND_CELLS, drug_course, survival
from tests.problems.small_networks import BIRTH_DEATH

TIMES = np.array([0.0, 0.5, 2.0, 4.0, 7.0])
RUNS = 10_000
OUTPUTS = ["cells", "drug", "cytokine"]


@pytest.fixture(scope="module")
def infused():
    """Return many replicates under 10 ug/day for 4 days."""
    return run_stochastic(DRUG_AND_CELLS, None, "10 ug/day for 4 d", TIMES, RUNS, 1, outputs=OUTPUTS)


def test_the_tableau_is_consistent():
    assert math.isclose(_WEIGHTS[-1].sum(), 1.0)
    assert math.isclose(_ERROR.sum(), 0.0, abs_tol=1e-15)
    nodes = _WEIGHTS.sum(axis=1)
    np.testing.assert_allclose(nodes, [0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0])
    for power in (1, 2, 3, 4):
        assert math.isclose(_WEIGHTS[-1] @ nodes[:6] ** power, 1.0 / (power + 1))


def test_the_drug_is_that_of_the_closed_form(infused):
    expected = drug_course(TIMES, 0.5, 20.0, 10.0, 4.0)
    np.testing.assert_allclose(infused["drug"], np.broadcast_to(expected, (RUNS, len(TIMES))), rtol=2e-5)


def test_cells_are_binomial(infused):
    alive = survival(TIMES, 0.02, 0.5, 20.0, 10.0, 4.0)[1:]
    mean, variance = 50.0 * alive, 50.0 * alive * (1.0 - alive)
    z = math.sqrt(RUNS) * (infused["cells"][:, 1:].mean(axis=0) - mean) / np.sqrt(variance)
    y = math.sqrt(RUNS / 2.0) * (infused["cells"][:, 1:].var(axis=0, ddof=1) / variance - 1.0)
    assert np.abs(z).max() < 3.0, z
    assert np.abs(y).max() < 5.0, y
    assert infused.counted("events").tolist() == (50.0 - infused["cells"][:, -1]).tolist()


def test_each_kill_lets_go_of_cytokine():
    # Without clearance nothing of it is lost.
    run = run_stochastic(DRUG_AND_CELLS, {"clearance_per_day": 0.0}, None, TIMES, 50, 2, outputs=OUTPUTS)
    np.testing.assert_allclose(run["cytokine"], 2.5 * (50.0 - run["cells"]), rtol=1e-12)


def test_nothing_kills_before_the_drug_comes():
    regimen = bitesim.Regimen.none().with_bolus(3.0, 30.0)
    run = run_stochastic(DRUG_AND_CELLS, {"drug_at_start": 0.0}, regimen, [2.99, 3.0, 9.0], 500, 3, outputs=OUTPUTS)
    assert (run["cells"][:, :2] == 50.0).all()
    assert (run["drug"][:, 1] == 30.0).all()
    alive = math.exp(-0.02 * 30.0 * (1.0 - math.exp(-3.0)) / 0.5)
    assert abs(run["cells"][:, 2].mean() - 50.0 * alive) < 4.0 * math.sqrt(50.0 * alive * (1.0 - alive) / 500)


def test_outputs_threads_and_chunks_change_no_course():
    few = run_stochastic(DRUG_AND_CELLS, None, "10 ug/day for 4 d", TIMES, 30, 4, outputs=OUTPUTS, threads=1)
    more = np.union1d(TIMES, np.linspace(0.0, 9.0, 46))
    many = run_stochastic(DRUG_AND_CELLS, None, "10 ug/day for 4 d", more, 40, 4, outputs=OUTPUTS, threads=4, chunk=7)
    assert np.array_equal(many.values[:30][:, np.isin(more, TIMES)], few.values)


def test_without_events_steps_are_few():
    run = run_stochastic(DRUG_AND_CELLS, {"cells_at_start": 0.0}, None, [0.0, 100.0], 2, 5)
    assert run.counted("continuous_steps").max() < 400
    assert not run.counted("events").any()


def test_leaps_are_refused_by_name():
    message = "in model drug_and_cells process elimination changes drug continuously: use method='exact'"
    with pytest.raises(bitesim.ParameterError, match=message):
        run_stochastic(DRUG_AND_CELLS, None, None, TIMES, 2, 1, "tau")


def test_steps_have_a_limit():
    run = run_stochastic(DRUG_AND_CELLS, None, None, [0.0, 50.0], 3, 3, max_events=20, errors="ignore")
    assert run.outcome.tolist() == [Outcome.TOO_MANY_STEPS] * 3
    assert "rtol=1e-06" in run.failures[0].reproducer
    assert BIRTH_DEATH.species["cells"].countable
