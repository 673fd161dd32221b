# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Cure is a probability, and MRD-negative is not cured
# A differential equation never gets rid of the last cell: it goes below one and comes back. The hybrid engine counts few
# cells one by one, with the very same hazards, and leaves the rest continuous. Extinction is then an event with a day.

# %%
import numpy as np

import bitesim

patient = bitesim.Patient(mrd=1e-7)
regimen = "28 ug/day for 28 d, 14 d off, x2"
runs = bitesim.simulate(patient, regimen, times_days=np.arange(0.0, 400.0, 4.0), engine="hybrid", replicates=300, seed=1)
runs

# %% [markdown]
# The same patient, the same drug: some replicates relapse, others have no cell left. Every one of them is below the limit
# of any assay at the nadir.

# %%
axes = runs.plot()

# %%
print("P(cured), replicates:", runs.p_cured())
print(f"P(cured), branching-process theory: {runs.cured_by_theory:.3f}")

# %% [markdown]
# What the number of cells at the start decides: theory along one deterministic course is enough for a curve.

# %%
for mrd in (1e-9, 1e-8, 1e-7, 1e-6):
    few = bitesim.simulate(bitesim.Patient(mrd=mrd), regimen, times_days=[0.0, 365.0], engine="hybrid", replicates=1, seed=1)
    print(f"MRD {mrd:g} at the start: cured with probability {few.cured_by_theory:.3f}")

# %% [markdown]
# ## A word of caution
# Where few cells decide, what the model leaves out decides too: a reservoir that blinatumomab hardly reaches, or CD19-low
# cells at the start, whose share is a prior. Without them cure is more frequent.

# %%
for share in (1e-9, 1e-6, 1e-3):
    parameters = bitesim.find_model("leukaemia").parameters.replace(low_blast_share=share)
    few = bitesim.simulate(
        bitesim.Patient(mrd=1e-8), regimen, times_days=[0.0, 365.0], parameters=parameters, engine="hybrid", replicates=1
    )
    print(f"share of CD19-low blasts {share:g}: cured with probability {few.cured_by_theory:.3f}")
