# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A model of your own
# A model is a catalogue of parameters, species, processes, a kernel of fluxes, an initial state and readouts. It can stand
# in any file of yours; here it stands in a notebook. Drug in serum kills B cells, which marrow replaces.

# %%
from typing import Any

from bitesim import Patient, simulate
from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.kinks import saturation
from bitesim.model import Balance, CovariateLink, DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet

CLEMENTS = "Clements et al. 2020, doi:10.1007/s40262-019-00823-8"
EXAMPLE = "made up for this example"

# %% [markdown]
# Each parameter is one row: name, unit, default, bounds, meaning, source. Its name is how the equations read it.

# %%
catalogue = Catalogue(
    "minimal",
    (
        Parameter("clearance_l_per_day", "L/d", 53.3, (1.0, 1e3), "drug clearance", CLEMENTS),
        Parameter("volume_l", "L", 5.98, (0.1, 100.0), "distribution volume", CLEMENTS),
        Parameter("kill_max_per_day", "1/d", 20.0, (0.0, 1e3), "largest hazard of a B cell", EXAMPLE, "assumed"),
        Parameter("drug_half_kill_pg_per_ml", "pg/mL", 150.0, (1e-3, 1e6), "drug at half of it", EXAMPLE, "assumed"),
        Parameter("b_turnover_per_day", "1/d", 0.05, (0.0, 10.0), "natural turnover of B cells", EXAMPLE, "assumed"),
        Parameter("b_reference_per_ul", "cells/uL", 70.0, (1e-3, 1e6), "B cells before treatment", EXAMPLE, "assumed"),
    ),
)

# %% [markdown]
# The scale of a species is the size below which it no longer matters; the solver's absolute tolerance is rtol times it.

# %%
species = SpeciesTable(
    (
        Species("drug_ug", "ug", "free drug", scale=1e-3),
        Species("drug_eliminated_ug", "ug", "drug cleared so far", scale=1.0),
        Species("b_cells_per_ul", "cells/uL", "B cells in blood", scale=1e-4),
    )
)
processes = Processes(
    {
        "elimination": {"drug_ug": -1, "drug_eliminated_ug": +1},
        "renewal": {"b_cells_per_ul": +1},
        "loss": {"b_cells_per_ul": -1},
        "killing": {"b_cells_per_ul": -1},
    }
)


# %% [markdown]
# The equations are ordinary Python: `s` is the state, `p` the parameters, `f` the fluxes, all by name.


# %%
@kernel
def drug_pg_per_ml(s: Any, p: Any) -> Any:
    """Drug concentration [pg/mL]; 1 ug/L is 1000 pg/mL."""
    return 1000.0 * s.drug_ug / p.volume_l


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    """Rate of every process [per day]."""
    f.elimination = p.clearance_l_per_day / p.volume_l * s.drug_ug
    f.renewal = p.b_turnover_per_day * p.b_reference_per_ul
    f.loss = p.b_turnover_per_day * s.b_cells_per_ul
    f.killing = p.kill_max_per_day * saturation(drug_pg_per_ml(s, p), p.drug_half_kill_pg_per_ml, 1.0) * s.b_cells_per_ul


@kernel
def initial_state(p: Any, s: Any) -> None:
    """Write the untreated patient; what is not written is 0."""
    s.b_cells_per_ul = p.b_reference_per_ul


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    """Write what a laboratory reports."""
    r.serum_drug_pg_per_ml = drug_pg_per_ml(s, p)
    r.blood_b_cells_per_ul = s.b_cells_per_ul


# %%
model = Model(
    name="minimal",
    title="drug and B cells in blood",
    source=EXAMPLE,
    parameters=ParameterSet(catalogue),
    species=species,
    processes=processes,
    fluxes=fluxes,
    initial_state=initial_state,
    readouts=(
        Readout("serum_drug_pg_per_ml", "pg/mL", "free drug in serum"),
        Readout("blood_b_cells_per_ul", "cells/uL", "B cells in blood"),
    ),
    read=read,
    drug=DrugInput("drug_ug"),
    covariates=(CovariateLink("blood_b_cells_per_ul", "b_reference_per_ul"),),
    balances=(Balance("drug", {"drug_ug": 1.0, "drug_eliminated_ug": 1.0}),),
)
run = simulate(Patient(blood_b_cells_per_ul=120.0), "9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off", model)
axes = run.plot()

# %% [markdown]
# It runs through the same pump and solver as the published models, and carries its own proof.

# %%
run.solver.conservation

# %% [markdown]
# So far it ran on a dense Jacobian made by complex steps. `derive` runs the equations above on symbols, once, and keeps the
# sparse Jacobian and its factorisation as straight-line code: the same numbers faster, and now derivatives and cohorts too.

# %%
import bitesim

fast = bitesim.derive(model)
again = simulate(Patient(blood_b_cells_per_ul=120.0), "9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off", fast)
again.solver.method

# %%
bitesim.sensitivities(
    None, "9 ug/day for 7 d, 28 ug/day for 21 d", fast, [1.0, 7.0, 28.0], to=["kill_max_per_day", bitesim.ToDose()]
)
