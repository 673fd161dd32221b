"""Experiments in a dish, without a patient: T cells pair with targets, T cells tire under drug."""

from bitesim.dish.exhaustion import ExhaustionExperiment, exhaustion_experiment
from bitesim.dish.synapses import SynapseExperiment, synapse_experiment

__all__ = ["ExhaustionExperiment", "SynapseExperiment", "exhaustion_experiment", "synapse_experiment"]
