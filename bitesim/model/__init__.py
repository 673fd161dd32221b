"""What a model is: species, processes with their fluxes, an initial state and readouts, ready for every engine."""

from bitesim.model.clones import Clone
from bitesim.model.definition import AgeDefault, Balance, CovariateLink, DrugInput, InputPulse, Model
from bitesim.model.processes import Processes
from bitesim.model.readouts import Readout
from bitesim.model.species import Species, SpeciesTable

__all__ = [
    "AgeDefault",
    "Balance",
    "Clone",
    "CovariateLink",
    "DrugInput",
    "InputPulse",
    "Model",
    "Processes",
    "Readout",
    "Species",
    "SpeciesTable",
]
