# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # Two models against the patients
# Thirteen adults at 15 ug/m2/day (Klinger 2012, as digitised for Hosseini 2020). bitesim's own leukaemia model and the
# published one know each patient by the baseline counts only. Both were fitted to these patients: a comparison in sample.

# %%
import numpy as np

import bitesim
from bitesim.leukaemia import LYMPHOMA
from bitesim.population.count_errors import b_cells_at_floor, cd8_errors, simulate_course

courses = bitesim.datasets.klinger_2012()
runs = {model: [simulate_course(course, model) for course in courses] for model in ("leukaemia", "hosseini2020")}
axes = bitesim.plots.plot_blood_courses(courses, runs["leukaemia"])

# %%
axes = bitesim.plots.plot_blood_courses(courses, runs["hosseini2020"])

# %% [markdown]
# How far off are they, beside curves that know nothing of mechanisms and leave out the patient whom they predict?

# %%
for row in cd8_errors(courses, runs):
    print(f"CD8, {row.predictor}: median |log10(predicted / data)| {row.median:.3f} ({row.low:.3f} to {row.high:.3f})")
for model, those in runs.items():
    censored, agreed = b_cells_at_floor(courses, those)
    print(f"B cells at or below 1 /uL: {censored} measurements, {model} agrees on {agreed}")

# %% [markdown]
# ## IL-6 of lymphoma patients
# Points are patients above the assay floor only, so they sit high. No IL-6 of ALL was found: both models saw these points,
# in a setting with many normal targets, and are unvalidated for ALL.

# %%
points = bitesim.datasets.hosseini_2020_il6()
days, adult = np.arange(0.0, 21.0, 0.02), bitesim.Patient(blood_b_cells_per_ul=70)
il6 = [bitesim.simulate(adult, each.regimen, "leukaemia", days, parameters=LYMPHOMA) for each in points]
axes = bitesim.plots.plot_il6(points, il6)

# %%
il6 = [bitesim.simulate(None, each.regimen, "hosseini2020_nhl", days) for each in points]
axes = bitesim.plots.plot_il6(points, il6)
