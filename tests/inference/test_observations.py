"""What was observed is refused where it says nothing, and split by time."""

import math

import pytest

from bitesim.assays import RQ_PCR, MrdOutcome, MrdSample
from bitesim.foundation.errors import ParameterError
from bitesim.inference.observations import AmountObserved, MrdObserved, PatientData
from bitesim.population import Patient
from bitesim.treatment import Regimen

CD8 = "blood_cd8_t_cells_per_ul"


def test_a_value_is_an_interval_of_no_width() -> None:
    assert not AmountObserved(1.0, CD8, 200.0, 200.0, 0.3).censored
    assert AmountObserved(1.0, CD8, 0.0, 1.0, 0.3).censored


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [(2.0, 1.0, "swapped"), (0.0, 0.0, "no measurement"), (0.0, math.inf, "no measurement"), (1.0, math.nan, "swapped")],
)
def test_limits_that_say_nothing_are_refused(lower: float, upper: float, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        AmountObserved(1.0, CD8, lower, upper, 0.3)


def test_only_a_quantified_sample_has_a_value() -> None:
    sample = MrdSample(RQ_PCR)
    MrdObserved(29.0, sample, MrdOutcome.QUANTIFIED, 1e-3)
    with pytest.raises(ParameterError, match="nothing else has one"):
        MrdObserved(29.0, sample, MrdOutcome.NOT_DETECTED, 1e-3)
    with pytest.raises(ParameterError, match="nothing else has one"):
        MrdObserved(29.0, sample, MrdOutcome.QUANTIFIED)


def test_time_is_in_days_and_finite() -> None:
    with pytest.raises(ParameterError, match="time_days"):
        AmountObserved(-1.0, CD8, 1.0, 1.0, 0.3)


def test_a_patient_is_split_at_a_day_without_losing_or_doubling() -> None:
    seen = tuple(AmountObserved(day, CD8, 5.0, 5.0, 0.3) for day in (0.0, 2.0, 7.0))
    data = PatientData(Patient(), Regimen.none(), seen)
    assert data.until(2.0).observations + data.after(2.0).observations == seen
    assert len(data.until(2.0).observations) == 2
