"""What was derived from a model's equations: straight-line functions, and the digest of what they were derived from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bitesim.foundation.source_digest import source_digest_of

if TYPE_CHECKING:
    from bitesim.model.definition import Model

StraightLine = Callable[..., None]


@dataclass(frozen=True)
class Tangents:
    """Derivatives along directions: state and constants are plain numbers, each ``..._dot`` a block of eight directions.

    Parameters
    ----------
    constants : function(constants, constants_dot)
        From the directions of the parameters to those of all constants.
    initial_state : function(constants, constants_dot, result_dot)
    rate, jacobian, readouts : function(state, constants, state_dot, constants_dot, result_dot)
        `jacobian` in the order of the pattern.
    """

    constants: StraightLine
    initial_state: StraightLine
    rate: StraightLine
    jacobian: StraightLine
    readouts: StraightLine


@dataclass(frozen=True)
class Derived:
    """Straight-line functions of one model.

    Parameters
    ----------
    digest : str
        `equations_digest` of the model they were derived from.
    n_parameters, n_constants, n_factors : int
        Constants are the parameters, followed by what depends on parameters alone.
    pattern : tuple of (row, column)
        Where the Jacobian may differ from 0.
    fill_constants : function(constants)
        Computes all behind the parameters.
    initial_state : function(constants, state)
    rate_of_change : function(state, constants, rate)
        Without what is infused.
    jacobian : function(state, constants, values)
        Values in the order of the pattern.
    factorise : function(state, constants, diagonal, factors)
        LU factors of diagonal[0] * identity - Jacobian.
    solve : function(factors, vector)
        In place.
    readouts : function(state, constants, outputs)
    tangents : Tangents
    """

    digest: str
    n_parameters: int
    n_constants: int
    n_factors: int
    pattern: tuple[tuple[int, int], ...]
    fill_constants: StraightLine
    initial_state: StraightLine
    rate_of_change: StraightLine
    jacobian: StraightLine
    factorise: StraightLine
    solve: StraightLine
    readouts: StraightLine
    tangents: Tangents


def equations_digest(model: Model) -> str:
    """Return the SHA-256 of a model's equations, its names and their order, and its process table.

    Values of parameters, units and prose are not part of it: derivatives do not depend on them.
    """
    facts: list[Any] = [list(model.species), list(model.catalogue), [readout.name for readout in model.readouts]]
    facts.append([[name, sorted(changes.items())] for name, changes in model.processes.items()])
    return source_digest_of((model.fluxes, model.initial_state, model.read), facts)
