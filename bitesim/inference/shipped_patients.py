"""The patients that ship with the package, as observations: counts in blood under 15 ug/m2/day."""

from __future__ import annotations

from typing import Literal

from bitesim.datasets.blood_counts import B_CELL_FLOOR_PER_UL, REGIMEN, SOURCE, BloodCourse, klinger_2012
from bitesim.foundation.errors import unknown_name
from bitesim.inference.observations import AmountObserved, PatientData
from bitesim.inference.patient_table import PatientTable
from bitesim.population import Patient
from bitesim.treatment import Regimen

_CD8, _B_CELLS = "blood_cd8_t_cells_per_ul", "blood_b_cells_per_ul"


def klinger_patients(
    *, cd8_sd_ln: float, b_cells_sd_ln: float, baseline: Literal["observed", "covariate"] = "observed"
) -> PatientTable:
    """Return the 13 adults of Klinger et al. 2012, Blood 119:6226, with what was seen in their first cycle.

    Parameters
    ----------
    cd8_sd_ln, b_cells_sd_ln : float
        SD of ln(measured count) of CD8 T cells and of B cells. The paper has none, so there is no default.
    baseline : {"observed", "covariate"}
        What the counts before treatment are: observations at time 0, with the patient's own counts unknown; or the
        patient's own counts, and no observations, so that they are not used twice. B cells below their floor of 1/uL are
        an observation in either case.

    Returns
    -------
    PatientTable
        B cells at the floor are censored, 0 to 1 per uL. Body sizes are not published: 70 kg and 1.88 m2.
    """
    if baseline not in ("observed", "covariate"):
        raise unknown_name("baseline", baseline, ("observed", "covariate"))
    regimen = Regimen.parse(REGIMEN)
    patients = [
        PatientData(*_start(course, baseline, regimen), _observations(course, cd8_sd_ln, b_cells_sd_ln, baseline))
        for course in klinger_2012()
    ]
    return PatientTable(tuple(patients), source=SOURCE.split(",")[0])


def _start(course: BloodCourse, baseline: str, regimen: Regimen) -> tuple[Patient, Regimen]:
    patient = Patient(name=course.patient)
    if baseline == "covariate":
        patient = patient.replace(blood_cd8_t_cells_per_ul=float(course.cd8_t_cells_per_ul[0]))
        if not course.b_cells_below_floor[0]:
            patient = patient.replace(blood_b_cells_per_ul=float(course.b_cells_per_ul[0]))
    return patient, regimen


def _observations(course: BloodCourse, cd8_sd_ln: float, b_cells_sd_ln: float, baseline: str) -> tuple[AmountObserved, ...]:
    seen = []
    for position, day in enumerate(course.times_days.tolist()):
        is_covariate = baseline == "covariate" and position == 0
        below = bool(course.b_cells_below_floor[position])
        if not is_covariate:
            count = float(course.cd8_t_cells_per_ul[position])
            seen.append(AmountObserved(day, _CD8, count, count, cd8_sd_ln))
        if below:
            seen.append(AmountObserved(day, _B_CELLS, 0.0, B_CELL_FLOOR_PER_UL, b_cells_sd_ln))
        elif not is_covariate:
            count = float(course.b_cells_per_ul[position])
            seen.append(AmountObserved(day, _B_CELLS, count, count, b_cells_sd_ln))
    return tuple(seen)
