# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # One patient and the cycles
# An adult with residual disease through two 4-week infusion cycles of blinatumomab, with bitesim's own leukaemia model.

# %%
import bitesim

patient = bitesim.Patient(weight_kg=70, bsa_m2=1.88, age_years=40, mrd=1e-3)
regimen = bitesim.Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2")
run = bitesim.simulate(patient, regimen)
run

# %% [markdown]
# Drug is at steady state within a day, B cells vanish within one, T cells leave the blood within hours and come back, and
# blasts fall by almost three decades in the first cycle. A clone of less than one cell is grey: there is none.

# %%
axes = run.plot()

# %% [markdown]
# ## A pump that stops
# With a half-life of about two hours, four hours without the pump lose three quarters of the drug; the ledger says what
# was missed. A hold of at most seven days is made up by the label's rule, so here the calendar is kept instead.

# %%
gap = bitesim.simulate(patient, regimen.hold(5.0, hours=4, reason="line blocked", resume="as_planned"))
gap.ledger

# %%
axes = gap.plot(["serum_drug_pg_per_ml", "blood_cd8_t_cells_per_ul"])

# %% [markdown]
# ## A decision
# A rule looks at the outputs at a given time and changes what follows: hold three days if IL-6 is above 20 pg/mL on day 2.

# %%
from bitesim.treatment import HoldInfusion, Threshold

rule = Threshold("serum_il6_pg_per_ml", "above", 20.0, HoldInfusion(3.0, "cytokine release"))
held = bitesim.simulate(patient, regimen.with_decision(2.0, rule))
[event for event in held.events if event.kind in ("decision", "hold", "resume")]
