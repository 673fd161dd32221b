"""How much slower blasts are bound and killed in space than mass action says: the spatial factor, and its use.

chi = contacts made / contacts that mass action makes of the same T cells and free blasts, minute by minute. It is 1 where
both are spread at random and stay so. T cells empty their neighbourhood, and blasts inside a cluster are out of reach: both
lower it. A piece of marrow of a cubic millimetre corrects rates; it is not scaled up to the marrow's 1e12 cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from bitesim.engines.agents.engine import NicheEngine
from bitesim.engines.agents.rules import MINUTES_PER_DAY, Hazards
from bitesim.foundation.checks import number, shown, whole_number
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.leukaemia import LEUKAEMIA
from bitesim.niche.design import NicheDesign, layout
from bitesim.niche.rates import niche_hazards, record_of, surroundings
from bitesim.parameters import ParameterSet

#: Share of unbound blasts moved each step in well-mixed mode.
WELL_MIXED: Final = 0.02


@dataclass(frozen=True)
class SpatialFactor:
    """The spatial factor of one design.

    Parameters
    ----------
    chi : float
        Contacts in space over those of mass action [-], the mean of the repeats.
    standard_error : float
        Of that mean, from the repeats; infinite with one.
    contacts, kills : int
        Of all repeats.
    repeats : int
    hours : float
    design : NicheDesign
    """

    chi: float
    standard_error: float
    contacts: int
    kills: int
    repeats: int
    hours: float
    design: NicheDesign


def measured_chi(engine: NicheEngine, hazards: Hazards, since: tuple[int, float] = (0, 0.0)) -> float:
    """Return contacts over those of mass action, since a number of contacts and an exposure; NaN without exposure."""
    chance = hazards.meetings_per_day * hazards.step_min / MINUTES_PER_DAY / engine.box.sites
    expected = chance * (engine.exposure - since[1])
    return (engine.tally("binds") - since[0]) / expected if expected > 0.0 else math.nan


def spatial_factor(
    design: NicheDesign | None = None,
    drug_pg_per_ml: float = 500.0,
    hours: float = 24.0,
    repeats: int = 4,
    *,
    parameters: ParameterSet | None = None,
    is_mixed: bool = False,
    seed: int = 0,
) -> SpatialFactor:
    """Measure the spatial factor of a design over its first hours: T cells activated, no births and deaths but kills.

    Parameters
    ----------
    design : NicheDesign, optional
    drug_pg_per_ml : float
        Free drug in serum: it decides which contacts kill.
    hours : float
        From the start on, when all T cells are free and placed at random; blasts are used up meanwhile.
    repeats : int
        Niches with different luck.
    parameters : ParameterSet, optional
        Of the leukaemia model.
    is_mixed : bool
        Move unbound cells about: the factor is 1 then.
    seed : int

    Raises
    ------
    ParameterError
        For input that cannot be used, and for a design in which nothing can meet.
    """
    design = NicheDesign() if design is None else design
    if not isinstance(design, NicheDesign):
        raise ParameterError(f"design = {shown(design)} is not a NicheDesign: write bitesim.niche.NicheDesign(...)")
    hours = number("hours", hours, "h", (0.1, 24.0 * 365.0), "It is in hours: a day is 24.")
    repeats = whole_number("repeats", repeats, (1, 10_000))
    if not design.count("blasts") or not design.count("t_cells"):
        raise ParameterError("a design needs blasts and T cells, or nobody meets: raise blast_fraction or t_cell_fraction")
    chosen = LEUKAEMIA.parameters if parameters is None else parameters
    p = record_of(chosen)
    blasts = design.count("blasts")
    around = surroundings(drug_pg_per_ml, blasts - design.count("low_blasts"), design.count("low_blasts"), design.cells, p)
    full = niche_hazards(design, around, chosen, mixing=WELL_MIXED if is_mixed else 0.0)
    hazards = replace(full, blast_per_day=np.zeros((2, 3)), t_cell_per_day=np.zeros((3, 6)))
    found, contacts, kills = [], 0, 0
    for repeat in range(repeats):
        start = layout(design, seed + repeat, t_states=np.ones(design.count("t_cells"), np.int64))
        engine = NicheEngine(design.box, start, hazards.rules(), seed + repeat)
        engine.advance(max(1, round(60.0 * hours / hazards.step_min)))
        found.append(measured_chi(engine, hazards))
        contacts += engine.tally("binds")
        kills += engine.tally("kills")
    error = float(np.std(found, ddof=1) / math.sqrt(repeats)) if repeats > 1 else math.inf
    return SpatialFactor(float(np.mean(found)), error, contacts, kills, repeats, hours, design)


def spatial_factors(
    design: NicheDesign | None = None, sweep: Mapping[str, Sequence[float]] | None = None, **options: Any
) -> list[SpatialFactor]:
    """Return the spatial factor along each axis of a sweep, everything else as in the design.

    Parameters
    ----------
    design : NicheDesign, optional
    sweep : mapping, optional
        Field of `NicheDesign` -> values. Default: density, effectors, clusters and speed.
    **options
        Of `spatial_factor`.
    """
    design = NicheDesign() if design is None else design
    known = [each.name for each in fields(NicheDesign)]
    chosen = DEFAULT_SWEEP if sweep is None else sweep
    for name in chosen:
        if name not in known:
            raise unknown_name("field of NicheDesign", name, known)
    designs = [_changed(design, name, value) for name, values in chosen.items() for value in values]
    return [spatial_factor(each, **options) for each in designs]


def _changed(design: NicheDesign, name: str, value: Any) -> NicheDesign:
    return replace(design, **{name: value})


#: Density, effectors, clusters and speed.
DEFAULT_SWEEP: Final[Mapping[str, Sequence[float]]] = {
    "cells_per_site": (0.25, 0.4, 0.6, 0.8, 0.95),
    "blast_fraction": (0.05, 0.2, 0.5, 0.9),
    "t_cell_fraction": (0.003, 0.01, 0.03, 0.1),
    "cluster_um": (0.0, 30.0, 60.0, 120.0),
    "speed_um_per_min": (1.0, 2.0, 5.0, 10.0),
}


def with_spatial_factor(parameters: ParameterSet, chi: float) -> ParameterSet:
    """Return parameters of the leukaemia model whose encounters are slowed as in space: a closure.

    Contacts form at k / (s N), so that a factor chi on them is the search share s divided by chi. It acts on marrow and,
    with the same parameter, on lymphoid tissue and the sanctuary.

    Raises
    ------
    ParameterError
        For a factor that is no number of 0.01 to 10, or a search share that leaves its bounds.
    """
    chi = number("chi", chi, "-", (0.01, 10.0), "It is contacts in space over those of mass action, e.g. 0.8.")
    return parameters.replace(killing_search_share=parameters["killing_search_share"] / chi)
