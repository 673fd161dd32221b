"""Hosseini et al. 2020: T-cell engagers in blood, spleen, lymph nodes and marrow; blinatumomab part, ALL and NHL.

Restated and reduced to blinatumomab from npj Syst Biol Appl 6:28 (2020), doi:10.1038/s41540-020-00145-7 (CC BY 4.0).
"""

from __future__ import annotations

from typing import Final

from bitesim.model import Balance, CovariateLink, DrugInput, InputPulse, Model
from bitesim.model.readouts import BLOOD_READOUTS
from bitesim.published.hosseini_2020.catalogue import ALL_PARAMETERS, NHL_PARAMETERS, PAPER
from bitesim.published.hosseini_2020.fluxes import all_fluxes
from bitesim.published.hosseini_2020.processes import ALL_PROCESSES, ALL_SPECIES, NHL_PROCESSES, NHL_SPECIES
from bitesim.published.hosseini_2020.readouts import all_initial_state, all_readouts, nhl_initial_state, nhl_readouts
from bitesim.published.hosseini_2020.tumour import nhl_fluxes

_DRUG = DrugInput("drug_ug_per_m2", per_m2=True)
_COVARIATES = (
    CovariateLink("blood_b_cells_per_ul", "b_cell_reference_per_ml", 1000.0),
    CovariateLink("blood_cd8_t_cells_per_ul", "t_cell_reference_per_ml", 1000.0),
)
#: The stress signals decay with a half-life of 1 day, so a pump gap of hours is not a new first exposure.
_PULSES = (InputPulse({"injection_stress": 1.0, "drug_stress": 1.0}, quiet_days=1.0),)
_BALANCES = (Balance("drug", {"drug_ug_per_m2": 1.0, "drug_eliminated_ug_per_m2": 1.0}),)
_ASSUMPTIONS = (
    "The drug's clearance and volume are per body surface area: the typical adult of the paper, not this patient's.",
    "Margination is a pulse fired when an infusion starts after 24 h or more without input; dose steps fire none.",
    "CD69 is activation by drug only: the paper adds each patient's unmodelled background (22 % in ALL) to it.",
)

HOSSEINI_2020: Final = Model(
    name="hosseini2020",
    title="blood, spleen, nodes and marrow under blinatumomab, ALL setting",
    source=PAPER,
    parameters=ALL_PARAMETERS,
    species=ALL_SPECIES,
    processes=ALL_PROCESSES,
    fluxes=all_fluxes,
    initial_state=all_initial_state,
    readouts=BLOOD_READOUTS,
    read=all_readouts,
    drug=_DRUG,
    covariates=_COVARIATES,
    pulses=_PULSES,
    balances=_BALANCES,
    assumptions=(*_ASSUMPTIONS, "IL-6 has no calibration for ALL: the NHL values are used, unvalidated."),
    derived="bitesim.published.hosseini_2020.generated_all",
)

HOSSEINI_2020_NHL: Final = Model(
    name="hosseini2020_nhl",
    title="the same with a lymphoma as fifth site, NHL setting",
    source=PAPER,
    parameters=NHL_PARAMETERS,
    species=NHL_SPECIES,
    processes=NHL_PROCESSES,
    fluxes=nhl_fluxes,
    initial_state=nhl_initial_state,
    readouts=BLOOD_READOUTS,
    read=nhl_readouts,
    drug=_DRUG,
    covariates=_COVARIATES,
    pulses=_PULSES,
    balances=_BALANCES,
    assumptions=_ASSUMPTIONS,
    derived="bitesim.published.hosseini_2020.generated_nhl",
)
