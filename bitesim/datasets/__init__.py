"""Measurements that ship with the package, each with its source."""

from bitesim.datasets.blood_counts import BloodCourse, klinger_2012
from bitesim.datasets.il6 import Il6Points, hosseini_2020_il6

__all__ = ["BloodCourse", "Il6Points", "hosseini_2020_il6", "klinger_2012"]
