"""What fluxes and readouts are made of: counts at rest, site drug, bridges, stimuli and attacks of each site.

Assumption (site drug follows serum): free drug at a site is that of serum times a constant access factor, at once: 0.9
in marrow, 0.45 in lymphoid tissue, 0.1 in the sanctuary, all of them priors. What IgG reaches is 0.07 (Hosseini et al.
2020); that marrow disease responds at 15 ug/m2/day, where nodal lymphoma needs 60, speaks for more. Alternatives:
tissue compartments that fill with a lag; less free drug where targets are many; access that heals with remission. What
it changes: a great deal. An access to marrow of 0.07, 0.2, 0.45 or 0.9 gives a kill of -0.7, -0.4, 1.2 or 2.8 decades
(see also `bitesim.population.disagreements`). It enters nearly as a product with CD19 copies, so that kills alone
cannot tell the two apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.foundation.units import ML_PER_L, PG_PER_UG, UL_PER_ML
from bitesim.mechanisms import killing, margination, t_cell_dynamics
from bitesim.mechanisms.antigen_density import share_above
from bitesim.mechanisms.bridging import bridges_clinical
from bitesim.mechanisms.extinction import lineage_survival
from bitesim.mechanisms.leukaemia_growth import cycling_birth_hazard, quiescence_hazard
from bitesim.mechanisms.suppression import checkpoint_brake, regulatory_brake
from bitesim.mechanisms.surface_loading import occupancy
from bitesim.mechanisms.surface_turnover import surface_share


@kernel
def marrow_cells(p: Any) -> Any:
    """Nucleated cells of the marrow [cells]."""
    return p.marrow_cells_per_kg * p.weight_kg


@kernel
def lymphoid_cells(p: Any) -> Any:
    """Cells of lymphoid tissue [cells]."""
    return p.lymphoid_cells_per_marrow_cell * marrow_cells(p)


@kernel
def blood_ul(p: Any) -> Any:
    """Blood volume [uL]."""
    return p.blood_ml_per_kg * p.weight_kg * UL_PER_ML


@kernel
def blood_t_cells_at_rest(p: Any) -> Any:
    """CD8 T cells in blood before treatment [cells]."""
    return p.baseline_cd8_t_cells_per_ul * blood_ul(p)


@kernel
def t_cells_at_rest(p: Any) -> Any:
    """CD8 T cells of the four sites in an uncrowded body before treatment [cells]."""
    per_blood = 1.0 + p.sinus_t_cells_per_blood + p.marrow_t_cells_per_blood + p.lymphoid_t_cells_per_blood
    return blood_t_cells_at_rest(p) * per_blood


@kernel
def blood_b_cells_at_rest(p: Any) -> Any:
    """B cells in blood before treatment [cells]."""
    return p.baseline_b_cells_per_ul * blood_ul(p)


@kernel
def marrow_b_cells_at_rest(p: Any) -> Any:
    """Normal CD19+ cells in a marrow without blasts [cells]."""
    return p.marrow_b_cell_share * marrow_cells(p)


@kernel
def marrow_b_cells_at_first(p: Any) -> Any:
    """Normal CD19+ cells in marrow before treatment, beside the blasts [cells]."""
    return marrow_b_cells_at_rest(p) * (1.0 - p.baseline_blast_fraction)


@kernel
def serum_drug_pg_per_ml(s: Any, p: Any) -> Any:
    """Free drug in serum [pg/mL]."""
    return s.drug_ug * PG_PER_UG / (p.volume_l * ML_PER_L)


@kernel
def serum_drug_pm(s: Any, p: Any) -> Any:
    """Free drug in serum [pM]: 1 pg/mL of a molecule of 1 kDa is 1 pM."""
    return serum_drug_pg_per_ml(s, p) / p.drug_mass_kda


@kernel
def cd19_blasts(s: Any) -> Any:
    """CD19+ blasts in marrow [cells]."""
    return np.exp(s.ln_cycling_blasts) + np.exp(s.ln_quiescent_blasts)


@kernel
def low_blasts(s: Any) -> Any:
    """CD19-low blasts in marrow [cells]."""
    return np.exp(s.ln_cycling_low_blasts) + np.exp(s.ln_quiescent_low_blasts)


@kernel
def sanctuary_blasts(s: Any) -> Any:
    """Blasts outside marrow [cells]."""
    return np.exp(s.ln_cycling_sanctuary_blasts) + np.exp(s.ln_quiescent_sanctuary_blasts)


@kernel
def blasts(s: Any) -> Any:
    """Blasts in marrow, CD19-low ones included [cells]."""
    return cd19_blasts(s) + low_blasts(s)


@kernel
def blast_fraction(s: Any, p: Any) -> Any:
    """Blasts among the marrow's nucleated cells [-]."""
    return blasts(s) / marrow_cells(p)


@kernel
def marrow_targets(s: Any) -> Any:
    """Blasts and normal CD19+ cells in marrow [cells]."""
    return blasts(s) + s.b_cells_marrow


@kernel
def lymphoid_targets(s: Any) -> Any:
    """Normal B cells and extramedullary blasts [cells]."""
    return s.b_cells_lymphoid + sanctuary_blasts(s)


@kernel
def targets(s: Any) -> Any:
    """CD19+ cells of the whole body [cells]."""
    return marrow_targets(s) + lymphoid_targets(s) + s.b_cells_blood


@kernel
def bridges(drug_pm: Any, copies: Any, p: Any) -> Any:
    """Bridges of a synapse [-] at a site's free drug, with a cell of so many CD19 copies without drug."""
    occupied = occupancy(drug_pm, p.cd19_dissociation_pm)
    left = surface_share(occupied, p.cd19_turnover_per_day, p.cd19_internalisation_per_day)
    return bridges_clinical(drug_pm, copies * left, p)


@kernel
def blast_bridges(s: Any, p: Any) -> Any:
    """Bridges of a synapse with a blast in marrow [-]."""
    return bridges(p.marrow_drug_access * serum_drug_pm(s, p), p.blast_cd19_copies, p)


@kernel
def low_blast_bridges(s: Any, p: Any) -> Any:
    """Bridges of a synapse with a CD19-low blast [-]."""
    return p.low_blast_cd19_share * blast_bridges(s, p)


@kernel
def sanctuary_bridges(s: Any, p: Any) -> Any:
    """Bridges of a synapse with a blast outside marrow [-]."""
    return bridges(p.sanctuary_drug_access * serum_drug_pm(s, p), p.blast_cd19_copies, p)


@kernel
def marrow_b_cell_bridges(s: Any, p: Any) -> Any:
    """Bridges of a synapse with a normal B cell in marrow [-]."""
    return bridges(p.marrow_drug_access * serum_drug_pm(s, p), p.b_cell_cd19_copies, p)


@kernel
def lymphoid_b_cell_bridges(s: Any, p: Any) -> Any:
    """Bridges of a synapse with a normal B cell in lymphoid tissue [-]."""
    return bridges(p.lymphoid_drug_access * serum_drug_pm(s, p), p.b_cell_cd19_copies, p)


@kernel
def blood_b_cell_bridges(s: Any, p: Any) -> Any:
    """Bridges of a synapse with a normal B cell at the vessel wall [-]."""
    return bridges(serum_drug_pm(s, p), p.b_cell_cd19_copies, p)


@kernel
def killed_share(bridges: Any, p: Any) -> Any:
    """Share of synapses with bridges enough to kill [-]."""
    return share_above(bridges, p.killing_half_bridges, p.killing_hill)


@kernel
def activating_share(bridges: Any, p: Any) -> Any:
    """Share of synapses with bridges enough to activate the T cell fully [-]."""
    return share_above(bridges, p.activation_half_bridges, p.activation_hill)


@kernel
def marrow_stimulus(s: Any, p: Any) -> Any:
    """Share of the marrow's T cells that are being stimulated [-]."""
    stimulating = (
        cd19_blasts(s) * activating_share(blast_bridges(s, p), p)
        + low_blasts(s) * activating_share(low_blast_bridges(s, p), p)
        + s.b_cells_marrow * activating_share(marrow_b_cell_bridges(s, p), p)
    )
    return t_cell_dynamics.stimulus(stimulating, marrow_targets(s), marrow_cells(p), p)


@kernel
def lymphoid_stimulus(s: Any, p: Any) -> Any:
    """Share of the T cells in lymphoid tissue that are being stimulated [-]."""
    stimulating = s.b_cells_lymphoid * activating_share(lymphoid_b_cell_bridges(s, p), p) + sanctuary_blasts(
        s
    ) * activating_share(sanctuary_bridges(s, p), p)
    return t_cell_dynamics.stimulus(stimulating, lymphoid_targets(s), lymphoid_cells(p), p)


@kernel
def sinus_stimulus(s: Any, p: Any) -> Any:
    """Share of the T cells in sinusoids that are being stimulated [-]: these lie in both tissues."""
    return 0.5 * (marrow_stimulus(s, p) + lymphoid_stimulus(s, p))


@kernel
def adhesion(s: Any, p: Any) -> Any:
    """Adhesion signal of the vessel wall [-]."""
    return margination.adhesion_signal(blood_b_cell_bridges(s, p), targets(s), p)


@kernel
def brake(p: Any) -> Any:
    """Factor on division and lysis outside marrow [-]: the patient's T cells, and the regulatory ones among them."""
    return p.t_cell_fitness * regulatory_brake(p)


@kernel
def marrow_brake(p: Any) -> Any:
    """Factor on division and lysis among blasts [-]."""
    return brake(p) * checkpoint_brake(p)


@kernel
def marrow_attack(s: Any, p: Any) -> Any:
    """Hazard that a target in marrow is attacked [1/d]."""
    calm = s.resting_t_cells_marrow + s.primed_t_cells_marrow
    effective = killing.effectors(calm, s.activated_t_cells_marrow, s.exhausted_t_cells_marrow, marrow_brake(p), p)
    return killing.encounter_hazard(effective, marrow_targets(s), marrow_cells(p), p)


@kernel
def lymphoid_effectors(s: Any, p: Any) -> Any:
    """Effective T cells of lymphoid tissue [cells]."""
    calm = s.resting_t_cells_lymphoid + s.primed_t_cells_lymphoid
    return killing.effectors(calm, s.activated_t_cells_lymphoid, s.exhausted_t_cells_lymphoid, brake(p), p)


@kernel
def lymphoid_attack(s: Any, p: Any) -> Any:
    """Hazard that a target in lymphoid tissue is attacked [1/d]."""
    return killing.encounter_hazard(lymphoid_effectors(s, p), lymphoid_targets(s), lymphoid_cells(p), p)


@kernel
def sanctuary_attack(s: Any, p: Any) -> Any:
    """Hazard that a blast outside marrow is attacked [1/d]: few of the lymphoid T cells come there."""
    effective = p.sanctuary_t_cell_access * lymphoid_effectors(s, p)
    return killing.encounter_hazard(effective, sanctuary_blasts(s), lymphoid_cells(p), p)


@kernel
def blood_t_cells(s: Any) -> Any:
    """CD8 T cells in blood [cells]."""
    calm = s.resting_t_cells_blood + s.primed_t_cells_blood
    return calm + s.activated_t_cells_blood + s.exhausted_t_cells_blood


@kernel
def sinus_t_cells(s: Any) -> Any:
    """CD8 T cells in sinusoids [cells]."""
    calm = s.resting_t_cells_sinus + s.primed_t_cells_sinus
    return calm + s.activated_t_cells_sinus + s.exhausted_t_cells_sinus


@kernel
def tissue_t_cells(s: Any) -> Any:
    """CD8 T cells in marrow and lymphoid tissue [cells]."""
    marrow = s.resting_t_cells_marrow + s.primed_t_cells_marrow + s.activated_t_cells_marrow + s.exhausted_t_cells_marrow
    calm = s.resting_t_cells_lymphoid + s.primed_t_cells_lymphoid
    return marrow + calm + s.activated_t_cells_lymphoid + s.exhausted_t_cells_lymphoid


@kernel
def t_cells(s: Any) -> Any:
    """CD8 T cells of the four sites [cells]."""
    return blood_t_cells(s) + sinus_t_cells(s) + tissue_t_cells(s)


@kernel
def vascular_t_cells(s: Any) -> Any:
    """CD8 T cells in blood and sinusoids [cells]."""
    return blood_t_cells(s) + sinus_t_cells(s)


@kernel
def stimulated_fresh_t_cells(s: Any, p: Any) -> Any:
    """T cells of the body that are stimulated and not yet activated [cells]."""
    return (
        sinus_stimulus(s, p) * (s.resting_t_cells_sinus + s.primed_t_cells_sinus)
        + marrow_stimulus(s, p) * (s.resting_t_cells_marrow + s.primed_t_cells_marrow)
        + lymphoid_stimulus(s, p) * (s.resting_t_cells_lymphoid + s.primed_t_cells_lymphoid)
    )


@kernel
def mean_stimulus(s: Any, p: Any) -> Any:
    """Stimulus of the T cells outside blood, exhausted ones apart, on average [-]."""
    sinus = s.resting_t_cells_sinus + s.primed_t_cells_sinus + s.activated_t_cells_sinus
    marrow = s.resting_t_cells_marrow + s.primed_t_cells_marrow + s.activated_t_cells_marrow
    lymphoid = s.resting_t_cells_lymphoid + s.primed_t_cells_lymphoid + s.activated_t_cells_lymphoid
    stimulated = sinus_stimulus(s, p) * sinus + marrow_stimulus(s, p) * marrow + lymphoid_stimulus(s, p) * lymphoid
    return stimulated / (sinus + marrow + lymphoid)


@kernel
def line_survival(p: Any) -> Any:
    """Probability that the line of a cycling and of a quiescent blast never dies out, in a marrow with room [-]."""
    birth = p.blast_birth_per_day
    return lineage_survival(
        cycling_birth_hazard(birth, p), p.blast_death_per_day, quiescence_hazard(birth, p), p.awakening_per_day
    )


@kernel
def extinction_probability(s: Any, p: Any) -> Any:
    """Probability that the lines of all blasts die out by chance, were all killing to end now [-].

    In closed form, from birth and death in a marrow with room; numbers of cells are Poisson around the state.
    """
    cycling, quiescent = line_survival(p)
    in_cycle = np.exp(s.ln_cycling_blasts) + np.exp(s.ln_cycling_low_blasts) + np.exp(s.ln_cycling_sanctuary_blasts)
    out = np.exp(s.ln_quiescent_blasts) + np.exp(s.ln_quiescent_low_blasts) + np.exp(s.ln_quiescent_sanctuary_blasts)
    return np.exp(-(cycling * in_cycle + quiescent * out))
