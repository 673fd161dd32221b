"""Patients per second over varied patients: python -m benchmarks.throughput [--quick] [--json FILE] [--page FILE].

bitesim's cohort kernel, bitesim one patient at a time, LSODA and CVODE run the same patients, each at the loosest
tolerance whose largest error over the patients is small enough; then they take turns. Also: where a step's time goes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from benchmarks import step_profile
from benchmarks.command import Benchmark, Record, main, say
from benchmarks.contest import Method, Rung, one_by_one, side_by_side, tolerance_for
from benchmarks.measure import TARGETS, WrongAnswer
from benchmarks.ours import ONE_PATIENT, cohort
from benchmarks.pages import Goal, Section, Table, quartiles, spread
from benchmarks.peers import peers
from benchmarks.population import Population, populations
from benchmarks.problems import Matrix
from benchmarks.references import RTOL as RADAU_RTOL
from benchmarks.references import NoReference, reference
from benchmarks.solver import Solver
from benchmarks.throughput_picture import draw

COHORT: Final = "bitesim cohort (8 lanes)"
ONE: Final = "bitesim, one patient at a time"
LSODA: Final = "numbalsoda LSODA"
_PATIENTS, _QUICK_PATIENTS = 1024, 256
_ROUNDS, _QUICK_ROUNDS = 9, 3
#: Patients of a round, and of one turn within it.
_BLOCK: Final = 256
_TURN: Final = 64
#: Of a slow solver: patients validated, and patients of a turn.
_FEW, _FEW_OF_A_TURN = 16, 4
_REFERENCE_RTOL: Final = 1e-10
#: Patients that Radau checks, of the first ones and of those with most steps.
_CHECKED: Final = 2
#: The engine's own reference must agree with Radau this much better than the smallest target asks for.
_REFERENCE_MARGIN: Final = 0.05
_PROFILE_RTOL: Final = 1e-6
_GOALS: Final = ((LSODA, 25.0), (ONE, 4.0))
_LARGEST_ERROR_PER_RTOL: Final = 3.0
_LARGEST_RTOL_OF_THAT: Final = 1e-4

_INTRODUCTION: Final = f"""\
Processor time of one patient of many different ones, on one core.

- Everybody runs the same patients with the same right-hand side, schedule, daily outputs and error metric, and each at the
  loosest tolerance from which on its **largest error over all of its patients** stays below the target (found to an eighth
  of a decade).
- Errors are measured against bitesim itself at a relative tolerance of {_REFERENCE_RTOL:g}, which SciPy's Radau at
  {RADAU_RTOL:g} confirms on four patients: the first two, and two of the 1 % that take most steps.
- In a round all methods run the same {_BLOCK} patients in turns of {_TURN} (the cohort kernel all {_BLOCK} in each turn, a
  slow solver {_FEW_OF_A_TURN} of the {_TURN}). Ratios are taken within a round: median (quartiles).
- On a shared machine times wander: **use the ratios**. On a core whose other hardware thread is busy, wide vectors lose
  more than scalar code does, so that the cohort's ratios are then too low.
"""


@dataclass(frozen=True)
class _Contest:
    """Methods on one population, with what they are measured by."""

    population: Population
    methods: list[Method]
    reference: Matrix
    agreement: float
    most_steps: int


def _radau_errors(population: Population, states: Matrix, rows: Iterable[int], count: int) -> list[float]:
    """Return the errors of the first `count` patients among `rows` that Radau can finish."""
    errors: list[float] = []
    for row in rows:
        try:
            errors.append(population.problem.error(states[row], reference(population.patients[row])))
        except NoReference as reason:
            say(f"patient {row}: {reason}")
        if len(errors) == count:
            return errors
    raise WrongAnswer(f"{population.problem.name}: Radau finished only {len(errors)} of {count} patients")


def _reference(population: Population) -> tuple[Matrix, float, int]:
    """Return reference states of every patient, how well Radau agrees with four of them, and the most steps taken."""
    harvest = cohort(population.problem, population.parameters, _REFERENCE_RTOL)
    if harvest.outcome.any():
        raise WrongAnswer(f"{population.problem.name}: {np.count_nonzero(harvest.outcome)} patients have no reference")
    steps = harvest.steps[:, 0]
    # The very hardest are too hard for Radau: powers below 1 of a drug that vanishes.
    hard = [int(row) for row in np.argsort(-steps, kind="stable")[len(population) // 100 :]]
    errors = _radau_errors(population, harvest.values, range(len(population)), _CHECKED)
    errors += _radau_errors(population, harvest.values, hard, _CHECKED)
    if not max(errors) <= _REFERENCE_MARGIN * min(TARGETS):
        raise WrongAnswer(f"{population.problem.name}: bitesim at {_REFERENCE_RTOL:g} and Radau differ by {max(errors):.1e}")
    return harvest.values, max(errors), int(steps.max())


def _solvers() -> tuple[list[Solver], list[str]]:
    """Return the peers that take any patient and are installed, and those that are not."""
    able = [solver for solver in peers() if solver.make_any is not None]
    return [each for each in able if each.is_installed()], [each.name for each in able if not each.is_installed()]


def _contest(population: Population, solvers: Sequence[Solver]) -> _Contest:
    problem = population.problem
    states, agreement, most_steps = _reference(population)
    methods = [side_by_side(COHORT, population)]
    for name, solver in [(ONE, ONE_PATIENT), *((solver.name, solver) for solver in solvers)]:
        assert solver.make_any is not None
        is_slow = name not in (ONE, LSODA)
        patients = _FEW if is_slow else len(population)
        methods.append(one_by_one(name, solver.make_any(problem), population, patients))
    return _Contest(population, methods, states, agreement, most_steps)


def _chosen(contest: _Contest, method: Method) -> dict[float, Rung | None]:
    """Return a method's tolerance for each target."""
    population, states = contest.population, contest.reference
    method.climb(population, states, min(TARGETS))
    ladder = list(method.rungs.values())
    return {target: tolerance_for(target, ladder, lambda rtol: method.rung(population, states, rtol)) for target in TARGETS}


def _cpu_us(method: Method, rows: range, rtol: float) -> float:
    began = time.process_time()
    for _ in method.run(rows, rtol):
        pass
    return 1e6 * (time.process_time() - began)


def _round(contest: _Contest, chosen: dict[str, float], block: int) -> dict[str, float]:
    """Return each method's processor time for a patient [us] in one round."""
    count = len(contest.population)
    first = block * _BLOCK % count
    rows = range(first, min(first + _BLOCK, count))
    used = {name: [0.0, 0] for name in chosen}
    for turn in range(rows.start, rows.stop, _TURN):
        for method in contest.methods:
            if method.name not in chosen:
                continue
            mine = range(turn, min(turn + _TURN, rows.stop))
            if method.name == COHORT:
                mine = rows
            elif method.patients < count:
                mine = mine[:_FEW_OF_A_TURN]
            used[method.name][0] += _cpu_us(method, mine, chosen[method.name])
            used[method.name][1] += len(mine)
    return {name: total / patients for name, (total, patients) in used.items()}


def _measured(population: Population, solvers: Sequence[Solver], rounds: int) -> dict[str, Any]:
    problem = population.problem
    say(f"{problem.name}: reference of {len(population)} patients")
    contest = _contest(population, solvers)
    say(f"{problem.name}: Radau agrees to {contest.agreement:.1e}; looking for tolerances")
    chosen = {method.name: _chosen(contest, method) for method in contest.methods}
    costs = []
    for target in TARGETS:
        ready = {name: rung.rtol for name, rungs in chosen.items() if (rung := rungs[target]) is not None}
        say(f"{problem.name}: {rounds} rounds at error <= {target:g}")
        turns = [_round(contest, ready, block) for block in range(rounds)]
        costs += [_cost(contest, target, name, chosen[name][target], turns) for name in chosen]
    return {
        "name": problem.name,
        "title": problem.title,
        "metric": problem.metric,
        "patients": len(population),
        "drawn": population.drawn,
        "radau_agrees_to": contest.agreement,
        "costs": costs,
        "rungs": [{"method": method.name, **asdict(rung)} for method in contest.methods for rung in method.rungs.values()],
        "profile": step_profile.measure(population, _PROFILE_RTOL, [rung.rtol for rung in chosen[COHORT].values() if rung]),
    }


def _cost(
    contest: _Contest, target: float, name: str, rung: Rung | None, turns: Sequence[dict[str, float]]
) -> dict[str, Any]:
    """Return the row of one method at one target."""
    row: dict[str, Any] = {"method": name, "target_error": target}
    if rung is None:
        return row
    samples = [turn[name] for turn in turns]
    row |= {"rtol": rung.rtol, "error": rung.error, "patients_validated": rung.patients, "given_up": rung.given_up}
    row |= {"cpu_us": float(np.median(samples)), "patients_per_second_per_core": 1e6 / float(np.median(samples))}
    row["times_faster_than"] = {
        other: quartiles([turn[other] / turn[name] for turn in turns]) for other in (LSODA, ONE) if other in turns[0]
    }
    return row


def run(options: argparse.Namespace) -> Record:
    """Measure every population; return what was found."""
    count, rounds = (_QUICK_PATIENTS, _QUICK_ROUNDS) if options.quick else (_PATIENTS, _ROUNDS)
    solvers, missing = _solvers()
    return {
        "versions": {solver.package: solver.version() or "not installed" for solver in peers()},
        "rounds": rounds,
        "solvers": [{"name": each.name, "settings": each.settings} for each in solvers],
        "skipped": [{"solver": name, "reason": "not installed"} for name in missing],
        "populations": [_measured(population, solvers, rounds) for population in populations(count)],
    }


def _table(found: dict[str, Any]) -> Table:
    heading = ["method", "error <=", "rtol", "largest error", "patients", "given up", "CPU us", "patients/s/core"]
    rows = [[*heading, f"times faster than {LSODA}", f"than {ONE}"]]
    for cost in found["costs"]:
        cells = [cost["method"], f"{cost['target_error']:.0e}"]
        if "rtol" not in cost:
            rows.append([*cells, "not reached", *[""] * 7])
            continue
        ratios = [
            spread(cost["times_faster_than"][name]) if name in cost["times_faster_than"] else "" for name in (LSODA, ONE)
        ]
        cells += [f"{cost['rtol']:.1e}", f"{cost['error']:.1e}", str(cost["patients_validated"]), str(cost["given_up"])]
        rows.append([*cells, f"{cost['cpu_us']:.0f}", f"{cost['patients_per_second_per_core']:.0f}", *ratios])
    note = (
        f"{found['patients']} patients: {found['drawn']}. Error: {found['metric']}. Radau agrees with the reference to "
        f"{found['radau_agrees_to']:.0e}."
    )
    return Table(f"{found['name']}: {found['title']}", rows, note)


def _ladder(found: dict[str, Any]) -> Table:
    heading = ["method", "rtol", "largest error", "median error", "patients", "given up"]
    rungs = sorted(found["rungs"], key=lambda rung: (rung["method"], -rung["rtol"]))
    rows = [
        [
            rung["method"],
            *(f"{rung[name]:.1e}" for name in ("rtol", "error", "median_error")),
            str(rung["patients"]),
            str(rung["given_up"]),
        ]
        for rung in rungs
    ]
    return Table(f"{found['name']}: all tolerances", [heading, *rows], is_folded=True)


def _ratio_goals(found: dict[str, Any]) -> Iterable[Goal]:
    for target in TARGETS:
        for other, times in _GOALS:
            text = f"cohort kernel >= {times:g} times {other} at error <= {target:.0e} ({found['name']})"
            rows = [row for row in found["costs"] if (row["method"], row["target_error"]) == (COHORT, target)]
            ratio = rows[0].get("times_faster_than", {}).get(other)
            yield Goal(text, spread(ratio), ratio[1] >= times) if ratio else Goal(text, "", None)


def _accuracy_goals(found: dict[str, Any]) -> Iterable[Goal]:
    rungs = [rung for rung in found["rungs"] if rung["method"] == COHORT]
    tight = [rung for rung in rungs if rung["rtol"] <= _LARGEST_RTOL_OF_THAT * 1.001]
    worst = max(tight, key=lambda rung: rung["error"] / rung["rtol"])
    ratio = worst["error"] / worst["rtol"]
    text = f"largest error <= {_LARGEST_ERROR_PER_RTOL:g} rtol for rtol <= {_LARGEST_RTOL_OF_THAT:g}, every patient"
    typical = max(rung["median_error"] / rung["rtol"] for rung in tight)
    measured = f"{ratio:.2g} rtol, at rtol {worst['rtol']:.1e}; the median patient's is <= {typical:.2g} rtol everywhere"
    yield Goal(f"{text} ({found['name']})", measured, ratio <= _LARGEST_ERROR_PER_RTOL)
    failures = sum(rung["given_up"] for rung in rungs)
    text = f"no failure among {found['patients']} varied patients at {len(rungs)} tolerances ({found['name']})"
    yield Goal(text, f"{failures} failures", failures == 0)


def section(found: Record) -> Section:
    """Return what throughput has to say."""
    tables = [part for each in found["populations"] for part in (_table(each), _ladder(each))]
    tables += step_profile.tables({each["name"]: each["profile"] for each in found["populations"]})
    goals = [goal for each in found["populations"] for goal in (*_ratio_goals(each), *_accuracy_goals(each))]
    notes = [f"skipped: {each['solver']}: {each['reason']}" for each in found["skipped"]]
    return Section("Throughput", _INTRODUCTION, tables, goals, notes)


BENCHMARK: Final = Benchmark("throughput", run, section, draw)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
