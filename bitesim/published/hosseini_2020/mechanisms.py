"""Equations of Hosseini et al. 2020, each once: signals, hazards [1/d] and exchanges [cells/d] of one site.

A site is blood, spleen, lymph nodes, marrow or tumour. Sections are those of the paper's Methods and Table S2
(npj Syst Biol Appl 6:28, doi:10.1038/s41540-020-00145-7), restated and reduced to blinatumomab.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.kinks import at_least, positive_part, saturation


@kernel
def drug_activation(drug_ng_per_ml: Any, p: Any) -> Any:
    """Drug part of activation and IL-6 production [-]."""
    return saturation(drug_ng_per_ml, p.drug_half_activation_ng_per_ml, p.drug_activation_hill)


@kernel
def activation_signal(targets: Any, unactivated: Any, drug_ng_per_ml: Any, p: Any) -> Any:
    """Activation signal of resting and post-activated T cells [-], before the tissue factor.

    `targets` are the site's CD19+ cells, `unactivated` its resting and post-activated T cells.
    """
    ratio = targets / at_least(unactivated, 1.0)
    return (
        p.activation_max * saturation(ratio, p.b_per_t_half_activation, p.b_per_t_hill) * drug_activation(drug_ng_per_ml, p)
    )


@kernel
def killing_signal(activated: Any, targets: Any, drug_ng_per_ml: Any, half_factor: float, p: Any) -> Any:
    """Killing signal [-]; `half_factor` scales the T:B ratio at half killing (1 in blood)."""
    ratio = activated / at_least(targets, 1.0)
    return (
        p.killing_max
        * saturation(ratio, half_factor * p.t_per_b_half_killing, p.t_per_b_hill)
        * drug_ng_per_ml
        / (p.drug_half_killing_ng_per_ml + drug_ng_per_ml)
    )


@kernel
def blood_killing_hazard(activated: Any, targets: Any, drug_ng_per_ml: Any, p: Any) -> Any:
    """Hazard that a B cell in blood is killed [1/d]."""
    return p.killing_per_day * killing_signal(activated, targets, drug_ng_per_ml, 1.0, p)


@kernel
def tissue_killing_hazard(activated: Any, targets: Any, drug_ng_per_ml: Any, p: Any) -> Any:
    """Hazard that a B cell in a tissue is killed [1/d]."""
    signal = killing_signal(activated, targets, drug_ng_per_ml, p.tissue_half_killing_factor, p)
    return p.tissue_killing_factor * p.killing_per_day * signal


@kernel
def activated_apoptosis_hazard(activated: Any, reference: float, p: Any) -> Any:
    """Hazard that an activated T cell dies, activation-induced death included [1/d]."""
    return p.activated_apoptosis_per_day * (1.0 + p.activation_induced_death * activated / reference)


@kernel
def t_cell_turnover(resting: Any, activated: Any, post_activated: Any, signal: Any, reference: float, p: Any) -> Any:
    """Fluxes of the T cells of one site [cells/d], in the order of `processes.T_CELL_STEPS`.

    Activated cells fall back to resting and to post-activated at equal rates, whether or not drug is present;
    proliferation adds post-activated cells and does not consume the activated parent.
    """
    deactivation = p.activation_per_day * p.deactivation_factor * activated
    return (
        p.activation_per_day * signal * resting,
        p.activation_per_day * signal * post_activated,
        deactivation,
        deactivation,
        p.proliferating_share * p.proliferation_per_day * activated,
        activated_apoptosis_hazard(activated, reference, p) * activated,
        p.post_activated_apoptosis_factor * p.activated_apoptosis_per_day * post_activated,
        p.post_activated_return_per_day * post_activated,
    )


@kernel
def excess_resting_apoptosis(resting: Any, reference: float, p: Any) -> Any:
    """Death of resting T cells above their reference [cells/d]."""
    return p.resting_apoptosis_factor * p.activated_apoptosis_per_day * positive_part(resting - reference)


@kernel
def thymic_generation(t_cells_per_ml: Any, p: Any) -> Any:
    """Resting T cells made for blood while blood T cells are below their reference [cells/d]."""
    shortage = positive_part(1.0 - t_cells_per_ml / p.t_cell_reference_per_ml)
    return p.thymic_generation_per_day * p.blood_volume_ml * p.t_cell_reference_per_ml * shortage * shortage


@kernel
def margination(injection_stress: Any, drug_stress: Any, p: Any) -> Any:
    """Extra pull of T cells out of blood [-]: 0 at rest."""
    return p.injection_margination * injection_stress + p.drug_margination * drug_stress


@kernel
def t_cell_exchange(blood: Any, site: Any, volume_ml: float, partition: Any, traffic_per_day: float, p: Any) -> Any:
    """T cells that enter and that leave a tissue [cells/d]; `partition` includes the pull of margination."""
    return traffic_per_day * partition * blood, traffic_per_day * p.blood_volume_ml / volume_ml * site


@kernel
def b_cell_refill(b_cells: Any, reference: float, p: Any) -> Any:
    """Homeostatic refill of B cells below their reference [cells/d]."""
    return p.b_refill_per_day * positive_part(reference - b_cells)


@kernel
def b_cell_entry(blood_b_cells: Any, site_b_cells: Any, volume_ml: float, partition: float, p: Any) -> Any:
    """B cells that enter a tissue short of them; they never come back [cells/d]."""
    shortage = positive_part(blood_b_cells / p.blood_volume_ml * partition - site_b_cells / volume_ml)
    return p.b_entry_factor * p.activated_traffic_per_day * p.blood_volume_ml * shortage


@kernel
def marrow_b_cell_exit(marrow_b_cells: Any, blood_b_cells: Any, p: Any) -> Any:
    """B cells that leave marrow for blood short of them; they never come back [cells/d]."""
    surplus = positive_part(marrow_b_cells / p.marrow_volume_ml - blood_b_cells / p.blood_volume_ml * p.b_partition_marrow)
    return p.marrow_b_exit_per_day * p.blood_volume_ml * surplus


@kernel
def pro_b_cell_generation(pro_b_reference: float, maturation: float, peripheral_share: Any, p: Any) -> Any:
    """Pro-B cells made in marrow, more when peripheral B cells are lost [cells/d]."""
    demand = 1.0 + p.pro_b_extra_generation * positive_part(1.0 - peripheral_share)
    return pro_b_reference * (p.b_apoptosis_per_day + maturation) * demand


@kernel
def il6_production(activated_per_ml: Any, targets_per_ml: Any, reference_per_ml: float, drug_ng_per_ml: Any, p: Any) -> Any:
    """IL-6 made in one site [pg/mL/d]: activated T cells that meet target and drug."""
    presence = targets_per_ml / reference_per_ml
    return p.il6_production_pg_per_cell_per_day * activated_per_ml * presence * drug_activation(drug_ng_per_ml, p)
