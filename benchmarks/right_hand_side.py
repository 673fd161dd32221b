"""The compiled right-hand side and Jacobian that every solver is given: bitesim's own, in the form its engine runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.system import system_of
from bitesim.foundation.compiled import kernel, prepare
from bitesim.model import Model
from bitesim.model.rate_of_change import JACOBIAN_SIGNATURE, RHS_SIGNATURE
from bitesim.numerics.straight_line import straight_line

Vector = NDArray[np.float64]
Kernel = Callable[..., None]


class Equations(NamedTuple):
    """Compiled equations of one model for one patient.

    Parameters
    ----------
    rhs : kernel rhs(state, constants, workspace, derivative)
    jacobian : kernel jacobian(state, constants, workspace, matrix)
        Dense.
    constants : ndarray
    workspace_size : int
    """

    rhs: Kernel
    jacobian: Kernel
    constants: Vector
    workspace_size: int


def constants_of(model: Model, parameters: Vector) -> Vector:
    """Return the constants that the equations of `fastest_equations` read, for a patient with these parameters."""
    return parameters if model.derivatives is None else system_of(model).constants(parameters).reshape(-1)


def plain_equations(model: Model, parameters: Vector) -> Equations:
    """Return what is made from the fluxes directly, with a complex-step Jacobian."""
    rhs, jacobian = prepare(model.rhs, RHS_SIGNATURE), prepare(model.jacobian, JACOBIAN_SIGNATURE)
    return Equations(rhs, jacobian, parameters, model.workspace_size)


def fastest_equations(model: Model, parameters: Vector) -> Equations:
    """Return the derived straight-line code where a model has it: what depends on parameters alone is done before."""
    derived = model.derivatives
    if derived is None:
        return plain_equations(model, parameters)
    rate = straight_line(derived.rate_of_change, (False,) * 3)
    entries = straight_line(derived.jacobian, (False,) * 3)
    rows, columns = np.array(derived.pattern, np.int64).T.copy()

    @kernel
    def rhs(state: Any, constants: Any, workspace: Any, derivative: Any) -> None:
        rate(state, constants, derivative, 0)

    @kernel
    def jacobian(state: Any, constants: Any, workspace: Any, matrix: Any) -> None:
        entries(state, constants, workspace, 0)
        matrix[:, :] = 0.0
        for entry in range(rows.shape[0]):
            matrix[rows[entry], columns[entry]] = workspace[entry]

    return Equations(
        prepare(rhs, RHS_SIGNATURE),
        prepare(jacobian, JACOBIAN_SIGNATURE),
        constants_of(model, parameters),
        len(derived.pattern),
    )
