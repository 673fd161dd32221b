"""The hybrid engine against the equations, branching theory and itself at another threshold."""

import numpy as np
import pytest

import bitesim
from bitesim.engines.hybrid import run_hybrid
from bitesim.foundation.errors import ScenarioError
from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.simulate import case_and_times

REGIMEN = "28 ug/day for 28 d, 14 d off, x2"
DAYS = np.arange(0.0, 365.0, 14.0)


def runs(mrd, replicates, regimen=REGIMEN, days=DAYS, threshold=1e4, seed=1, **changes):
    parameters = LEUKAEMIA.parameters.replace(**changes)
    case, times = case_and_times(bitesim.Patient(mrd=mrd), regimen, None, days, parameters=parameters)
    return run_hybrid(case, times, replicates, seed, threshold=threshold)


@pytest.fixture(scope="module")
def few():
    return runs(1e-8, 400, low_blast_share=1e-9)


def test_many_cells_are_the_equations():
    found = runs(1e-2, 2, days=np.arange(0.0, 85.0, 7.0), low_blast_share=1e-2, baseline_sanctuary_blasts=1e7)
    plain = bitesim.simulate(
        bitesim.Patient(mrd=1e-2), REGIMEN, LEUKAEMIA, np.arange(0.0, 85.0, 7.0),
        parameters=LEUKAEMIA.parameters.replace(low_blast_share=1e-2, baseline_sanctuary_blasts=1e7),
    )  # fmt: skip
    for name in plain.outputs:
        np.testing.assert_allclose(found[name][0], plain[name], rtol=1e-4, atol=1e-9, err_msg=name)
    assert found.cured_by_theory == 0.0


def test_cure_agrees_with_branching_theory(few):
    share = few.p_cured()
    assert 0.6 < few.cured_by_theory < 0.95
    # Binomial, 4 standard deviations: a false alarm in 16,000.
    assert abs(share.value - few.cured_by_theory) < 4.0 * np.sqrt(few.cured_by_theory * (1.0 - few.cured_by_theory) / 400)
    assert share.low < share.value < share.high


@pytest.mark.parametrize("threshold", [1e3, 1e5])
def test_the_threshold_changes_no_cure(few, threshold):
    other = runs(1e-8, 400, threshold=threshold, seed=2, low_blast_share=1e-9).p_cured()
    expected = few.cured_by_theory
    assert abs(other.value - few.p_cured().value) < 4.0 * np.sqrt(2.0 * expected * (1.0 - expected) / 400)


def test_nothing_comes_back_from_nothing(few):
    cells = few.cells.sum(axis=3)
    marrow = cells[:, 0]
    out = np.cumsum(marrow == 0.0, axis=1) > 0
    assert np.all(marrow[out] == 0.0)
    assert np.all((few["blasts"] == 0.0) | (few["blasts"] >= 1.0 - 1e-9))
    gone = np.isfinite(few.extinction_days()).all(axis=1)
    assert np.all(few["mrd"][gone, -1] == 0.0)
    assert np.all(few["mrd"][~gone, -1] > 0.0)
    assert np.all(few["extinction_probability"][gone, -1] == 1.0)


def test_counted_cells_are_whole_and_hand_over_loses_none():
    found = runs(1e-7, 300, days=np.array([0.0, 3.0, 8.0]))
    marrow = found.cells[:, 0]
    begins = int(np.argmax(np.all(marrow[:, :, 0] == np.round(marrow[:, :, 0]), axis=0)))
    assert begins > 0
    assert np.all(marrow[:, begins:] == np.round(marrow[:, begins:]))
    # Rounding up or down keeps the mean: the shadow of the equations at the same point.
    plain = bitesim.simulate(bitesim.Patient(mrd=1e-7), REGIMEN, LEUKAEMIA, [0.0, float(found.grid_days[begins])])
    expected = np.exp(plain["ln_cycling_blasts"][1])
    assert abs(marrow[:, begins, 0].mean() - expected) < 4.0 * 0.5 / np.sqrt(300)


def test_regrown_clones_are_continuous_again_and_fill_the_marrow():
    found = runs(1e-7, 12, days=np.arange(0.0, 1500.0, 10.0), low_blast_share=1e-9)
    relapsed = found["mrd"][:, -1] > 0.5
    assert relapsed.sum() > 3
    assert np.all((found["mrd"][:, -1] > 0.5) | (found["mrd"][:, -1] == 0.0))
    # Not all at once: luck at the nadir moves the relapse.
    days = [found.times_days[np.argmax(course > 0.05)] for course in found["mrd"][relapsed]]
    assert len(set(days)) > 1


def test_the_same_luck_gives_the_same_course_whoever_else_runs(few):
    three = runs(1e-8, 3, low_blast_share=1e-9)
    assert np.array_equal(three.cells, few.cells[:3])
    assert not np.array_equal(three.cells, runs(1e-8, 3, seed=2, low_blast_share=1e-9).cells)


def test_what_it_cannot_do_is_refused():
    case, times = case_and_times(bitesim.Patient(), REGIMEN, "hosseini2020", DAYS)
    with pytest.raises(ScenarioError, match="hosseini2020 has no clones"):
        run_hybrid(case, times, 1, 1)
    case, times = case_and_times(bitesim.Patient(), REGIMEN, "leukaemia", DAYS)
    for name, value in (("threshold", 3.0), ("first_replicate", -1), ("threads", 0)):
        with pytest.raises(bitesim.ParameterError, match=f"{name} = .* is outside"):
            run_hybrid(case, times, 1, 1, **{name: value})
