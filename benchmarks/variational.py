"""Reference sensitivities: the variational equations beside the model's, from the plain fluxes, by SciPy's Radau.

    E_k' = J E_k + p_k df/dp_k,   E_k = p_k dx/dp_k

J is the fluxes' complex-step Jacobian, df/dp is by differences of fourth order: nothing here was derived symbolically.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.sparse import csc_matrix, kron
from scipy.sparse import eye as identity

from benchmarks.problems import Matrix, Problem, Vector
from benchmarks.references import kept, problem_digest
from benchmarks.right_hand_side import plain_equations
from bitesim.engines.system import system_of
from bitesim.foundation.compiled import kernel

RTOL: Final = 1e-11
#: Relative step of the differences by parameters: small, since a kink smears over it.
_STEP: Final = 1e-5
_START_STEP: Final = 1e-3


def _direct(values: Sequence[Any], step: float) -> Any:
    """Return d/d ln p of fourth order from values at (1 + k step) p, k = 2, 1, -1, -2."""
    far, near, below, farther = values
    return (8.0 * (near - below) - (far - farther)) / (12.0 * step)


def _start(problem: Problem, places: Sequence[int]) -> Matrix:
    """Return the state before treatment and, below it, its derivatives by ln p."""
    initial, rows = system_of(problem.model).initial_state, [problem.start]
    for place in places:
        shifted = [problem.parameters.copy() for _ in range(4)]
        for values, k in zip(shifted, (2, 1, -1, -2), strict=True):
            values[place] *= 1.0 + k * _START_STEP
        rows.append(_direct([initial(values) for values in shifted], _START_STEP))
    return np.array(rows)


def _slope_kernel(rhs: Any, jacobian: Any, places: NDArray[np.int64], n: int) -> Any:
    """Return slope(both, parameters, workspace, matrix, shifted, four, result) of the state and all E."""

    @kernel
    def slope(
        both: Matrix, parameters: Vector, workspace: Vector, matrix: Matrix, shifted: Vector, four: Matrix, result: Matrix
    ) -> None:
        state = both[0]
        rhs(state, parameters, workspace, result[0])
        jacobian(state, parameters, workspace, matrix)
        shifted[:] = parameters
        for k in range(places.shape[0]):
            place = places[k]
            for j in range(4):
                shifted[place] = parameters[place] * (1.0 + (2 - j - (j > 1)) * _STEP)
                rhs(state, shifted, workspace, four[j])
            shifted[place] = parameters[place]
            for i in range(n):
                total = (8.0 * (four[1, i] - four[2, i]) - (four[0, i] - four[3, i])) / (12.0 * _STEP)
                for j in range(n):
                    total += matrix[i, j] * both[1 + k, j]
                result[1 + k, i] = total

    return slope


def radau_sensitivities(problem: Problem, names: Sequence[str]) -> NDArray[np.float64]:
    """Return E at the problem's output times, shape (times, states, parameters)."""
    catalogue = list(problem.model.catalogue)
    places = np.array([catalogue.index(name) for name in names], np.int64)
    equations, n, m = plain_equations(problem.model, problem.parameters), len(problem.start), 1 + len(names)
    slope_of = _slope_kernel(equations.rhs, equations.jacobian, places, n)
    work, matrix, four = np.zeros(equations.workspace_size), np.empty((n, n)), np.empty((4, n))
    shifted, blocks = problem.parameters.copy(), identity(m, format="csc")

    def slope(_: float, both: Vector, rate: Vector) -> Vector:
        result = np.empty((m, n))
        slope_of(both.reshape(m, n), problem.parameters, work, matrix, shifted, four, result)
        result[0] += rate
        return result.reshape(-1)

    def slopes(_: float, both: Vector, rate: Vector) -> Any:
        dense = np.empty((n, n))
        equations.jacobian(both[:n].copy(), problem.parameters, work, dense)
        # The blocks below the diagonal are left out: they change how fast Newton converges, not to what.
        return kron(blocks, csc_matrix(dense), format="csc")

    both, scale = _start(problem, list(map(int, places))), np.tile(problem.scale, m)
    states = np.empty((len(problem.times_days), m * n))
    for stretch in problem.stretches():
        both[0] = problem.enter(stretch.piece, both[0])
        times = stretch.times_days
        options = {"args": (problem.pieces.input_rate[stretch.piece],), "jac": slopes, "rtol": RTOL, "atol": RTOL * scale}
        solved = solve_ivp(slope, (times[0], times[-1]), both.reshape(-1), "Radau", times, **options)
        if not solved.success:
            raise RuntimeError(f"the sensitivities of {problem.name} failed at day {solved.t[-1]:g}: {solved.message}")
        states[stretch.rows] = stretch.outputs(solved.y.T)
        both = solved.y[:, -1].reshape(m, n).copy()
    return states.reshape(-1, m, n)[:, 1:].transpose(0, 2, 1)


def reference_sensitivities(problem: Problem, names: Sequence[str]) -> NDArray[np.float64]:
    """Return E at the problem's output times; computed once and kept in the temporary folder."""
    content = f"{problem_digest(problem)} sensitivities {list(names)} rtol {RTOL} steps {_STEP} {_START_STEP}"
    digest = hashlib.sha256(content.encode()).hexdigest()
    return kept(f"{problem.name}-sensitivities-{digest[:32]}", lambda: radau_sensitivities(problem, names))
