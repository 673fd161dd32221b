"""Reference solutions: SciPy's Radau at rtol 1e-12 on equations made from the fluxes directly, kept by content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import scipy
from scipy.integrate import solve_ivp

from benchmarks.problems import Matrix, Problem, Vector
from benchmarks.right_hand_side import plain_equations
from bitesim.foundation.fingerprints import fingerprint

RTOL: Final = 1e-12


class NoReference(RuntimeError):
    """SciPy's Radau gave up."""


def kept(name: str, compute: Callable[[], Matrix]) -> Matrix:
    """Return an array that is computed once and kept in the temporary folder."""
    path = Path(tempfile.gettempdir()) / "bitesim-benchmark-references" / f"{name}.npy"
    if path.exists():
        return np.asarray(np.load(path))
    computed = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.npy")
    np.save(unfinished, computed)
    unfinished.replace(path)
    return computed


def reference(problem: Problem) -> Matrix:
    """Return the reference states at the problem's output times; computed once and kept."""
    return kept(f"{problem.name}-{problem_digest(problem)[:32]}", lambda: radau(problem))


def problem_digest(problem: Problem) -> str:
    """Return the SHA-256 of everything that a reference depends on."""
    equations = fingerprint(problem.model.rhs.py_func)  # type: ignore[attr-defined]
    content = hashlib.sha256(f"{equations} scipy {scipy.__version__} rtol {RTOL}".encode())
    for array in (problem.parameters, problem.start, *problem.pieces, problem.times_days, problem.scale):
        content.update(f"{array.shape} {array.dtype.str}".encode() + np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def radau(problem: Problem) -> Matrix:
    """Integrate as plainly as possible, from change to change."""
    equations, n = plain_equations(problem.model, problem.parameters), len(problem.start)
    states, work = np.empty((len(problem.times_days), n)), np.zeros(equations.workspace_size)

    def slope(_: float, state: Vector, rate: Vector) -> Vector:
        derivative = np.empty(n)
        equations.rhs(state, equations.constants, work, derivative)
        return derivative + rate

    def slopes(_: float, state: Vector, rate: Vector) -> Matrix:
        matrix = np.empty((n, n))
        equations.jacobian(state, equations.constants, work, matrix)
        return matrix

    state = problem.start
    for stretch in problem.stretches():
        state, times = problem.enter(stretch.piece, state), stretch.times_days
        options = {"args": (problem.pieces.input_rate[stretch.piece],), "jac": slopes}
        tolerances = {"rtol": RTOL, "atol": RTOL * problem.scale}
        solved = solve_ivp(slope, (times[0], times[-1]), state, "Radau", times, **options, **tolerances)
        if not solved.success:
            day = [times[0], *solved.t][-1]
            raise NoReference(f"the reference of {problem.name} failed after day {day:g}: {solved.message}")
        states[stretch.rows] = stretch.outputs(solved.y.T)
        state = solved.y[:, -1].copy()
    return states
