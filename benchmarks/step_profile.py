"""Where a step's time goes, for one patient and for eight; what the code consists of; how many steps there are."""

from __future__ import annotations

import inspect
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from benchmarks.ours import ONE_PATIENT, cohort
from benchmarks.pages import Table
from benchmarks.population import Population
from benchmarks.problems import Matrix, Problem
from bitesim.engines.lanes_engine import lane_entries
from bitesim.engines.system import system_of
from bitesim.foundation.compiled import kernel
from bitesim.model import Model
from bitesim.numerics.elementary import power
from bitesim.numerics.entries import invoke1, invoke2, invoke3, invoke4, straight_line_entry
from bitesim.numerics.integrate_one import start_block
from bitesim.numerics.lanes import LANES, block, load, store
from bitesim.numerics.rosenbrock import STAGES
from bitesim.numerics.tableaus import RODAS5P
from bitesim.numerics.value_graph import ValueGraph

_ROUNDS: Final = 15
_LOOP_S: Final = 0.01
_STEP_DAYS: Final = 0.05
#: Row of the daily outputs whose states are used: in the middle of the first infusion's effect.
_DAY: Final = 3
_LANE_PATIENTS, _ONE_BY_ONE_PATIENTS = 256, 48
#: What a step of each width calls, and how often.
_CALLS: Final = {"rates": STAGES, "factorise": 1, "solves": STAGES}
#: What a step calls that holds powers -> name of its code.
_POWERS_IN: Final = {"rates": "rate_of_change", "factorise": "factorise"}
_NOTE: Final = """\
At rtol 1e-6, medians of several rounds. The entry points are timed alone, in loops; the rest is what then remains of a
whole run: stage sums, error norm, controller, and what waits for memory. Powers: their number times the time of one of
twelve powers alone. The last row of a problem is how many times faster eight lanes are: least on powers, since the code
for one patient also computes its powers eight at a time."""
_STEPS_NOTE: Final = """\
At rtol 1e-6 and at the cohort's tolerances for each error. The largest error over many patients is that of one whose steps
cross kinks of the equations; without kinks it stays near the tolerance, and far fewer steps do."""
_STEPS: Final = ("accepted", "rejected", "restarts")
_POWERS: Final = 12


@kernel
def _rates(entry: Any, state: Matrix, constants: Matrix, result: Matrix, count: int) -> None:
    for _ in range(count):
        invoke3(entry, state, constants, result, 0)


@kernel
def _factorisations(entry: Any, state: Matrix, constants: Matrix, diagonal: Matrix, factors: Matrix, count: int) -> None:
    for _ in range(count):
        invoke4(entry, state, constants, diagonal, factors, 0)


@kernel
def _solves(entry: Any, factors: Matrix, source: Matrix, vector: Matrix, count: int) -> None:
    for _ in range(count):
        for row in range(vector.shape[0]):
            store(vector, row, load(source, row))
        invoke2(entry, factors, vector, 0)


@kernel
def _fill(entry: Any, constants: Matrix) -> None:
    invoke1(entry, constants, 0)


def twelve_powers(bases: Any, exponents: Any, results: Any) -> None:
    """Straight-line code of nothing but powers."""
    results[0] = power(bases[0], exponents[0])
    results[1] = power(bases[1], exponents[1])
    results[2] = power(bases[2], exponents[2])
    results[3] = power(bases[3], exponents[3])
    results[4] = power(bases[4], exponents[4])
    results[5] = power(bases[5], exponents[5])
    results[6] = power(bases[6], exponents[6])
    results[7] = power(bases[7], exponents[7])
    results[8] = power(bases[8], exponents[8])
    results[9] = power(bases[9], exponents[9])
    results[10] = power(bases[10], exponents[10])
    results[11] = power(bases[11], exponents[11])


def operations(function: Callable[..., None]) -> dict[str, int]:
    """Return how many operations of each kind a straight-line function holds, after equal ones are shared."""
    graph = ValueGraph(tuple(inspect.signature(function).parameters))
    graph.read(inspect.getsource(function))
    counts = Counter(value.kind for value in graph.values)
    cheap = sum(counts[kind] for kind in ("fuse", "add", "subtract", "multiply", "negate", "choose"))
    return {
        "powers": counts["power"],
        "exp and log": counts["exp"] + counts["log"],
        "divisions": counts["divide"],
        "other": cheap,
    }


class _Clock:
    """Times calls of something that repeats itself `count` times."""

    def __init__(self, repeat: Callable[[int], object], patients: int) -> None:
        self.repeat, self.patients = repeat, patients
        repeat(1)
        began = time.perf_counter()
        repeat(100)
        self.count = max(1, round(_LOOP_S / max((time.perf_counter() - began) / 100, 1e-9)))

    def us(self) -> float:
        """Return the processor time of one repetition for one patient [us]."""
        began = time.process_time()
        self.repeat(self.count)
        return 1e6 * (time.process_time() - began) / (self.count * self.patients)


def _parts(model: Model, entries: Any, constants: Matrix, state: Matrix, width: int) -> dict[str, _Clock]:
    """Return what is timed of one width: the entry points of a step, and powers."""
    derived = model.derivatives
    assert derived is not None
    rows = len(state)
    result, vector, factors, diagonal = block(rows), block(rows), block(derived.n_factors), block(1)
    diagonal[:] = 1.0 / (RODAS5P.gamma * _STEP_DAYS)
    _factorisations(entries.factorise, state, constants, diagonal, factors, 1)
    source = state.copy()
    bases, exponents, results = (block(_POWERS) for _ in range(3))
    bases[:], exponents[:] = 1.7, 0.6
    powers = straight_line_entry(twelve_powers, (width == LANES,) * 3)
    return {
        "rates": _Clock(lambda count: _rates(entries.rate, state, constants, result, count), width),
        "factorise": _Clock(
            lambda count: _factorisations(entries.factorise, state, constants, diagonal, factors, count), width
        ),
        "solves": _Clock(lambda count: _solves(entries.solve, factors, source, vector, count), width),
        "powers": _Clock(lambda count: _rates(powers, bases, exponents, results, count), width),
    }


def _one_patient(problem: Problem, state: Matrix) -> dict[str, _Clock]:
    system = system_of(problem.model)
    return _parts(problem.model, system.system, system.constants(problem.parameters), start_block(state[0]), 1)


def _eight_patients(population: Population, states: Matrix) -> dict[str, _Clock]:
    model = population.problem.model
    derived = model.derivatives
    assert derived is not None
    entries, constants = lane_entries(model, derived), block(derived.n_constants)
    constants[: derived.n_parameters] = population.parameters[:LANES].T
    _fill(entries.fill_constants, constants)
    state = block(states.shape[1])
    state[:] = states.T
    return _parts(model, entries.system, constants, state, LANES)


class _Runs:
    """Whole runs of one width, at all outputs or at the last one alone."""

    def __init__(self, population: Population, rtol: float, width: int) -> None:
        problem = population.problem
        self.width, self.rtol = width, rtol
        self.patients = population.patients[: _LANE_PATIENTS if width == LANES else _ONE_BY_ONE_PATIENTS]
        self.parameters = population.parameters[: len(self.patients)]
        self.problems = {"with": problem, "without": replace(problem, times_days=problem.times_days[[0, -1]])}
        assert ONE_PATIENT.make_any is not None
        self.courses = {name: ONE_PATIENT.make_any(each) for name, each in self.problems.items()}
        self.attempts = int(cohort(problem, self.parameters, rtol).steps[:, :2].sum())

    def us(self, outputs: str) -> float:
        """Return the processor time of one attempted step of one patient [us]."""
        began = time.process_time()
        if self.width == LANES:
            cohort(self.problems[outputs], self.parameters, self.rtol)
        else:
            for patient in self.patients:
                self.courses[outputs](patient, self.rtol)
        return 1e6 * (time.process_time() - began) / self.attempts


def _parts_of_a_round(clocks: Mapping[str, _Clock], runs: _Runs) -> dict[str, float]:
    """Return the times of the parts of a step of one patient, and of one power [us], all measured close together."""
    parts = {name: calls * clocks[name].us() for name, calls in _CALLS.items()}
    without, whole = runs.us("without"), runs.us("with")
    rest = without - sum(parts.values())
    return {**parts, "rest": rest, "outputs": whole - without, "power": clocks["powers"].us() / _POWERS}


def measure(population: Population, rtol: float, tolerances: Iterable[float]) -> dict[str, Any]:
    """Return the profile of both widths at one tolerance, the operations of the code, and the steps at each tolerance."""
    problem = population.problem
    derived = problem.model.derivatives
    assert derived is not None
    states = cohort(problem, population.parameters[:LANES], 1e-6).values[:, _DAY]
    found = []
    for width, clocks in ((1, _one_patient(population.patients[0], states)), (LANES, _eight_patients(population, states))):
        runs = _Runs(population, rtol, width)
        rounds = [_parts_of_a_round(clocks, runs) for _ in range(_ROUNDS)]
        middle = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        power = middle.pop("power")
        found.append({"width": width, "parts_us": middle, "step_us": sum(middle.values()), "one_power_us": power})
    return {
        "rtol": rtol,
        "widths": found,
        "steps": [_steps(population, each) for each in sorted({rtol, *tolerances}, reverse=True)],
        "rate_of_change_operations": operations(derived.rate_of_change),
        "factorise_operations": operations(derived.factorise),
    }


def _steps(population: Population, rtol: float) -> dict[str, float]:
    """Return the mean numbers of steps over the population."""
    means = cohort(population.problem, population.parameters, rtol).steps.mean(axis=0)
    return {"rtol": rtol, **dict(zip(_STEPS, map(float, means), strict=True))}


def _rows(problem: str, profile: Mapping[str, Any]) -> list[list[str]]:
    """Return the rows of one patient, of eight lanes, and of their ratio."""
    number = sum(_CALLS[name] * profile[f"{code}_operations"]["powers"] for name, code in _POWERS_IN.items())
    rows, columns = [], []
    for width in profile["widths"]:
        total, powers = width["step_us"], number * width["one_power_us"]
        shares = [f"{value:.3f} ({100 * value / total:.0f} %)" for value in (*width["parts_us"].values(), powers)]
        who = "one patient" if width["width"] == 1 else "eight lanes"
        rows.append([f"{problem}, {who}", *shares[:-1], f"{total:.3f}", shares[-1]])
        columns.append((*width["parts_us"].values(), total, powers))
    ratios = [f"{one / lanes:.1f}" if one > 0.0 < lanes else "" for one, lanes in zip(*columns, strict=True)]
    return [*rows, [f"{problem}, ratio", *ratios]]


def tables(profiles: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """Return the tables of every problem's profile, by the problem's name."""
    heading = ["us a step and patient", *(f"{calls} {name}" for name, calls in _CALLS.items()), "rest", "daily outputs"]
    times = [row for name, profile in profiles.items() for row in _rows(name, profile)]
    code = [
        [f"{name}, {part}", *(str(count) for count in profile[f"{part}_operations"].values())]
        for name, profile in profiles.items()
        for part in _POWERS_IN.values()
    ]
    steps = [
        [name, f"{row['rtol']:.1e}", *(f"{row[kind]:.0f}" for kind in _STEPS)]
        for name, profile in profiles.items()
        for row in profile["steps"]
    ]
    kinds = list(next(iter(profiles.values()))["rate_of_change_operations"])
    return [
        Table("Where a step's time goes", [[*heading, "step", "of which powers"], *times], _NOTE),
        Table("Operations of the straight-line code", [["code", *kinds], *code]),
        Table("Steps of one patient (mean)", [["problem", "rtol", *_STEPS], *steps], _STEPS_NOTE),
    ]
