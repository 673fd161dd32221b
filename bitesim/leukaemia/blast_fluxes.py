"""Fluxes of three clones of blasts, cycling and quiescent: hazards of one cell [1/d], since their species are logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.leukaemia import quantities as q
from bitesim.mechanisms import leukaemia_growth
from bitesim.mechanisms.chemotherapy import acting_blocks, cytotoxic_hazard


@kernel
def cd19_blast_fluxes(s: Any, p: Any, f: Any) -> None:
    """CD19+ blasts in marrow, and those that lose CD19."""
    birth = leukaemia_growth.blast_birth_hazard(q.blast_fraction(s, p), p)
    cycling_per_quiescent = np.exp(s.ln_cycling_blasts - s.ln_quiescent_blasts)
    (
        f.blasts_birth,
        f.blasts_to_quiescence,
        f.blasts_from_cycle,
        f.blasts_awakening,
        f.blasts_awakened,
    ) = leukaemia_growth.clone_turnover(birth, cycling_per_quiescent, p)
    f.blasts_death = p.blast_death_per_day
    f.blasts_killing = q.marrow_attack(s, p) * q.killed_share(q.blast_bridges(s, p), p)
    lost = leukaemia_growth.antigen_loss_hazard(p)
    f.antigen_loss = lost
    f.antigen_low_gain = lost * np.exp(s.ln_cycling_blasts - s.ln_cycling_low_blasts)


@kernel
def low_blast_fluxes(s: Any, p: Any, f: Any) -> None:
    """CD19-low blasts in marrow."""
    birth = leukaemia_growth.blast_birth_hazard(q.blast_fraction(s, p), p)
    cycling_per_quiescent = np.exp(s.ln_cycling_low_blasts - s.ln_quiescent_low_blasts)
    (
        f.low_blasts_birth,
        f.low_blasts_to_quiescence,
        f.low_blasts_from_cycle,
        f.low_blasts_awakening,
        f.low_blasts_awakened,
    ) = leukaemia_growth.clone_turnover(birth, cycling_per_quiescent, p)
    f.low_blasts_death = p.blast_death_per_day
    f.low_blasts_killing = q.marrow_attack(s, p) * q.killed_share(q.low_blast_bridges(s, p), p)


@kernel
def sanctuary_blast_fluxes(s: Any, p: Any, f: Any) -> None:
    """Blasts outside marrow, which have room of their own."""
    share = q.sanctuary_blasts(s) / (p.sanctuary_capacity_share * q.marrow_cells(p))
    birth = leukaemia_growth.blast_birth_hazard(share, p)
    cycling_per_quiescent = np.exp(s.ln_cycling_sanctuary_blasts - s.ln_quiescent_sanctuary_blasts)
    (
        f.sanctuary_blasts_birth,
        f.sanctuary_blasts_to_quiescence,
        f.sanctuary_blasts_from_cycle,
        f.sanctuary_blasts_awakening,
        f.sanctuary_blasts_awakened,
    ) = leukaemia_growth.clone_turnover(birth, cycling_per_quiescent, p)
    f.sanctuary_blasts_death = p.blast_death_per_day
    f.sanctuary_blasts_killing = q.sanctuary_attack(s, p) * q.killed_share(q.sanctuary_bridges(s, p), p)


@kernel
def blast_chemotherapy_fluxes(s: Any, p: Any, f: Any) -> None:
    """Blasts killed by chemotherapy, quiescent ones less."""
    cycling = cytotoxic_hazard(p.blast_log10_kill_per_block, acting_blocks(s.chemotherapy_blocks, p))
    quiescent = p.quiescent_chemotherapy_share * cycling
    f.cycling_blasts_chemotherapy, f.quiescent_blasts_chemotherapy = cycling, quiescent
    f.cycling_low_blasts_chemotherapy, f.quiescent_low_blasts_chemotherapy = cycling, quiescent
    f.cycling_sanctuary_blasts_chemotherapy, f.quiescent_sanctuary_blasts_chemotherapy = cycling, quiescent


@kernel
def blast_fluxes(s: Any, p: Any, f: Any) -> None:
    """Every flux of blasts."""
    cd19_blast_fluxes(s, p, f)
    low_blast_fluxes(s, p, f)
    sanctuary_blast_fluxes(s, p, f)
    blast_chemotherapy_fluxes(s, p, f)
