"""A stiff test problem of 20 states: drug, receptor binding with trimers, T cells, B cells, two clones of blasts, IL-6.

Two-compartment drug plus marrow; in blood and marrow the drug binds CD3 on T cells and CD19 on B cells and blasts, and
bridges both (trimers), all kinetically. Trimers activate T cells, which kill. Rates span from 5e5 to 1e-3 per day, and
CD19+ blasts fall by nine decades while a CD19- clone escapes. Its numbers are made up: it tests solvers, not medicine.

``python -m tests.problems.stiff_binding``, from the folder above ``tests``, writes the stored reference solution anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.integrate import solve_ivp

from bitesim.engines import deterministic
from bitesim.engines.timeline import pieces_between
from bitesim.foundation.compiled import kernel
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import BetweenPatients, Catalogue, Parameter, ParameterSet
from bitesim.treatment import Regimen

#: 1 ug of a protein of 54.1 kDa.
PMOL_PER_UG: Final = 1e6 / 54.1e3
#: Drug below this does not matter, neither to the solver nor to `error`.
DRUG_SCALE_PM: Final = 1e-3
_VOLUME_BLOOD_L: Final = 3.5


def _row(name: str, unit: str, default: float, meaning: str, spread: float = 0.0) -> Parameter:
    varies = BetweenPatients("log-normal", spread, "test problem") if spread else None
    bounds = (1e-6 * default, 1e6 * default)
    return Parameter(name, unit, default, bounds, meaning, "test problem", "assumed", between_patients=varies)


CATALOGUE: Final = Catalogue(
    "stiff_binding",
    (
        _row("clearance_l_per_day", "L/d", 72.0, "clearance of free drug from blood", 0.4),
        _row("volume_blood_l", "L", _VOLUME_BLOOD_L, "volume of the central compartment"),
        _row("volume_peripheral_l", "L", 1.0, "volume of the peripheral compartment"),
        _row("volume_marrow_l", "L", 1.5, "volume of marrow fluid"),
        _row("exchange_peripheral_l_per_day", "L/d", 12.0, "exchange of drug between blood and the peripheral compartment"),
        _row("exchange_marrow_l_per_day", "L/d", 12.0, "exchange of drug between blood and marrow"),
        _row("cd19_on_per_pm_per_day", "1/pM/d", 0.0432, "binding of free drug to CD19 (5e5 /M/s)"),
        _row("cd19_off_per_day", "1/d", 69.12, "release of CD19 (KD 1.6 nM)", 0.3),
        _row("cd3_on_per_pm_per_day", "1/pM/d", 0.01728, "binding of free drug to CD3 (2e5 /M/s)"),
        _row("cd3_off_per_day", "1/d", 4492.8, "release of CD3 (KD 260 nM)", 0.3),
        _row("bridging_factor", "-", 1000.0, "how much faster the second arm binds than the first", 0.4),
        _row("internalisation_per_day", "1/d", 1.0, "internalisation of CD19 with drug", 0.3),
        _row("cd3_pm_per_t_cell_per_ul", "pM/(cells/uL)", 0.0996, "CD3 of one T cell per uL"),
        _row("cd19_pm_per_b_cell_per_ul", "pM/(cells/uL)", 0.0332, "CD19 of one B cell per uL"),
        _row("cd19_pm_per_1e9_blasts", "pM/1e9 cells", 22.1, "CD19 in marrow of 1e9 CD19+ blasts", 0.3),
        _row("b_cells_marrow_per_blood", "-", 2.0, "B cells per uL of marrow, relative to blood"),
        _row("t_cell_inflow_per_ul_per_day", "cells/uL/d", 25.0, "new resting T cells in blood", 0.4),
        _row("resting_death_per_day", "1/d", 0.01, "death of resting T cells"),
        _row("homing_per_day", "1/d", 2.0, "T cells leaving blood for marrow, without IL-6"),
        _row("return_per_day", "1/d", 4.44, "T cells leaving marrow for blood"),
        _row("blood_per_marrow_volume", "-", 3.333, "volume of blood relative to marrow, for cells"),
        _row("homing_il6_gain", "-", 6.0, "largest gain of homing by IL-6"),
        _row("homing_il6_half_pg_per_ml", "pg/mL", 60.0, "IL-6 at half that gain"),
        _row("activation_per_day", "1/d", 1.2, "largest activation of resting T cells", 0.4),
        _row("bridged_cd3_half", "-", 0.004, "fraction of CD3 in trimers at half the largest activation", 0.5),
        _row("deactivation_per_day", "1/d", 0.25, "return of activated T cells to rest, without trimers"),
        _row("exhaustion_per_day", "1/d", 0.08, "largest exhaustion of activated T cells", 0.5),
        _row("recovery_per_day", "1/d", 0.06, "return of exhausted T cells to rest, without trimers"),
        _row("proliferation_per_day", "1/d", 0.7, "largest proliferation of activated T cells", 0.3),
        _row("t_cell_capacity_per_ul", "cells/uL", 6000.0, "T cells at which proliferation stops"),
        _row("activated_death_per_day", "1/d", 0.15, "death of activated T cells"),
        _row("exhausted_death_per_day", "1/d", 0.04, "death of exhausted T cells"),
        _row("il6_baseline_pg_per_ml_per_day", "pg/mL/d", 16.0, "IL-6 made without treatment"),
        _row("il6_per_activated_t_cell_per_day", "pg/mL/d/(cells/uL)", 4.0, "IL-6 made by fully stimulated T cells", 0.5),
        _row("il6_clearance_per_day", "1/d", 8.0, "clearance of IL-6"),
        _row("killing_by_resting", "-", 0.15, "a resting T cell's killing, relative to an activated one's"),
        _row("killers_half_per_ul", "cells/uL", 300.0, "killers at half the largest killing"),
        _row("trimer_half", "-", 0.003, "fraction of CD19 in trimers at half the largest killing", 0.4),
        _row("effect_delay_per_day", "1/d", 1.5, "rate at which the effect in marrow follows its cause"),
        _row("blast_growth_per_day", "1/d", 0.10, "growth of CD19+ blasts", 0.3),
        _row("escaped_growth_per_day", "1/d", 0.09, "growth of CD19- blasts"),
        _row("blast_capacity_1e9", "1e9 cells", 2000.0, "blasts at which growth stops"),
        _row("blast_killing_per_day", "1/d", 1.9, "largest killing of CD19+ blasts", 0.3),
        _row("escaped_killing_per_day", "1/d", 0.05, "largest bystander killing of CD19- blasts"),
        _row("antigen_loss_per_day", "1/d", 1e-6, "loss of CD19 by blasts"),
        _row("b_cell_inflow_per_ul_per_day", "cells/uL/d", 10.0, "new B cells without killing in marrow", 0.4),
        _row("b_cell_turnover_per_day", "1/d", 0.05, "natural turnover of B cells"),
        _row("b_cell_killing_per_day", "1/d", 3.0, "largest killing of B cells"),
        _row("b_cell_inflow_effect_half", "-", 0.05, "effect in marrow that halves the inflow of B cells"),
        _row("initial_t_cells_blood_per_ul", "cells/uL", 1000.0, "T cells in blood at the start, all resting", 0.4),
        _row("initial_t_cells_marrow_per_ul", "cells/uL", 1500.0, "T cells in marrow at the start, all resting", 0.4),
        _row("initial_b_cells_per_ul", "cells/uL", 200.0, "B cells in blood at the start", 0.5),
        _row("initial_blasts_1e9", "1e9 cells", 500.0, "CD19+ blasts at the start", 1.0),
        _row("initial_escaped_blasts_1e9", "1e9 cells", 500.0 * 2e-6, "CD19- blasts at the start", 1.5),
    ),
)


SPECIES: Final = SpeciesTable(
    (
        Species("drug_blood_ug", "ug", "free drug in blood", DRUG_SCALE_PM * _VOLUME_BLOOD_L / PMOL_PER_UG),
        Species("drug_peripheral_pm", "pM", "free drug in the peripheral compartment", DRUG_SCALE_PM),
        Species("drug_marrow_pm", "pM", "free drug in marrow", DRUG_SCALE_PM),
        # Fractions of the receptors keep their size when the cells fall by nine decades.
        Species("cd3_bound_fraction_blood", "-", "CD3 in blood with drug and no CD19, of all CD3", 1e-9),
        Species("cd19_bound_fraction_blood", "-", "CD19 in blood with drug and no CD3, of all CD19", 1e-6),
        Species("trimer_fraction_blood", "-", "CD19 in blood bridged to CD3, of all CD19", 1e-6),
        Species("cd3_bound_fraction_marrow", "-", "CD3 in marrow with drug and no CD19, of all CD3", 1e-9),
        Species("cd19_bound_fraction_marrow", "-", "CD19 in marrow with drug and no CD3, of all CD19", 1e-6),
        Species("trimer_fraction_marrow", "-", "CD19 in marrow bridged to CD3, of all CD19", 1e-6),
        *(
            Species(f"{kind}_t_{place}_per_ul", "cells/uL", f"{kind} T cells in {place}", scale)
            for place in ("blood", "marrow")
            for kind, scale in (("resting", 1.0), ("activated", 0.1), ("exhausted", 0.1))
        ),
        Species("b_cells_per_ul", "cells/uL", "B cells in blood", 1e-3),
        Species("ln_blasts_1e9", "-", "natural logarithm of the CD19+ blasts in 1e9 cells", 1.0),
        Species("ln_escaped_blasts_1e9", "-", "natural logarithm of the CD19- blasts in 1e9 cells", 1.0),
        Species("il6_pg_per_ml", "pg/mL", "interleukin-6", 0.1),
        Species("delayed_effect", "-", "effect of T cells in marrow, delayed", 1e-4),
    )
)


def _binding_processes(place: str, drug: str) -> dict[str, dict[str, float]]:
    """Return the processes in the order of the kernel `binding`; each reactant is counted in a unit of its own."""
    cd3, cd19, trimer = f"cd3_bound_fraction_{place}", f"cd19_bound_fraction_{place}", f"trimer_fraction_{place}"
    return {
        f"drug_binding_{place}": {drug: -1}, f"cd3_binding_{place}": {cd3: +1}, f"cd19_binding_{place}": {cd19: +1},
        f"cd3_into_trimers_{place}": {cd3: -1}, f"trimers_from_cd3_{place}": {trimer: +1},
        f"trimers_from_cd19_{place}": {cd19: -1, trimer: +1},
        f"cd19_internalised_{place}": {cd19: -1}, f"trimer_internalised_{place}": {trimer: -1},
    }  # fmt: skip


def _t_cell_processes(place: str) -> dict[str, dict[str, float]]:
    """Return the processes in the order of the kernel `t_cell_turnover`, then traffic of each kind into `place`."""
    resting, activated, exhausted = (f"{kind}_t_{place}_per_ul" for kind in ("resting", "activated", "exhausted"))
    return {
        f"activation_{place}": {resting: -1, activated: +1}, f"deactivation_{place}": {activated: -1, resting: +1},
        f"exhaustion_{place}": {activated: -1, exhausted: +1}, f"recovery_{place}": {exhausted: -1, resting: +1},
        f"proliferation_{place}": {activated: +1}, f"resting_death_{place}": {resting: -1},
        f"activated_death_{place}": {activated: -1}, f"exhausted_death_{place}": {exhausted: -1},
        f"resting_traffic_{place}": {resting: +1}, f"activated_traffic_{place}": {activated: +1},
        f"exhausted_traffic_{place}": {exhausted: +1},
    }  # fmt: skip


PROCESSES: Final = Processes(
    {
        "drug_elimination": {"drug_blood_ug": -1}, "drug_out_of_blood": {"drug_blood_ug": -1},
        "drug_into_peripheral": {"drug_peripheral_pm": +1}, "drug_into_marrow": {"drug_marrow_pm": +1},
        **_binding_processes("blood", "drug_blood_ug"),
        **_binding_processes("marrow", "drug_marrow_pm"),
        "t_cell_inflow": {"resting_t_blood_per_ul": +1},
        **_t_cell_processes("blood"),
        **_t_cell_processes("marrow"),
        "b_cell_inflow": {"b_cells_per_ul": +1}, "b_cell_turnover": {"b_cells_per_ul": -1},
        "b_cell_killing": {"b_cells_per_ul": -1},
        "blast_growth": {"ln_blasts_1e9": +1}, "blast_killing": {"ln_blasts_1e9": -1}, "antigen_loss": {"ln_blasts_1e9": -1},
        "escaped_growth": {"ln_escaped_blasts_1e9": +1}, "escaped_killing": {"ln_escaped_blasts_1e9": -1},
        "escape": {"ln_escaped_blasts_1e9": +1},
        "il6_production": {"il6_pg_per_ml": +1}, "il6_clearance": {"il6_pg_per_ml": -1},
        "effect_build_up": {"delayed_effect": +1}, "effect_decay": {"delayed_effect": -1},
    }
)  # fmt: skip


@kernel
def saturating(x: Any, half: Any) -> Any:
    """Return x / (half + x) [-]."""
    return x / (half + x)


@kernel
def drug_pm(s: Any, p: Any) -> Any:
    """Free drug in blood [pM]."""
    return s.drug_blood_ug * PMOL_PER_UG / p.volume_blood_l


@kernel
def binding(drug: Any, cd3_bound: Any, cd19_bound: Any, trimer: Any, cd3: Any, cd19: Any, p: Any) -> Any:
    """Net rates of binding in one place: drug taken up [pM/d], then changes of the bound fractions [1/d].

    Takes free drug, all CD3 and all CD19 [pM], CD3 with drug alone as a fraction of all CD3, and CD19 with drug alone and
    in trimers as fractions of all CD19.
    """
    cd3_free = cd3 * (1.0 - cd3_bound) - cd19 * trimer
    cd19_free = 1.0 - cd19_bound - trimer
    cd3_binding = p.cd3_on_per_pm_per_day * drug * cd3_free - p.cd3_off_per_day * cd3_bound * cd3
    cd19_binding = p.cd19_on_per_pm_per_day * drug * cd19_free - p.cd19_off_per_day * cd19_bound
    # The bridging factor raises both second arms, so the four reactions are in detailed balance.
    cd19_on = p.bridging_factor * p.cd19_on_per_pm_per_day
    cd3_on = p.bridging_factor * p.cd3_on_per_pm_per_day
    trimers_from_cd3 = cd19_on * cd3_bound * cd3 * cd19_free - p.cd19_off_per_day * trimer
    trimers_from_cd19 = cd3_on * cd19_bound * cd3_free - p.cd3_off_per_day * trimer
    return (
        cd3_binding + cd19_binding * cd19, cd3_binding / cd3, cd19_binding, trimers_from_cd3 * cd19 / cd3, trimers_from_cd3,
        trimers_from_cd19, p.internalisation_per_day * cd19_bound, p.internalisation_per_day * trimer,
    )  # fmt: skip


@kernel
def t_cell_turnover(resting: Any, activated: Any, exhausted: Any, stimulus: Any, p: Any) -> Any:
    """Activation, deactivation, exhaustion, recovery, proliferation and three deaths in one place [cells/uL/d]."""
    room = 1.0 - (resting + activated + exhausted) / p.t_cell_capacity_per_ul
    return (
        p.activation_per_day * stimulus * resting, p.deactivation_per_day * (1.0 - stimulus) * activated,
        p.exhaustion_per_day * stimulus * activated, p.recovery_per_day * (1.0 - stimulus) * exhausted,
        p.proliferation_per_day * stimulus * activated * room, p.resting_death_per_day * resting,
        p.activated_death_per_day * activated, p.exhausted_death_per_day * exhausted,
    )  # fmt: skip


@kernel
def t_cell_traffic(blood: Any, marrow: Any, homing: Any, p: Any) -> Any:
    """Net traffic of one kind of T cell into blood and into marrow [cells/uL/d each]."""
    into_marrow = homing * p.blood_per_marrow_volume * blood - p.return_per_day * marrow
    return -into_marrow / p.blood_per_marrow_volume, into_marrow


@kernel
def killing(resting: Any, activated: Any, trimer: Any, p: Any) -> Any:
    """Killing in one place, relative to the largest possible [-]."""
    killers = activated + p.killing_by_resting * resting
    return saturating(killers, p.killers_half_per_ul) * saturating(trimer, p.trimer_half)


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    """Rate of every process, in its species' unit per day."""
    drug = drug_pm(s, p)
    blasts, escaped = np.exp(s.ln_blasts_1e9), np.exp(s.ln_escaped_blasts_1e9)
    resting_blood, resting_marrow = s.resting_t_blood_per_ul, s.resting_t_marrow_per_ul
    activated_blood, activated_marrow = s.activated_t_blood_per_ul, s.activated_t_marrow_per_ul
    exhausted_blood, exhausted_marrow = s.exhausted_t_blood_per_ul, s.exhausted_t_marrow_per_ul
    cd3_blood = p.cd3_pm_per_t_cell_per_ul * (resting_blood + activated_blood + exhausted_blood)
    cd3_marrow = p.cd3_pm_per_t_cell_per_ul * (resting_marrow + activated_marrow + exhausted_marrow)
    cd19_blood = p.cd19_pm_per_b_cell_per_ul * s.b_cells_per_ul
    cd19_marrow = p.cd19_pm_per_1e9_blasts * blasts + p.b_cells_marrow_per_blood * cd19_blood

    into_peripheral = p.exchange_peripheral_l_per_day * (drug - s.drug_peripheral_pm)
    into_marrow = p.exchange_marrow_l_per_day * (drug - s.drug_marrow_pm)
    f.drug_elimination = p.clearance_l_per_day / p.volume_blood_l * s.drug_blood_ug
    f.drug_out_of_blood = (into_peripheral + into_marrow) / PMOL_PER_UG
    f.drug_into_peripheral = into_peripheral / p.volume_peripheral_l
    f.drug_into_marrow = into_marrow / p.volume_marrow_l

    (
        bound_pm, f.cd3_binding_blood, f.cd19_binding_blood, f.cd3_into_trimers_blood, f.trimers_from_cd3_blood,
        f.trimers_from_cd19_blood, f.cd19_internalised_blood, f.trimer_internalised_blood,
    ) = binding(
        drug, s.cd3_bound_fraction_blood, s.cd19_bound_fraction_blood, s.trimer_fraction_blood, cd3_blood, cd19_blood, p
    )  # fmt: skip
    f.drug_binding_blood = bound_pm * p.volume_blood_l / PMOL_PER_UG
    (
        f.drug_binding_marrow, f.cd3_binding_marrow, f.cd19_binding_marrow, f.cd3_into_trimers_marrow,
        f.trimers_from_cd3_marrow, f.trimers_from_cd19_marrow, f.cd19_internalised_marrow, f.trimer_internalised_marrow,
    ) = binding(
        s.drug_marrow_pm, s.cd3_bound_fraction_marrow, s.cd19_bound_fraction_marrow, s.trimer_fraction_marrow,
        cd3_marrow, cd19_marrow, p,
    )  # fmt: skip

    # T cells see the fraction of their CD3 that is bridged.
    stimulus_blood = saturating(s.trimer_fraction_blood * cd19_blood / cd3_blood, p.bridged_cd3_half)
    stimulus_marrow = saturating(s.trimer_fraction_marrow * cd19_marrow / cd3_marrow, p.bridged_cd3_half)
    f.t_cell_inflow = p.t_cell_inflow_per_ul_per_day
    (
        f.activation_blood, f.deactivation_blood, f.exhaustion_blood, f.recovery_blood, f.proliferation_blood,
        f.resting_death_blood, f.activated_death_blood, f.exhausted_death_blood,
    ) = t_cell_turnover(resting_blood, activated_blood, exhausted_blood, stimulus_blood, p)  # fmt: skip
    (
        f.activation_marrow, f.deactivation_marrow, f.exhaustion_marrow, f.recovery_marrow, f.proliferation_marrow,
        f.resting_death_marrow, f.activated_death_marrow, f.exhausted_death_marrow,
    ) = t_cell_turnover(resting_marrow, activated_marrow, exhausted_marrow, stimulus_marrow, p)  # fmt: skip
    homing = p.homing_per_day * (1.0 + p.homing_il6_gain * saturating(s.il6_pg_per_ml, p.homing_il6_half_pg_per_ml))
    f.resting_traffic_blood, f.resting_traffic_marrow = t_cell_traffic(resting_blood, resting_marrow, homing, p)
    f.activated_traffic_blood, f.activated_traffic_marrow = t_cell_traffic(activated_blood, activated_marrow, homing, p)
    f.exhausted_traffic_blood, f.exhausted_traffic_marrow = t_cell_traffic(exhausted_blood, exhausted_marrow, homing, p)

    killing_blood = killing(resting_blood, activated_blood, s.trimer_fraction_blood, p)
    killing_marrow = killing(resting_marrow, activated_marrow, s.trimer_fraction_marrow, p)
    f.b_cell_inflow = p.b_cell_inflow_per_ul_per_day / (1.0 + s.delayed_effect / p.b_cell_inflow_effect_half)
    f.b_cell_turnover = p.b_cell_turnover_per_day * s.b_cells_per_ul
    f.b_cell_killing = p.b_cell_killing_per_day * killing_blood * s.b_cells_per_ul
    room = 1.0 - (blasts + escaped) / p.blast_capacity_1e9
    f.blast_growth = p.blast_growth_per_day * room
    f.blast_killing = p.blast_killing_per_day * s.delayed_effect
    f.antigen_loss = p.antigen_loss_per_day
    f.escaped_growth = p.escaped_growth_per_day * room
    f.escaped_killing = p.escaped_killing_per_day * s.delayed_effect
    f.escape = p.antigen_loss_per_day * blasts / escaped
    stimulated = activated_blood * stimulus_blood + activated_marrow * stimulus_marrow
    f.il6_production = p.il6_baseline_pg_per_ml_per_day + p.il6_per_activated_t_cell_per_day * stimulated
    f.il6_clearance = p.il6_clearance_per_day * s.il6_pg_per_ml
    f.effect_build_up = p.effect_delay_per_day * killing_marrow
    f.effect_decay = p.effect_delay_per_day * s.delayed_effect


@kernel
def initial_state(p: Any, s: Any) -> None:
    """Write the untreated patient; what is not written is 0."""
    s.resting_t_blood_per_ul = p.initial_t_cells_blood_per_ul
    s.resting_t_marrow_per_ul = p.initial_t_cells_marrow_per_ul
    s.b_cells_per_ul = p.initial_b_cells_per_ul
    s.ln_blasts_1e9 = np.log(p.initial_blasts_1e9)
    s.ln_escaped_blasts_1e9 = np.log(p.initial_escaped_blasts_1e9)
    s.il6_pg_per_ml = p.il6_baseline_pg_per_ml_per_day / p.il6_clearance_per_day


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    """Write the five outputs by which solvers are compared."""
    r.blasts_1e9 = np.exp(s.ln_blasts_1e9)
    r.escaped_blasts_1e9 = np.exp(s.ln_escaped_blasts_1e9)
    r.t_cells_blood_per_ul = s.resting_t_blood_per_ul + s.activated_t_blood_per_ul + s.exhausted_t_blood_per_ul
    r.t_cells_marrow_per_ul = s.resting_t_marrow_per_ul + s.activated_t_marrow_per_ul + s.exhausted_t_marrow_per_ul
    r.drug_blood_pm = drug_pm(s, p)


STIFF_BINDING: Final = Model(
    name="stiff_binding",
    title="a stiff test problem with trimers",
    source="test problem",
    parameters=ParameterSet(CATALOGUE),
    species=SPECIES,
    processes=PROCESSES,
    fluxes=fluxes,
    initial_state=initial_state,
    readouts=(
        Readout("blasts_1e9", "1e9 cells", "CD19+ blasts"),
        Readout("escaped_blasts_1e9", "1e9 cells", "CD19- blasts"),
        Readout("t_cells_blood_per_ul", "cells/uL", "T cells in blood"),
        Readout("t_cells_marrow_per_ul", "cells/uL", "T cells in marrow"),
        Readout("drug_blood_pm", "pM", "free drug in blood"),
    ),
    read=read,
    drug=DrugInput("drug_blood_ug"),
)
REGIMEN: Final = Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off; 28 ug/day for 28 d, 14 d off")
TIMES: Final = np.arange(0.0, 85.0)
REFERENCE_FILE: Final = Path(__file__).with_name("stiff_binding_reference.npz")
_SHARED_SPREAD: Final = ("t_cell_inflow_per_ul_per_day", "initial_t_cells_blood_per_ul", "initial_t_cells_marrow_per_ul")


def error(readouts: Any, reference: Any) -> float:
    """Return the largest relative error of the readouts, shape (times, 5); drug below its scale does not count."""
    floor = np.array([0.0, 0.0, 0.0, 0.0, DRUG_SCALE_PM])
    return float(np.max(np.abs(readouts - reference) / (np.abs(reference) + floor)))


def population(count: int, seed: int) -> Any:
    """Return the parameters of `count` different patients, shape (count, parameters); each depends on (seed, row) alone."""
    names = list(CATALOGUE)
    spread = np.array([row.between_patients.sd if row.between_patients else 0.0 for row in CATALOGUE.values()])
    draws = np.array([np.random.default_rng([seed, patient]).standard_normal(len(names)) for patient in range(count)])
    shared = [names.index(name) for name in _SHARED_SPREAD]
    draws[:, shared] = draws[:, shared[:1]]
    return STIFF_BINDING.parameters.vector() * np.exp(spread * draws)


def scipy_states(parameters: ParameterSet, rtol: float, method: str = "Radau") -> Any:
    """Return the states at `TIMES`, shape (times, states), by SciPy from one change of the pump to the next."""
    values, work, scales = parameters.vector(), np.zeros(STIFF_BINDING.workspace_size), SPECIES.scales()
    derivative, matrix = np.empty(len(SPECIES)), np.empty((len(SPECIES), len(SPECIES)))

    def slope(_: float, state: Any, dose: Any) -> Any:
        STIFF_BINDING.rhs(state, values, work, derivative)
        return derivative + dose

    def slopes(_: float, state: Any, dose: Any) -> Any:
        STIFF_BINDING.jacobian(state, values, work, matrix)
        return matrix.copy()

    state = deterministic.initial_state(STIFF_BINDING, parameters)
    pieces = pieces_between(STIFF_BINDING, REGIMEN.schedule(), (0.0, TIMES[-1]), None, state)
    rows = [state[np.newaxis]]
    for start, stop, dose in zip(pieces.boundary[:-1], pieces.boundary[1:], pieces.input_rate, strict=True):
        times = TIMES[(start < TIMES) & (stop >= TIMES)]
        options = {"args": (dose,), "jac": slopes, "rtol": rtol, "atol": rtol * scales}
        rows.append(solve_ivp(slope, (start, stop), rows[-1][-1].copy(), method, times, **options).y.T)
    return np.vstack(rows)


def stored_reference() -> dict[str, Any]:
    """Return the stored solution of the default patient: arrays `times_days`, `readouts` and `states`, by name."""
    with np.load(REFERENCE_FILE) as arrays:
        return dict(arrays)


if __name__ == "__main__":
    states = scipy_states(STIFF_BINDING.parameters, 1e-12)
    readouts = deterministic.read_outputs(STIFF_BINDING, STIFF_BINDING.parameters, states)
    np.savez_compressed(REFERENCE_FILE, times_days=TIMES, readouts=readouts, states=states)
