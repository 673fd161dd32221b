"""From a model to the compiled functions that integrate one patient: derived straight-line code, or dense kernels."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import types

from bitesim.foundation.compiled import kernel, prepare
from bitesim.model import Model
from bitesim.model.derived import Derived
from bitesim.model.rate_of_change import JACOBIAN_SIGNATURE, RHS_SIGNATURE
from bitesim.numerics.dense import constants_size, dense_system, factors_size
from bitesim.numerics.integrate_one import INTEGRATE_SIGNATURE, integrator
from bitesim.numerics.pieces import System, Vector
from bitesim.numerics.straight_line import straight_line

_VECTOR: Final = types.Array(types.float64, 1, "C")


@dataclass(frozen=True)
class OneSystem:
    """What runs one patient of one model.

    Parameters
    ----------
    method : str
        For the report.
    constants : callable
        From the vector of parameters to the constants that the kernels take.
    n_factors : int
    integrate : kernel
        As `bitesim.numerics.integrate_one.integrator` describes.
    """

    method: str
    constants: Callable[[Vector], Vector]
    n_factors: int
    integrate: Any


#: Kernels are compiled once a model: a model is its own key, and is forgotten with it.
_systems: weakref.WeakKeyDictionary[Model, OneSystem] = weakref.WeakKeyDictionary()


def system_of(model: Model) -> OneSystem:
    """Return the compiled functions of `model`; compiled or loaded from disk when first asked for."""
    if model not in _systems:
        _systems[model] = _dense(model) if model.derivatives is None else _straight_line(model.derivatives)
    return _systems[model]


def _straight_line(derived: Derived) -> OneSystem:
    plain = (False,)
    fill = straight_line(derived.fill_constants, plain)

    @kernel
    def fill_constants(constants: Vector) -> None:
        fill(constants, 0)

    prepare(fill_constants, types.void(_VECTOR))

    def constants(parameters: Vector) -> Vector:
        result = np.zeros(derived.n_constants)
        result[: derived.n_parameters] = parameters
        fill_constants(result)
        return result

    system = System(
        straight_line(derived.rate_of_change, plain * 3),
        straight_line(derived.factorise, plain * 4),
        straight_line(derived.solve, plain * 2),
    )
    run = prepare(integrator(system), INTEGRATE_SIGNATURE)
    return OneSystem("Rodas5P, traced Jacobian, straight-line sparse LU", constants, derived.n_factors, run)


def _dense(model: Model) -> OneSystem:
    n_parameters, n_states = len(model.catalogue), len(model.species)
    size = constants_size(n_states, n_parameters, model.workspace_size)

    def constants(parameters: Vector) -> Vector:
        result = np.zeros(size)
        result[:n_parameters] = parameters
        return result

    system = dense_system(
        prepare(model.rhs, RHS_SIGNATURE),
        prepare(model.jacobian, JACOBIAN_SIGNATURE),
        model.species.scales(),
        n_parameters,
        model.workspace_size,
    )
    run = prepare(integrator(system), INTEGRATE_SIGNATURE)
    return OneSystem("Rodas5P, complex-step Jacobian, dense LU", constants, factors_size(n_states), run)
