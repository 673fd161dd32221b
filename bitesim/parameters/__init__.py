"""Parameters: the catalogue of what each one means and where it comes from, and checked sets of values."""

from bitesim.parameters.catalogue import BetweenPatients, Catalogue, Parameter
from bitesim.parameters.parameter_set import ParameterSet

__all__ = ["BetweenPatients", "Catalogue", "Parameter", "ParameterSet"]
