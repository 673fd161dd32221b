"""bitesim's integrators as they are timed; beside it, only the costs of steps and sensitivities know the engine's inside."""

from __future__ import annotations

from typing import Final

import numpy as np

import bitesim
from benchmarks.problems import Matrix, Problem
from benchmarks.solver import AnyCourse, CannotTake, Course, Solver, SolverFailed, of_itself
from bitesim.engines.lanes_engine import Chunk, run_lanes
from bitesim.engines.system import system_of
from bitesim.foundation.errors import SolverError
from bitesim.numerics.crowd import Harvest
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Control, output_at

MAX_STEPS: Final = 100_000
_SETTINGS: Final = "atol = rtol * scale for each state"
#: Eight patients a lane: enough to keep lanes full, as in a cohort.
_COPIES: Final = 64


def _front_door(problem: Problem) -> Course:
    """Time what a user calls: checks, schedule, integration, readouts, ledger and provenance."""

    def course(rtol: float) -> Matrix:
        try:
            run = bitesim.simulate(None, problem.regimen, problem.model, problem.times_days, rtol=rtol)
        except SolverError as failure:
            raise SolverFailed(str(failure)) from failure
        return np.array([run[name] for name in problem.model.species]).T

    return course


def _kernel(problem: Problem) -> AnyCourse:
    """Time the compiled integrator alone."""
    system, count = system_of(problem.model), len(problem.start)

    def course(patient: Problem, rtol: float) -> Matrix:
        control, output = Control(rtol, problem.scale, MAX_STEPS), output_at(problem.times_days, count)
        code = system.integrate(patient.parameters, patient.start.copy(), patient.pieces, control, output)
        if code != Outcome.OK:
            raise SolverFailed(f"{Outcome(code).name} at day {output.progress[0]:.6g}")
        return output.states

    return course


def cohort(problem: Problem, parameters: Matrix, rtol: float) -> Harvest:
    """Run patients of a problem eight side by side and keep all states.

    Raises
    ------
    CannotTake
        For a model without derived code.
    """
    model, derived = problem.model, problem.model.derivatives
    if derived is None:
        raise CannotTake("the cohort kernel needs derived code: bitesim.derive(model)")
    states = np.arange(len(problem.start)) + len(model.readouts)
    timetable = np.zeros(len(parameters), np.int64)
    chunk = Chunk(parameters, timetable, (problem.pieces,), problem.times_days, states, rtol, MAX_STEPS)
    return run_lanes(model, derived, chunk)


def _lanes(problem: Problem) -> Course:
    """Time the cohort kernel on copies of one patient."""
    if problem.model.derivatives is None:
        raise CannotTake("the cohort kernel needs derived code: bitesim.derive(model)")
    copies = np.tile(problem.parameters, (_COPIES, 1))

    def course(rtol: float) -> Matrix:
        harvest = cohort(problem, copies, rtol)
        failed = np.nonzero(harvest.outcome)[0]
        if len(failed):
            place = int(failed[0])
            raise SolverFailed(f"{Outcome(harvest.outcome[place]).name} at day {harvest.progress[place, 0]:.6g}")
        return harvest.values[0]

    return course


ONE_PATIENT: Final = Solver(
    "bitesim kernel",
    "bitesim",
    f"{_SETTINGS}; the compiled integrator alone, one patient",
    of_itself(_kernel),
    make_any=_kernel,
)


def bitesim_solvers() -> tuple[Solver, ...]:
    """Return bitesim's own entries."""
    return (
        Solver("bitesim.simulate", "bitesim", f"{_SETTINGS}; with checks, readouts, ledger and provenance", _front_door),
        ONE_PATIENT,
        Solver(
            "bitesim cohort kernel (8 lanes)",
            "bitesim",
            f"{_SETTINGS}; {_COPIES} copies of the patient, eight side by side, one thread",
            _lanes,
            patients_per_call=_COPIES,
        ),
    )


def method(problem: Problem) -> str:
    """Return what the engine says it does with a model."""
    return system_of(problem.model).method
