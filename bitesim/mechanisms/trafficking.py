"""T cells between blood, the sinusoids of marrow and lymphoid tissue, and these two tissues.

At rest every way is as busy in both directions, so that the drug-free densities stand still (of the order of Hosseini et
al. 2020, npj Syst Biol Appl 6:28, human ALL setting: marrow and lymphoid tissue hold 7 to 20 times the blood's T cells).

Assumption (blasts keep T cells out of marrow): the room for T cells, at rest and on entry, is the square of what blasts
leave (`marrow_room`; only the order of magnitude of marrow T cells is known). Alternatives: entry that is blind to
blasts; blasts that inhibit T cells instead of displacing them. What it changes: it makes a tipping point, at which a
marrow is cleared or not: the kill is 3.0 decades from 25 % blasts and 0.1 from 50 %. Without displacement it is 3.4 and
1.3; at an MRD of 1e-3 nothing changes.

Assumption (stimulated cells stay): activated T cells leave marrow and lymphoid tissue 98 % more slowly under full
stimulus, as CD69 antagonises egress (a prior). Alternatives: egress that is blind to activation; homing of activated
cells to marrow (Hosseini et al. 2020 draw them to tissues). What it changes: without it the kill is 2.7 decades instead
of 2.8, and 0.9 instead of 3.0 at 25 % blasts; CD69+ T cells in blood at day 1 are then 56 % instead of 44 %.

Assumption (counts in blood tell those in tissue): before treatment marrow holds 8 and lymphoid tissue 20 T cells for
each one in blood, in every patient, in the order of Hosseini et al. 2020. Alternatives: marrow T cells as measured in
the patient; lymphopenia of blood alone. What it changes: with 4 or 16 in marrow the kill is 2.1 or 3.9 decades instead
of 2.8, and 0.4 or 4.4 instead of 3.0 at 25 % blasts.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def blood_exit_hazard(pull: Any, blast_fraction: Any, p: Any) -> Any:
    """Hazard that a T cell leaves the stream for the sinusoids [1/d]: at rest as many go as come."""
    at_rest = (
        p.sinus_exit_per_day * p.sinus_t_cells_per_blood
        + p.marrow_exit_per_day * p.marrow_t_cells_per_blood * marrow_room(blast_fraction, p)
        + p.lymphoid_exit_per_day * p.lymphoid_t_cells_per_blood
    )
    return at_rest * pull


@kernel
def marrow_room(blast_fraction: Any, p: Any) -> Any:
    """Share of the marrow's T-cell niche that blasts leave [-].

    Marrow T cells are 1 to 3 % or less at high blast load, 2 to 10 % in health and 2 to 20 % in remission (order of
    magnitude, from memory). The square leaves a quarter at 50 % blasts; left linear, a typical child would be cleared of
    50 % blasts as well as of residual disease.
    """
    left = 1.0 - p.t_cell_crowding * blast_fraction
    return left * left


@kernel
def marrow_entry_hazard(blast_fraction: Any, p: Any) -> Any:
    """Hazard that a T cell in a sinusoid enters the marrow [1/d]."""
    at_rest = p.marrow_exit_per_day * p.marrow_t_cells_per_blood / p.sinus_t_cells_per_blood
    return at_rest * marrow_room(blast_fraction, p)


@kernel
def lymphoid_entry_hazard(p: Any) -> Any:
    """Hazard that a T cell in a sinusoid enters lymphoid tissue [1/d]."""
    return p.lymphoid_exit_per_day * p.lymphoid_t_cells_per_blood / p.sinus_t_cells_per_blood


@kernel
def held_back(exit_per_day: Any, stimulus: Any, p: Any) -> Any:
    """Hazard that an activated T cell leaves its tissue [1/d]: stimulated cells stay (CD69 antagonises egress)."""
    return exit_per_day * (1.0 - p.egress_block * stimulus)
