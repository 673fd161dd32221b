"""Models in the formats of other tools."""

from bitesim.interchange.sbml import to_sbml

__all__ = ["to_sbml"]
