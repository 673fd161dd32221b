"""Fluxes of Hosseini et al. 2020: each process's rate from the mechanisms, site by site.

The kernels write into the record `f` by process name; `s` is the state, `p` the parameters. Cells/d unless noted.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.foundation.units import PG_PER_NG
from bitesim.mechanisms.pharmacokinetics import decay_rate, elimination_rate
from bitesim.published.hosseini_2020 import mechanisms as m


@kernel
def drug_ng_per_ml(s: Any, p: Any) -> Any:
    """Drug concentration in blood [ng/mL]; a tissue sees its partition of it at once."""
    return PG_PER_NG * s.drug_ug_per_m2 / p.volume_ml_per_m2


@kernel
def drug_and_stress_fluxes(s: Any, p: Any, f: Any) -> None:
    """Drug elimination [ug/m2/d] and the decay of the two stress signals [1/d]."""
    f.drug_elimination = elimination_rate(p.clearance_ml_per_m2_per_day, p.volume_ml_per_m2) * s.drug_ug_per_m2
    f.injection_stress_decay = decay_rate(p.stress_half_life_days) * s.injection_stress
    f.drug_stress_decay = decay_rate(p.stress_half_life_days) * s.drug_stress


@kernel
def t_cell_turnover_fluxes(s: Any, p: Any, f: Any) -> None:
    """Activation, deactivation, proliferation and death of T cells in the four sites of every setting."""
    drug = drug_ng_per_ml(s, p)
    reference = p.t_cell_reference_per_ml * p.blood_volume_ml
    signal = m.activation_signal(s.b_cells_blood, s.resting_t_cells_blood + s.post_activated_t_cells_blood, drug, p)
    (
        f.activation_blood, f.reactivation_blood, f.deactivation_blood, f.post_deactivation_blood,
        f.proliferation_blood, f.activated_apoptosis_blood, f.post_activated_apoptosis_blood,
        f.post_activated_return_blood,
    ) = m.t_cell_turnover(
        s.resting_t_cells_blood, s.activated_t_cells_blood, s.post_activated_t_cells_blood, signal, reference, p
    )  # fmt: skip
    f.excess_resting_apoptosis_blood = m.excess_resting_apoptosis(s.resting_t_cells_blood, reference, p)
    t_cells = s.resting_t_cells_blood + s.activated_t_cells_blood + s.post_activated_t_cells_blood
    f.thymic_generation = m.thymic_generation(t_cells / p.blood_volume_ml, p)

    reference = p.t_cell_reference_per_ml * p.t_partition_spleen * p.spleen_volume_ml
    unactivated = s.resting_t_cells_spleen + s.post_activated_t_cells_spleen
    signal = p.tissue_activation_factor * m.activation_signal(
        s.b_cells_spleen, unactivated, p.drug_partition_spleen * drug, p
    )
    (
        f.activation_spleen, f.reactivation_spleen, f.deactivation_spleen, f.post_deactivation_spleen,
        f.proliferation_spleen, f.activated_apoptosis_spleen, f.post_activated_apoptosis_spleen,
        f.post_activated_return_spleen,
    ) = m.t_cell_turnover(
        s.resting_t_cells_spleen, s.activated_t_cells_spleen, s.post_activated_t_cells_spleen, signal, reference, p
    )  # fmt: skip
    f.excess_resting_apoptosis_spleen = m.excess_resting_apoptosis(s.resting_t_cells_spleen, reference, p)

    reference = p.t_cell_reference_per_ml * p.t_partition_nodes * p.nodes_volume_ml
    unactivated = s.resting_t_cells_nodes + s.post_activated_t_cells_nodes
    signal = p.tissue_activation_factor * m.activation_signal(s.b_cells_nodes, unactivated, p.drug_partition_nodes * drug, p)
    (
        f.activation_nodes, f.reactivation_nodes, f.deactivation_nodes, f.post_deactivation_nodes,
        f.proliferation_nodes, f.activated_apoptosis_nodes, f.post_activated_apoptosis_nodes,
        f.post_activated_return_nodes,
    ) = m.t_cell_turnover(
        s.resting_t_cells_nodes, s.activated_t_cells_nodes, s.post_activated_t_cells_nodes, signal, reference, p
    )  # fmt: skip
    f.excess_resting_apoptosis_nodes = m.excess_resting_apoptosis(s.resting_t_cells_nodes, reference, p)

    reference = p.t_cell_reference_per_ml * p.t_partition_marrow * p.marrow_volume_ml
    unactivated = s.resting_t_cells_marrow + s.post_activated_t_cells_marrow
    signal = p.tissue_activation_factor * m.activation_signal(
        s.b_cells_marrow + s.pro_b_cells_marrow, unactivated, p.drug_partition_marrow * drug, p
    )
    (
        f.activation_marrow, f.reactivation_marrow, f.deactivation_marrow, f.post_deactivation_marrow,
        f.proliferation_marrow, f.activated_apoptosis_marrow, f.post_activated_apoptosis_marrow,
        f.post_activated_return_marrow,
    ) = m.t_cell_turnover(
        s.resting_t_cells_marrow, s.activated_t_cells_marrow, s.post_activated_t_cells_marrow, signal, reference, p
    )  # fmt: skip
    f.excess_resting_apoptosis_marrow = m.excess_resting_apoptosis(s.resting_t_cells_marrow, reference, p)


@kernel
def t_cell_traffic_fluxes(s: Any, p: Any, f: Any) -> None:
    """T cells that move between blood and spleen, lymph nodes and marrow; stress pulls them out of blood."""
    pull = m.margination(s.injection_stress, s.drug_stress, p)
    resting = 1.0 + pull
    activated = (1.0 + p.activated_margination_factor * pull) * p.activated_partition_factor
    slow, fast = p.resting_traffic_per_day, p.activated_traffic_per_day

    volume, partition = p.spleen_volume_ml, p.t_partition_spleen
    f.resting_t_entry_spleen, f.resting_t_exit_spleen = m.t_cell_exchange(
        s.resting_t_cells_blood, s.resting_t_cells_spleen, volume, resting * partition, slow, p
    )
    f.post_activated_t_entry_spleen, f.post_activated_t_exit_spleen = m.t_cell_exchange(
        s.post_activated_t_cells_blood, s.post_activated_t_cells_spleen, volume, resting * partition, slow, p
    )
    f.activated_t_entry_spleen, f.activated_t_exit_spleen = m.t_cell_exchange(
        s.activated_t_cells_blood, s.activated_t_cells_spleen, volume, activated * partition, fast, p
    )

    volume, partition = p.nodes_volume_ml, p.t_partition_nodes
    f.resting_t_entry_nodes, f.resting_t_exit_nodes = m.t_cell_exchange(
        s.resting_t_cells_blood, s.resting_t_cells_nodes, volume, resting * partition, slow, p
    )
    f.post_activated_t_entry_nodes, f.post_activated_t_exit_nodes = m.t_cell_exchange(
        s.post_activated_t_cells_blood, s.post_activated_t_cells_nodes, volume, resting * partition, slow, p
    )
    f.activated_t_entry_nodes, f.activated_t_exit_nodes = m.t_cell_exchange(
        s.activated_t_cells_blood, s.activated_t_cells_nodes, volume, activated * partition, fast, p
    )

    volume, partition = p.marrow_volume_ml, p.t_partition_marrow
    f.resting_t_entry_marrow, f.resting_t_exit_marrow = m.t_cell_exchange(
        s.resting_t_cells_blood, s.resting_t_cells_marrow, volume, resting * partition, slow, p
    )
    f.post_activated_t_entry_marrow, f.post_activated_t_exit_marrow = m.t_cell_exchange(
        s.post_activated_t_cells_blood, s.post_activated_t_cells_marrow, volume, resting * partition, slow, p
    )
    f.activated_t_entry_marrow, f.activated_t_exit_marrow = m.t_cell_exchange(
        s.activated_t_cells_blood, s.activated_t_cells_marrow, volume, activated * partition, fast, p
    )


@kernel
def peripheral_b_cell_fluxes(s: Any, p: Any, f: Any) -> None:
    """Refill, killing and one-way traffic of B cells in blood, spleen and lymph nodes."""
    drug = drug_ng_per_ml(s, p)
    f.b_refill_blood = m.b_cell_refill(s.b_cells_blood, p.b_cell_reference_per_ml * p.blood_volume_ml, p)
    f.b_killing_blood = m.blood_killing_hazard(s.activated_t_cells_blood, s.b_cells_blood, drug, p) * s.b_cells_blood

    reference = p.b_cell_reference_per_ml * p.b_partition_spleen * p.spleen_volume_ml
    site_drug = p.drug_partition_spleen * drug
    f.b_refill_spleen = m.b_cell_refill(s.b_cells_spleen, reference, p)
    f.b_killing_spleen = (
        m.tissue_killing_hazard(s.activated_t_cells_spleen, s.b_cells_spleen, site_drug, p) * s.b_cells_spleen
    )
    f.b_entry_spleen = m.b_cell_entry(s.b_cells_blood, s.b_cells_spleen, p.spleen_volume_ml, p.b_partition_spleen, p)

    reference = p.b_cell_reference_per_ml * p.b_partition_nodes * p.nodes_volume_ml
    site_drug = p.drug_partition_nodes * drug
    f.b_refill_nodes = m.b_cell_refill(s.b_cells_nodes, reference, p)
    f.b_killing_nodes = m.tissue_killing_hazard(s.activated_t_cells_nodes, s.b_cells_nodes, site_drug, p) * s.b_cells_nodes
    f.b_entry_nodes = m.b_cell_entry(s.b_cells_blood, s.b_cells_nodes, p.nodes_volume_ml, p.b_partition_nodes, p)


@kernel
def marrow_b_cell_fluxes(s: Any, p: Any, f: Any) -> None:
    """Pro-B cells made, matured and killed in marrow, B cells killed there and sent to blood."""
    targets = s.b_cells_marrow + s.pro_b_cells_marrow
    hazard = m.tissue_killing_hazard(s.activated_t_cells_marrow, targets, p.drug_partition_marrow * drug_ng_per_ml(s, p), p)
    reference = p.b_cell_reference_per_ml * p.b_partition_marrow * p.marrow_volume_ml
    f.b_refill_marrow = m.b_cell_refill(s.b_cells_marrow, reference, p)
    f.b_killing_marrow = hazard * s.b_cells_marrow
    f.b_exit_marrow = m.marrow_b_cell_exit(s.b_cells_marrow, s.b_cells_blood, p)
    f.b_apoptosis_marrow = p.b_apoptosis_per_day * s.b_cells_marrow

    maturation = p.b_apoptosis_per_day / p.b_apoptosis_per_maturation
    pro_b_reference = p.pro_b_per_marrow_b * reference
    peripheral_reference = p.b_cell_reference_per_ml * (
        p.blood_volume_ml + p.b_partition_spleen * p.spleen_volume_ml + p.b_partition_nodes * p.nodes_volume_ml
    )
    share = (s.b_cells_blood + s.b_cells_spleen + s.b_cells_nodes) / peripheral_reference
    f.pro_b_generation = m.pro_b_cell_generation(pro_b_reference, maturation, share, p)
    f.pro_b_maturation = maturation * s.pro_b_cells_marrow
    f.pro_b_apoptosis = p.b_apoptosis_per_day * s.pro_b_cells_marrow
    f.pro_b_refill = m.b_cell_refill(s.pro_b_cells_marrow, pro_b_reference, p)
    f.pro_b_killing = hazard * s.pro_b_cells_marrow


@kernel
def il6_fluxes(s: Any, p: Any, f: Any) -> None:
    """IL-6 made and cleared in each site [pg/mL/d]."""
    drug = drug_ng_per_ml(s, p)
    clearance = decay_rate(p.il6_half_life_days)
    blood, spleen, nodes, marrow = p.blood_volume_ml, p.spleen_volume_ml, p.nodes_volume_ml, p.marrow_volume_ml
    normal = p.b_cell_reference_per_ml
    f.il6_production_blood = m.il6_production(s.activated_t_cells_blood / blood, s.b_cells_blood / blood, normal, drug, p)
    f.il6_production_spleen = m.il6_production(
        s.activated_t_cells_spleen / spleen, s.b_cells_spleen / spleen, normal * p.b_partition_spleen,
        p.drug_partition_spleen * drug, p,
    )  # fmt: skip
    f.il6_production_nodes = m.il6_production(
        s.activated_t_cells_nodes / nodes, s.b_cells_nodes / nodes, normal * p.b_partition_nodes,
        p.drug_partition_nodes * drug, p,
    )  # fmt: skip
    f.il6_production_marrow = m.il6_production(
        s.activated_t_cells_marrow / marrow, (s.b_cells_marrow + s.pro_b_cells_marrow) / marrow,
        normal * p.b_partition_marrow * (1.0 + p.pro_b_per_marrow_b), p.drug_partition_marrow * drug, p,
    )  # fmt: skip
    f.il6_clearance_blood = clearance * s.il6_blood_pg_per_ml
    f.il6_clearance_spleen = clearance * s.il6_spleen_pg_per_ml
    f.il6_clearance_nodes = clearance * s.il6_nodes_pg_per_ml
    f.il6_clearance_marrow = clearance * s.il6_marrow_pg_per_ml


@kernel
def all_fluxes(s: Any, p: Any, f: Any) -> None:
    """Every flux of the ALL setting; the NHL setting adds its tumour to these."""
    drug_and_stress_fluxes(s, p, f)
    t_cell_turnover_fluxes(s, p, f)
    t_cell_traffic_fluxes(s, p, f)
    peripheral_b_cell_fluxes(s, p, f)
    marrow_b_cell_fluxes(s, p, f)
    il6_fluxes(s, p, f)
