"""The continuous part of a hybrid run: its grid, its hazards, and theory along it."""

import numpy as np
import pytest

import bitesim
from bitesim.engines import hybrid_course
from bitesim.engines.deterministic import Settings, initial_state, run_ode
from bitesim.engines.hybrid import run_hybrid
from bitesim.engines.hybrid_course import Setting, grid_of, hazards_of, integrate_stretch
from bitesim.leukaemia import LEUKAEMIA
from bitesim.numerics.two_phases import AWAKENING, BIRTH, CYCLING_LOSS, QUIESCENT_LOSS, TO_QUIESCENCE
from bitesim.population.simulate import case_and_times

REGIMEN = bitesim.Regimen.parse("28 ug/day for 28 d, 14 d off, x2").with_dexamethasone(3.3, mg=20)


def setting(mrd=1e-7, days=(0.0, 91.0)):
    case, times = case_and_times(bitesim.Patient(mrd=mrd), REGIMEN, None, list(days))
    schedule = case.schedule()
    start = initial_state(case.model, case.parameters)
    return Setting(case, Settings(), schedule, grid_of(case, schedule, times), start, 1e4)


def test_the_grid_holds_what_is_asked_for_and_what_the_schedule_changes():
    grid = setting(days=(0.0, 1.234, 91.0)).grid
    assert np.all(np.diff(grid) > 0.0)
    assert np.isin([0.0, 1.234, 3.3, 28.0, 42.0, 70.0, 91.0], grid).all()
    # Just before a dose at an instant, too.
    assert grid[np.searchsorted(grid, 3.3) - 1] == pytest.approx(3.3, abs=1e-5)
    assert np.diff(grid).max() <= 1.0


def test_clones_have_the_hazards_of_the_models_fluxes():
    # The kernel of clones alone writes what that of all fluxes does.
    shared = setting()
    states = integrate_stretch(shared, shared.schedule, (0, None), shared.start, is_behind=False, is_shared=False).states
    some, every = np.zeros((2, len(states), len(LEUKAEMIA.processes)))
    LEUKAEMIA.clone_flux_kernel(states, shared.parameters, some)
    LEUKAEMIA.flux_kernel(states, shared.parameters, every)
    names = list(LEUKAEMIA.processes)
    columns = [names.index(name) for clone in LEUKAEMIA.clones for name in clone.processes]
    np.testing.assert_allclose(some[:, columns], every[:, columns], rtol=1e-13)


def test_hazards_are_means_of_both_ends():
    clone = LEUKAEMIA.clones[0]
    places = {name: column for column, name in enumerate(LEUKAEMIA.processes)}
    fluxes = np.random.default_rng(1).random((3, len(places)))
    found = hazards_of(clone, places, fluxes)
    assert found.shape == (2, 6)
    assert found[0, BIRTH] == pytest.approx(fluxes[:2, places["blasts_birth"]].mean())
    lost = sum(fluxes[1:, places[name]].mean() for name in clone.cycling_losses)
    assert found[1, CYCLING_LOSS] == pytest.approx(lost)
    assert found[1, QUIESCENT_LOSS] < found[1, CYCLING_LOSS] + 2.0
    assert found[0, TO_QUIESCENCE] == pytest.approx(fluxes[:2, places["blasts_to_quiescence"]].mean())
    assert found[0, AWAKENING] == pytest.approx(fluxes[:2, places["blasts_awakening"]].mean())


def test_a_stretch_that_stops_is_the_course_until_then():
    shared = setting(1e-3)
    stop = int(np.searchsorted(shared.grid, 42.0))
    whole = integrate_stretch(shared, shared.schedule, (0, None), shared.start, is_behind=False, is_shared=True)
    first = integrate_stretch(shared, shared.schedule, (0, stop), shared.start, is_behind=False, is_shared=True)
    assert len(first.states) == stop + 1
    rest = integrate_stretch(shared, shared.schedule, (stop, None), first.states[-1], is_behind=False, is_shared=True)
    np.testing.assert_allclose(np.concatenate([first.states[:-1], rest.states]), whole.states, rtol=1e-4, atol=1e-4)
    plain = run_ode(shared.case, shared.grid)
    np.testing.assert_allclose(whole.cells(0).sum(axis=1), plain["blasts"] - plain["low_blasts"], rtol=1e-6)


def test_a_finer_grid_says_the_same(monkeypatch):
    case, times = case_and_times(bitesim.Patient(mrd=1e-7), "28 ug/day for 28 d, 14 d off, x2", None, [0.0, 365.0])
    coarse = run_hybrid(case, times, 1, 1).cured_by_theory
    monkeypatch.setattr(hybrid_course, "_COARSE", 0.125)
    monkeypatch.setattr(hybrid_course, "_AFTER", np.arange(0.0, 10.0, 0.03125))
    fine = run_hybrid(case, times, 1, 1).cured_by_theory
    assert 0.2 < fine < 0.4
    assert coarse == pytest.approx(fine, abs=2e-3)
