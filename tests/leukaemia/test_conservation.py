"""What each process conserves: cells that move or change are neither made nor lost; births and deaths are named."""

from types import SimpleNamespace

import numpy as np
import pytest

import bitesim
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia.fluxes import fluxes
from bitesim.leukaemia.processes import CLONES
from tests.mechanisms.parameters import defaults, plain

COUNTED = ("cells", "cells/uL")
#: Parts of the names of processes that make or take cells.
MADE = ("division", "renewal", "production", "growth", "arrival")
TAKEN = ("death", "chemotherapy", "killing", "crowding", "loss_marrow", "b_cell_margination")


@pytest.mark.parametrize("name", LEUKAEMIA.processes)
def test_cells_come_and_go_by_named_processes_only(name):
    changes = LEUKAEMIA.processes[name]
    net = sum(change for species, change in changes.items() if LEUKAEMIA.species[species].unit in COUNTED)
    if net > 0:
        assert any(part in name for part in MADE)
    elif net < 0:
        assert any(part in name for part in TAKEN)


def course_fluxes():
    """Yield states along a treated course, with their fluxes."""
    regimen = bitesim.Regimen.parse("28 ug/day for 28 d").with_chemotherapy(20.0)
    course = bitesim.simulate(bitesim.Patient(mrd=0.05), regimen, LEUKAEMIA, [0.0, 1.0, 14.0, 22.0, 40.0])
    for row in range(len(course.times_days)):
        state = {name: float(course[name][row]) for name in LEUKAEMIA.species}
        found = SimpleNamespace()
        plain(fluxes)(SimpleNamespace(**state), defaults(baseline_blast_fraction=0.05), found)
        yield state, vars(found)


def test_blasts_that_change_their_phase_or_cd19_are_neither_made_nor_lost():
    for state, found in course_fluxes():

        def moved(process, species, state=state, found=found):
            return found[process] * np.exp(state[species])

        for clone in CLONES:
            cycling, quiescent = f"ln_cycling_{clone}", f"ln_quiescent_{clone}"
            assert moved(f"{clone}_to_quiescence", cycling) == pytest.approx(moved(f"{clone}_from_cycle", quiescent))
            assert moved(f"{clone}_awakening", quiescent) == pytest.approx(moved(f"{clone}_awakened", cycling))
        lost = moved("antigen_loss", "ln_cycling_blasts")
        assert lost == pytest.approx(moved("antigen_low_gain", "ln_cycling_low_blasts"))


def test_no_flux_of_cells_is_negative():
    for _, found in course_fluxes():
        for name, changes in LEUKAEMIA.processes.items():
            if any(LEUKAEMIA.species[species].countable for species in changes):
                assert found[name] >= 0.0, name


def test_drug_and_blocks_are_what_was_given_less_what_went():
    regimen = bitesim.Regimen.parse("28 ug/day for 7 d").with_chemotherapy(2.0, 1.5)
    course = bitesim.simulate(None, regimen, LEUKAEMIA, [0.0, 3.0, 7.0, 30.0])
    given = np.array([0.0, 84.0, 196.0, 196.0])
    np.testing.assert_allclose(course["drug_ug"] + course["drug_eliminated_ug"], given, rtol=1e-10, atol=1e-10)
    left = 1.5 * np.exp(-LEUKAEMIA.parameters["chemotherapy_loss_per_day"] * (course.times_days[1:] - 2.0))
    np.testing.assert_allclose(course["chemotherapy_blocks"], [0.0, *left], rtol=1e-4)
