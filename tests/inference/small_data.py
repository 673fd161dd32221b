"""Patients of the small model of two clones, and one of the leukaemia model, as several tests see them."""

from __future__ import annotations

import math

import numpy as np

import bitesim
from bitesim.assays import RQ_PCR, MrdOutcome, MrdSample
from bitesim.inference import AmountObserved, MrdObserved, PatientData
from bitesim.population.distributions import LogNormal
from bitesim.treatment import Regimen
from tests.verification.small_mrd_model import two_clones

MODEL = two_clones()
FREE = ("fast_share", "slow_share", "fast_rate_per_day", "slow_rate_per_day")
PRIORS = {
    "fast_share": LogNormal(0.5, 0.5, 1e-4, 1.0),
    "slow_share": LogNormal(2e-3, 1.2),
    "fast_rate_per_day": LogNormal(0.35, 0.4),
    "slow_rate_per_day": LogNormal(0.04, 0.5),
}
SAMPLE = MrdSample(RQ_PCR)
LEUKAEMIA_FREE = (
    "clearance_l_per_h", "killing_search_share", "t_cell_division_per_day", "blast_birth_per_day",
    "baseline_blast_fraction", "margination_gain",
)  # fmt: skip
_CD8 = ((0.0, 200.0), (2.0, 40.0), (7.0, 300.0), (14.0, 400.0), (21.0, 450.0), (28.0, 400.0))
_DRUG = ((2.0, 500.0), (14.0, 450.0), (27.0, 600.0))


def courses_of(rates: tuple[float, float, float, float], times: np.ndarray) -> np.ndarray:
    """Return the fraction of blasts of the small model in closed form."""
    first, second, fast, slow = rates
    return first * np.exp(-fast * times) + second * np.exp(-slow * times)


def rows_of_every_kind() -> tuple[AmountObserved | MrdObserved, ...]:
    """Return rows free, censored on either side, in an interval, counted, with own noise, and at the edges of a dose."""
    day = 5.0
    noisy = [AmountObserved(each, "drug_pg_per_ml", 380.0, 420.0, 0.5, 0.64, "bioassay") for each in (3.0, 4.0)]
    return (
        # The infusion runs over [2, day): at its first instant there is no drug yet, at its last all of it.
        AmountObserved(2.0, "drug_pg_per_ml", 0.0, 50.0, 0.3),
        AmountObserved(day, "drug_pg_per_ml", 400.0, 400.0, 0.3),
        *noisy,
        AmountObserved(day + 0.1, "drug_pg_per_ml", 150.0, 150.0, 0.3, 0.64, "bioassay"),
        AmountObserved(day + 0.2, "drug_pg_per_ml", 0.0, 50.0, 0.3),
        AmountObserved(0.0, "mrd", 0.3, math.inf, 0.5),
        AmountObserved(8.0, "mrd", 0.01, 0.04, 0.5),
        AmountObserved(15.0, "mrd", 4e-3, 4e-3, 0.5),
        MrdObserved(29.0, SAMPLE, MrdOutcome.QUANTIFIED, 6e-4),
        AmountObserved(43.0, "mrd", 0.0, 1e-4, 0.5),
        MrdObserved(71.0, SAMPLE, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE),
        MrdObserved(99.0, SAMPLE, MrdOutcome.NOT_DETECTED),
    )


def small_patient(rows: tuple[AmountObserved | MrdObserved, ...] | None = None) -> PatientData:
    """Return a patient of the small model."""
    given = {"ID": 1, "TIME": 2.0, "EVID": 1, "CMT": 1, "AMT": 60.0, "RATE": 20.0}
    regimen = Regimen.from_table([given], time_unit="days", amount_unit="ug")
    return PatientData(bitesim.Patient(name="small"), regimen, rows_of_every_kind() if rows is None else rows)


def leukaemia_patient() -> PatientData:
    """Return a patient with MRD, counts and drug levels through two cycles."""
    rows: list[AmountObserved | MrdObserved] = [MrdObserved(0.0, SAMPLE, MrdOutcome.QUANTIFIED, 1e-2)]
    rows += [AmountObserved(day, "blood_cd8_t_cells_per_ul", value, value, 0.3) for day, value in _CD8]
    rows += [AmountObserved(day, "serum_drug_pg_per_ml", value, value, 0.559, 0.64, "CD69") for day, value in _DRUG]
    # The first infusion stops on day 28.
    rows += [AmountObserved(28.0, "blood_b_cells_per_ul", 0.0, 1.0, 0.5), AmountObserved(42.0, "mrd", 1e-5, 1e-3, 0.7)]
    rows += [MrdObserved(28.0, SAMPLE, MrdOutcome.QUANTIFIED, 3e-4), MrdObserved(70.0, SAMPLE, MrdOutcome.NOT_DETECTED)]
    patient = bitesim.Patient(weight_kg=70.0, bsa_m2=1.8, mrd=1e-2, name="p001")
    return PatientData(patient, Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2"), tuple(rows))
