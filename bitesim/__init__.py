"""bitesim: blinatumomab in B-ALL, from the pump to blood and marrow."""

from bitesim import datasets, dish, niche, plots
from bitesim.derivation import derive
from bitesim.engines.cohort import run_cohort, stream_cohort
from bitesim.engines.cohort_result import CohortResult
from bitesim.engines.hybrid_result import HybridRun
from bitesim.engines.sensitivity_result import SensitivityResult, ToDose, ToEventTime, ToInitialValue
from bitesim.engines.stochastic import run_stochastic
from bitesim.engines.stochastic_result import StochasticResult
from bitesim.engines.trajectory import Trajectory
from bitesim.foundation.compiled import clear_cache, compile_report
from bitesim.foundation.errors import (
    BitesimError,
    BitesimWarning,
    DataWarning,
    DerivationWarning,
    DoseWarning,
    EstimationError,
    MissingExtraError,
    ParameterError,
    PatientWarning,
    ReplicateWarning,
    ScenarioError,
    SolverError,
)
from bitesim.foundation.provenance import show_versions
from bitesim.foundation.units import units
from bitesim.inference import (
    AmountObserved,
    Forecast,
    MrdObserved,
    PatientData,
    PatientFit,
    PatientTable,
    fit_patient,
    read_patients,
    write_patients,
)
from bitesim.interchange import to_sbml
from bitesim.leukaemia.assumptions import assumptions
from bitesim.model import Model
from bitesim.parameters import ParameterSet
from bitesim.population import (
    ClinicalResult,
    Patient,
    VirtualPopulation,
    sensitivities,
    simulate,
    simulate_clinical_cohort,
    stream_clinical_cohort,
)
from bitesim.published import MODELS, find_model
from bitesim.treatment import Regimen
from bitesim.version import __version__

__all__ = [
    "MODELS",
    "AmountObserved",
    "BitesimError",
    "BitesimWarning",
    "ClinicalResult",
    "CohortResult",
    "DataWarning",
    "DerivationWarning",
    "DoseWarning",
    "EstimationError",
    "Forecast",
    "HybridRun",
    "MissingExtraError",
    "Model",
    "MrdObserved",
    "ParameterError",
    "ParameterSet",
    "Patient",
    "PatientData",
    "PatientFit",
    "PatientTable",
    "PatientWarning",
    "Regimen",
    "ReplicateWarning",
    "ScenarioError",
    "SensitivityResult",
    "SolverError",
    "StochasticResult",
    "ToDose",
    "ToEventTime",
    "ToInitialValue",
    "Trajectory",
    "VirtualPopulation",
    "__version__",
    "assumptions",
    "clear_cache",
    "compile_report",
    "datasets",
    "derive",
    "dish",
    "find_model",
    "fit_patient",
    "niche",
    "plots",
    "read_patients",
    "run_cohort",
    "run_stochastic",
    "sensitivities",
    "show_versions",
    "simulate",
    "simulate_clinical_cohort",
    "stream_clinical_cohort",
    "stream_cohort",
    "to_sbml",
    "units",
    "write_patients",
]
