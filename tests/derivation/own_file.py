"""A model in a file of a user's own: a drug that kills cells. Tests copy, edit, load and derive it."""

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.kinks import saturation
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet

CATALOGUE = Catalogue(
    "own",
    (
        Parameter("elimination_per_day", "1/d", 2.0, (0.0, 1e3), "elimination", "made up", "assumed"),
        Parameter("killing_per_day", "1/d", 3.0, (0.0, 1e3), "largest killing", "made up", "assumed"),
        Parameter("half_ug", "ug", 5.0, (1e-3, 1e3), "drug at half of it", "made up", "assumed"),
        Parameter("hill", "-", 1.5, (0.1, 10.0), "its steepness", "made up", "assumed"),
    ),
)


@kernel
def hazard(s, p):
    return p.killing_per_day * saturation(s.drug_ug, p.half_ug, p.hill)


@kernel
def fluxes(s, p, f):
    f.elimination = p.elimination_per_day * s.drug_ug
    f.killing = hazard(s, p) * s.cells


@kernel
def initial_state(p, s):
    s.cells = 100.0


@kernel
def read(s, p, r):
    r.log_cells = np.log(1.0 + s.cells)


def model(name="own", **changes):
    return Model(
        name=name,
        title="a drug that kills cells",
        source="made up",
        parameters=ParameterSet(CATALOGUE),
        species=SpeciesTable((Species("drug_ug", "ug", "drug", 1e-3), Species("cells", "-", "cells", 1e-3))),
        processes=Processes({"elimination": {"drug_ug": -1}, "killing": {"cells": -1}}),
        fluxes=fluxes,
        initial_state=initial_state,
        readouts=(Readout("log_cells", "-", "ln(1 + cells)"),),
        read=read,
        drug=DrugInput("drug_ug"),
        **changes,
    )


MODEL = model()
