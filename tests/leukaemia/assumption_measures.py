"""What the figures of the register of assumptions are measured with: short runs of the leukaemia model."""

from functools import cache

import numpy as np

import bitesim
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia.exhaustion_experiment import exhaustion_experiment
from bitesim.mechanisms.bridging import (
    bridges_after,
    bridges_at_open_equilibrium,
    bridges_clinical,
    bridging_parameters,
    contact_surfaces,
)
from bitesim.mechanisms.extinction import extinction_probability, survival_of_one
from bitesim.mechanisms.surface_loading import AVOGADRO, loading_at_free_drug, occupancy, picomolar

DOSE = "15 ug/m2/day for 28 d, 14 d off"
#: All cells alike: least squares of the share of Poisson numbers of at least 3 and 10.
ALIKE = {
    "killing_half_bridges": 2.60, "killing_hill": 2.79, "activation_half_bridges": 9.59, "activation_hill": 5.29,
}  # fmt: skip
LOW = {"activation_half_bridges": 3.06, "activation_hill": 1.98}
HIGH = {"killing_half_bridges": 11.4, "killing_hill": 2.49}
OPEN = {"blast_cd19_copies": 1e6, "b_cell_cd19_copies": 1e6}
CHILD = bitesim.Patient(weight_kg=11, bsa_m2=0.5)
STEPS = "5 ug/m2/day for 7 d, 15 ug/m2/day for 7 d, 60 ug/m2/day for 14 d"


def run(times, regimen=DOSE, patient=None, **changes):
    return bitesim.simulate(patient, regimen, LEUKAEMIA, times, parameters=LEUKAEMIA.parameters.replace(**changes))


@cache
def kill(patient=None, regimen=DOSE, **changes):
    """Decades of blasts killed in marrow by day 28."""
    before, after = run([0.0, 28.0], regimen, patient, **changes)["blasts"]
    return float(np.log10(before / after))


def overt(**changes):
    """The same from 25 % blasts."""
    return kill(baseline_blast_fraction=0.25, **changes)


def output(name, time, regimen=DOSE, patient=None, **changes):
    return float(run([0.0, time], regimen, patient, **changes)[name][1])


def cd8(time, **changes):
    """CD8 T cells in blood relative to baseline."""
    first, later = run([0.0, time], **changes)["blood_cd8_t_cells_per_ul"]
    return float(later / first)


def cd69(time, **changes):
    return 100.0 * output("blood_cd69_fraction", time, **changes)


def cd8_after(regimen, start, time):
    first, later = run([start, time], regimen)["blood_cd8_t_cells_per_ul"]
    return float(later / first)


def lymphoma(regimen, times, **changes):
    patient = bitesim.Patient(weight_kg=70, bsa_m2=1.88, blood_b_cells_per_ul=70, blood_cd8_t_cells_per_ul=180)
    setting = {"lymphoid_b_cells_per_blood": 500.0, "baseline_blast_fraction": 1e-6}
    return run(times, regimen, patient, **setting, **changes)


def lymphoma_il6(regimen, times, **changes):
    return lymphoma(regimen, times, **changes)["serum_il6_pg_per_ml"]


def first_day_il6(dose, **changes):
    """Median of the first 17 h."""
    return float(np.median(lymphoma_il6(f"{dose} ug/m2/day for 28 d", np.arange(18.0) / 24.0, **changes)))


def il6_ratio(**changes):
    return first_day_il6(60, **changes) / first_day_il6(5, **changes)


def il10_peaks(**changes):
    """Peaks in the day after the first and after the second start."""
    days = np.arange(0.0, 21.0, 1 / 24)
    course = run(days, "15 ug/m2/day for 3 d, 11 d off; 15 ug/m2/day for 14 d", **changes)["serum_il10_pg_per_ml"]
    return tuple(float(course[(days >= start) & (days <= start + 1)].max()) for start in (0, 14))


def il6_peaks(**changes):
    days = np.arange(0.0, 21.0, 1 / 24)
    course = lymphoma_il6(STEPS, days, **changes)
    return tuple(float(course[(days >= start) & (days <= start + 1)].max()) for start in (0, 7, 14))


def il6_peak_hour(**changes):
    return float(np.argmax(lymphoma_il6("60 ug/m2/day for 28 d", np.arange(25.0) / 24.0, **changes)))


def closed_and_open_synapse():
    p = bridging_parameters()
    drug = picomolar(0.53, 54.0)
    surfaces = contact_surfaces(loading_at_free_drug(drug, 2e4, 5e4), p)
    return (
        bridges_clinical(drug, 2e4, p),
        bridges_after(surfaces, 60.0, 65.0, p),
        bridges_at_open_equilibrium(drug, 2e4, 5e4, 65.0, p),
    )


def drug_on_blasts():
    """Days of infusion on the CD19 of half a marrow, and the share [%] of the infusion taken in there and at 1e-3."""
    p = {row.name: row.default for row in LEUKAEMIA.catalogue.values()}
    drug = p["marrow_drug_access"] * 28e6 / (24e3 * p["clearance_l_per_h"]) / p["drug_mass_kda"]
    per_day = 28e-6 / (1e3 * p["drug_mass_kda"]) * AVOGADRO
    bound = 0.5 * p["marrow_cells_per_kg"] * 70.0 * p["blast_cd19_copies"] * occupancy(drug, p["cd19_dissociation_pm"])
    taken_in = 100.0 * p["cd19_internalisation_per_day"] * bound / per_day
    return bound / per_day, taken_in, taken_in * 1e-3 / 0.5


def pharmacokinetics():
    gap = bitesim.Regimen.parse(DOSE).hold(10.0, hours=4.0)
    before, after = run([10.0, 10.0 + 4 / 24], gap)["serum_drug_pg_per_ml"]
    clearance = LEUKAEMIA.catalogue["clearance_l_per_h"].default
    levels = [output("serum_drug_pg_per_ml", 10.0, patient=patient) for patient in (CHILD, None)]
    return (
        np.log(2.0) * LEUKAEMIA.catalogue["volume_l"].default / clearance, 100.0 * after / before, 0.476,
        *(kill(clearance_l_per_h=clearance * np.exp(deviation)) for deviation in (0.476, -0.476)),
        *levels, kill(CHILD), kill(CHILD, bsa_exponent=1.0),
    )  # fmt: skip


def lysis(days, **changes):
    rows = exhaustion_experiment(LEUKAEMIA.parameters.replace(**changes))
    return next(100.0 * row.lysis for row in rows if (row.exposed_days, row.free_days) == (days, 0.0))


def b_cells_of_patient_20(**changes):
    patient = bitesim.Patient(blood_b_cells_per_ul=246.7, blood_cd8_t_cells_per_ul=163.3)
    return tuple(output("blood_b_cells_per_ul", hours / 24.0, patient=patient, **changes) for hours in (1.0, 2.0))


def recovered_b_cells(blast_fraction):
    at_rest = 0.01 * LEUKAEMIA.catalogue["marrow_cells_per_kg"].default * 70.0
    return 100.0 * output("b_cells_marrow", 112.0, baseline_blast_fraction=blast_fraction) / at_rest


def regrowth(baseline=1e-4, until=0.05):
    days = np.arange(0.0, 200.0)
    fraction = run(days, None, baseline_blast_fraction=baseline)["mrd"]
    p = LEUKAEMIA.catalogue
    net = p["blast_birth_per_day"].default - p["blast_death_per_day"].default
    return float(np.interp(np.log(until), np.log(fraction), days)), np.log(until / baseline) / net


def low_share_at_day_84():
    course = run([0.0, 84.0], "15 ug/m2/day for 28 d, 14 d off, x2")
    return 100.0 * course["low_blasts"][1] / course["blasts"][1]


def sanctuary(**changes):
    before, after = run([0.0, 28.0], baseline_sanctuary_blasts=1e6, **changes)["sanctuary_blasts"]
    return float(np.log10(before / after))


def small_clone():
    """Probability [%] that 1e3 cells are extinct if killing ends after 28 days, and by then."""
    hazards = {"birth_per_day": 0.105, "death_per_day": 0.34}
    by_then = float(extinction_probability(1e3, **hazards, days=28.0))
    # Probability generating function of one cell's clone at day 28, where each cell's line goes extinct by itself later.
    lost = 1.0 - float(survival_of_one(0.105, 0.04))
    growth = np.exp((0.105 - 0.34) * 28.0)
    none = 0.34 * (growth - 1.0) / (0.105 * growth - 0.34)
    more = 0.105 * (growth - 1.0) / (0.105 * growth - 0.34)
    generated = none + (1.0 - none) * (1.0 - more) * lost / (1.0 - more * lost)
    return 100.0 * np.exp(-1e3 * (1.0 - generated)), 100.0 * by_then
