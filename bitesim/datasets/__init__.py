"""Measurements that ship with the package, each with its source."""

from bitesim.datasets.blood_counts import BloodCourse, klinger_2012
from bitesim.datasets.growth import GrowthReference, cdc_2000_growth
from bitesim.datasets.il6 import Il6Points, hosseini_2020_il6

__all__ = ["BloodCourse", "GrowthReference", "Il6Points", "cdc_2000_growth", "hosseini_2020_il6", "klinger_2012"]
