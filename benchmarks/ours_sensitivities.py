"""bitesim's forward sensitivities as they are timed: the compiled part alone, and the front door; and differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bitesim
from benchmarks.ours import MAX_STEPS, cohort
from benchmarks.problems import Matrix, Problem, Vector
from benchmarks.solver import SolverFailed
from bitesim.engines import sensitivities as engine
from bitesim.engines.system import system_of
from bitesim.foundation.compiled import prepare
from bitesim.numerics.integrate_one import start_block
from bitesim.numerics.lanes import LANES, block, rows_for
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import ACCEPTED, Control, Output, output_at
from bitesim.numerics.rosenbrock import STAGES, work_for
from bitesim.numerics.tangents import TANGENT_SIGNATURE, TangentOutput, TangentState, follow_tangents
from bitesim.population.simulate import case_and_times

Run = Callable[[], object]


def _integrate(problem: Problem, control: Control, output: Output) -> None:
    system = system_of(problem.model)
    code = system.integrate(problem.parameters, problem.start.copy(), problem.pieces, control, output)
    if code != Outcome.OK:
        raise SolverFailed(f"{Outcome(code).name} at day {output.progress[0]:.6g}")


def state_alone(problem: Problem, rtol: float) -> Run:
    """Return a run of the compiled integrator without a record."""
    control, n = Control(rtol, problem.scale, MAX_STEPS), len(problem.start)
    return lambda: _integrate(problem, control, output_at(problem.times_days, n))


def with_tangents(problem: Problem, names: Sequence[str], rtol: float) -> Run:
    """Return the same with a record, followed by its tangents along parameters; the record's memory is used again."""
    model, derived = problem.model, problem.model.derivatives
    assert derived is not None
    n, readouts, control = len(problem.start), len(model.readouts), Control(rtol, problem.scale, MAX_STEPS)
    case, times = case_and_times(None, problem.regimen, model, problem.times_days)
    directions, _, _ = engine._directions(case, derived, case.schedule(), problem.pieces, list(names))
    blocks, sizes = len(directions.start) // n, (n, len(derived.pattern))
    system, along = system_of(model), engine._entries_of(model, derived)
    engine._follow_parameters(along, derived, system.constants(problem.parameters), directions)
    counted = output_at(times, n)
    _integrate(problem, control, counted)
    recorded = output_at(times, n, record=(int(counted.counters[ACCEPTED]), (1 + STAGES) * rows_for(n)))
    work, dots = work_for(rows_for(n), rows_for(derived.n_factors)), work_for(blocks * n, 1)
    output = TangentOutput(
        times,
        np.empty((len(times), n)),
        np.empty((len(times), readouts)),
        np.empty((len(times), blocks * n, LANES)),
        np.empty((len(times), blocks * readouts, LANES)),
    )
    follow = prepare(follow_tangents, TANGENT_SIGNATURE)

    def run() -> None:
        recorded.counters[:] = 0
        recorded.progress[:] = 0.0
        _integrate(problem, control, recorded)
        moving = TangentState(
            directions.start.copy(),
            block(blocks * len(derived.pattern)),
            block(blocks * n),
            block(rows_for(n)),
            block(rows_for(n)),
        )
        taken = follow(
            system.system,
            along.steps,
            system.constants(problem.parameters),
            start_block(problem.start),
            problem.pieces,
            recorded,
            directions,
            sizes,
            moving,
            output,
            work,
            dots,
        )
        if taken != len(times):
            raise SolverFailed(f"only {taken} of {len(times)} outputs were reached")

    return run


def front_door(problem: Problem, rtol: float) -> Run:
    """Return `bitesim.simulate`."""
    return lambda: bitesim.simulate(None, problem.regimen, problem.model, problem.times_days, rtol=rtol)


def front_door_sensitivities(problem: Problem, names: Sequence[str], rtol: float) -> Callable[[], Any]:
    """Return `bitesim.sensitivities`."""
    arguments = (None, problem.regimen, problem.model, problem.times_days)
    return lambda: bitesim.sensitivities(*arguments, to=list(names), rtol=rtol)


def by_log_parameters(problem: Problem, names: Sequence[str], rtol: float) -> NDArray[np.float64]:
    """Return d state / d ln parameter by `bitesim.sensitivities`, shape (times, states, parameters)."""
    result = front_door_sensitivities(problem, names, rtol)()
    values = np.array([problem.model.parameters[name] for name in names])
    return np.asarray(result.derivatives[:, -len(problem.start) :] * values)


def shifted(problem: Problem, names: Sequence[str], factors: Sequence[float]) -> Matrix:
    """Return the parameters with each name times each factor, the factors of one name behind each other."""
    catalogue = list(problem.model.catalogue)
    rows: list[Vector] = []
    for name in names:
        for factor in factors:
            rows.append(problem.parameters.copy())
            rows[-1][catalogue.index(name)] *= factor
    return np.array(rows)


def differences(
    problem: Problem, names: Sequence[str], rtol: float, step: float, weights: Sequence[float]
) -> NDArray[np.float64]:
    """Return d state / d ln parameter by central differences, shape (times, states, parameters).

    Parameters
    ----------
    problem : Problem
    names : sequence of str
    rtol : float
    step : float
        Relative change of a parameter.
    weights : sequence of float
        Of the differences over 1, 2, ... steps to either side.
    """
    far = range(1, len(weights) + 1)
    factors = [1.0 + sign * k * step for k in far for sign in (1, -1)]
    harvest = cohort(problem, shifted(problem, names, factors), rtol)
    if harvest.outcome.any():
        raise SolverFailed(f"{np.count_nonzero(harvest.outcome)} runs with changed parameters failed")
    states = harvest.values.reshape(len(names), len(weights), 2, len(problem.times_days), len(problem.start))
    found = np.tensordot(np.asarray(weights) / step, states[:, :, 0] - states[:, :, 1], axes=(0, 1))
    return np.asarray(found.transpose(1, 2, 0))


def difference_runs(problem: Problem, names: Sequence[str], rtol: float, step: float) -> Run:
    """Return the runs that central differences take, one after the other."""
    control, n, system = Control(rtol, problem.scale, MAX_STEPS), len(problem.start), system_of(problem.model)
    rows = shifted(problem, names, (1.0 + step, 1.0 - step))

    def run() -> None:
        for parameters in rows:
            start = system.initial_state(parameters)
            system.integrate(parameters, start, problem.pieces, control, output_at(problem.times_days, n))

    return run
