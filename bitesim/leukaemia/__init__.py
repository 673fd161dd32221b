"""bitesim's own model: B-cell acute lymphoblastic leukaemia under blinatumomab, from bridge to MRD."""

from __future__ import annotations

from typing import Final

from bitesim.leukaemia.ages import t_cells_relative_to_adult
from bitesim.leukaemia.blast_fluxes import blast_fluxes
from bitesim.leukaemia.catalogue import CATALOGUE
from bitesim.leukaemia.fluxes import fluxes
from bitesim.leukaemia.processes import PROCESSES, SPECIES
from bitesim.leukaemia.readouts import READOUTS, initial_state, read
from bitesim.model import AgeDefault, Balance, Clone, CovariateLink, DrugInput, Model
from bitesim.parameters import ParameterSet

#: A patient's covariate -> the parameter that it sets.
_COVARIATES: Final = {
    "weight_kg": "weight_kg",
    "blood_cd8_t_cells_per_ul": "baseline_cd8_t_cells_per_ul",
    "blood_b_cells_per_ul": "baseline_b_cells_per_ul",
    "t_cell_fitness": "t_cell_fitness",
    "marrow_blast_fraction": "baseline_blast_fraction",
}


def _clone(name: str, *losses: str, founders: tuple[tuple[str, str], ...] = ()) -> Clone:
    """Return what the blasts of one clone do; `losses` are those of cycling cells beside death, killing and chemotherapy."""
    both = (f"{name}_death", f"{name}_killing")
    return Clone(
        name,
        f"ln_cycling_{name}",
        f"ln_quiescent_{name}",
        f"{name}_birth",
        (*both, f"cycling_{name}_chemotherapy", *losses),
        (*both, f"quiescent_{name}_chemotherapy"),
        f"{name}_to_quiescence",
        f"{name}_awakening",
        founders,
    )


LEUKAEMIA: Final = Model(
    name="leukaemia",
    title="B-ALL in marrow, blood, lymphoid tissue and a sanctuary under blinatumomab",
    source="this package; each mechanism and each value cites its own",
    parameters=ParameterSet(CATALOGUE, label="typical adult, MRD 1e-3"),
    species=SPECIES,
    processes=PROCESSES,
    fluxes=fluxes,
    initial_state=initial_state,
    readouts=READOUTS,
    read=read,
    drug=DrugInput("drug_ug"),
    covariates=(
        CovariateLink("bsa_m2", "bsa_m2", needed_with="weight_kg"),
        *(CovariateLink(covariate, parameter) for covariate, parameter in _COVARIATES.items()),
    ),
    age_defaults=(AgeDefault("baseline_cd8_t_cells_per_ul", t_cells_relative_to_adult),),
    balances=(Balance("drug", {"drug_ug": 1.0, "drug_eliminated_ug": 1.0}),),
    clones=(
        _clone("blasts", "antigen_loss"),
        _clone("low_blasts", founders=(("antigen_loss", "ln_cycling_blasts"),)),
        _clone("sanctuary_blasts"),
    ),
    clone_fluxes=blast_fluxes,
    dexamethasone="dexamethasone_mg",
    assumptions=(
        "Bridges follow the clinical limit of a closed synapse: drug on both surfaces at contact, CD3 not limiting.",
        "Blood under flow forms no synapses; T cells are stimulated in sinusoids, marrow and lymphoid tissue.",
        "IL-6 was tuned to lymphoma patients: for leukaemia it is unvalidated.",
        "A population below one cell is extinct in truth; this deterministic model lets it grow again.",
    ),
    derived="bitesim.leukaemia.generated",
)

#: An adult with lymphoma and the default's marrow, for comparison with cytokines that were measured in lymphoma alone.
LYMPHOMA: Final = LEUKAEMIA.parameters.replace(lymphoid_b_cells_per_blood=500.0, baseline_blast_fraction=1e-6)

__all__ = ["CATALOGUE", "LEUKAEMIA", "LYMPHOMA"]
