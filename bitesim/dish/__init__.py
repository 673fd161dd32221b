"""Experiments in a dish, without a patient: T cells pair with targets, T cells tire under drug."""

from bitesim.dish.cells import synapse_population
from bitesim.dish.cells_result import DishOfCells, SynapsePopulation
from bitesim.dish.exhaustion import ExhaustionExperiment, exhaustion_experiment
from bitesim.dish.synapses import SynapseExperiment, synapse_experiment

__all__ = [
    "DishOfCells",
    "ExhaustionExperiment",
    "SynapseExperiment",
    "SynapsePopulation",
    "exhaustion_experiment",
    "synapse_experiment",
    "synapse_population",
]
