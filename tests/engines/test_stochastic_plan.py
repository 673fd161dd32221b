"""What the stochastic engines refuse, by name."""

import numpy as np
import pytest

import bitesim
from bitesim.engines.stochastic import run_stochastic
from bitesim.engines.stochastic_plan import counted_model, starts
from bitesim.foundation.compiled import kernel
from bitesim.model import Species
from bitesim.treatment import Regimen
from tests.derivation.small_models import model_of
from tests.problems.small_networks import BIRTH_DEATH, DIMERISATION, network, read_cells, start_with_cells


@kernel
def fluxes(s, p, f):
    f.arrival = p.rate


@kernel
def reversible(s, p, f):
    f.net = p.rate * (10.0 - s.cells)


def one_process(changes, equations=(fluxes, start_with_cells, read_cells), name="arrival"):
    parameters = {"rate": (3.0, "1/d"), "start": (20.0, "cells")}
    return network("arrivals", {"cells": "cells"}, parameters, {name: changes}, equations)


def test_half_a_cell_is_refused():
    with pytest.raises(bitesim.ParameterError, match=r"process arrival .* changes the countable species cells by 0\.5"):
        counted_model(one_process({"cells": 0.5}))


def test_a_model_that_counts_nothing_is_refused():
    with pytest.raises(bitesim.ParameterError, match=r"model small counts nothing: .* countable=True"):
        counted_model(model_of(fluxes))


def test_infusions_of_cells_are_refused():
    with pytest.raises(bitesim.ScenarioError, match="infuses cells of model birth_death from day 0"):
        run_stochastic(BIRTH_DEATH, None, "15 ug/day for 2 d", [1.0], 1, 1)


def test_fractions_of_doses_are_refused():
    with pytest.raises(bitesim.ScenarioError, match=r"adds 2\.5 to the countable species cells .* on day 3"):
        run_stochastic(BIRTH_DEATH, None, Regimen.none().with_bolus(3.0, 2.5), [5.0], 1, 1)


@pytest.mark.parametrize("start", [1e16, float("nan")])
def test_starts_that_no_count_has_are_refused(start):
    @kernel
    def wrong_start(p, s):
        s.cells = start

    model = one_process({"cells": 1}, (fluxes, wrong_start, read_cells))
    with pytest.raises(bitesim.ParameterError, match="starts with cells = "):
        run_stochastic(model, None, None, [1.0], 1, 1)


def test_a_rate_below_zero_is_explained():
    model = one_process({"cells": 1}, (reversible, start_with_cells, read_cells), "net")
    for method in ("exact", "tau"):
        with pytest.raises(bitesim.SolverError, match=r"negative rate at day 0: .* as two processes"):
            run_stochastic(model, None, None, [1.0], 2, 1, method, errors="raise")


def test_starts_are_one_of_two_counts():
    counted = counted_model(DIMERISATION)
    table = starts(counted, np.array([7.0, 2.5]), 3, 100, 50)
    assert (table[:, 0] == 7.0).all()
    assert set(table[:, 1]) == {2.0, 3.0}
    again = starts(counted, np.array([7.0, 2.5]), 3, 110, 40)
    assert np.array_equal(again, table[10:])


def test_equations_that_branch_are_run_all_the_same():
    @kernel
    def branching(s, p, f):
        f.arrival = p.rate if s.cells < 25.0 else 0.0

    model = one_process({"cells": 1}, (branching, start_with_cells, read_cells))
    assert (run_stochastic(model, None, None, [100.0], 20, 1)["total"] == 25.0).all()


def test_what_depends_on_nothing_is_poisson():
    model = one_process({"cells": 1})
    for method in ("exact", "tau"):
        came = run_stochastic(model, None, None, [40.0, 100.0], 4000, 1, method)["total"] - 20.0
        for column, mean in enumerate((120.0, 300.0)):
            # False-alarm rate below 1e-4 each.
            assert abs(came[:, column].mean() - mean) < 4.0 * np.sqrt(mean / 4000)
            assert abs(came[:, column].var() / mean - 1.0) < 4.0 * np.sqrt(2.0 / 4000)


def test_species_are_not_counted_unless_they_say_so():
    assert not Species("x", "-", "a test", 1.0).countable
