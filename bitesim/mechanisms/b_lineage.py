"""Normal CD19+ cells: made in marrow, matured in lymphoid tissue, passing through blood; months to recover.

Assumption (blasts take the room of B cells): normal CD19+ cells of marrow come from CD19- progenitors and grow back
into the room that blasts leave; lymphoid tissue and blood follow the marrow. Alternatives: recovery that is blind to
blasts; progenitors that wait for months; B cells that divide in lymphoid tissue. What it changes: recovery. At day 112
after one cycle marrow B cells are back to 87 % of a healthy marrow's without leukaemia, and to 9 % where 80 % blasts
were not cleared.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def marrow_b_cell_fluxes(b_cells: Any, at_rest: Any, blast_fraction: Any, p: Any) -> Any:
    """Production from CD19- progenitors, division, crowding and loss of marrow B cells [cells/d].

    `at_rest` is their number in a marrow without blasts, which take the room of B cells and of their progenitors.
    """
    growth = p.b_cell_growth_per_day * b_cells
    return (
        p.b_cell_production_per_day * at_rest * (1.0 - blast_fraction),
        growth,
        growth * (b_cells / at_rest + blast_fraction),
        p.b_cell_production_per_day * b_cells,
    )


@kernel
def lymphoid_b_cell_fluxes(lymphoid: Any, at_rest: Any, marrow_share: Any, p: Any) -> Any:
    """Arrival from marrow and death of lymphoid B cells [cells/d]; `marrow_share` of the marrow's B cells at first."""
    return p.b_cell_death_per_day * at_rest * marrow_share, p.b_cell_death_per_day * lymphoid


@kernel
def b_cell_exchange(blood: Any, lymphoid: Any, p: Any) -> Any:
    """B cells that pass from lymphoid tissue to blood and back [cells/d]."""
    rate = p.b_cell_exchange_per_day
    return rate * lymphoid / p.lymphoid_b_cells_per_blood, rate * blood
