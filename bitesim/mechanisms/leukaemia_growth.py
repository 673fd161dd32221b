"""Leukaemic blasts: birth and death as separate hazards, because extinction needs both.

Measured: birth 0.10 to 0.11 /d, death about 0.04 /d (Hirt et al. 1997, PMID 9326202, 23 children: net 0.069 +- 0.073 /d).

Assumption (birth and death apart): a blast divides at 0.105 /d and dies at 0.04 /d, both constant but for crowding
(Hirt et al. 1997). Alternatives: net growth alone; drug that acts on one of the two; rates that differ between clones.
What it changes: nothing in a deterministic course (with 0.065 and 0 /d the kill is 2.8 decades as well), everything in
extinction: one cell's line dies out by itself with a probability of 38 %, and without deaths never.

Assumption (a full marrow stops growth linearly): birth falls in proportion to the blast fraction, to the rate of death
where all cells are blasts. Alternatives: Gompertz growth, which slows long before; growth without limit; death that
rises. What it changes: overt relapse only: from 1e-4 to 5 % blasts take 96 days, and 96 with no limit at all.

Assumption (half of the blasts rest): blasts leave and re-enter the cycle so that the cycling share is constant in
steady growth; quiescent ones neither divide nor resist T cells, but are hit less by chemotherapy (priors).
Alternatives: one kind of blast; quiescence that the niche induces; quiescent blasts that hide from T cells. What it
changes: not the kill by blinatumomab, 2.8 decades with a cycling share of 0.1 as of 0.999; it is there for chemotherapy
and for extinction.

Assumption (CD19-low blasts are one clone): a part of the blasts, 1e-6 at first, has 5 % of the CD19, and others turn
into such at 1e-7 /d (priors; 10 to 20 % of relapses after blinatumomab are CD19-negative, as cited by Liu et al. 2023).
Alternatives: a continuum of CD19 under selection (`antigen_density.survivors_of_kill`); a clone with no CD19; loss that
treatment induces. What it changes: late depth. After two cycles (day 84) CD19-low blasts are 55 % of what is left; with
1e-3 of them at first the kill of the first cycle is 2.2 decades instead of 2.8.
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
def clone_turnover(mean_birth: Any, cycling_per_quiescent: Any, p: Any) -> Any:
    """Hazards of the two phases of one clone [1/d], from that of the average blast and the ratio of the phases' cells.

    Division, to quiescence (of a cycling blast) and the same change per quiescent one, awakening (of a quiescent blast) and
    the same change per cycling one.
    """
    quiescence = quiescence_hazard(mean_birth, p)
    return (
        cycling_birth_hazard(mean_birth, p),
        quiescence,
        quiescence * cycling_per_quiescent,
        p.awakening_per_day,
        p.awakening_per_day / cycling_per_quiescent,
    )


@kernel
def antigen_loss_hazard(p: Any) -> Any:
    """Hazard that a CD19+ blast becomes CD19-low [1/d]."""
    return p.antigen_loss_per_day
