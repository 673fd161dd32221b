"""Networks of one or two species whose means, variances and extinction are known in closed form.

Birth and death, immigration and death, dimerisation: the models of the SBML discrete stochastic test suite (Evans,
Gillespie & Wilkinson 2008, Bioinformatics 24:285). And the network that the benchmark runs.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet

Floats = NDArray[np.float64]


def network(
    name: str,
    species: dict[str, str],
    parameters: dict[str, tuple[float, str]],
    processes: dict[str, dict[str, float]],
    equations: tuple[Any, Any, Any],
    countable: bool = True,
) -> Model:
    """Return a model from its names; `equations` are its fluxes, initial state and readouts."""
    rows = tuple(
        Parameter(key, unit, value, (0.0, 1e9), key.replace("_", " "), "test problem", "assumed")
        for key, (value, unit) in parameters.items()
    )
    fluxes, initial_state, read = equations
    return Model(
        name=name,
        title="a test problem",
        source="none",
        parameters=ParameterSet(Catalogue(name, rows)),
        species=SpeciesTable(
            tuple(Species(key, "cells", meaning, 1.0, countable=countable) for key, meaning in species.items())
        ),
        processes=Processes(processes),
        fluxes=fluxes,
        initial_state=initial_state,
        readouts=(Readout("total", "cells", "all of them"),),
        read=read,
        drug=DrugInput(next(iter(species))),
    )


@kernel
def birth_death_fluxes(s: Any, p: Any, f: Any) -> None:
    f.birth = p.birth_per_day * s.cells
    f.death = p.death_per_day * s.cells


@kernel
def start_with_cells(p: Any, s: Any) -> None:
    s.cells = p.start


@kernel
def read_cells(s: Any, p: Any, r: Any) -> None:
    r.total = s.cells


BIRTH_DEATH: Final = network(
    "birth_death",
    {"cells": "cells of a clone"},
    {"birth_per_day": (0.1, "1/d"), "death_per_day": (0.11, "1/d"), "start": (100.0, "cells")},
    {"birth": {"cells": 1}, "death": {"cells": -1}},
    (birth_death_fluxes, start_with_cells, read_cells),
)


def birth_death_moments(times: Floats, birth: float, death: float, start: float) -> tuple[Floats, Floats]:
    """Return mean and variance of a birth-death process with birth != death."""
    net = birth - death
    growth = np.exp(net * times)
    return start * growth, start * (birth + death) / net * growth * (growth - 1.0)


@kernel
def immigration_fluxes(s: Any, p: Any, f: Any) -> None:
    f.immigration = p.immigration_per_day
    f.death = p.death_per_day * s.cells


IMMIGRATION_DEATH: Final = network(
    "immigration_death",
    {"cells": "cells that come and die"},
    {"immigration_per_day": (100.0, "cells/d"), "death_per_day": (0.1, "1/d"), "start": (0.0, "cells")},
    {"immigration": {"cells": 1}, "death": {"cells": -1}},
    (immigration_fluxes, start_with_cells, read_cells),
)


def immigration_death_moments(times: Floats, immigration: float, death: float, start: float) -> tuple[Floats, Floats]:
    """Return mean and variance: those who are left of the start are binomial, those who came Poisson."""
    kept = np.exp(-death * times)
    came = immigration / death * (1.0 - kept)
    return start * kept + came, start * kept * (1.0 - kept) + came


@kernel
def dimerisation_fluxes(s: Any, p: Any, f: Any) -> None:
    f.dimerisation = 0.5 * p.pairing_per_day * s.cells * (s.cells - 1.0)
    f.separation = p.separation_per_day * s.pairs


@kernel
def start_without_pairs(p: Any, s: Any) -> None:
    s.cells = p.start
    s.pairs = 0.0


@kernel
def read_pairs(s: Any, p: Any, r: Any) -> None:
    r.total = s.cells + 2.0 * s.pairs


DIMERISATION: Final = network(
    "dimerisation",
    {"cells": "single cells", "pairs": "pairs of cells"},
    {"pairing_per_day": (0.001, "1/d"), "separation_per_day": (0.01, "1/d"), "start": (100.0, "cells")},
    {"dimerisation": {"cells": -2, "pairs": 1}, "separation": {"pairs": -1, "cells": 2}},
    (dimerisation_fluxes, start_without_pairs, read_pairs),
)


def dimerisation_moments(times: Floats, pairing: float, separation: float, start: int) -> tuple[Floats, Floats]:
    """Return mean and variance of the single cells, from the master equation of the pairs."""
    from scipy.linalg import expm

    pairs = np.arange(start // 2 + 1)
    single = start - 2 * pairs
    generator = np.zeros((len(pairs), len(pairs)))
    forward, back = 0.5 * pairing * single * (single - 1.0), separation * pairs
    for k in pairs:
        if k + 1 < len(pairs):
            generator[k + 1, k] = forward[k]
        if k > 0:
            generator[k - 1, k] = back[k]
        generator[k, k] = -(forward[k] * (k + 1 < len(pairs)) + back[k])
    chance = np.array([expm(generator * time)[:, 0] for time in times])
    mean = chance @ single
    return mean, chance @ single.astype(float) ** 2 - mean**2


def extinction_by(times: Floats, birth: float, death: float, start: int) -> Floats:
    """Return the probability that a birth-death process from whole cells has died out (Kendall 1948)."""
    growth = np.exp((birth - death) * times)
    return np.asarray((death * (growth - 1.0) / (birth * growth - death)) ** start)


def mean_extinction_time(birth: float, death: float) -> float:
    """Return the mean time to extinction of one cell's line with birth < death [d]: log(death / (death - birth)) / birth."""
    return math.log(death / (death - birth)) / birth
