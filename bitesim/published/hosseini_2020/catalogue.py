"""Parameters of Hosseini et al. 2020 for blinatumomab, human ALL and NHL settings."""

from __future__ import annotations

from typing import Final

from bitesim.parameters import Catalogue, Parameter, ParameterSet
from bitesim.parameters.catalogue import Knowledge

PAPER: Final = "Hosseini et al. 2020, npj Syst Biol Appl 6:28, doi:10.1038/s41540-020-00145-7"
_TABLE: Final = f"{PAPER}, Table S2"
#: Values that Table S2 leaves out stand in the SimBiology project of the supplement only.
_PROJECT: Final = f"{PAPER}, SimBiology project of the supplement"


def _row(
    name: str, symbol: str, default: float, unit: str, meaning: str, source: str = _TABLE, known: Knowledge = "fitted"
) -> Parameter:
    """Return one row; a value may be varied a thousandfold around the published one, and a rate may be 0."""
    upper = 1.0 if unit == "fraction" else 1e3 * default
    lower = 0.0 if unit in ("1/d", "fraction", "factor") else 1e-3 * default
    shown_unit = "-" if unit in ("fraction", "factor") else unit
    return Parameter(name, shown_unit, default, (lower, upper), meaning, source, known, symbol)


_DRUG: Final = (
    _row("clearance_ml_per_m2_per_day", "CL", 22300.0, "mL/m2/d", "drug clearance per body surface area"),
    _row("volume_ml_per_m2", "Vz", 1610.0, "mL/m2", "drug distribution volume per body surface area"),
    _row("drug_partition_spleen", "kappa_s", 0.14, "-", "drug concentration in spleen over blood", known="assumed"),
    _row("drug_partition_nodes", "kappa_l", 0.07, "-", "drug concentration in lymph nodes over blood", known="assumed"),
    _row("drug_partition_marrow", "kappa_m", 0.07, "-", "drug concentration in marrow over blood", known="assumed"),
)

_ACTIVATION: Final = (
    _row("activation_max", "VmT", 0.9, "fraction", "largest activation signal of T cells"),
    _row("tissue_activation_factor", "fTact", 0.25, "factor", "activation signal in a tissue relative to blood"),
    _row("b_per_t_half_activation", "KBT", 0.716, "-", "B:T ratio at half activation"),
    _row("b_per_t_hill", "S", 1.4, "-", "Hill exponent of the B:T ratio"),
    _row("drug_half_activation_ng_per_ml", "KdT", 0.1, "ng/mL", "drug at half activation and half IL-6 production"),
    _row("drug_activation_hill", "hT", 1.0, "-", "Hill exponent of the drug in activation"),
    _row("activation_per_day", "kact", 9.828, "1/d", "rate of activation and, scaled, deactivation"),
    _row("deactivation_factor", "fde", 0.005, "factor", "deactivation relative to activation, to each of two fates"),
)

_KILLING: Final = (
    _row("killing_max", "VmB", 0.95, "fraction", "largest killing signal"),
    _row("t_per_b_half_killing", "KTB", 0.75, "-", "activated T:B ratio at half killing in blood"),
    _row("tissue_half_killing_factor", "fKTB", 10.0, "-", "that ratio in a tissue relative to blood"),
    _row("t_per_b_hill", "nk", 1.027, "-", "Hill exponent of the activated T:B ratio"),
    _row("drug_half_killing_ng_per_ml", "KdB", 0.15, "ng/mL", "drug at half killing"),
    _row("killing_per_day", "kBkill", 275.189, "1/d", "largest kill rate of a B cell in blood"),
    _row("tissue_killing_factor", "fBkill", 0.1, "factor", "kill rate in a tissue relative to blood"),
)

_T_CELLS: Final = (
    _row("proliferating_share", "sprol", 0.7, "fraction", "share of activated T cells that proliferate"),
    _row("proliferation_per_day", "kprol", 2.106, "1/d", "proliferation rate of activated T cells"),
    _row("activated_traffic_per_day", "kAex", 0.123, "1/d", "traffic rate of activated T cells"),
    _row("resting_traffic_per_day", "kRex", 0.045, "1/d", "traffic rate of resting and post-activated T cells"),
    _row("activated_partition_factor", "fTap", 3.773, "-", "tissue:blood partition, activated relative to resting"),
    _row("activated_apoptosis_per_day", "kAap", 0.061, "1/d", "apoptosis of activated T cells"),
    _row("resting_apoptosis_factor", "fRap", 0.2, "factor", "apoptosis of excess resting T cells, relative"),
    _row("post_activated_apoptosis_factor", "fPap", 2.019, "factor", "apoptosis of post-activated T cells, relative"),
    _row("activation_induced_death", "fAICD", 1.497, "factor", "extra apoptosis as activated T cells reach their reference"),
    _row("post_activated_return_per_day", "kPR", 0.001, "1/d", "return of post-activated to resting T cells"),
    _row("thymic_generation_per_day", "kTgen", 1.0, "1/d", "generation of resting T cells below their reference", _PROJECT),
    _row(
        "t_cell_reference_per_ml", "Tref", 2.0e5, "cells/mL", "reference of resting CD8+ T cells in blood", known="measured"
    ),
    _row("t_partition_spleen", "KTs", 200.0, "-", "resting T cells, spleen over blood concentration"),
    _row("t_partition_nodes", "KTl", 190.0, "-", "resting T cells, lymph nodes over blood concentration"),
    _row("t_partition_marrow", "KTm", 60.0, "-", "resting T cells, marrow over blood concentration"),
)

_MARGINATION: Final = (
    _row("activated_margination_factor", "fa0", 0.002, "factor", "margination of activated relative to resting T cells"),
    _row("injection_margination", "finj", 1.0, "factor", "effect of an injection on T-cell traffic"),
    _row("drug_margination", "fdrug", 6.3839, "factor", "effect of a first drug exposure on T-cell traffic"),
    _row("stress_half_life_days", "tinj", 1.0, "d", "half-life of both stress signals", _PROJECT),
)

_B_CELLS: Final = (
    _row("b_apoptosis_per_day", "kBap", 0.02, "1/d", "apoptosis of marrow B cells"),
    _row("b_refill_per_day", "kBprol", 0.05, "1/d", "homeostatic refill of B cells towards their reference"),
    _row("b_entry_factor", "fBexit", 0.333, "factor", "entry of B cells to tissues relative to T-cell traffic", _PROJECT),
    _row("marrow_b_exit_per_day", "kBMexit", 0.041, "1/d", "traffic of B cells from marrow to blood", _PROJECT),
    _row("b_apoptosis_per_maturation", "rho", 0.25, "-", "B-cell apoptosis over pro-B maturation rate"),
    _row("pro_b_per_marrow_b", "phi", 0.25, "factor", "CD20- pro-B cells per CD20+ B cell in marrow"),
    _row("pro_b_extra_generation", "gmax", 5.0, "factor", "largest extra pro-B generation when B cells are lost", _PROJECT),
    _row("b_cell_reference_per_ml", "Bref", 7.0e4, "cells/mL", "reference of B cells in blood", known="measured"),
    _row("b_partition_spleen", "KBs", 333.0, "-", "B cells, spleen over blood concentration"),
    _row("b_partition_nodes", "KBl", 190.0, "-", "B cells, lymph nodes over blood concentration"),
    _row("b_partition_marrow", "KBm", 80.0, "-", "CD20+ B cells, marrow over blood concentration"),
)

_SITES: Final = (
    _row("blood_volume_ml", "Vp", 5000.0, "mL", "blood volume", known="measured"),
    _row("spleen_volume_ml", "Vs", 210.0, "mL", "spleen volume", known="measured"),
    _row("nodes_volume_ml", "Vl", 400.0, "mL", "lymph-node volume", known="measured"),
    _row("marrow_volume_ml", "Vm", 500.0, "mL", "marrow volume", known="measured"),
)

_CYTOKINE: Final = (
    _row("il6_production_pg_per_cell_per_day", "kIL", 14.0, "pg/cell/d", "IL-6 per activated T cell with target present"),
    _row("il6_tissue_weight", "fIL", 0.0004, "factor", "weight of tissue IL-6 in serum"),
    _row("il6_half_life_days", "tIL", 0.013888889, "d", "half-life of IL-6, 20 min"),
)

_TUMOUR: Final = (
    _row("tumour_volume_ml", "Vt", 49.6, "mL", "tumour volume, fixed"),
    _row("t_partition_tumour", "KTt", 125.0, "-", "resting T cells, tumour over blood concentration"),
    _row("b_partition_tumour", "KBt", 6500.0, "-", "B cells, tumour over blood concentration"),
    _row("drug_partition_tumour", "kappa_t", 0.05, "-", "drug concentration in tumour over blood", known="assumed"),
    _row("tumour_growth_per_day", "kBt", 0.025, "1/d", "net growth of the tumour"),
)

ALL_CATALOGUE: Final = Catalogue(
    "hosseini2020", (*_DRUG, *_ACTIVATION, *_KILLING, *_T_CELLS, *_MARGINATION, *_B_CELLS, *_SITES, *_CYTOKINE)
)
NHL_CATALOGUE: Final = ALL_CATALOGUE.extended(
    "hosseini2020_nhl", _TUMOUR, t_cell_reference_per_ml=5.0e5, b_cell_reference_per_ml=5.0e5
)
ALL_PARAMETERS: Final = ParameterSet(ALL_CATALOGUE, label="Hosseini 2020, ALL")
NHL_PARAMETERS: Final = ParameterSet(NHL_CATALOGUE, label="Hosseini 2020, NHL")
