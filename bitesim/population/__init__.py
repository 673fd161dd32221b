"""Patients and the front door."""

from bitesim.population.patient import Patient, body_surface_area
from bitesim.population.sensitivities import sensitivities
from bitesim.population.simulate import simulate

__all__ = ["Patient", "body_surface_area", "sensitivities", "simulate"]
