"""Clements et al. 2020: population pharmacokinetics of blinatumomab in 674 adults and children; no cells.

Clin Pharmacokinet, doi:10.1007/s40262-019-00823-8: one compartment, linear elimination, zero-order input.
"""

from __future__ import annotations

from typing import Any, Final

from bitesim.foundation.compiled import kernel
from bitesim.foundation.units import HOURS_PER_DAY, ML_PER_L, PG_PER_UG
from bitesim.mechanisms.pharmacokinetics import elimination_rate, size_scaled
from bitesim.model import Balance, CovariateLink, DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import BetweenPatients, Catalogue, Parameter, ParameterSet

PAPER: Final = "Clements et al. 2020, Clin Pharmacokinet, doi:10.1007/s40262-019-00823-8"

CATALOGUE: Final = Catalogue(
    "clements2020",
    (
        Parameter(
            "clearance_l_per_h", "L/h", 2.22, (0.05, 50.0),
            "typical clearance at the reference body surface area (95 % interval 2.08 to 2.35)", f"{PAPER}, Table 3",
            "fitted", "CL", BetweenPatients("log-normal", 0.476, f"{PAPER}, Table 3"),
        ),
        Parameter(
            "volume_l", "L", 5.98, (0.1, 100.0),
            "volume of distribution (5.14 to 6.98); no spread between patients was found", f"{PAPER}, Table 3",
            "fitted", "V",
        ),
        Parameter(
            "bsa_exponent", "-", 0.62, (0.0, 2.0),
            "exponent of body surface area on clearance (0.46 to 0.76)", f"{PAPER}, Table 3", "fitted", "theta_BSA",
        ),
        Parameter(
            "reference_bsa_m2", "m2", 1.876, (0.1, 3.5),
            "body surface area at which clearance is the typical one", f"{PAPER}, Table 3", "measured", "BSA_ref",
        ),
        Parameter(
            "bsa_m2", "m2", 1.876, (0.1, 3.5), "the patient's body surface area", "covariate of the patient",
            "measured", "BSA",
        ),
    ),
)  # fmt: skip

SPECIES: Final = SpeciesTable(
    (
        Species("drug_ug", "ug", "free drug in the body", 1e-3, "A"),
        # Bookkeeping only: nothing reads it, but the drug balance of a run is proven with it.
        Species("drug_eliminated_ug", "ug", "drug cleared so far", 1.0),
    )
)
PROCESSES: Final = Processes({"drug_elimination": {"drug_ug": -1, "drug_eliminated_ug": +1}})


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    """Elimination of drug [ug/d]."""
    clearance = HOURS_PER_DAY * size_scaled(p.clearance_l_per_h, p.bsa_m2, p.reference_bsa_m2, p.bsa_exponent)
    f.drug_elimination = elimination_rate(clearance, p.volume_l) * s.drug_ug


@kernel
def initial_state(p: Any, s: Any) -> None:
    """Write the untreated patient: no drug."""
    s.drug_ug = 0.0


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    """Write the serum concentration [pg/mL]."""
    r.serum_drug_pg_per_ml = s.drug_ug * PG_PER_UG / (p.volume_l * ML_PER_L)


CLEMENTS_2020: Final = Model(
    name="clements2020",
    title="population pharmacokinetics alone",
    source=PAPER,
    parameters=ParameterSet(CATALOGUE, label="Clements 2020, typical patient"),
    species=SPECIES,
    processes=PROCESSES,
    fluxes=fluxes,
    initial_state=initial_state,
    readouts=(Readout("serum_drug_pg_per_ml", "pg/mL", "free blinatumomab in serum"),),
    read=read,
    drug=DrugInput("drug_ug"),
    covariates=(CovariateLink("bsa_m2", "bsa_m2"),),
    balances=(Balance("drug", {"drug_ug": 1.0, "drug_eliminated_ug": 1.0}),),
    assumptions=("Without a body surface area the patient is the typical adult of 1.876 m2.",),
    derived="bitesim.published.clements_2020.generated",
)
