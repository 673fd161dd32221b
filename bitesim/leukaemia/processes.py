"""Species and processes of the leukaemia model: what each process changes, by name.

Blasts are carried as natural logarithms: twelve decades, no negative number, and a relative tolerance. A process that
acts on them has the hazard of one cell as its flux.

Assumption (clones are continuous and deterministic): numbers of blasts are real numbers that follow differential
equations down to fractions of a cell; what dies out is said by `extinction_probability`, and a clone below one cell is
shown as that. Alternatives: a stochastic birth-death process for small clones; a cut-off, which would decide a cure by
its value. What it changes: the 728 blasts of an MRD of 1e-9 fall below a thousandth of a cell under 60 ug/m2/day for 56
days, and are 3e5 again a year after the start, where nearly every course would have lost them.

Assumption (four well-mixed sites): blood, sinusoids, marrow and lymphoid tissue, each mixed within, and CD8 T cells as
the only effectors. Alternatives: marrow niches and contacts in space; spleen and nodes apart (Hosseini et al. 2020);
CD4 T cells as effectors. What it changes: local encounter. Kills have no pockets, and CD4 T cells are in the fitted
rates of CD8; how much that is was not measured.

Assumption (one sanctuary): extramedullary CD19+ blasts are a population of their own, without exchange with marrow,
that a tenth of the drug and of the lymphoid T cells reach (priors; off by default). Alternatives: seeding to and from
marrow; a sanctuary without any access; several sites. What it changes: with these priors it is not held. A sanctuary of
1e6 blasts grows by 0.7 decades in a cycle; with the marrow's access to drug it grows by 0.2, with all lymphoid T cells
by 0.3, and with both it loses 3.6.
"""

from __future__ import annotations

from typing import Final

from bitesim.model import Processes, Species, SpeciesTable

#: Blood has no synapses; the sinusoids of marrow and lymphoid tissue are where T cells adhere.
SITES: Final = ("blood", "sinus", "marrow", "lymphoid")
T_STATES: Final = {
    "resting": "resting",
    "primed": "CD69+ by tonic signals, otherwise resting",
    "activated": "activated",
    "exhausted": "exhausted",
}
#: Turnover of the T cells of one site, in the order of the fluxes that `t_cell_dynamics.t_cell_turnover` returns.
T_CELL_STEPS: Final = {
    "tonic_priming": {"resting": -1, "primed": +1},
    "priming_loss": {"primed": -1, "resting": +1},
    "activation": {"resting": -1, "activated": +1},
    "primed_activation": {"primed": -1, "activated": +1},
    "deactivation": {"activated": -1, "resting": +1},
    "division": {"activated": +1},
    "exhaustion": {"activated": -1, "exhausted": +1},
    "exhausted_division": {"exhausted": +1},
    "recovery": {"exhausted": -1, "resting": +1},
    "activated_death": {"activated": -1},
    "exhausted_death": {"exhausted": -1},
    "resting_death": {"resting": -1},
    "primed_death": {"primed": -1},
}
#: Ways that T cells take.
WAYS: Final = (
    ("blood", "sinus"),
    ("sinus", "blood"),
    ("sinus", "marrow"),
    ("marrow", "blood"),
    ("sinus", "lymphoid"),
    ("lymphoid", "blood"),
)
CLONES: Final = {
    "blasts": "CD19+ blasts in marrow",
    "low_blasts": "CD19-low blasts in marrow",
    "sanctuary_blasts": "CD19+ blasts outside marrow",
}
PHASES: Final = ("cycling", "quiescent")
NEUTROPHIL_STAGES: Final = {
    "neutrophil_precursors": "dividing precursors",
    "neutrophil_transit_1": "first transit stage",
    "neutrophil_transit_2": "second transit stage",
    "neutrophil_transit_3": "third transit stage",
    "neutrophils_blood": "in blood",
}
#: Cells of the whole body below which a pool no longer matters.
_FEW_T_CELLS, _FEW_B_CELLS = 1e5, 1e3


def _t_cells() -> tuple[Species, ...]:
    return tuple(
        Species(f"{state}_t_cells_{site}", "cells", f"CD8+ T cells in {site}, {meaning}", _FEW_T_CELLS, "", True)
        for site in SITES
        for state, meaning in T_STATES.items()
    )


def _blasts() -> tuple[Species, ...]:
    return tuple(
        Species(f"ln_{phase}_{clone}", "ln cells", f"natural logarithm of the {phase} {meaning}", 1.0)
        for clone, meaning in CLONES.items()
        for phase in PHASES
    )


def _neutrophils() -> tuple[Species, ...]:
    return tuple(
        Species(name, "cells/uL", f"neutrophils: {meaning}, as the blood cells they will be", 1.0)
        for name, meaning in NEUTROPHIL_STAGES.items()
    )


SPECIES: Final = SpeciesTable(
    (
        Species("drug_ug", "ug", "free drug in the body", 1e-3, "D"),
        *_t_cells(),
        Species("b_cells_blood", "cells", "normal CD19+ cells in blood", _FEW_B_CELLS, "", True),
        Species("b_cells_marrow", "cells", "normal CD19+ cells in marrow", _FEW_B_CELLS, "", True),
        Species("b_cells_lymphoid", "cells", "normal CD19+ cells in lymphoid tissue", _FEW_B_CELLS, "", True),
        *_blasts(),
        Species("adapted_adhesion", "-", "part of the adhesion signal that T cells have adapted to", 1e-3, "Z"),
        Species("il6_pg_per_ml", "pg/mL", "interleukin-6 in serum", 1.0, "I"),
        Species("il10_pg_per_ml", "pg/mL", "interleukin-10 in serum", 1.0),
        Species("cytokine_responsiveness", "-", "what earlier stimulation has left of the cytokine response", 1e-3, "Q"),
        Species("dexamethasone_mg", "mg", "dexamethasone in the body", 1e-2),
        Species("chemotherapy_blocks", "blocks", "what is left of the effect of chemotherapy blocks", 1e-3),
        *_neutrophils(),
        Species("il10_responsiveness", "-", "what earlier stimulation has left of the IL-10 response", 1e-3),
        # Bookkeeping only: nothing reads it, but the drug balance of a run is proven with it.
        Species("drug_eliminated_ug", "ug", "drug cleared so far", 1.0),
    )
)


def _table() -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {"drug_elimination": {"drug_ug": -1, "drug_eliminated_ug": +1}}
    for site in SITES:
        table |= {
            f"{step}_{site}": {f"{state}_t_cells_{site}": change for state, change in changes.items()}
            for step, changes in T_CELL_STEPS.items()
        }
        table[f"t_cell_renewal_{site}"] = {f"resting_t_cells_{site}": +1}
        for state in T_STATES:
            table[f"{state}_t_cell_chemotherapy_{site}"] = {f"{state}_t_cells_{site}": -1}
    for start, end in WAYS:
        for state in T_STATES:
            table[f"{state}_{start}_to_{end}"] = {f"{state}_t_cells_{start}": -1, f"{state}_t_cells_{end}": +1}
    for clone in CLONES:
        table |= _clone(clone)
    table |= {
        "b_cell_production": {"b_cells_marrow": +1},
        "b_cell_growth": {"b_cells_marrow": +1},
        "b_cell_crowding": {"b_cells_marrow": -1},
        "b_cell_loss_marrow": {"b_cells_marrow": -1},
        "b_cell_killing_marrow": {"b_cells_marrow": -1},
        "b_cell_arrival": {"b_cells_lymphoid": +1},
        "b_cell_death_lymphoid": {"b_cells_lymphoid": -1},
        "b_cell_killing_lymphoid": {"b_cells_lymphoid": -1},
        "b_cell_lymphoid_to_blood": {"b_cells_lymphoid": -1, "b_cells_blood": +1},
        "b_cell_blood_to_lymphoid": {"b_cells_blood": -1, "b_cells_lymphoid": +1},
        "b_cell_margination": {"b_cells_blood": -1},
        **{f"b_cell_chemotherapy_{site}": {f"b_cells_{site}": -1} for site in ("blood", "marrow", "lymphoid")},
        "antigen_loss": {"ln_cycling_blasts": -1},
        "antigen_low_gain": {"ln_cycling_low_blasts": +1},
        "adhesion_adaptation": {"adapted_adhesion": +1},
        "il6_release": {"il6_pg_per_ml": +1},
        "il6_elimination": {"il6_pg_per_ml": -1},
        "responsiveness_change": {"cytokine_responsiveness": +1},
        "il10_responsiveness_change": {"il10_responsiveness": +1},
        "il10_release": {"il10_pg_per_ml": +1},
        "il10_elimination": {"il10_pg_per_ml": -1},
        "dexamethasone_elimination": {"dexamethasone_mg": -1},
        "chemotherapy_fading": {"chemotherapy_blocks": -1},
    }
    stages = list(NEUTROPHIL_STAGES)
    table |= {"precursor_division": {stages[0]: +1}, "precursor_chemotherapy": {stages[0]: -1}}
    table |= {f"maturation_{place + 1}": {stages[place]: -1, stages[place + 1]: +1} for place in range(len(stages) - 1)}
    return table | {"neutrophil_death": {stages[-1]: -1}}


def _clone(clone: str) -> dict[str, dict[str, int]]:
    """Return what happens to the blasts of one clone; what cycling cells lose by a change of phase quiescent ones gain."""
    cycling, quiescent = (f"ln_{phase}_{clone}" for phase in PHASES)
    return {
        f"{clone}_birth": {cycling: +1},
        f"{clone}_death": {cycling: -1, quiescent: -1},
        f"{clone}_killing": {cycling: -1, quiescent: -1},
        f"cycling_{clone}_chemotherapy": {cycling: -1},
        f"quiescent_{clone}_chemotherapy": {quiescent: -1},
        f"{clone}_to_quiescence": {cycling: -1},
        f"{clone}_from_cycle": {quiescent: +1},
        f"{clone}_awakening": {quiescent: -1},
        f"{clone}_awakened": {cycling: +1},
    }


PROCESSES: Final = Processes(_table())
