"""A leukaemia of few cells, written twice: as counts, for an exact engine, and as logarithms, for the hybrid.

Drug is infused and cleared; T cells renew, die, and divide where drug bridges them to targets; CD19+ and CD19-low blasts
cycle, pause, divide, die, and are killed; CD19+ ones turn CD19-low. The rates stand once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.model import Clone, DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet

#: Name -> default, unit.
_PARAMETERS: Final = {
    "drug_clearance": (4.0, "1/d"),
    "drug_half": (2.0, "ug"),
    "t_start": (3000.0, "cells"),
    "t_death": (0.02, "1/d"),
    "t_division": (0.05, "1/d"),
    "killing": (0.85, "1/d"),
    "low_killing_share": (0.5, "-"),
    "birth": (0.5, "1/d"),
    "death": (0.1, "1/d"),
    "pause": (0.3, "1/d"),
    "wake": (0.2, "1/d"),
    "antigen_loss": (1e-3, "1/d"),
    "capacity": (1e6, "cells"),
    "cd19_start": (1000.0, "cells"),
    "low_start": (50.0, "cells"),
}
CLONES: Final = ("cd19", "low")
PHASES: Final = ("cycling", "quiescent")


@kernel
def attack(drug: Any, t_cells: Any, p: Any) -> Any:
    """Return the hazard of a CD19+ cell to be killed."""
    return p.killing * t_cells / p.t_start * drug / (p.drug_half + drug)


@kernel
def birth(cells: Any, p: Any) -> Any:
    """Return the hazard of a cycling cell to divide."""
    return p.birth * (1.0 - cells / p.capacity)


@kernel
def pool_fluxes(drug: Any, t_cells: Any, cells: Any, p: Any, f: Any) -> None:
    """Write the fluxes of drug and T cells."""
    f.drug_elimination = p.drug_clearance * drug
    f.t_renewal = p.t_death * p.t_start
    f.t_loss = p.t_death * t_cells
    f.t_stimulated = p.t_division * t_cells * drug / (p.drug_half + drug) * cells / (cells + p.t_start)


@kernel
def counted_fluxes(s: Any, p: Any, f: Any) -> None:
    """Write rates of events."""
    cells = s.cycling_cd19 + s.quiescent_cd19 + s.cycling_low + s.quiescent_low
    pool_fluxes(s.drug, s.t_cells, cells, p, f)
    killed, born = attack(s.drug, s.t_cells, p), birth(cells, p)
    f.cd19_birth, f.low_birth = born * s.cycling_cd19, born * s.cycling_low
    f.cd19_cycling_loss = (p.death + killed) * s.cycling_cd19
    f.cd19_quiescent_loss = (p.death + killed) * s.quiescent_cd19
    f.low_cycling_loss = (p.death + p.low_killing_share * killed) * s.cycling_low
    f.low_quiescent_loss = (p.death + p.low_killing_share * killed) * s.quiescent_low
    f.cd19_pause, f.low_pause = p.pause * s.cycling_cd19, p.pause * s.cycling_low
    f.cd19_wake, f.low_wake = p.wake * s.quiescent_cd19, p.wake * s.quiescent_low
    f.antigen_loss = p.antigen_loss * s.cycling_cd19


@kernel
def logarithmic_fluxes(s: Any, p: Any, f: Any) -> None:
    """Write fluxes of drug and T cells, and hazards of one blast."""
    ratio, low_ratio = np.exp(s.ln_cycling_cd19 - s.ln_quiescent_cd19), np.exp(s.ln_cycling_low - s.ln_quiescent_low)
    cycling = np.exp(s.ln_cycling_cd19) + np.exp(s.ln_cycling_low)
    cells = cycling + np.exp(s.ln_quiescent_cd19) + np.exp(s.ln_quiescent_low)
    pool_fluxes(s.drug, s.t_cells, cells, p, f)
    killed, born = attack(s.drug, s.t_cells, p), birth(cells, p)
    f.cd19_birth, f.low_birth = born, born
    f.cd19_cycling_loss = f.cd19_quiescent_loss = p.death + killed
    f.low_cycling_loss = f.low_quiescent_loss = p.death + p.low_killing_share * killed
    f.cd19_pause, f.cd19_paused, f.cd19_wake, f.cd19_woken = p.pause, p.pause * ratio, p.wake, p.wake / ratio
    f.low_pause, f.low_paused, f.low_wake, f.low_woken = p.pause, p.pause * low_ratio, p.wake, p.wake / low_ratio
    f.antigen_loss = p.antigen_loss
    f.antigen_gain = p.antigen_loss * np.exp(s.ln_cycling_cd19 - s.ln_cycling_low)


@kernel
def start_counts(p: Any, s: Any) -> None:
    """Write the start: the phases as in steady growth."""
    s.t_cells = p.t_start
    s.cycling_cd19 = s.quiescent_cd19 = 0.5 * p.cd19_start
    s.cycling_low = s.quiescent_low = 0.5 * p.low_start


@kernel
def start_logarithms(p: Any, s: Any) -> None:
    """Write the same start."""
    s.t_cells = p.t_start
    s.ln_cycling_cd19 = s.ln_quiescent_cd19 = np.log(0.5 * p.cd19_start)
    s.ln_cycling_low = s.ln_quiescent_low = np.log(0.5 * p.low_start)


@kernel
def read_counts(s: Any, p: Any, r: Any) -> None:
    """Read all blasts, and the CD19-low ones."""
    r.low = s.cycling_low + s.quiescent_low
    r.blasts = s.cycling_cd19 + s.quiescent_cd19 + r.low


@kernel
def read_logarithms(s: Any, p: Any, r: Any) -> None:
    """Read the same."""
    r.low = np.exp(s.ln_cycling_low) + np.exp(s.ln_quiescent_low)
    r.blasts = np.exp(s.ln_cycling_cd19) + np.exp(s.ln_quiescent_cd19) + r.low


def _pools(countable: bool) -> tuple[Species, ...]:
    drug = Species("drug", "ug", "drug in the body", 1e-3)
    return drug, Species("t_cells", "cells", "T cells", 1.0, countable=countable)


_POOL_PROCESSES: Final = {
    "drug_elimination": {"drug": -1}, "t_renewal": {"t_cells": 1}, "t_loss": {"t_cells": -1}, "t_stimulated": {"t_cells": 1},
}  # fmt: skip


def _counted_processes() -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = dict(_POOL_PROCESSES)
    for clone in CLONES:
        cycling, quiescent = f"cycling_{clone}", f"quiescent_{clone}"
        table |= {
            f"{clone}_birth": {cycling: 1}, f"{clone}_cycling_loss": {cycling: -1},
            f"{clone}_quiescent_loss": {quiescent: -1}, f"{clone}_pause": {cycling: -1, quiescent: 1},
            f"{clone}_wake": {quiescent: -1, cycling: 1},
        }  # fmt: skip
    return table | {"antigen_loss": {"cycling_cd19": -1, "cycling_low": 1}}


def _logarithmic_processes() -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = dict(_POOL_PROCESSES)
    for clone in CLONES:
        cycling, quiescent = f"ln_cycling_{clone}", f"ln_quiescent_{clone}"
        table |= {
            f"{clone}_birth": {cycling: 1}, f"{clone}_cycling_loss": {cycling: -1},
            f"{clone}_quiescent_loss": {quiescent: -1}, f"{clone}_pause": {cycling: -1},
            f"{clone}_paused": {quiescent: 1}, f"{clone}_wake": {quiescent: -1}, f"{clone}_woken": {cycling: 1},
        }  # fmt: skip
    return table | {"antigen_loss": {"ln_cycling_cd19": -1}, "antigen_gain": {"ln_cycling_low": 1}}


def _clone(name: str, *losses: str, founders: tuple[tuple[str, str], ...] = ()) -> Clone:
    return Clone(
        name, f"ln_cycling_{name}", f"ln_quiescent_{name}", f"{name}_birth", (f"{name}_cycling_loss", *losses),
        (f"{name}_quiescent_loss",), f"{name}_pause", f"{name}_wake", founders,
    )  # fmt: skip


_CATALOGUE: Final = Catalogue(
    "small leukaemia",
    tuple(
        Parameter(name, unit, value, (0.0, 1e9), name.replace("_", " "), "test problem", "assumed")
        for name, (value, unit) in _PARAMETERS.items()
    ),
)
_READOUTS: Final = (Readout("blasts", "cells", "all blasts"), Readout("low", "cells", "CD19-low blasts"))

COUNTED: Final = Model(
    name="small_leukaemia_counted",
    title="few cells, one by one",
    source="none",
    parameters=ParameterSet(_CATALOGUE),
    species=SpeciesTable(
        (
            *_pools(True),
            *(Species(f"{phase}_{clone}", "cells", "blasts", 1.0, countable=True) for clone in CLONES for phase in PHASES),
        )
    ),
    processes=Processes(_counted_processes()),
    fluxes=counted_fluxes,
    initial_state=start_counts,
    readouts=_READOUTS,
    read=read_counts,
    drug=DrugInput("drug"),
)
LOGARITHMIC: Final = Model(
    name="small_leukaemia",
    title="the same, as logarithms",
    source="none",
    parameters=ParameterSet(_CATALOGUE),
    species=SpeciesTable(
        (
            *_pools(False),
            *(Species(f"ln_{phase}_{clone}", "ln cells", "blasts", 1.0) for clone in CLONES for phase in PHASES),
        )
    ),
    processes=Processes(_logarithmic_processes()),
    fluxes=logarithmic_fluxes,
    initial_state=start_logarithms,
    readouts=_READOUTS,
    read=read_logarithms,
    drug=DrugInput("drug"),
    clones=(_clone("cd19", "antigen_loss"), _clone("low", founders=(("antigen_loss", "ln_cycling_cd19"),))),
)
