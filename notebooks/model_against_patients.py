# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # The published model against the patients
# Thirteen adults at 15 ug/m2/day (Klinger 2012, as digitised for Hosseini 2020). The model knows each patient by the
# baseline counts only. It was published with these patients, so this is an in-sample comparison.

# %%
import numpy as np

import bitesim
from bitesim.cli.demo import b_cells_at_floor, cd8_error, simulate_course

courses = bitesim.datasets.klinger_2012()
runs = [simulate_course(course) for course in courses]
axes = bitesim.plots.plot_blood_courses(courses, runs)

# %%
print(f"CD8 T cells: median |log10(model / data)| after day 0 = {cd8_error(courses, runs):.3f}")
censored, agreed = b_cells_at_floor(courses, runs)
print(f"B cells at or below 1 /uL: {censored} measurements, model agrees on {agreed}")

# %% [markdown]
# ## IL-6 of lymphoma patients
# Points are patients above the assay floor only, so they sit high; the model's IL-6 is not calibrated for ALL.

# %%
points = bitesim.datasets.hosseini_2020_il6()
il6 = [bitesim.simulate(None, each.regimen, "hosseini2020_nhl", np.arange(0.0, 21.0, 0.02)) for each in points]
axes = bitesim.plots.plot_il6(points, il6)
