"""Forecasts: draws have the posterior's moments, the same draws meet every regimen, and cure agrees with drawn relapses."""

import math

import numpy as np
import pytest

import bitesim
from bitesim.assays import RQ_PCR, MrdSample
from bitesim.engines.deterministic import Settings, run_ode
from bitesim.foundation.errors import ParameterError, UnknownNameError
from bitesim.inference import AmountObserved, PatientData, fit_patient, forecast
from bitesim.inference.draws import posterior_draws
from bitesim.treatment import Regimen
from tests.inference.small_data import FREE, LEUKAEMIA_FREE, MODEL, PRIORS, leukaemia_patient, small_patient

FIT = fit_patient(leukaemia_patient(), LEUKAEMIA_FREE, starts=1)


def test_courses_are_those_of_the_draws():
    found = forecast(FIT, times_days=[28.0, 70.0, 84.0], draws=20, seed=3, rtol=1e-6)
    scores = posterior_draws(FIT.posterior, FIT.laplace, 20, seed=3, rtol=1e-6).scores
    for row in (0, 7, 19):
        alone = run_ode(FIT.posterior.case_at(scores[row]), np.array([28.0, 70.0, 84.0]), Settings(1e-6))
        np.testing.assert_allclose(found["mrd"][row], alone["mrd"], rtol=1e-9)
    assert found.failed_draws == 0
    assert len(found) == 20


def test_what_was_seen_narrows_what_the_prior_says():
    prior = fit_patient(
        PatientData(FIT.posterior.data.patient, FIT.posterior.data.regimen, FIT.posterior.data.observations[:1]),
        LEUKAEMIA_FREE, starts=1,
    )  # fmt: skip
    told, untold = (forecast(each, times_days=[28.0, 84.0], draws=200).interval("mrd") for each in (FIT, prior))
    assert np.log(told[2] / told[0])[0] < 0.8 * np.log(untold[2] / untold[0])[0]


def test_forecasts_are_reproducible_and_regimens_share_their_draws():
    one, again = (forecast(FIT, draws=40, seed=5) for _ in range(2))
    assert np.array_equal(one["mrd"], again["mrd"])
    assert np.array_equal(one.relapse_days, again.relapse_days)
    longer = forecast(FIT, "15 ug/m2/day for 28 d, 14 d off, x4", draws=40, seed=5)
    both = min(len(one.times_days), len(longer.times_days))
    until = one.times_days[:both] <= 70.0
    np.testing.assert_allclose(longer["mrd"][:, :both][:, until], one["mrd"][:, :both][:, until], rtol=1e-6)
    assert longer.end_of_treatment_days == 168.0
    fewer_threads = forecast(FIT, draws=40, seed=5, threads=1)
    assert np.array_equal(one["mrd"], fewer_threads["mrd"])


def test_cure_is_what_is_drawn():
    """A patient nearly cleared: drawn cures and their probabilities agree, binomial with 600 draws, alpha 1e-4."""
    patient = bitesim.Patient(weight_kg=8.0, bsa_m2=0.4, age_years=0.8, mrd=1e-5, blood_cd8_t_cells_per_ul=2000.0)
    # Cells are so few that some draws lose them all.
    rows = (AmountObserved(28.0, "mrd", 0.0, 1e-5, 1.0),)
    data = PatientData(patient, Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2"), rows)
    parameters = bitesim.find_model("leukaemia").parameters.replace(
        low_blast_share=1e-6, baseline_sanctuary_blasts=1e-9, antigen_loss_per_day=0.0, kills_per_day=6.0
    )
    fit = fit_patient(data, ["blast_birth_per_day", "killing_search_share"], parameters=parameters, starts=1)
    found = forecast(fit, draws=600, follow_up_days=3650.0)
    relapsed = found.relapse_by(3650.0)
    assert 0.02 < found.cure < 0.98, "the case must leave both outcomes open"
    error = math.sqrt(found.cure * (1.0 - found.cure) / 600)
    assert abs((1.0 - relapsed.value) - found.cure) < 3.9 * error
    low, high = found.cure_interval()
    assert low < found.cure < high


def test_reports_are_labelled():
    found = forecast(FIT, draws=30)
    text = repr(found)
    assert text.startswith("Forecast p001, model leukaemia: 15 ug/m2/day")
    for words in (
        "median (90 % interval) of 30 draws from the posterior (worth ",
        "cure by this treatment alone",
        "by day 365",
        "nothing imputed",
    ):
        assert words in text
    assert "<table>" in found._repr_html_()
    frame = found.to_dataframe()
    assert list(frame.columns) == ["patient", "time_days", "name", "low", "median", "high", "unit"]
    assert (frame["low"] <= frame["high"]).all()
    plain = found.as_dict()
    assert plain["cure"]["probability"] == found.cure
    assert set(plain["relapse_by"]) == {"365", "730"}
    with pytest.raises(UnknownNameError, match="Did you mean 'mrd'"):
        found["mdr"]
    with pytest.raises(ParameterError, match="longer follow_up_days"):
        found.relapse_by(1000.0)


def test_what_a_laboratory_would_report_is_a_whole():
    found = forecast(FIT, draws=50)
    sample = MrdSample(RQ_PCR)
    chances = found.mrd_report(70.0, sample)
    assert chances.not_detected + chances.positive_not_quantifiable + chances.quantified == pytest.approx(1.0, abs=1e-9)
    place = int(np.flatnonzero(found.times_days == 70.0)[0])
    assert chances.not_detected == pytest.approx(sample.probabilities(found["mrd"][:, place]).not_detected.mean())
    with pytest.raises(ParameterError, match=r"day 70.5 is not among the times"):
        found.mrd_report(70.5, sample)


def test_a_model_without_disease_is_forecast_without_relapse():
    fit = fit_patient(small_patient(), FREE, MODEL, priors=PRIORS, starts=1)
    found = forecast(fit, draws=20)
    assert not found.has_disease
    assert "cure" not in repr(found)
    with pytest.raises(ParameterError, match="no blasts"):
        found.relapse_by(10.0)


@pytest.mark.parametrize(
    ("regimen", "options", "words"),
    [(3.0, {}, "is not a Regimen"), (None, {"draws": 3}, "draws = 3"), (None, {"follow_up_days": -1.0}, "2 years are 730")],
)
def test_what_cannot_be_forecast_is_named(regimen, options, words):
    with pytest.raises(ParameterError, match=words):
        forecast(FIT, regimen, **options)
