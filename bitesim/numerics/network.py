"""What a stochastic engine sees of a model: where its propensities are computed, and what each event changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.numerics.entries import as_array, kernel_entry
from bitesim.numerics.integrate_one import named_tuple
from bitesim.numerics.lanes import LANES
from bitesim.numerics.pieces import Matrix


class Network(NamedTuple):
    """Propensities, and what their events change.

    Parameters
    ----------
    propensities : entry point of function(state, parameters, flux)
        In lanes: eight replicates side by side; or of one replicate.
    species : ndarray of int, shape (processes, most changes of one)
        Which species an event of each process changes; those with fewer changes add 0 to species 0.
    change : ndarray, shape (processes, most changes of one)
    """

    propensities: Any
    species: NDArray[np.int64]
    change: Matrix


NETWORK_TYPE: Final = named_tuple(Network, types.int64, types.Array(types.int64, 2, "C"), types.Array(types.float64, 2, "C"))


def event_table(changes: Matrix) -> tuple[NDArray[np.int64], Matrix]:
    """Return species and change of each process's events, as `Network` holds them.

    Parameters
    ----------
    changes : ndarray, shape (species, processes)
        What an event of each process adds to each species.
    """
    width = max(1, int(np.count_nonzero(changes, axis=0).max(initial=0)))
    species, change = np.zeros((changes.shape[1], width), np.int64), np.zeros((changes.shape[1], width))
    for process, column in enumerate(changes.T):
        places = np.flatnonzero(column)
        species[process, : len(places)], change[process, : len(places)] = places, column[places]
    return species, change


def lane_record_type(record: np.dtype[Any]) -> np.dtype[Any]:
    """Return the record that reads one column of a block: its fields stand a row apart."""
    names = list(record.names or ())
    offsets = [8 * LANES * row for row in range(len(names))]
    fields: Any = {"names": names, "formats": ["f8"] * len(names), "offsets": offsets, "itemsize": offsets[-1] + 8}
    return np.dtype((np.record, fields))


def one_entry(fluxes: Callable[..., None], records: tuple[np.dtype[Any], np.dtype[Any], np.dtype[Any]]) -> Any:
    """Return the entry point propensities(state, parameters, flux) of one replicate.

    Parameters
    ----------
    fluxes : kernel fluxes(s, p, f)
    records : three record types
        Of the state, the parameters and the fluxes.
    """
    state_record, parameter_record, flux_record = records
    n_species, n_parameters, n_fluxes = (len(record.names or ()) for record in records)

    @kernel
    def propensities(state: Any, parameters: Any, flux: Any) -> None:
        s, p, f = as_array(state, n_species), as_array(parameters, n_parameters), as_array(flux, n_fluxes)
        fluxes(s.view(state_record)[0], p.view(parameter_record)[0], f.view(flux_record)[0])

    return kernel_entry(propensities, 3)


def lane_by_lane_entry(fluxes: Callable[..., None], records: tuple[np.dtype[Any], np.dtype[Any], np.dtype[Any]]) -> Any:
    """Return the same for eight replicates side by side, one after the other: for equations of any form."""
    state_record, flux_record = lane_record_type(records[0]), lane_record_type(records[2])
    parameter_record = records[1]
    n_species, n_parameters, n_fluxes = (len(record.names or ()) for record in records)
    state_reach, flux_reach = LANES * (n_species - 1) + 1, LANES * (n_fluxes - 1) + 1

    @kernel
    def propensities(state: Any, parameters: Any, flux: Any) -> None:
        s, f = as_array(state, n_species * LANES), as_array(flux, n_fluxes * LANES)
        known = as_array(parameters, n_parameters).view(parameter_record)[0]
        for lane in range(LANES):
            mine, rate = s[lane : lane + state_reach], f[lane : lane + flux_reach]
            fluxes(mine.view(state_record)[0], known, rate.view(flux_record)[0])

    return kernel_entry(propensities, 3)
