"""A piece of marrow in space: T cells walk, meet blasts, kill and tire, beside the same equations without space."""

from bitesim.niche.design import NicheDesign, with_box
from bitesim.niche.mean_field import MeanField, mean_field
from bitesim.niche.spatial import SpatialFactor, spatial_factor, spatial_factors, with_spatial_factor

__all__ = [
    "MeanField",
    "NicheDesign",
    "SpatialFactor",
    "mean_field",
    "spatial_factor",
    "spatial_factors",
    "with_box",
    "with_spatial_factor",
]
