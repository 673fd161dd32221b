"""Calls of propensities from Python, and networks run without an engine."""

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import invoke3
from bitesim.numerics.lanes import LANES, block, rows_for


@kernel
def call(entry, state, parameters, flux):
    invoke3(entry, state, parameters, flux, 0)


def constants(parameters):
    """Return parameters as the block that entry points take."""
    result = block(max(1, rows_for(len(parameters))))
    result.reshape(-1)[: len(parameters)] = parameters
    return result


def propensities_of_one(entry, state, parameters, processes):
    """Return the propensities of one state."""
    flux = np.zeros((1, processes))
    call(entry, np.array(state, float)[np.newaxis], constants(parameters), flux)
    return flux[0]


def propensities_in_lanes(entry, states, parameters, processes):
    """Return the propensities of eight states, one a row."""
    wide, flux = block(states.shape[1]), block(processes)
    wide[:] = np.asarray(states, float).T
    assert wide.shape[1] == LANES
    call(entry, wide, constants(parameters), flux)
    return np.ascontiguousarray(flux.T)
