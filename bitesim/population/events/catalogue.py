"""Parameters of clinical events, apart from those of cells and drug: default, bounds, meaning, source, how well known.

Toxicity of blinatumomab in remission is that of BLAST (MRD+ adults in remission), not of overt disease. Where nothing is
known a value is a prior, and says so.
"""

from __future__ import annotations

from typing import Final

from bitesim.parameters import Catalogue, Parameter
from bitesim.parameters.catalogue import Knowledge

_PRIOR: Final = "prior: nothing here identifies it"
_BLAST: Final = "BLAST, Goekbuget et al. 2018, Blood 131:1522: 116 adults in remission"
_TOWER: Final = "TOWER, Kantarjian et al. 2017, N Engl J Med 376:836, and Stein et al. 2018, Blood Adv 2:1522"


def _row(
    name: str, unit: str, default: float, bounds: tuple[float, float], meaning: str, source: str, knowledge: Knowledge
) -> Parameter:
    return Parameter(name, unit, default, bounds, meaning, source, knowledge)


_DISEASE: Final = (
    _row("failure_blast_fraction", "-", 0.05, (0.001, 0.5), "marrow blasts at a visit that are treatment failure",
         "definition of remission", "measured"),
    _row("relapse_blast_fraction", "-", 0.05, (0.001, 0.5), "marrow blasts that are a relapse",
         "definition of relapse", "measured"),
    _row("extramedullary_relapse_cells", "cells", 1e9, (1e6, 1e12), "blasts outside marrow that are found", _PRIOR,
         "assumed"),
    _row("reservoir_probability", "-", 0.0, (0.0, 1.0), "patients with a reservoir that marrow samples do not see "
         "(0.7 made relapses after MRD negativity as frequent as in BLAST)", _PRIOR, "assumed"),
    _row("reservoir_log10_cells", "-", 4.7, (0.0, 12.0), "decades of cells in it after therapy", _PRIOR, "assumed"),
    _row("reservoir_log10_cells_sd", "-", 0.5, (0.0, 3.0), "standard deviation between patients", _PRIOR, "assumed"),
    _row("growth_frailty_ln_sd", "-", 0.0, (0.0, 2.0), "standard deviation between patients of the logarithm of growth "
         "after therapy, beside what the model varies (early relapse is a frailty; 0 is none)", _PRIOR, "assumed"),
    _row("survival_after_relapse_days", "d", 243.0, (10.0, 3650.0), "median survival after relapse, of those not rescued",
         _PRIOR, "assumed"),
    _row("rescued_share", "-", 0.2, (0.0, 1.0), "patients who survive a relapse for good", _PRIOR, "assumed"),
)  # fmt: skip

_TRANSPLANT: Final = (
    _row("transplant_after_negative_mrd", "-", 0.9, (0.0, 1.0), "share of eligible MRD-negative patients transplanted "
         "(0.80 to 0.95)", _PRIOR, "assumed"),
    _row("transplant_after_positive_mrd", "-", 0.6, (0.0, 1.0), "share of eligible MRD-positive patients transplanted",
         _PRIOR, "assumed"),
    _row("transplant_most_mrd", "-", 1e-2, (1e-6, 1.0), "MRD above which no patient is transplanted", _PRIOR, "assumed"),
    _row("transplant_delay_days", "d", 35.0, (0.0, 365.0), "median time from the last visit to the transplant", _PRIOR,
         "assumed"),
    _row("transplant_delay_ln_sd", "-", 0.4, (0.0, 2.0), "standard deviation of its logarithm", _PRIOR, "assumed"),
    _row("conditioning_log10_kill", "-", 5.8, (0.0, 12.0), "decades killed by conditioning",
         "inferred from relapse by MRD, Bader et al. 2019, Blood Adv 3:3393", "derived"),
    _row("conditioning_log10_kill_sd", "-", 1.8, (0.0, 5.0), "standard deviation between patients",
         "inferred from relapse by MRD, Bader et al. 2019, Blood Adv 3:3393", "derived"),
    _row("graft_kill_per_day", "1/d", 0.115, (0.0, 2.0), "mean graft-versus-leukaemia hazard of a blast",
         "inferred from relapse by MRD, Bader et al. 2019, Blood Adv 3:3393", "derived"),
    _row("graft_kill_days", "d", 220.0, (0.0, 2000.0), "how long it lasts", _PRIOR, "assumed"),
    _row("transplant_mortality", "-", 0.1, (0.0, 0.9), "death by transplant-related causes within a year, at 14 to 30 years",
         "from memory: 3 to 10 % in children, Peters et al. 2015, J Clin Oncol 33:1265", "assumed"),
    _row("transplant_mortality_child_factor", "-", 0.8, (0.1, 2.0), "factor on it below 14 years, as a hazard", _PRIOR,
         "assumed"),
    _row("transplant_mortality_adult_factor", "-", 2.0, (0.5, 5.0), "factor on it above 30 years, as a hazard", _PRIOR,
         "assumed"),
)  # fmt: skip

_TOXICITY: Final = (
    _row("crs_midpoint_log10_il6", "-", 4.8, (1.0, 8.0), "log10 of the IL-6 peak at which half the patients have severe "
         "cytokine release: 2 of 116 at the peaks of low burden", _BLAST, "fitted"),
    _row("crs_spread_log10_il6", "-", 0.6, (0.05, 5.0), "width of that rise, of a logistic curve", _PRIOR, "assumed"),
    _row("crs_any_shift_log10_il6", "-", 0.5, (0.0, 5.0), "how much lower the peak at which half have any", _BLAST,
         "fitted"),
    _row("crs_burden_log10_il6", "-", 1.5, (0.0, 10.0), "what a marrow full of blasts counts as, in decades of IL-6: 13 of "
         "267 with overt disease", _TOWER, "fitted"),
    _row("crs_grade_4_share", "-", 0.25, (0.0, 1.0), "severe cytokine releases that threaten life", _PRIOR, "assumed"),
    _row("neurotoxicity_first_cycle", "-", 0.129, (0.0, 1.0), "severe neurologic events in a first cycle at the typical "
         "exposure: 15 of 116", _BLAST, "measured"),
    _row("neurotoxicity_fading_days", "d", 7.0, (0.5, 100.0), "time over which that hazard fades in a cycle", _PRIOR,
         "assumed"),
    _row("neurotoxicity_later_cycles", "-", 0.2, (0.0, 2.0), "hazard of later cycles relative to the first", _PRIOR,
         "assumed"),
    _row("neurotoxicity_reference_pg_per_ml", "pg/mL", 526.0, (10.0, 1e4), "drug in serum of the typical exposure",
         "Clements et al. 2020, doi:10.1007/s40262-019-00823-8: 28 ug/day", "derived"),
    _row("neurotoxicity_grade_4_share", "-", 0.23, (0.0, 1.0), "severe neurologic events that are life-threatening: 3 % "
         "against 10 %", _BLAST, "measured"),
    _row("neutropenia_per_ul", "cells/uL", 500.0, (50.0, 2000.0), "neutrophils below which infections are frequent",
         "definition of severe neutropenia", "measured"),
    _row("infection_per_neutropenic_day", "1/d", 0.045, (0.0, 1.0), "hazard of a severe infection on such a day: 57 of "
         "109 patients in a course of chemotherapy with some 16 of them", _TOWER, "derived"),
    _row("infection_per_day", "1/d", 0.0007, (0.0, 0.1), "hazard on other days of treatment (low IgG)", _PRIOR, "assumed"),
    _row("infection_mortality", "-", 0.08, (0.0, 1.0), "severe infections that kill: 3.6 % of 661 children in a first block "
         "of reinduction, of whom about half had one", "AALL1331 block 1, Haematologica 2025", "derived"),
    _row("crs_grade_4_mortality", "-", 0.1, (0.0, 1.0), "life-threatening cytokine releases that kill", _PRIOR, "assumed"),
    _row("remission_death_per_day", "1/d", 2e-5, (0.0, 0.01), "hazard of death in remission, off treatment and without "
         "transplant", _PRIOR, "assumed"),
    _row("toxicity_recovery_days", "d", 3.0, (0.1, 60.0), "time until cytokine release is mild again", _PRIOR, "assumed"),
    _row("neurotoxicity_recovery_days", "d", 5.0, (0.1, 60.0), "time until a neurologic event is mild again", _PRIOR,
         "assumed"),
)  # fmt: skip

EVENTS: Final = Catalogue("clinical events", (*_DISEASE, *_TRANSPLANT, *_TOXICITY))
