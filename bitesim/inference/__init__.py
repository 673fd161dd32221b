"""From data to parameters: tables in, one likelihood, individual estimates, calibration and the fact table."""

from bitesim.inference.calibrated_set import CalibratedSet, calibrated
from bitesim.inference.calibration import Calibration, calibrate
from bitesim.inference.estimation import StartOutcome
from bitesim.inference.fact_table import FactTable, fact_table
from bitesim.inference.forecast_result import Forecast
from bitesim.inference.forecasting import forecast
from bitesim.inference.laplace import Laplace
from bitesim.inference.left_out_patients import LeftOut, predict_left_out
from bitesim.inference.nonmem_stub import nonmem_stub
from bitesim.inference.observations import AmountObserved, MrdObserved, PatientData
from bitesim.inference.patient_fit import FailedFit, PatientFit, fit_patient, fit_patients
from bitesim.inference.patient_table import PatientTable
from bitesim.inference.population_fit import PopulationFit, fit_population
from bitesim.inference.posterior import PatientPosterior
from bitesim.inference.shipped_patients import klinger_patients
from bitesim.inference.table_reading import read_patients
from bitesim.inference.table_writing import write_patients

__all__ = [
    "AmountObserved",
    "CalibratedSet",
    "Calibration",
    "FactTable",
    "FailedFit",
    "Forecast",
    "Laplace",
    "LeftOut",
    "MrdObserved",
    "PatientData",
    "PatientFit",
    "PatientPosterior",
    "PatientTable",
    "PopulationFit",
    "StartOutcome",
    "calibrate",
    "calibrated",
    "fact_table",
    "fit_patient",
    "fit_patients",
    "fit_population",
    "forecast",
    "klinger_patients",
    "nonmem_stub",
    "predict_left_out",
    "read_patients",
    "write_patients",
]
