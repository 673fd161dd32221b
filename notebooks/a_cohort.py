# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A cohort and what becomes of it
# Virtual patients with residual disease through treatment, and two years of events: toxicity, transplant, relapse, death.
# Spreads without data are priors, and say so: read differences between arms, not the height of a curve.

# %%
import numpy as np
from matplotlib import pyplot

import bitesim
from bitesim.plots import plot_bands, plot_survival
from bitesim.population import Growth, LogNormal, Quantiles, Variability

population = bitesim.VirtualPopulation.sample(
    400,
    seed=1,
    variability=Variability.of_catalogue().adding({"mrd": LogNormal.of_log10(-3, 1, -6, -1)}),
    covariates=Growth(Quantiles({0: 1, 0.25: 6, 0.5: 9, 0.75: 16, 1: 27})),
)
print(population)

# %% [markdown]
# ## Two arms
# Two cycles of blinatumomab, or two blocks of chemotherapy. A patient's luck is keyed by the patient and what it decides, so
# that both arms share it: whoever differs, differs by treatment.

# %%
drug = bitesim.Regimen.parse("15 ug/m2/day for 28 d, 7 d off, x2")
chemotherapy = bitesim.Regimen.none().with_chemotherapy(0).with_chemotherapy(35)
arms = {
    "blinatumomab": bitesim.simulate_clinical_cohort(population, drug, keep=["mrd"]),
    "chemotherapy": bitesim.simulate_clinical_cohort(population, chemotherapy),
}
arms["blinatumomab"]

# %%
for name, arm in arms.items():
    for of in ("measured", "positive", "all"):
        print(f"{name}: MRD not detected at the last visit in {{}} of {{}} ({of})".format(*arm.mrd_negative(2, of)))
free = {name: np.isinf(arm["first_event_day"]) for name, arm in arms.items()}
gains = np.sum(free["blinatumomab"] & ~free["chemotherapy"]), np.sum(free["chemotherapy"] & ~free["blinatumomab"])
print(f"event-free with one arm only: {gains[0]} with blinatumomab, {gains[1]} with chemotherapy")

# %%
axes = plot_survival(list(arms.values()), list(arms))

# %% [markdown]
# One bar a patient: how far the true MRD falls, and what the laboratory says of it.

# %%
axes = arms["blinatumomab"].plot("waterfall", visit=2)

# %% [markdown]
# ## Events compete
# Whoever dies of the transplant cannot relapse: shares of first events, and of those without any, add up to 100 %.

# %%
_, panels = pyplot.subplots(1, 2, figsize=(12, 4.6), layout="constrained", sharey=True)
for panel, (name, arm) in zip(panels, arms.items(), strict=True):
    arm.plot("events", ax=panel)
    panel.set_title(name)

# %%
axes = arms["blinatumomab"].plot("swimmer", patients=25)

# %% [markdown]
# ## What a hold does
# Everybody's pump stands still for a week from day 7 on. The label makes the week up and moves what follows; on the planned
# calendar its drug is lost. Drug leaves in hours, blasts grow meanwhile: the same patients, with and without the hold.

# %%
holds = {
    "no hold": drug,
    "a week, made up": drug.hold(7, days=7, reason="line infection"),
    "a week, not made up": drug.hold(7, days=7, reason="line infection", resume="as_planned"),
}
held = {
    name: bitesim.simulate_clinical_cohort(population, each, visits_days=[42, 77], keep=["mrd"], follow_label=False)
    for name, each in holds.items()
}
for name, result in held.items():
    change = np.log10(result["mrd_2"] / held["no hold"]["mrd_2"])
    low, middle, high = np.percentile(change, [5, 50, 95])
    print(f"{name}: MRD on day 77 changes by {middle:+.2f} decades ({low:+.2f} to {high:+.2f}), same patients")

# %%
_, panels = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained", sharey=True)
for panel, (name, result) in zip(panels, held.items(), strict=True):
    plot_bands(result, "mrd", ax=panel)
    panel.set_title(name)
    panel.label_outer()
    if name != "no hold":
        panel.axvspan(7, 14, color="#eeeeee", zorder=0)
