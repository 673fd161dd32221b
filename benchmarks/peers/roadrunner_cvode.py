"""libRoadRunner: CVODE on a right-hand side that it compiles itself, from SBML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from benchmarks.problems import Matrix, Problem, Vector
from benchmarks.solver import CannotTake, Course, Solver, SolverFailed

_MAX_STEPS: Final = 100_000


def _load(sbml_text: str) -> Any:
    """Return libRoadRunner's compiled model; what is wrong is an exception, not a line on the screen."""
    import roadrunner

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
    runner = roadrunner.RoadRunner(sbml_text)
    runner.setIntegrator("cvode")
    runner.getIntegrator().setValue("maximum_num_steps", _MAX_STEPS)
    return runner


def _set_tolerances(runner: Any, rtol: float, scale: Mapping[str, float]) -> None:
    integrator = runner.getIntegrator()
    integrator.setValue("relative_tolerance", rtol)
    for name, value in scale.items():
        integrator.setIndividualTolerance(name, rtol * value)


def _simulate(runner: Any, times_days: Vector, species: Sequence[str]) -> Matrix:
    """Return the amounts of `species` at the times, from the present state on."""
    try:
        return np.array(runner.simulate(times=times_days, selections=species))
    except RuntimeError as problem:
        raise SolverFailed(str(problem)) from problem


def solve_sbml(sbml_text: str, times_days: Vector, rtol: float, scale: Mapping[str, float]) -> Matrix:
    """Simulate an SBML text as it stands, its own events included.

    Parameters
    ----------
    sbml_text : str
    times_days : ndarray
        From 0, in the time unit of the SBML.
    rtol : float
    scale : mapping
        Species id -> scale; its absolute tolerance is rtol * scale.

    Returns
    -------
    ndarray, shape (times, species)
        Amounts in the order of `scale`.
    """
    runner = _load(sbml_text)
    _set_tolerances(runner, rtol, scale)
    return _simulate(runner, np.asarray(times_days, float), list(scale))


def _course(problem: Problem) -> Course:
    """Compile the problem's SBML once; restart it at every change, as the other solvers do."""
    if problem.sbml is None:
        raise CannotTake("it reads SBML, and there is none (bitesim writes it with SymPy)")
    runner, names, stretches = _load(problem.sbml.text), list(problem.model.species), list(problem.stretches())
    scale = dict(zip(names, problem.scale, strict=True))
    inputs = [(names.index(species), parameter) for species, parameter in problem.sbml.inputs.items()]
    # Its own order of the species, in ours.
    order = [names.index(name) for name in runner.model.getFloatingSpeciesIds()]
    if sorted(order) != list(range(len(names))):
        raise CannotTake("libRoadRunner counts other species than the model does")

    def course(rtol: float) -> Matrix:
        states, state = np.empty((len(problem.times_days), len(names))), problem.start
        _set_tolerances(runner, rtol, scale)
        for stretch in stretches:
            state = problem.enter(stretch.piece, state)
            runner.model.setFloatingSpeciesAmounts(state[order])
            for position, parameter in inputs:
                runner.model[parameter] = problem.pieces.input_rate[stretch.piece, position]
            found = _simulate(runner, stretch.times_days, names)
            states[stretch.rows] = stretch.outputs(found)
            state = found[-1]
        return states

    return course


SOLVERS: Final = (
    Solver(
        "libRoadRunner CVODE",
        "libroadrunner",
        "right-hand side compiled by LLVM from bitesim's SBML (which cannot share a result between equations), difference "
        "Jacobian, atol = rtol * scale for each state",
        _course,
    ),
)
