"""Initial state and readouts of Hosseini et al. 2020."""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.foundation.units import PG_PER_NG, UL_PER_ML
from bitesim.mechanisms.kinks import at_least
from bitesim.published.hosseini_2020.fluxes import drug_ng_per_ml


@kernel
def all_initial_state(p: Any, s: Any) -> None:
    """Write the untreated patient: an exact rest point; the kernel is handed a state of zeros."""
    t_reference, b_reference = p.t_cell_reference_per_ml, p.b_cell_reference_per_ml
    s.resting_t_cells_blood = t_reference * p.blood_volume_ml
    s.resting_t_cells_spleen = t_reference * p.t_partition_spleen * p.spleen_volume_ml
    s.resting_t_cells_nodes = t_reference * p.t_partition_nodes * p.nodes_volume_ml
    s.resting_t_cells_marrow = t_reference * p.t_partition_marrow * p.marrow_volume_ml
    s.b_cells_blood = b_reference * p.blood_volume_ml
    s.b_cells_spleen = b_reference * p.b_partition_spleen * p.spleen_volume_ml
    s.b_cells_nodes = b_reference * p.b_partition_nodes * p.nodes_volume_ml
    s.b_cells_marrow = b_reference * p.b_partition_marrow * p.marrow_volume_ml
    s.pro_b_cells_marrow = p.pro_b_per_marrow_b * s.b_cells_marrow


@kernel
def nhl_initial_state(p: Any, s: Any) -> None:
    """Write the untreated patient with a tumour, which grows; all else rests."""
    all_initial_state(p, s)
    s.resting_t_cells_tumour = p.t_cell_reference_per_ml * p.t_partition_tumour * p.tumour_volume_ml
    s.b_cells_tumour = p.b_cell_reference_per_ml * p.b_partition_tumour * p.tumour_volume_ml


@kernel
def blood_readouts(s: Any, p: Any, r: Any) -> None:
    """Write drug, counts and the CD69+ fraction in blood."""
    t_cells = s.resting_t_cells_blood + s.activated_t_cells_blood + s.post_activated_t_cells_blood
    per_ml = 1.0 / p.blood_volume_ml
    r.serum_drug_pg_per_ml = PG_PER_NG * drug_ng_per_ml(s, p)
    r.blood_b_cells_per_ul = s.b_cells_blood * per_ml / UL_PER_ML
    r.blood_cd8_t_cells_per_ul = t_cells * per_ml / UL_PER_ML
    r.blood_cd69_fraction = s.activated_t_cells_blood * per_ml / at_least(t_cells * per_ml, 1.0)


@kernel
def weighted_tissue_il6(s: Any, p: Any) -> Any:
    """IL-6 of spleen, lymph nodes and marrow, as an amount [pg]."""
    return (
        s.il6_spleen_pg_per_ml * p.spleen_volume_ml
        + s.il6_nodes_pg_per_ml * p.nodes_volume_ml
        + s.il6_marrow_pg_per_ml * p.marrow_volume_ml
    )


@kernel
def all_readouts(s: Any, p: Any, r: Any) -> None:
    """Write every readout of the ALL setting."""
    blood_readouts(s, p, r)
    r.serum_il6_pg_per_ml = s.il6_blood_pg_per_ml + p.il6_tissue_weight * weighted_tissue_il6(s, p) / p.blood_volume_ml


@kernel
def nhl_readouts(s: Any, p: Any, r: Any) -> None:
    """Write every readout of the NHL setting: the tumour's IL-6 counts too."""
    blood_readouts(s, p, r)
    tissue = weighted_tissue_il6(s, p) + s.il6_tumour_pg_per_ml * p.tumour_volume_ml
    r.serum_il6_pg_per_ml = s.il6_blood_pg_per_ml + p.il6_tissue_weight * tissue / p.blood_volume_ml
