"""The tumour of the NHL setting: a fifth site with its own growth, T-cell and B-cell traffic."""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.pharmacokinetics import decay_rate
from bitesim.published.hosseini_2020 import mechanisms as m
from bitesim.published.hosseini_2020.fluxes import all_fluxes, drug_ng_per_ml


@kernel
def tumour_fluxes(s: Any, p: Any, f: Any) -> None:
    """Fluxes that only the tumour has [cells/d; pg/mL/d for IL-6]."""
    drug = p.drug_partition_tumour * drug_ng_per_ml(s, p)
    volume, partition = p.tumour_volume_ml, p.t_partition_tumour
    reference = p.t_cell_reference_per_ml * partition * volume
    unactivated = s.resting_t_cells_tumour + s.post_activated_t_cells_tumour
    signal = p.tissue_activation_factor * m.activation_signal(s.b_cells_tumour, unactivated, drug, p)
    (
        f.activation_tumour, f.reactivation_tumour, f.deactivation_tumour, f.post_deactivation_tumour,
        f.proliferation_tumour, f.activated_apoptosis_tumour, f.post_activated_apoptosis_tumour,
        f.post_activated_return_tumour,
    ) = m.t_cell_turnover(
        s.resting_t_cells_tumour, s.activated_t_cells_tumour, s.post_activated_t_cells_tumour, signal, reference, p
    )  # fmt: skip
    f.excess_resting_apoptosis_tumour = m.excess_resting_apoptosis(s.resting_t_cells_tumour, reference, p)

    pull = m.margination(s.injection_stress, s.drug_stress, p)
    resting = (1.0 + pull) * partition
    activated = (1.0 + p.activated_margination_factor * pull) * p.activated_partition_factor * partition
    slow, fast = p.resting_traffic_per_day, p.activated_traffic_per_day
    f.resting_t_entry_tumour, f.resting_t_exit_tumour = m.t_cell_exchange(
        s.resting_t_cells_blood, s.resting_t_cells_tumour, volume, resting, slow, p
    )
    f.post_activated_t_entry_tumour, f.post_activated_t_exit_tumour = m.t_cell_exchange(
        s.post_activated_t_cells_blood, s.post_activated_t_cells_tumour, volume, resting, slow, p
    )
    f.activated_t_entry_tumour, f.activated_t_exit_tumour = m.t_cell_exchange(
        s.activated_t_cells_blood, s.activated_t_cells_tumour, volume, activated, fast, p
    )

    f.tumour_growth = p.tumour_growth_per_day * s.b_cells_tumour
    f.b_entry_tumour = m.b_cell_entry(s.b_cells_blood, s.b_cells_tumour, volume, p.b_partition_tumour, p)
    f.b_killing_tumour = m.tissue_killing_hazard(s.activated_t_cells_tumour, s.b_cells_tumour, drug, p) * s.b_cells_tumour
    f.il6_production_tumour = m.il6_production(
        s.activated_t_cells_tumour / volume,
        s.b_cells_tumour / volume,
        p.b_cell_reference_per_ml * p.b_partition_tumour,
        drug,
        p,
    )
    f.il6_clearance_tumour = decay_rate(p.il6_half_life_days) * s.il6_tumour_pg_per_ml


@kernel
def nhl_fluxes(s: Any, p: Any, f: Any) -> None:
    """Every flux of the NHL setting."""
    all_fluxes(s, p, f)
    tumour_fluxes(s, p, f)
