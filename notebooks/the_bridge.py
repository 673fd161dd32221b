# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # The bridge: from drug in serum to a synapse that kills
# Blinatumomab holds a T cell's CD3 and a blast's CD19 at once. How many such bridges a contact has decides what follows:
# about 3 kill, about 10 activate the T cell fully (Purbhoo 2004). All figures of binding are those of Liu et al. 2023.

# %%
import numpy as np
from matplotlib import pyplot

import bitesim
from bitesim.mechanisms.antigen_density import ACTIVATION_BRIDGES, KILLING_BRIDGES, share_of_synapses
from bitesim.mechanisms.bridging import bridges_after, bridging_parameters, contact_surfaces
from bitesim.mechanisms.surface_loading import load_surfaces
from bitesim.population.disagreements import cd3_affinity

CD19, CD3 = 3e4, 5e4
drug_ng_per_ml = np.geomspace(0.02, 2000.0, 31)

# %% [markdown]
# ## Affinity and the hook
# Two layers: drug settles on both surfaces in the bulk, then loaded and free receptors meet in the contact. Binding alone
# turns over near 1000 ng/mL; what makes the bell of the dish fall past 100 ng/mL is that T cells lose CD3 under drug.


# %%
def bridges(ng_per_ml, minutes, p):
    surfaces = contact_surfaces(load_surfaces(ng_per_ml, 1e6, 1e6, CD19, CD3), p, minutes)
    return bridges_after(surfaces, 60.0, p.synapse_area_um2, p)


layers = {
    "binding alone": (0.0, bridging_parameters()),
    "after an hour, CD19 taken in": (60.0, bridging_parameters(cd3_down_modulation=0.0)),
    "after an hour, CD3 lost as well": (60.0, bridging_parameters()),
}
_, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
for name, (minutes, p) in layers.items():
    found = [bridges(each, minutes, p) for each in drug_ng_per_ml]
    axes.loglog(drug_ng_per_ml, found, label=name)
    print(f"{name}: most bridges at {drug_ng_per_ml[np.argmax(found)]:.0f} ng/mL")
axes.axvspan(0.1, 1.0, color="#eeeeee", zorder=0)
axes.set_xlabel("drug [ng/mL] (shaded: in patients)")
axes.set_ylabel("bridges in a synapse after 60 s")
axes.legend(frameon=False)

# %%
affinities = cd3_affinity(drug_ng_per_ml)
axes = bitesim.plots.plot_cd3_affinity(drug_ng_per_ml, affinities)

# %% [markdown]
# ## Density
# Copies of CD19 differ from cell to cell, and bridges from synapse to synapse. Hence the thresholds are graded: some
# synapses kill at a mean of one bridge, some do not at six. And what survives has less CD19.

# %%
mean_bridges = np.geomspace(0.3, 60.0, 40)
_, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
for threshold, name in ((KILLING_BRIDGES, "kill"), (ACTIVATION_BRIDGES, "activate fully")):
    axes.semilogx(mean_bridges, share_of_synapses(mean_bridges, threshold), label=f"{name}: {threshold} bridges or more")
axes.set_xlabel("bridges per synapse, averaged over cells")
axes.set_ylabel("share of synapses")
axes.legend(frameon=False)

# %% [markdown]
# ## Synapses in a dish
# T cells and targets at equal density, one hour, with the published parameters and nothing tuned. Liu et al. measured the
# points, and count cells of both kinds together. The lowest dose and the bell are met; the densities come out 1.3 to 1.6
# times too high.

# %%
sweep = bitesim.dish.synapse_experiment()
sweep.plot()

# %%
print(sweep.select(drug_ng_per_ml=[0.65, 20, 100], effectors_per_ml=[0.5e6, 1e6, 4e6]))

# %% [markdown]
# Few T cells per target: nearly all of them pair, unless so many targets take up the drug (20 ng/mL at high density).

# %%
ratios = bitesim.dish.synapse_experiment([20, 100], [1e6, 4e6], effectors_per_target=[0.05, 0.1, 0.2, 0.5, 1, 2, 4, 6])
ratios.plot("effectors_per_target")

# %%
course = sweep.select(drug_ng_per_ml=100, effectors_per_ml=1e6).courses[0]
_, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
for kind, share in course.effectors().items():
    if kind != "single":
        axes.plot(course.minutes, 100.0 * share, label=kind)
axes.set_xlabel("time [min]")
axes.set_ylabel("T cells in clusters [%] (E: T cell, T: target)")
axes.legend(frameon=False)

# %% [markdown]
# ## T cells that tire
# Weeks of exposure exhaust T cells, a break restores them (Philipp et al. 2022, with another CD19/CD3 bispecific). `off_by`
# says how far the model is from what was measured.

# %%
tired = bitesim.dish.exhaustion_experiment(["7 d on, 7 d off, x2", "14 d on, 14 d off"])
print(tired)
tired.plot()
