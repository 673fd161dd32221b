"""What the fitting benchmark times: the same posterior by both ways, and a gradient that is checked."""

import importlib.util

import numpy as np
import pytest

from benchmarks.fitting import _FREE, PeerPosterior, patient, reference_gradient, section
from bitesim.inference import MrdObserved, PatientPosterior


def test_the_patient_is_the_same_every_time():
    one, other = patient(), patient()
    assert one == other
    assert sum(isinstance(each, MrdObserved) for each in one.observations) == 9
    assert len(one.observations) == 17


@pytest.mark.skipif(importlib.util.find_spec("numbalsoda") is None, reason="numbalsoda is not installed")
def test_both_ways_have_the_same_posterior():
    posterior, scores = PatientPosterior(patient(), _FREE, rtol=1e-8), np.array([0.3, -0.2, 0.1, 0.4, -0.5, 0.2])
    ours, theirs = posterior.evaluate(scores), PeerPosterior(posterior).value(scores, 1e-9)
    assert theirs == pytest.approx(ours.log_posterior, abs=1e-5)


def test_the_reference_gradient_is_one():
    posterior = PatientPosterior(patient(), _FREE[:2], rtol=1e-10)
    scores = np.array([0.2, -0.1])
    np.testing.assert_allclose(reference_gradient(posterior, scores), posterior.evaluate(scores).gradient, rtol=1e-5)


def test_goals_are_judged_by_what_was_measured():
    gradient = {
        "rtol": 1e-4, "ms": (3.0, 3.1, 3.2), "error": 1e-4, "times_faster": (9.0, 10.0, 11.0), "differences_error": 1e-2,
        "differences_ms": (30.0, 31.0, 32.0), "in_state_runs": (3.0, 3.1, 3.2),
    }  # fmt: skip
    slow = {"rtol": 1e-4, "ms": (60.0, 61.0, 62.0), "solves": 8, "away_sd": 1e-3}
    goals = section({"rounds": 4, "gradients": [gradient], "maxima": [slow]}).goals
    assert [goal.is_met for goal in goals] == [True, False, True]
