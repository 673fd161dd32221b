"""Models of a few states for one equation at a time."""

from __future__ import annotations

from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet


def empty_start(p, s):
    pass


def empty_read(s, p, r):
    pass


def model_of(fluxes, states=("x", "y"), parameters=("a", "b"), initial_state=empty_start, read=empty_read):
    """Return a model whose process `change_<state>` changes each state by 1; nothing is compiled until it runs."""
    rows = tuple(Parameter(name, "-", 2.0, (-1e3, 1e3), "a test", "none", "assumed") for name in parameters)
    return Model(
        name="small",
        title="a test",
        source="none",
        parameters=ParameterSet(Catalogue("small", rows)),
        species=SpeciesTable(tuple(Species(name, "-", "a test", 1.0) for name in states)),
        processes=Processes({f"change_{name}": {name: 1} for name in states}),
        fluxes=fluxes,
        initial_state=initial_state,
        readouts=(Readout("seen", "-", "a test"),),
        read=read,
        drug=DrugInput(states[0]),
    )
