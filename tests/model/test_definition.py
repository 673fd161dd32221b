"""A model of one's own, written outside bitesim, on the same engine."""

from typing import Any

import numpy as np
import pytest

import bitesim
from bitesim.foundation.compiled import kernel
from bitesim.model import Balance, DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet

CATALOGUE = Catalogue(
    "two_compartments",
    (
        Parameter("clearance_per_day", "1/d", 8.0, (0.0, 100.0), "elimination from the centre", "made up for this test"),
        Parameter("exchange_per_day", "1/d", 3.0, (0.0, 100.0), "exchange, both ways", "made up for this test"),
    ),
)
SPECIES = SpeciesTable(
    (Species("centre_ug", "ug", "drug in the centre", 1e-6), Species("edge_ug", "ug", "drug at the edge", 1e-6))
)
PROCESSES = Processes(
    {"elimination": {"centre_ug": -1}, "out": {"centre_ug": -1, "edge_ug": +1}, "back": {"edge_ug": -1, "centre_ug": +1}}
)


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    f.elimination = p.clearance_per_day * s.centre_ug
    f.out = p.exchange_per_day * s.centre_ug
    f.back = p.exchange_per_day * s.edge_ug


@kernel
def initial_state(p: Any, s: Any) -> None:
    s.centre_ug = 0.0


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    r.total_ug = s.centre_ug + s.edge_ug


def own_model(**changes):
    parts = {
        "name": "two_compartments",
        "title": "a test",
        "source": "none",
        "parameters": ParameterSet(CATALOGUE),
        "species": SPECIES,
        "processes": PROCESSES,
        "fluxes": fluxes,
        "initial_state": initial_state,
        "readouts": (Readout("total_ug", "ug", "all drug"),),
        "read": read,
        "drug": DrugInput("centre_ug"),
    }
    return Model(**{**parts, **changes})


def test_it_runs_on_the_same_engine_and_equals_the_matrix_exponential():
    from scipy.linalg import expm

    run = bitesim.simulate(None, "24 ug/day for 1 d", own_model(), [0.5, 1.0, 2.0], rtol=1e-10)
    rates = np.array([[-11.0, 3.0, 24.0], [3.0, -3.0, 0.0], [0.0, 0.0, 0.0]])
    at_one = expm(rates)[:2, 2]
    expected = [expm(0.5 * rates)[:2, 2].sum(), at_one.sum(), (expm(rates[:2, :2]) @ at_one).sum()]
    np.testing.assert_allclose(run["total_ug"], expected, rtol=1e-8)


def test_mistakes_in_a_model_are_named():
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'edge_ug'"):
        own_model(processes=Processes({"out": {"edge": 1.0}}))
    with pytest.raises(bitesim.ParameterError, match="name of a species"):
        own_model(readouts=(Readout("edge_ug", "ug", "the edge"),))
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'centre_ug'"):
        own_model(drug=DrugInput("center_ug"))
    with pytest.raises(bitesim.ParameterError, match="lost"):
        own_model(balances=(Balance("drug", {"lost": 1.0}),))


def test_a_model_is_sent_by_name():
    import pickle

    with pytest.raises(TypeError, match="send its name"):
        pickle.dumps(own_model())
