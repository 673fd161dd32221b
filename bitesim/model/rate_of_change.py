"""Kernels over flat vectors, made once from a model's fluxes: the ODE right-hand side, its Jacobian, readouts, start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.foundation.records import record_type
from bitesim.model.processes import Processes
from bitesim.model.species import SpeciesTable

Vector = NDArray[np.float64]

_VECTOR: Final = types.Array(types.float64, 1, "C")
_MATRIX: Final = types.Array(types.float64, 2, "C")
#: rhs(state, parameters, workspace, derivative) and jacobian(state, parameters, workspace, matrix).
RHS_SIGNATURE: Final = types.void(_VECTOR, _VECTOR, _VECTOR, _VECTOR)
JACOBIAN_SIGNATURE: Final = types.void(_VECTOR, _VECTOR, _VECTOR, _MATRIX)
#: readouts(states, parameters, outputs) over many times; initial(parameters, state).
READOUTS_SIGNATURE: Final = types.void(_MATRIX, _VECTOR, _MATRIX)
INITIAL_SIGNATURE: Final = types.void(_VECTOR, _VECTOR)

#: Complex-step derivatives subtract nothing, so the step can be this small and the derivative is exact to rounding.
_COMPLEX_STEP: Final = 1e-30


def workspace_size(species: SpeciesTable, processes: Processes) -> int:
    """Return how many floats of workspace the kernels of `right_hand_side` and `jacobian` need."""
    return 2 * (len(species) + len(processes))


def _entries(species: SpeciesTable, processes: Processes) -> tuple[NDArray[np.int64], NDArray[np.int64], Vector]:
    """Return species, process and change of each non-zero of the change matrix, process by process."""
    matrix = processes.matrix(species)
    process, changed = np.nonzero(matrix.T)
    return changed.astype(np.int64), process.astype(np.int64), matrix[changed, process]


def right_hand_side(
    fluxes: Callable[..., None], species: SpeciesTable, processes: Processes, parameters: np.dtype[Any]
) -> Callable[..., None]:
    """Return the kernel rhs(state, parameters, workspace, derivative) = changes @ fluxes."""
    state_record, flux_record = species.record_type, processes.record_type
    changed, process, change = _entries(species, processes)
    n_fluxes = len(processes)

    @kernel
    def rhs(state: Vector, parameter_values: Vector, workspace: Vector, derivative: Vector) -> None:
        flux = workspace[:n_fluxes]
        fluxes(state.view(state_record)[0], parameter_values.view(parameters)[0], flux.view(flux_record)[0])
        for i in range(derivative.shape[0]):
            derivative[i] = 0.0
        for entry in range(changed.shape[0]):
            derivative[changed[entry]] += change[entry] * flux[process[entry]]

    return rhs


def jacobian(
    fluxes: Callable[..., None], species: SpeciesTable, processes: Processes, parameters: np.dtype[Any]
) -> Callable[..., None]:
    """Return the kernel jacobian(state, parameters, workspace, matrix), by complex steps through `fluxes`.

    Source of the method: Squire & Trapp 1998, SIAM Rev. 40:110, doi:10.1137/S003614459631241X.
    """
    state_record = record_type(tuple(species), "c16")
    flux_record = record_type(tuple(processes), "c16")
    changed, process, change = _entries(species, processes)
    n, n_fluxes = len(species), len(processes)

    @kernel
    def matrix_of_derivatives(state: Vector, parameter_values: Vector, workspace: Vector, matrix: Vector) -> None:
        shifted = workspace[: 2 * n].view(np.complex128)
        flux = workspace[2 * n : 2 * (n + n_fluxes)].view(np.complex128)
        for i in range(n):
            shifted[i] = state[i]
            for j in range(n):
                matrix[i, j] = 0.0
        for column in range(n):
            shifted[column] = complex(state[column], _COMPLEX_STEP)
            fluxes(shifted.view(state_record)[0], parameter_values.view(parameters)[0], flux.view(flux_record)[0])
            shifted[column] = state[column]
            for entry in range(changed.shape[0]):
                matrix[changed[entry], column] += change[entry] * (flux[process[entry]].imag / _COMPLEX_STEP)

    return matrix_of_derivatives


def readout_kernel(
    readouts: Callable[..., None], species: SpeciesTable, outputs: np.dtype[Any], parameters: np.dtype[Any]
) -> Callable[..., None]:
    """Return the kernel read(states, parameters, outputs) that reads out one row per time."""
    state_record = species.record_type

    @kernel
    def read(states: Vector, parameter_values: Vector, results: Vector) -> None:
        for row in range(states.shape[0]):
            readouts(states[row].view(state_record)[0], parameter_values.view(parameters)[0], results[row].view(outputs)[0])

    return read


def flux_kernel(
    fluxes: Callable[..., None], species: SpeciesTable, processes: Processes, parameters: np.dtype[Any]
) -> Callable[..., None]:
    """Return the kernel run(states, parameters, fluxes) that writes one row of fluxes per state, in the table's order."""
    state_record, flux_record = species.record_type, processes.record_type

    @kernel
    def run(states: Vector, parameter_values: Vector, results: Vector) -> None:
        for row in range(states.shape[0]):
            fluxes(
                states[row].view(state_record)[0], parameter_values.view(parameters)[0], results[row].view(flux_record)[0]
            )

    return run


def initial_kernel(
    initial_state: Callable[..., None], species: SpeciesTable, parameters: np.dtype[Any]
) -> Callable[..., None]:
    """Return the kernel start(parameters, state) that writes the untreated patient's state."""
    state_record = species.record_type

    @kernel
    def start(parameter_values: Vector, state: Vector) -> None:
        initial_state(parameter_values.view(parameters)[0], state.view(state_record)[0])

    return start
