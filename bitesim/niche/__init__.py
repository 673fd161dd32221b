"""A piece of marrow in space: T cells walk, meet blasts, kill and tire, beside the same equations without space."""

from bitesim.niche.body import design_of
from bitesim.niche.design import NicheDesign, with_box
from bitesim.niche.mean_field import MeanField, mean_field
from bitesim.niche.result import ContactSurvival, NicheRun
from bitesim.niche.run import run_niche
from bitesim.niche.simulation import NicheOptions, NicheSimulation
from bitesim.niche.spatial import SpatialFactor, spatial_factor, spatial_factors, with_spatial_factor
from bitesim.niche.treatment_free_intervals import BreaksExperiment, treatment_free_intervals

__all__ = [
    "BreaksExperiment",
    "ContactSurvival",
    "MeanField",
    "NicheDesign",
    "NicheOptions",
    "NicheRun",
    "NicheSimulation",
    "SpatialFactor",
    "design_of",
    "mean_field",
    "run_niche",
    "spatial_factor",
    "spatial_factors",
    "treatment_free_intervals",
    "with_box",
    "with_spatial_factor",
]
