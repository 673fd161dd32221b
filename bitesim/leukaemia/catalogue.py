"""Parameters of the leukaemia model: default, bounds, meaning, source, and how well each is known.

``measured`` values were read, ``derived`` ones computed from such, ``fitted`` ones tuned by hand or by least squares (SciPy,
soft L1 loss, within a factor of 5 of values by hand) to facts of one typical patient, ``assumed`` ones are priors
that nothing here identifies.
"""

from __future__ import annotations

from typing import Final

from bitesim.parameters import BetweenPatients, Catalogue, Parameter
from bitesim.parameters.catalogue import Knowledge

_CLEMENTS: Final = "Clements et al. 2020, doi:10.1007/s40262-019-00823-8, Table 3"
_LIU: Final = "Liu et al. 2023, eLife 12:e83659"
_PURBHOO: Final = "Purbhoo et al. 2004, PMID 15048111: 3 engaged ligands kill, 10 give the full synapse (pMHC, mouse)"
_SHARES: Final = "share of Poisson synapses above it, over log-normal CD19 copies of ln SD 0.6, as a Hill curve"
_HIRT: Final = "Hirt et al. 1997, PMID 9326202: 23 children"
_DUELL: Final = "Duell et al. 2017, PMID 28119525"
_KLINGER: Final = "tuned to the median CD8 course of 13 adults, Klinger et al. 2012, Blood 119:6226"
_PHILIPP: Final = "tuned to lysis at days 7, 14 and 28, Philipp et al. 2022, Blood 140:1104"
_HOSSEINI: Final = "Hosseini et al. 2020, doi:10.1038/s41540-020-00145-7"
_IL6: Final = f"tuned to IL-6 of lymphoma patients, Hijazi et al. 2018, as digitised for {_HOSSEINI}"
_PRIOR: Final = "prior: nothing here identifies it"


def _row(
    name: str, unit: str, default: float, bounds: tuple[float, float], meaning: str, source: str, knowledge: Knowledge,
    spread: BetweenPatients | None = None,
) -> Parameter:  # fmt: skip
    return Parameter(name, unit, default, bounds, meaning, source, knowledge, "", spread)


_PATIENT: Final = (
    _row("weight_kg", "kg", 70.0, (0.5, 300.0), "body weight", "covariate of the patient", "measured"),
    _row("bsa_m2", "m2", 1.876, (0.1, 3.5), "body surface area", "covariate of the patient", "measured"),
    _row("baseline_cd8_t_cells_per_ul", "cells/uL", 180.0, (1e-3, 1e6), "CD8 T cells in blood before treatment",
         "covariate of the patient; default: median of 13 adults, Klinger et al. 2012", "measured"),
    _row("baseline_b_cells_per_ul", "cells/uL", 19.0, (1e-3, 1e6), "normal B cells in blood before treatment",
         "covariate of the patient", "measured"),
    _row("baseline_blast_fraction", "-", 1e-3, (1e-9, 0.99), "blasts among the marrow's nucleated cells before treatment",
         "covariate of the patient", "measured"),
    _row("low_blast_share", "-", 1e-6, (1e-9, 0.5), "share of CD19-low cells among these blasts", _PRIOR, "assumed"),
    _row("baseline_sanctuary_blasts", "cells", 1e-6, (1e-9, 1e12), "blasts outside marrow at first; below 1 there is none",
         _PRIOR, "assumed"),
    _row("t_cell_fitness", "-", 1.0, (0.01, 10.0), "division and lysis of the patient's T cells relative to typical ones",
         "covariate of the patient", "assumed"),
    _row("marrow_cells_per_kg", "1/kg", 1.04e10, (1e9, 5e10), "nucleated cells of the marrow per body weight",
         "Harrison 1962, J Clin Pathol 15:254", "measured"),
    _row("lymphoid_cells_per_marrow_cell", "-", 0.7, (0.05, 5.0), "cells of lymphoid tissue per marrow cell", _PRIOR,
         "assumed"),
    _row("blood_ml_per_kg", "mL/kg", 70.0, (50.0, 110.0), "blood volume per body weight", "physiology, from memory",
         "assumed"),
)  # fmt: skip

_DRUG: Final = (
    _row("clearance_l_per_h", "L/h", 2.22, (0.05, 50.0), "typical clearance at the reference body surface area",
         _CLEMENTS, "measured", BetweenPatients("log-normal", 0.476, _CLEMENTS)),
    _row("volume_l", "L", 5.98, (0.1, 100.0), "volume of distribution", _CLEMENTS, "measured"),
    _row("bsa_exponent", "-", 0.62, (0.0, 2.0), "exponent of body surface area on clearance", _CLEMENTS, "measured"),
    _row("reference_bsa_m2", "m2", 1.876, (0.1, 3.5), "body surface area of the typical clearance", _CLEMENTS,
         "measured"),
    _row("drug_mass_kda", "kDa", 54.0, (20.0, 200.0), "molecular mass of blinatumomab", "label, from memory",
         "assumed"),
    _row("marrow_drug_access", "-", 0.9, (0.01, 2.0), "drug in marrow per drug in serum (0.07 by IgG, near 1 by response)",
         _PRIOR, "assumed"),
    _row("lymphoid_drug_access", "-", 0.45, (0.01, 2.0), "drug in lymphoid tissue per drug in serum", _PRIOR, "assumed"),
    _row("sanctuary_drug_access", "-", 0.1, (1e-4, 2.0), "drug in the extramedullary site per drug in serum", _PRIOR,
         "assumed"),
)  # fmt: skip

_BRIDGES: Final = (
    _row("cd19_dissociation_pm", "pM", 1490.0, (10.0, 1e5), "dissociation constant of drug and CD19", _LIU, "measured"),
    _row("synapse_area_um2", "um2", 65.0, (1.0, 500.0), "area of a full synapse", _LIU, "measured"),
    _row("blast_surface_um2", "um2", 814.0, (50.0, 5000.0), "surface of a target cell", _LIU, "derived"),
    _row("blast_cd19_copies", "-", 2e4, (1e2, 1e6), "mean CD19 copies of a blast (prior 2e3 to 4e4), with the thresholds",
         "tuned to typical log10 kills", "fitted"),
    _row("b_cell_cd19_copies", "-", 2.2e4, (1e2, 1e6), "CD19 copies of a normal B cell",
         "Ginaldi et al. 1998, J Clin Pathol 51:364", "measured"),
    _row("cd19_turnover_per_day", "1/d", 1.0, (0.01, 100.0), "rate at which free CD19 is taken in and made anew", _PRIOR,
         "assumed"),
    _row("cd19_internalisation_per_day", "1/d", 2.88, (0.0, 1e3), "rate at which CD19 with drug is taken in", _LIU,
         "measured"),
    _row("low_blast_cd19_share", "-", 0.05, (0.0, 1.0), "CD19 of a CD19-low blast relative to others", _PRIOR, "assumed"),
    _row("killing_half_bridges", "-", 3.06, (0.1, 100.0), f"bridges at which half the synapses kill: {_SHARES}", _PURBHOO,
         "derived"),
    _row("killing_hill", "-", 1.98, (1.0, 6.0), "steepness of that share", _PURBHOO, "derived"),
    _row("activation_half_bridges", "-", 11.4, (0.1, 500.0), f"bridges at which half the synapses activate: {_SHARES}",
         _PURBHOO, "derived"),
    _row("activation_hill", "-", 2.49, (1.0, 6.0), "steepness of that share", _PURBHOO, "derived"),
)  # fmt: skip

_MARGINATION: Final = (
    _row("adhesion_half_bridges", "-", 4.68, (0.1, 100.0), "bridges on a B cell at half the adhesion signal", _KLINGER,
         "fitted"),
    _row("adhesion_hill", "-", 3.74, (1.0, 6.0), "steepness of the adhesion signal", _KLINGER, "fitted"),
    _row("adhesion_half_targets", "cells", 1e7, (1e3, 1e12), "targets in the body at half the adhesion signal", _PRIOR,
         "assumed"),
    _row("margination_gain", "-", 13.9, (0.0, 200.0), "factor on the way out of blood at the full unadapted signal",
         _KLINGER, "fitted", BetweenPatients("log-normal", 0.5, _KLINGER)),
    _row("margination_adaptation_per_day", "1/d", 1.02, (0.01, 50.0), "rate at which adhesion adapts", _KLINGER, "fitted",
         BetweenPatients("log-normal", 0.45, _KLINGER)),
    _row("b_cell_margination_per_day", "1/d", 300.0, (0.0, 1e4), "largest rate at which B cells leave blood", _KLINGER,
         "fitted", BetweenPatients("log-normal", 0.5, _KLINGER)),
    _row("b_cell_margination_hill", "-", 1.5, (1.0, 6.0), "steepness of that rate in bridges", _KLINGER, "fitted"),
    _row("b_cells_per_t_cell_half", "-", 0.05, (1e-3, 10.0), "B cells per vascular T cell that halve it", _KLINGER,
         "fitted"),
)  # fmt: skip

_TRAFFIC: Final = (
    _row("sinus_t_cells_per_blood", "-", 1.0, (0.01, 20.0), "T cells in sinusoids per T cell in blood", _PRIOR, "assumed"),
    _row("marrow_t_cells_per_blood", "-", 8.0, (0.1, 100.0), "T cells in marrow per T cell in blood", _HOSSEINI, "derived",
         BetweenPatients("log-normal", 0.3, _PRIOR)),
    _row("lymphoid_t_cells_per_blood", "-", 20.0, (0.1, 200.0), "T cells in lymphoid tissue per T cell in blood",
         _HOSSEINI, "derived"),
    _row("sinus_exit_per_day", "1/d", 15.4, (0.1, 500.0), "rate at which sinusoidal T cells return to the stream",
         _KLINGER, "fitted"),
    _row("marrow_exit_per_day", "1/d", 0.3, (1e-3, 50.0), "rate at which T cells leave the marrow", _PRIOR, "assumed"),
    _row("lymphoid_exit_per_day", "1/d", 0.12, (1e-3, 50.0), "rate at which T cells leave lymphoid tissue", _KLINGER,
         "fitted"),
    _row("egress_block", "-", 0.98, (0.0, 1.0), "share by which stimulation holds activated T cells back", _PRIOR,
         "assumed"),
    _row("t_cell_crowding", "-", 0.95, (0.0, 1.0), "share of the marrow's T cells that a marrow full of blasts displaces",
         _PRIOR, "assumed"),
)  # fmt: skip

_T_CELLS: Final = (
    _row("tonic_priming_per_day", "1/d", 1.063, (0.0, 50.0), "rate of CD69 by tonic signals: 22 % of resting CD8",
         "from 22 % CD69+ before treatment, Klinger et al. 2012", "derived"),
    _row("t_cell_activation_per_day", "1/d", 3.15, (0.01, 100.0), "rate of activation under full stimulus", _KLINGER,
         "fitted"),
    _row("stimulus_half", "-", 0.1, (1e-3, 10.0), "stimulating contacts at half the stimulus", _PRIOR, "assumed"),
    _row("stimulus_search_share", "-", 0.003, (1e-6, 1.0), "targets per site cell at which half the contacts find one",
         _PRIOR, "assumed"),
    _row("deactivation_per_day", "1/d", 3.76, (0.01, 100.0), "rate at which unstimulated cells fall back", _KLINGER,
         "fitted"),
    _row("t_cell_division_per_day", "1/d", 1.5, (0.0, 10.0), "largest rate of division", _KLINGER, "fitted",
         BetweenPatients("log-normal", 0.2, _KLINGER)),
    _row("t_cell_ceiling", "-", 2.42, (1.0, 50.0), "T cells of the body relative to rest at which division ends", _KLINGER,
         "fitted"),
    _row("activated_death_per_day", "1/d", 0.339, (0.0, 10.0), "death rate of activated cells", _KLINGER, "fitted",
         BetweenPatients("log-normal", 0.35, _KLINGER)),
    _row("exhausted_death_per_day", "1/d", 0.05, (0.0, 10.0), "death rate of exhausted cells", _PRIOR, "assumed"),
    _row("resting_renewal_per_day", "1/d", 0.01, (0.0, 1.0), "turnover of resting cells", _KLINGER, "fitted"),
    _row("exhaustion_per_day", "1/d", 0.131, (0.0, 10.0), "rate of exhaustion under full stimulus", _PHILIPP, "fitted",
         BetweenPatients("log-normal", 0.35, _PRIOR)),
    _row("exhausted_division_share", "-", 0.9, (0.0, 2.0), "division of exhausted cells relative to activated ones",
         _PHILIPP, "fitted"),
    _row("recovery_per_day", "1/d", 0.726, (0.0, 10.0), "rate of recovery without stimulus; a lower bound", _PHILIPP,
         "fitted"),
    _row("regulatory_share", "-", 0.065, (0.0, 1.0), "regulatory cells among CD4 T cells", _DUELL, "measured",
         BetweenPatients("log-normal", 0.45, _DUELL)),
    _row("regulatory_half_share", "-", 0.08525, (1e-3, 1.0), "share that separates responders: the brake is 1", _DUELL,
         "measured"),
)  # fmt: skip

_CHECKPOINT: Final = (
    _row("pd_l1_on_blasts", "-", 0.0, (0.0, 100.0), "PD-L1 of blasts, as the fold by which it slows T cells", _PRIOR,
         "assumed"),
    _row("pd_1_blockade", "-", 0.0, (0.0, 1.0), "share of PD-1 that another antibody blocks", _PRIOR, "assumed"),
)  # fmt: skip

_KILLING: Final = (
    _row("kills_per_day", "1/d", 2.0, (0.1, 50.0), "kills of one effector (2 to 16)", "Halle et al. 2016, mouse; tuned",
         "fitted"),
    _row("killing_search_share", "-", 0.0309, (1e-5, 10.0), "targets per site cell at which half the time is search",
         "tuned to typical log10 kills", "fitted", BetweenPatients("log-normal", 0.3, _PRIOR)),
    _row("target_loss_per_day", "1/d", 1.6, (0.1, 1e3), "largest loss rate of a target (a bound, not a finding)",
         "tuned to MRD in remission", "fitted"),
    _row("resting_killing_share", "-", 0.112, (0.0, 1.0), "killing by a resting cell relative to an activated one",
         _PRIOR, "assumed"),
    _row("exhausted_killing_share", "-", 0.0121, (0.0, 1.0), "killing by an exhausted cell relative to an activated one",
         _PHILIPP, "fitted"),
    _row("blast_birth_per_day", "1/d", 0.105, (0.0, 2.0), "division rate of the average blast", _HIRT, "measured",
         BetweenPatients("log-normal", 0.2, _PRIOR)),
    _row("blast_death_per_day", "1/d", 0.04, (0.0, 2.0), "death rate of blasts", _HIRT, "measured"),
    _row("cycling_share", "-", 0.5, (0.01, 0.999), "share of cycling blasts in steady growth; the others are quiescent",
         _PRIOR, "assumed"),
    _row("awakening_per_day", "1/d", 0.05, (0.0, 10.0), "rate at which quiescent blasts return to the cycle", _PRIOR,
         "assumed"),
    _row("antigen_loss_per_day", "1/d", 1e-7, (0.0, 0.1), "rate at which a blast becomes CD19-low", _PRIOR, "assumed"),
    _row("sanctuary_t_cell_access", "-", 0.1, (0.0, 1.0), "lymphoid T cells that reach extramedullary blasts", _PRIOR,
         "assumed"),
    _row("sanctuary_capacity_share", "-", 0.1, (1e-4, 10.0), "room for extramedullary blasts relative to the marrow",
         _PRIOR, "assumed"),
)  # fmt: skip

_B_CELLS: Final = (
    _row("marrow_b_cell_share", "-", 0.01, (1e-5, 0.5), "normal CD19+ cells among marrow cells at rest", _PRIOR,
         "assumed"),
    _row("lymphoid_b_cells_per_blood", "-", 30.0, (1.0, 500.0), "B cells in lymphoid tissue per B cell in blood", _PRIOR,
         "assumed"),
    _row("b_cell_exchange_per_day", "1/d", 1.0, (0.0, 100.0), "rate at which B cells pass through blood", _PRIOR,
         "assumed"),
    _row("b_cell_production_per_day", "1/d", 0.003, (0.0, 1.0), "production and loss of marrow B cells",
         "tuned: no B cell at day 35", "fitted"),
    _row("b_cell_growth_per_day", "1/d", 0.05, (0.0, 1.0), "regrowth of marrow B cells", _HOSSEINI, "derived"),
    _row("b_cell_death_per_day", "1/d", 0.03, (0.0, 1.0), "death of lymphoid B cells (0.01 to 0.04)", _HOSSEINI,
         "derived"),
)  # fmt: skip

_CYTOKINE: Final = (
    _row("il6_pg_per_ml_per_t_cell_per_ul", "pg/mL/(cells/uL)", 0.98, (0.0, 1e3),
         "IL-6 per newly activated T cell per uL of blood", _IL6, "fitted", BetweenPatients("log-normal", 1.5, _IL6)),
    _row("il6_half_targets", "cells", 5e9, (1e5, 1e13), "targets in the body at half the release", _PRIOR, "assumed"),
    _row("il6_elimination_per_day", "1/d", 5.22, (0.1, 500.0), "slowest step between release and loss of IL-6", _IL6,
         "fitted"),
    _row("il6_baseline_pg_per_ml", "pg/mL", 20.0, (0.0, 1e4), "IL-6 before treatment (floor of the data)", _IL6,
         "fitted"),
    _row("il6_attenuation_per_day", "1/d", 2.88, (0.0, 100.0), "loss of the response under stimulation", _IL6, "fitted"),
    _row("il6_attenuation_half_stimulus", "-", 0.0182, (1e-6, 10.0), "stimulus at half that loss", _IL6, "fitted"),
    _row("il6_return_per_day", "1/d", 0.02, (0.0, 10.0), "return of the response", _PRIOR, "assumed"),
    _row("il10_pg_per_ml_per_t_cell_per_ul", "pg/mL/(cells/uL)", 0.1, (0.0, 1e3),
         "IL-10 per newly activated T cell per uL of blood", _PRIOR, "assumed"),
    _row("il10_elimination_per_day", "1/d", 5.0, (0.1, 500.0), "slowest step between release and loss of IL-10", _PRIOR,
         "assumed"),
    _row("il10_baseline_pg_per_ml", "pg/mL", 5.0, (0.0, 1e4), "IL-10 before treatment", _PRIOR, "assumed"),
    _row("il10_return_per_day", "1/d", 0.3, (0.0, 10.0), "return of the IL-10 response: 0.02 as for IL-6 (Klinger et al. "
         "2012: none on cycle 2), or sooner (Nagele et al. 2017: it recurs)", _PRIOR, "assumed"),
    _row("il10_half_pg_per_ml", "pg/mL", 300.0, (0.1, 1e6), "IL-10 above its baseline that halves the release of IL-6",
         _PRIOR, "assumed"),
    _row("dexamethasone_half_life_h", "h", 4.0, (0.5, 72.0), "half-life of dexamethasone", "from memory", "assumed"),
    _row("dexamethasone_damping", "-", 0.8, (0.0, 1.0), "share of the cytokine release that much dexamethasone damps",
         _PRIOR, "assumed"),
    _row("dexamethasone_half_mg_per_kg", "mg/kg", 0.02, (1e-4, 10.0), "dexamethasone in the body at half that damping",
         _PRIOR, "assumed"),
)  # fmt: skip

_CHEMOTHERAPY: Final = (
    _row("chemotherapy_loss_per_day", "1/d", 0.3, (0.01, 10.0), "rate at which the effect of a block fades", _PRIOR,
         "assumed"),
    _row("blast_log10_kill_per_block", "-", 1.5, (0.0, 12.0), "decades of cycling blasts killed by a block: residual "
         "disease falls by 0.5 decades in 4 weeks, growth included",
         "from 6 of 25 conversions, Locatelli et al. 2021, JAMA 325:843",
         "derived", BetweenPatients("log-normal", 0.5, _PRIOR)),
    _row("quiescent_chemotherapy_share", "-", 0.7, (0.0, 1.0), "kill of quiescent blasts relative to cycling ones", _PRIOR,
         "assumed"),
    _row("t_cell_log10_kill_per_block", "-", 0.7, (0.0, 6.0), "decades of T cells killed by a block", _PRIOR, "assumed"),
    _row("b_cell_log10_kill_per_block", "-", 1.0, (0.0, 6.0), "decades of normal B cells killed by a block", _PRIOR,
         "assumed"),
    _row("precursor_log10_kill_per_block", "-", 2.0, (0.0, 6.0), "decades of neutrophil precursors killed by a block",
         "tuned: recovery 4 to 6 weeks after a block of the R3 type (from memory)", "fitted"),
    _row("neutrophils_at_rest_per_ul", "cells/uL", 4000.0, (100.0, 2e4), "neutrophils in blood, without blasts in marrow",
         "physiology, from memory", "assumed"),
    _row("neutrophil_transit_days", "d", 5.3, (1.0, 20.0), "mean transit time from precursor to blood",
         "Friberg et al. 2002, J Clin Oncol 20:4713 (127 h, from memory)", "assumed"),
    _row("neutrophil_feedback", "-", 0.17, (0.01, 1.0), "exponent of the feedback of neutrophils on division",
         "Friberg et al. 2002, J Clin Oncol 20:4713 (from memory)", "assumed"),
    _row("precursor_crowding", "-", 0.95, (0.0, 1.0), "share of neutrophils lost where marrow is full of blasts", _PRIOR,
         "assumed"),
)  # fmt: skip

CATALOGUE: Final = Catalogue(
    "leukaemia",
    (
        *_PATIENT, *_DRUG, *_BRIDGES, *_MARGINATION, *_TRAFFIC, *_T_CELLS, *_CHECKPOINT, *_KILLING, *_B_CELLS, *_CYTOKINE,
        *_CHEMOTHERAPY,
    ),
)  # fmt: skip
