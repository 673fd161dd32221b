"""From data to parameters: tables in, one likelihood, individual estimates, calibration and the fact table."""

from bitesim.inference.estimation import StartOutcome
from bitesim.inference.forecast_result import Forecast
from bitesim.inference.forecasting import forecast
from bitesim.inference.laplace import Laplace
from bitesim.inference.observations import AmountObserved, MrdObserved, PatientData
from bitesim.inference.patient_fit import FailedFit, PatientFit, fit_patient, fit_patients
from bitesim.inference.posterior import PatientPosterior

__all__ = [
    "AmountObserved",
    "FailedFit",
    "Forecast",
    "Laplace",
    "MrdObserved",
    "PatientData",
    "PatientFit",
    "PatientPosterior",
    "StartOutcome",
    "fit_patient",
    "fit_patients",
    "forecast",
]
