"""The line that a failure hands out runs, and gives the same numbers."""

import math

import numpy as np
import pytest

import bitesim
from bitesim.foundation.errors import EstimationError
from bitesim.inference import AmountObserved, PatientData, PatientPosterior, fit_patient
from bitesim.inference.reproducer import IMPORTS, reproducer
from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.distributions import LogNormal
from tests.inference.small_data import leukaemia_patient


def run(line):
    names = {"bitesim": bitesim}
    exec(IMPORTS, names)
    return eval(line, names)


def test_a_line_gives_the_same_estimate():
    data = leukaemia_patient()
    rows = (*data.observations, AmountObserved(50.0, "mrd", 1e-6, math.inf, 0.7))
    data = PatientData(data.patient.replace(bsa_m2=None, height_cm=170.0), data.regimen, rows)
    options = {"priors": {"volume_l": LogNormal(6.0, 0.1)}, "parameters": LEUKAEMIA.parameters.replace(kills_per_day=2.5)}
    fit = fit_patient(data, ["clearance_l_per_h", "volume_l"], starts=1, **options)
    line = reproducer(fit.posterior, starts=1)
    assert "kills_per_day" in line
    again = run(line)
    assert np.array_equal(again.scores, fit.scores)
    assert again.posterior.data == data


def test_a_line_raises_what_happened():
    data = leukaemia_patient()
    wrong = PatientData(data.patient, data.regimen, (AmountObserved(0.0, "serum_drug_pg_per_ml", 5.0, 5.0, 0.3, line=9),))
    line = reproducer(PatientPosterior(wrong, ["clearance_l_per_h"]), starts=1, seed=0)
    with pytest.raises(EstimationError, match="line 9"):
        run(line)


def test_a_course_without_drug_is_written_too():
    data = leukaemia_patient()
    none = PatientData(data.patient, bitesim.Regimen.none(), data.observations[:1])
    line = reproducer(PatientPosterior(none, ["blast_birth_per_day"]))
    assert run(line).posterior.data == none
