"""Leukaemic blasts: birth and death as separate hazards, because extinction needs both.

Measured: birth 0.10 to 0.11 /d, death about 0.04 /d (Hirt et al. 1997, PMID 9326202, 23 children: net 0.069 +- 0.073 /d).
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def blast_birth_hazard(blast_fraction: Any, p: Any) -> Any:
    """Hazard that a blast divides [1/d]: at a marrow full of blasts it equals the hazard of death."""
    return p.blast_birth_per_day - (p.blast_birth_per_day - p.blast_death_per_day) * blast_fraction


@kernel
def cycling_birth_hazard(mean_birth: Any, p: Any) -> Any:
    """Hazard that a cycling blast divides [1/d], from that of the average blast: quiescent ones do not."""
    return mean_birth / p.cycling_share


@kernel
def quiescence_hazard(mean_birth: Any, p: Any) -> Any:
    """Hazard that a cycling blast becomes quiescent [1/d]: what keeps the cycling share where it is in steady growth.

    It rises and falls with division, after which blasts leave the cycle: so a clone that nothing but an even hazard of
    death disturbs has the cycling share of `cycling_share` at any burden, and grows as its average blast does.
    """
    return (1.0 - p.cycling_share) / p.cycling_share * (mean_birth + p.awakening_per_day)


@kernel
def antigen_loss_hazard(p: Any) -> Any:
    """Hazard that a CD19+ blast becomes CD19-low [1/d]."""
    return p.antigen_loss_per_day
