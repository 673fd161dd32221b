"""Few cells under a drug that comes and goes continuously: survival, release per kill and courses in closed form."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet

Floats = NDArray[np.float64]


def _row(name: str, value: float, unit: str) -> Parameter:
    return Parameter(name, unit, value, (0.0, 1e9), name.replace("_", " "), "test problem", "assumed")


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    f.elimination = p.elimination_per_day * s.drug
    f.killing = p.killing_per_drug_per_day * s.drug * s.cells
    f.clearance = p.clearance_per_day * s.cytokine


@kernel
def initial_state(p: Any, s: Any) -> None:
    s.drug = p.drug_at_start
    s.cells = p.cells_at_start
    s.cytokine = 0.0


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    r.living = s.cells


DRUG_AND_CELLS: Final = Model(
    name="drug_and_cells",
    title="a test problem",
    source="none",
    parameters=ParameterSet(
        Catalogue(
            "drug_and_cells",
            (
                _row("elimination_per_day", 0.5, "1/d"),
                _row("killing_per_drug_per_day", 0.02, "1/ug/d"),
                _row("clearance_per_day", 1.0, "1/d"),
                _row("drug_at_start", 20.0, "ug"),
                _row("cells_at_start", 50.0, "cells"),
            ),
        )
    ),
    species=SpeciesTable(
        (
            Species("drug", "ug", "drug", 1e-3),
            Species("cells", "cells", "cells", 1.0, countable=True),
            Species("cytokine", "pg", "what killed cells let go", 1e-3),
        )
    ),
    processes=Processes(
        {"elimination": {"drug": -1}, "killing": {"cells": -1, "cytokine": 2.5}, "clearance": {"cytokine": -1}}
    ),
    fluxes=fluxes,
    initial_state=initial_state,
    readouts=(Readout("living", "cells", "cells"),),
    read=read,
    drug=DrugInput("drug"),
)


def drug_course(times: Floats, elimination: float, start: float, rate: float, stop: float) -> Floats:
    """Return the drug under an infusion of `rate` from 0 to `stop`."""
    during = np.minimum(times, stop)
    filled = start * np.exp(-elimination * during) + rate / elimination * (1.0 - np.exp(-elimination * during))
    return np.asarray(filled * np.exp(-elimination * (times - during)))


def survival(times: Floats, killing: float, elimination: float, start: float, rate: float, stop: float) -> Floats:
    """Return the probability that one cell lives: exp(-killing * integral of the drug)."""
    # What went in, less what is there, was eliminated: elimination * integral of the drug.
    given = start + rate * np.minimum(times, stop)
    exposure = (given - drug_course(times, elimination, start, rate, stop)) / elimination
    return np.asarray(np.exp(-killing * exposure))
