"""Rows of several kinds together, MRD against its assay, and how much they weigh."""

import math

import numpy as np
import pytest

from bitesim.assays import MULTICOLOUR_FLOW, RQ_PCR, MrdAssay, MrdOutcome, MrdSample
from bitesim.foundation.errors import ParameterError
from bitesim.inference import AmountObserved, MrdObserved
from bitesim.inference.observation_models import ObservationModel

PCR = MrdSample(RQ_PCR)


def test_everything_together_is_the_sum_of_its_parts():
    rows = [
        MrdObserved(1.0, PCR, MrdOutcome.QUANTIFIED, 2e-3),
        AmountObserved(2.0, "x", 5.0, 5.0, 0.3),
        MrdObserved(3.0, MrdSample(MULTICOLOUR_FLOW), MrdOutcome.NOT_DETECTED),
        AmountObserved(4.0, "x", 0.0, 5.0, 0.3),
        MrdObserved(5.0, PCR, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE),
    ]
    outputs = np.array([1e-3, 4.0, 3e-6, 4.0, 3e-5])
    whole = ObservationModel(rows).terms(outputs)
    parts = [ObservationModel([row]).terms(outputs[place : place + 1]) for place, row in enumerate(rows)]
    assert whole.log_likelihood == pytest.approx(sum(part.log_likelihood for part in parts), rel=1e-14)
    np.testing.assert_allclose(whole.slope, [part.slope[0] for part in parts], rtol=1e-13)
    np.testing.assert_allclose(whole.weight, [part.weight[0] for part in parts], rtol=1e-13)


@pytest.mark.parametrize("outcome", list(MrdOutcome))
def test_mrd_is_the_law_of_its_assay(outcome):
    value = 2e-3 if outcome == MrdOutcome.QUANTIFIED else math.nan
    model = ObservationModel([MrdObserved(1.0, PCR, outcome, value)])
    for fraction in (1e-7, 2e-5, 2e-3, 0.1):
        found = model.terms(np.array([fraction]))
        assert found.log_likelihood == pytest.approx(PCR.log_likelihood(outcome, value, fraction), rel=1e-14)
        assert found.slope[0] == pytest.approx(PCR.log_likelihood_slope(outcome, value, fraction), rel=1e-13)


def test_weights_of_mrd_are_the_information_of_its_counts():
    """The expected square of the slope over all counts, to a tenth where cells are many and a third where they are few."""
    sample = MrdSample(MrdAssay("test", 2000, 1, 2, 0.3))
    for fraction in (1e-4, 1e-3, 2e-2):
        counts = np.arange(2, 2001) / 2000
        seen = [(MrdOutcome.NOT_DETECTED, np.nan), (MrdOutcome.POSITIVE_NOT_QUANTIFIABLE, np.nan)]
        log_p = [float(sample.log_likelihood(*each, fraction)) for each in seen]
        slope = [float(sample.log_likelihood_slope(*each, fraction)) for each in seen]
        log_p += sample.log_likelihood(MrdOutcome.QUANTIFIED, counts, fraction).tolist()
        slope += sample.log_likelihood_slope(MrdOutcome.QUANTIFIED, counts, fraction).tolist()
        assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-8)
        information = float(np.exp(log_p) @ np.square(slope))
        weight = ObservationModel([MrdObserved(1.0, sample, MrdOutcome.NOT_DETECTED)]).terms(np.array([fraction])).weight[0]
        assert weight == pytest.approx(information, rel=0.35)


def test_no_blast_is_certainly_not_detected_and_impossible_otherwise():
    assert ObservationModel([MrdObserved(1.0, PCR, MrdOutcome.NOT_DETECTED)]).terms(np.zeros(1)).log_likelihood == 0.0
    positive = ObservationModel([MrdObserved(1.0, PCR, MrdOutcome.QUANTIFIED, 1e-3, line=3)])
    assert positive.terms(np.zeros(1)).log_likelihood == -math.inf
    assert positive.impossible(np.zeros(1)) == "line 3: MRD quantified 0.001 on day 1, where the model has 0"
    assert ObservationModel([AmountObserved(1.0, "x", 0.0, 2.0, 0.3)]).impossible(np.zeros(1)) == ""


def test_own_noise_is_shared_by_an_assay_and_by_no_other():
    def rows(first, second):
        return [AmountObserved(1.0, "x", 9.0, 9.0, 0.5, 0.6, first), AmountObserved(2.0, "x", 2.0, 2.0, 0.5, 0.6, second)]

    outputs = np.array([4.0, 4.0])
    shared, apart = (ObservationModel(rows("a", each)).terms(outputs).log_likelihood for each in ("a", "b"))
    alone = sum(ObservationModel([row]).terms(np.array([4.0])).log_likelihood for row in rows("a", "b"))
    assert apart == pytest.approx(alone, rel=1e-13)
    # Two outliers of one patient speak for a noisy patient.
    assert shared > apart + 0.01


def test_an_assay_has_one_spread_of_noise():
    with pytest.raises(ParameterError, match=r"assay 'a' has rows with own_sd_ln = 0.3, 0.6"):
        ObservationModel([AmountObserved(1.0, "x", 9, 9, 0.5, 0.6, "a"), AmountObserved(2.0, "x", 9, 9, 0.5, 0.3, "a")])
