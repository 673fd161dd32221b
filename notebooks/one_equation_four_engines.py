# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # One equation, four engines
# A T cell finds a blast, holds it for a while, kills it or lets it go; blasts divide where there is room, and die. Each of
# these is a hazard of one cell [1/d], written once in `bitesim.mechanisms`. What differs is who reads it: a differential
# equation, events of whole cells one by one, leaps over many events, and cells that walk on a lattice.

# %%
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib import pyplot

import bitesim
from bitesim.engines.agents.engine import NicheEngine
from bitesim.engines.stochastic import run_stochastic
from bitesim.foundation.compiled import kernel
from bitesim.leukaemia import LEUKAEMIA
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.niche import NicheDesign
from bitesim.niche.design import layout
from bitesim.niche.rates import niche_hazards, record_of, surroundings
from bitesim.parameters import Catalogue, Parameter, ParameterSet

# %% [markdown]
# ## The hazards
# A piece of marrow of 0.13 mm3 at 500 pg/mL of drug in serum. The rates below are what the mechanisms of the leukaemia model
# say of each cell in it; T cells keep their number and state here, so that few lines suffice.

# %%
design = NicheDesign(edge_sites=64, height_sites=32, cells_per_site=0.6, blast_fraction=0.4, t_cell_fraction=0.03)
p = record_of(LEUKAEMIA.parameters)
around = surroundings(500.0, design.count("blasts"), 0, design.cells, p)
mixed = replace(niche_hazards(design, around, LEUKAEMIA.parameters, mixing=0.02), t_cell_per_day=np.zeros((3, 6)))
rates = {
    "meetings_per_day": mixed.meetings_per_day,
    "release_per_day": mixed.release_per_day,
    "kill_chance": float(mixed.kill_chance[1, 0, 0, 0]),
    "birth_per_day": float(mixed.blast_per_day[0, 0]),
    "death_per_day": float(mixed.blast_per_day[0, 1]),
}
rates

# %% [markdown]
# ## As processes
# Five processes, each with what it changes and its flux: hazard times count.

# %%
sizes = {
    "sites": float(design.box.sites),
    "others": float(design.count("marrow_cells")),
    "t_cells_at_first": float(design.count("t_cells")),
    "blasts_at_first": float(design.count("blasts")),
}
catalogue = Catalogue(
    "niche",
    tuple(
        Parameter(name, "1/d" if name.endswith("day") else "-", value, (0.0, 1e9), name.replace("_", " "), "see above")
        for name, value in {**rates, **sizes}.items()
    ),
)
species = SpeciesTable(
    (
        Species("drug_ug", "ug", "drug, whose effect is in the rates", 1.0),
        Species("walking", "cells", "T cells that hold no blast", 1.0, countable=True),
        Species("bound", "cells", "T cells with the blast that each holds", 1.0, countable=True),
        Species("free_blasts", "cells", "blasts that no T cell holds", 1.0, countable=True),
    )
)
processes = Processes(
    {
        "binding": {"walking": -1, "free_blasts": -1, "bound": +1},
        "killing": {"bound": -1, "walking": +1},
        "letting_go": {"bound": -1, "walking": +1, "free_blasts": +1},
        "birth": {"free_blasts": +1},
        "death": {"free_blasts": -1},
    }
)


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    """Rate of every process [per day]."""
    taken = (s.walking + 2.0 * s.bound + s.free_blasts + p.others) / p.sites
    f.binding = p.meetings_per_day * s.walking * s.free_blasts / p.sites
    f.killing = p.kill_chance * p.release_per_day * s.bound
    f.letting_go = (1.0 - p.kill_chance) * p.release_per_day * s.bound
    # A daughter needs one of the six sites around her mother.
    f.birth = p.birth_per_day * s.free_blasts * (1.0 - taken * taken * taken * taken * taken * taken)
    f.death = p.death_per_day * s.free_blasts


@kernel
def initial_state(p: Any, s: Any) -> None:
    """Write the niche at the start: nobody is bound."""
    s.walking = p.t_cells_at_first
    s.free_blasts = p.blasts_at_first


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    """Write all blasts, held ones included."""
    r.blasts = s.free_blasts + s.bound


model = Model(
    name="niche",
    title="T cells and blasts in a piece of marrow",
    source="the mechanisms of the leukaemia model",
    parameters=ParameterSet(catalogue),
    species=species,
    processes=processes,
    fluxes=fluxes,
    initial_state=initial_state,
    readouts=(Readout("blasts", "cells", "blasts, held ones included"),),
    read=read,
    drug=DrugInput("drug_ug"),
)
days = np.linspace(0.0, 8.0, 33)

# %% [markdown]
# ## Engine 1: a differential equation

# %%
ode = bitesim.simulate(model=model, times_days=days)["blasts"]

# %% [markdown]
# ## Engines 2 and 3: events one by one, and leaps over many of them

# %%
exact = run_stochastic(model, None, None, times_days=days[1:], replicates=40, seed=1)
leaps = run_stochastic(model, None, None, times_days=days[1:], replicates=40, seed=1, method="tau")
of_events = {"exact": exact["blasts"], "leaps": leaps["blasts"]}

# %% [markdown]
# ## Engine 4: cells on a lattice
# Once well mixed, where a T cell meets blasts as often as mass action says; and once in space, where it empties its own
# neighbourhood.


# %%
def agents(hazards: Any, seed: int) -> list[int]:
    """Return the blasts of one niche at the times above."""
    start = layout(design, seed, t_states=np.ones(design.count("t_cells"), np.int64))
    engine = NicheEngine(design.box, start, hazards.rules(), seed)
    counts = [engine.census().blasts]
    for day in days[1:]:
        engine.advance(round(day * 1440.0 / hazards.step_min) - engine.step)
        counts.append(engine.census().blasts)
    return counts


in_space = replace(mixed, mixing=0.0)
of_agents = {
    name: np.array([agents(hazards, seed) for seed in range(6)])
    for name, hazards in (("agents, mixed", mixed), ("agents, in space", in_space))
}

# %%
figure, axes = pyplot.subplots(figsize=(7.0, 4.2), layout="constrained")
axes.plot(days, ode, color="#202020", linewidth=2.0, label="differential equation")
for (name, counts), colour in zip(of_events.items(), ("#1f5a99", "#7aa6cf"), strict=True):
    marker = "o" if name == "exact" else "x"
    axes.plot(days[1:], counts.mean(axis=0), marker, color=colour, markersize=5, label=f"events: {name}")
for (name, counts), colour in zip(of_agents.items(), ("#c77f1a", "#a12a2a"), strict=True):
    axes.plot(days, counts.mean(axis=0), "--", color=colour, label=name)
axes.set_xlabel("time [d]")
axes.set_ylabel("blasts")
axes.set_yscale("log")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)

# %% [markdown]
# The first four agree within their chance; space alone is slower. At day 4, with the standard error of each mean:

# %%
at = int(np.argmin(np.abs(days - 4.0)))
print(f"differential equation   {ode[at]:9.1f}")
for name, counts in {**{f"events, {key}": each for key, each in of_events.items()}, **of_agents}.items():
    values = counts[:, at - 1] if name.startswith("events") else counts[:, at]
    print(f"{name:22s}  {values.mean():9.1f} +- {values.std(ddof=1) / np.sqrt(len(values)):.1f}")
