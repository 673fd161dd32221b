"""Two clones that fall at their own rates under an infusion: the bi-exponential course as a model that bitesim runs."""

from __future__ import annotations

from typing import Any

import numpy as np

import bitesim
from bitesim.foundation.compiled import kernel
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    f.drug_elimination = p.elimination_per_day * s.drug_ug
    f.fast_fall = -p.fast_rate_per_day
    f.slow_fall = -p.slow_rate_per_day


@kernel
def initial_state(p: Any, s: Any) -> None:
    s.drug_ug = 0.0
    s.ln_fast = np.log(p.fast_share)
    s.ln_slow = np.log(p.slow_share)


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    r.mrd = np.exp(s.ln_fast) + np.exp(s.ln_slow)
    r.drug_pg_per_ml = s.drug_ug * 1e6 / p.volume_ml


def _row(name: str, unit: str, default: float, bounds: tuple[float, float]) -> Parameter:
    return Parameter(name, unit, default, bounds, "of the small model", "made up", "assumed")


_ROWS = (
    _row("fast_share", "-", 0.5, (1e-6, 50.0)),
    _row("slow_share", "-", 0.002, (1e-9, 10.0)),
    _row("fast_rate_per_day", "1/d", 0.35, (1e-4, 20.0)),
    _row("slow_rate_per_day", "1/d", 0.04, (1e-6, 20.0)),
    _row("elimination_per_day", "1/d", 8.0, (0.1, 100.0)),
    _row("volume_ml", "mL", 6000.0, (100.0, 1e5)),
)

#: Not derived: who needs its sensitivities derives it, once.
_PLAIN = Model(
    name="two clones",
    title="two clones that fall at their own rates",
    source="made up",
    parameters=ParameterSet(Catalogue("two clones", _ROWS)),
    species=SpeciesTable(
        (
            Species("drug_ug", "ug", "drug", 1e-3),
            Species("ln_fast", "-", "logarithm of the fast clone", 1.0),
            Species("ln_slow", "-", "logarithm of the slow clone", 1.0),
        )
    ),
    processes=Processes({"drug_elimination": {"drug_ug": -1}, "fast_fall": {"ln_fast": 1}, "slow_fall": {"ln_slow": 1}}),
    fluxes=fluxes,
    initial_state=initial_state,
    readouts=(Readout("mrd", "-", "fraction of blasts"), Readout("drug_pg_per_ml", "pg/mL", "drug in serum")),
    read=read,
    drug=DrugInput("drug_ug"),
)


def two_clones() -> Model:
    """Return the model with its derivatives."""
    return bitesim.derive(_PLAIN)
