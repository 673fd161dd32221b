"""Fluxes of chemotherapy on normal cells, and of neutrophils."""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.leukaemia import quantities as q
from bitesim.mechanisms import myelopoiesis
from bitesim.mechanisms.chemotherapy import acting_blocks, cytotoxic_hazard


@kernel
def chemotherapy_fluxes(s: Any, p: Any, f: Any) -> None:
    """Fading of the blocks' effect [blocks/d], and the T and B cells that it kills [cells/d]."""
    acting = acting_blocks(s.chemotherapy_blocks, p)
    f.chemotherapy_fading = acting
    t_cells = cytotoxic_hazard(p.t_cell_log10_kill_per_block, acting)
    f.resting_t_cell_chemotherapy_blood = t_cells * s.resting_t_cells_blood
    f.primed_t_cell_chemotherapy_blood = t_cells * s.primed_t_cells_blood
    f.activated_t_cell_chemotherapy_blood = t_cells * s.activated_t_cells_blood
    f.exhausted_t_cell_chemotherapy_blood = t_cells * s.exhausted_t_cells_blood
    f.resting_t_cell_chemotherapy_sinus = t_cells * s.resting_t_cells_sinus
    f.primed_t_cell_chemotherapy_sinus = t_cells * s.primed_t_cells_sinus
    f.activated_t_cell_chemotherapy_sinus = t_cells * s.activated_t_cells_sinus
    f.exhausted_t_cell_chemotherapy_sinus = t_cells * s.exhausted_t_cells_sinus
    f.resting_t_cell_chemotherapy_marrow = t_cells * s.resting_t_cells_marrow
    f.primed_t_cell_chemotherapy_marrow = t_cells * s.primed_t_cells_marrow
    f.activated_t_cell_chemotherapy_marrow = t_cells * s.activated_t_cells_marrow
    f.exhausted_t_cell_chemotherapy_marrow = t_cells * s.exhausted_t_cells_marrow
    f.resting_t_cell_chemotherapy_lymphoid = t_cells * s.resting_t_cells_lymphoid
    f.primed_t_cell_chemotherapy_lymphoid = t_cells * s.primed_t_cells_lymphoid
    f.activated_t_cell_chemotherapy_lymphoid = t_cells * s.activated_t_cells_lymphoid
    f.exhausted_t_cell_chemotherapy_lymphoid = t_cells * s.exhausted_t_cells_lymphoid
    b_cells = cytotoxic_hazard(p.b_cell_log10_kill_per_block, acting)
    f.b_cell_chemotherapy_blood = b_cells * s.b_cells_blood
    f.b_cell_chemotherapy_marrow = b_cells * s.b_cells_marrow
    f.b_cell_chemotherapy_lymphoid = b_cells * s.b_cells_lymphoid


@kernel
def neutrophil_fluxes(s: Any, p: Any, f: Any) -> None:
    """Neutrophils from precursor to blood [cells/uL/d]."""
    transit = myelopoiesis.transit_hazard(p)
    division = myelopoiesis.precursor_division_hazard(s.neutrophils_blood, q.blast_fraction(s, p), p)
    killed = cytotoxic_hazard(p.precursor_log10_kill_per_block, acting_blocks(s.chemotherapy_blocks, p))
    f.precursor_division = division * s.neutrophil_precursors
    f.precursor_chemotherapy = killed * s.neutrophil_precursors
    f.maturation_1 = transit * s.neutrophil_precursors
    f.maturation_2 = transit * s.neutrophil_transit_1
    f.maturation_3 = transit * s.neutrophil_transit_2
    f.maturation_4 = transit * s.neutrophil_transit_3
    f.neutrophil_death = transit * s.neutrophils_blood
