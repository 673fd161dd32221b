"""Species and processes of Hosseini et al. 2020: what each process changes, by name."""

from __future__ import annotations

from typing import Final

from bitesim.model import Processes, Species, SpeciesTable

#: Site -> letter of the paper; blood first.
SITES: Final = {"blood": "p", "spleen": "s", "nodes": "l", "marrow": "m"}
TISSUES: Final = tuple(site for site in SITES if site != "blood")
T_STATES: Final = {"resting": "R", "activated": "A", "post_activated": "P"}

#: Turnover of the T cells of one site, in the order of the fluxes that `mechanisms.t_cell_turnover` returns.
T_CELL_STEPS: Final = {
    "activation": {"resting": -1, "activated": +1},
    "reactivation": {"post_activated": -1, "activated": +1},
    "deactivation": {"activated": -1, "resting": +1},
    "post_deactivation": {"activated": -1, "post_activated": +1},
    "proliferation": {"post_activated": +1},
    "activated_apoptosis": {"activated": -1},
    "post_activated_apoptosis": {"post_activated": -1},
    "post_activated_return": {"post_activated": -1, "resting": +1},
}


def _t_cells(site: str, letter: str) -> tuple[Species, ...]:
    return tuple(
        Species(
            f"{state}_t_cells_{site}",
            "cells",
            f"{state.replace('_', '-')} CD8+ T cells in {site}",
            1e3,
            f"{symbol}{letter}",
            True,
        )
        for state, symbol in T_STATES.items()
    )


def _il6(site: str, letter: str) -> Species:
    return Species(f"il6_{site}_pg_per_ml", "pg/mL", f"IL-6 made in {site}, local concentration", 1e-2, f"I{letter}")


def _b_cells(site: str, letter: str) -> Species:
    return Species(f"b_cells_{site}", "cells", f"CD19+ CD20+ B cells in {site}", 1e3, f"B{letter}", True)


ALL_SPECIES: Final = SpeciesTable(
    (
        Species("drug_ug_per_m2", "ug/m2", "free drug per body surface area", 1e-4, "A"),
        Species("injection_stress", "-", "stress signal of an injection", 1e-3, "Xinj"),
        Species("drug_stress", "-", "stress signal of a first drug exposure", 1e-3, "Xdrug"),
        *(species for site, letter in SITES.items() for species in _t_cells(site, letter)),
        *(_b_cells(site, letter) for site, letter in SITES.items()),
        Species("pro_b_cells_marrow", "cells", "CD19+ CD20- pro-B cells in marrow", 1e3, "Nm", True),
        *(_il6(site, letter) for site, letter in SITES.items()),
        # Bookkeeping only: nothing reads it, but the drug balance of a run is proven with it.
        Species("drug_eliminated_ug_per_m2", "ug/m2", "drug cleared so far per body surface area", 1.0),
    )
)

NHL_SPECIES: Final = ALL_SPECIES.extended((*_t_cells("tumour", "t"), _b_cells("tumour", "t"), _il6("tumour", "t")))


def _t_cell_processes(site: str) -> dict[str, dict[str, int]]:
    return {
        f"{step}_{site}": {f"{state}_t_cells_{site}": change for state, change in changes.items()}
        for step, changes in T_CELL_STEPS.items()
    }


def _exchange_processes(site: str) -> dict[str, dict[str, int]]:
    """Traffic of T cells between blood and one tissue: what leaves one arrives in the other."""
    table = {}
    for state in T_STATES:
        table[f"{state}_t_entry_{site}"] = {f"{state}_t_cells_blood": -1, f"{state}_t_cells_{site}": +1}
        table[f"{state}_t_exit_{site}"] = {f"{state}_t_cells_{site}": -1, f"{state}_t_cells_blood": +1}
    return table


def _il6_processes(site: str) -> dict[str, dict[str, int]]:
    return {
        f"il6_production_{site}": {f"il6_{site}_pg_per_ml": +1},
        f"il6_clearance_{site}": {f"il6_{site}_pg_per_ml": -1},
    }


def _shared_table() -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {
        "drug_elimination": {"drug_ug_per_m2": -1, "drug_eliminated_ug_per_m2": +1},
        "injection_stress_decay": {"injection_stress": -1},
        "drug_stress_decay": {"drug_stress": -1},
        "thymic_generation": {"resting_t_cells_blood": +1},
    }
    for site in SITES:
        table |= _t_cell_processes(site)
        table[f"excess_resting_apoptosis_{site}"] = {f"resting_t_cells_{site}": -1}
    for site in TISSUES:
        table |= _exchange_processes(site)
    for site in SITES:
        table[f"b_refill_{site}"] = {f"b_cells_{site}": +1}
        table[f"b_killing_{site}"] = {f"b_cells_{site}": -1}
    table |= {
        "b_entry_spleen": {"b_cells_blood": -1, "b_cells_spleen": +1},
        "b_entry_nodes": {"b_cells_blood": -1, "b_cells_nodes": +1},
        "b_exit_marrow": {"b_cells_marrow": -1, "b_cells_blood": +1},
        "b_apoptosis_marrow": {"b_cells_marrow": -1},
        "pro_b_generation": {"pro_b_cells_marrow": +1},
        "pro_b_maturation": {"pro_b_cells_marrow": -1, "b_cells_marrow": +1},
        "pro_b_apoptosis": {"pro_b_cells_marrow": -1},
        "pro_b_refill": {"pro_b_cells_marrow": +1},
        "pro_b_killing": {"pro_b_cells_marrow": -1},
    }
    for site in SITES:
        table |= _il6_processes(site)
    return table


ALL_PROCESSES: Final = Processes(_shared_table())

NHL_PROCESSES: Final = ALL_PROCESSES.extended(
    {
        **_t_cell_processes("tumour"),
        **_exchange_processes("tumour"),
        "excess_resting_apoptosis_tumour": {"resting_t_cells_tumour": -1},
        "tumour_growth": {"b_cells_tumour": +1},
        "b_entry_tumour": {"b_cells_blood": -1, "b_cells_tumour": +1},
        "b_killing_tumour": {"b_cells_tumour": -1},
        **_il6_processes("tumour"),
    }
)
