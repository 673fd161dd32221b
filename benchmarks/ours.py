"""Every call into bitesim's own engine that is timed; nothing else in this folder depends on how the engine is built."""

from __future__ import annotations

from typing import Final

import numpy as np

import bitesim
from benchmarks.problems import Matrix, Problem
from benchmarks.solver import Course, Solver, SolverFailed
from bitesim.engines.system import system_of
from bitesim.foundation.errors import SolverError
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Control, output_at

_MAX_STEPS: Final = 100_000
_SETTINGS: Final = "atol = rtol * scale for each state"


def _front_door(problem: Problem) -> Course:
    """Time what a user calls: checks, schedule, integration, readouts, ledger and provenance."""

    def course(rtol: float) -> Matrix:
        try:
            run = bitesim.simulate(None, problem.regimen, problem.model, problem.times_days, rtol=rtol)
        except SolverError as failure:
            raise SolverFailed(str(failure)) from failure
        return np.array([run[name] for name in problem.model.species]).T

    return course


def _kernel(problem: Problem) -> Course:
    """Time the compiled integrator alone."""
    system, count = system_of(problem.model), len(problem.start)

    def course(rtol: float) -> Matrix:
        control, output = Control(rtol, problem.scale, _MAX_STEPS), output_at(problem.times_days, count)
        code = system.integrate(problem.parameters, problem.start.copy(), problem.pieces, control, output)
        if code != Outcome.OK:
            raise SolverFailed(f"{Outcome(code).name} at day {output.progress[0]:.6g}")
        return output.states

    return course


def bitesim_solvers() -> tuple[Solver, ...]:
    """Return bitesim's own entries."""
    return (
        Solver("bitesim.simulate", "bitesim", f"{_SETTINGS}; with checks, readouts, ledger and provenance", _front_door),
        Solver("bitesim kernel", "bitesim", f"{_SETTINGS}; the compiled integrator alone", _kernel),
    )


def method(problem: Problem) -> str:
    """Return what the engine says it does with a model."""
    return system_of(problem.model).method
