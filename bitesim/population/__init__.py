"""Patients and the front door."""

from bitesim.population.clinical_cohort import Cohort, simulate_clinical_cohort, stream_clinical_cohort
from bitesim.population.clinical_result import ClinicalResult
from bitesim.population.distributions import (
    Constant,
    Distribution,
    LogitNormal,
    LogNormal,
    Normal,
    Quantiles,
    Uniform,
)
from bitesim.population.growth import Growth
from bitesim.population.mixtures import Mixture
from bitesim.population.patient import Patient, body_surface_area
from bitesim.population.sensitivities import sensitivities
from bitesim.population.simulate import simulate
from bitesim.population.targets import Target, curve, mean, proportion, quantile
from bitesim.population.variability import Variability
from bitesim.population.virtual_population import VirtualPopulation
from bitesim.population.weighting import Weighting

__all__ = [
    "ClinicalResult",
    "Cohort",
    "Constant",
    "Distribution",
    "Growth",
    "LogNormal",
    "LogitNormal",
    "Mixture",
    "Normal",
    "Patient",
    "Quantiles",
    "Target",
    "Uniform",
    "Variability",
    "VirtualPopulation",
    "Weighting",
    "body_surface_area",
    "curve",
    "mean",
    "proportion",
    "quantile",
    "sensitivities",
    "simulate",
    "simulate_clinical_cohort",
    "stream_clinical_cohort",
]
