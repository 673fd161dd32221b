"""What work-precision found: one record for JSON, and a section, its goals and the picture, made from that record alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.measure import TARGETS, Rung, Skipped, cost_at
from benchmarks.ours import ONE_PATIENT, method
from benchmarks.pages import Goal, Section, Table, spread
from benchmarks.problems import Problem
from benchmarks.references import RTOL as REFERENCE_RTOL
from benchmarks.solver import Solver

#: The solver by whose cost all others are divided.
BASELINE: Final = "numbalsoda LSODA"
#: What one problem's measurement left: problem, rungs, skipped solvers, agreement on the reference.
Measured = tuple[Problem, list[Rung], list[Skipped], float]
#: Error -> how many times faster than the baseline one patient shall be.
_GOALS: Final = {1e-4: 6.0, 1e-6: 7.0}

_INTRODUCTION: Final = f"""\
Processor time of one patient against the error of the answer, bitesim beside other solvers.

- Every answer was compared with a reference before anything was timed: SciPy's Radau at a relative tolerance of
  {REFERENCE_RTOL:g}, itself confirmed by LSODA.
- All solvers get the same compiled right-hand side if they can take one, the same scales of the states, and start anew at
  every change of the input. What is done once (compiling, reading a model) is not counted.
- Times are medians of the process's own processor time, one thread, all solvers taking turns within one run. On a shared
  machine times wander: **use the ratios**.
- Costs at an error are interpolated between tolerances: from there on, every tighter tolerance stays below that error.
  `<` marks a solver whose loosest tolerance was already more accurate.
- *times faster* is {BASELINE}'s cost divided by the solver's, within each round: median (quartiles). Above 1 is faster.
"""


def record(solvers: Sequence[Solver], measured: Sequence[Measured], rounds: int) -> dict[str, Any]:
    """Return everything that was found, as JSON can write it."""
    return {
        "versions": {solver.package: solver.version() or "not installed" for solver in solvers},
        "rounds": rounds,
        "problems": [
            {
                "name": problem.name,
                "title": problem.title,
                "metric": problem.metric,
                "bitesim_method": method(problem),
                "reference": f"SciPy Radau, rtol {REFERENCE_RTOL:g}",
                "reference_agrees_with_lsoda_to": agreement,
            }
            for problem, _, _, agreement in measured
        ],
        "solvers": [
            {"name": each.name, "package": each.package, "version": each.version(), "settings": each.settings}
            for each in solvers
        ],
        "skipped": [asdict(each) for _, _, skipped, _ in measured for each in skipped],
        "rows": [_row(rung) for _, rungs, _, _ in measured for rung in rungs],
        "costs": [cost for problem, rungs, _, _ in measured for cost in _costs(problem.name, rungs)],
    }


def _row(rung: Rung) -> dict[str, Any]:
    found = {"problem": rung.problem, "solver": rung.solver, "rtol": rung.rtol}
    if rung.failure:
        return {**found, "failure": rung.failure}
    return {
        **found,
        "error": rung.error,
        "cpu_ms": rung.cpu_ms,
        "fastest_cpu_ms": min(rung.samples_ms),
        "slowest_cpu_ms": max(rung.samples_ms),
        "samples": len(rung.samples_ms),
        "calls_per_sample": rung.calls_per_sample,
    }


def _costs(problem: str, rungs: Sequence[Rung]) -> list[dict[str, Any]]:
    """Return each solver's cost at each target error, and how much that is of the baseline's."""
    names = list(dict.fromkeys(rung.solver for rung in rungs))
    found = []
    for target in TARGETS:
        costs = {name: cost_at([rung for rung in rungs if rung.solver == name], target) for name in names}
        baseline = costs.get(BASELINE)
        for name, cost in costs.items():
            row: dict[str, Any] = {"problem": problem, "solver": name, "target_error": target}
            if cost is not None:
                row |= {"cpu_ms": cost.cpu_ms, "is_bound": cost.is_bound, "patients_per_second_per_core": 1e3 / cost.cpu_ms}
                if baseline is not None:
                    row["times_faster_quartiles"] = cost.times_faster_than(baseline)
            found.append(row)
    return found


def _figures(row: dict[str, Any] | None) -> list[str]:
    """Return cost, patients per second and ratio as text."""
    if row is None or "cpu_ms" not in row:
        return ["not reached", "", ""]
    bound = "< " if row["is_bound"] else ""
    ratio = spread(row["times_faster_quartiles"]) if "times_faster_quartiles" in row else ""
    throughput = row["patients_per_second_per_core"]
    return [f"{bound}{row['cpu_ms']:.3g}", f"{throughput:.3g}" if throughput < 1e3 else f"{throughput:.0f}", ratio]


def _cost_rows(found: dict[str, Any], problem: str) -> list[list[str]]:
    """Return the table of one problem, its heading first."""
    heading = ["solver"]
    for target in TARGETS:
        heading += [f"ms at error {target:.0e}", "patients/s/core", "times faster"]
    costs = {(row["solver"], row["target_error"]): row for row in found["costs"] if row["problem"] == problem}
    names = dict.fromkeys(solver for solver, _ in costs)
    return [heading, *([name, *(text for at in TARGETS for text in _figures(costs.get((name, at))))] for name in names)]


def _notes(found: dict[str, Any]) -> list[str]:
    """Return a line for everything that was skipped or failed."""
    lines = [f"skipped: {each['solver']} on {each['problem']}: {each['reason']}" for each in found["skipped"]]
    failed = [row for row in found["rows"] if "failure" in row]
    return lines + [
        f"failed: {row['solver']} on {row['problem']} at rtol {row['rtol']:.1e}: {row['failure']}" for row in failed
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    numbers = (row["error"], row["cpu_ms"], row["fastest_cpu_ms"])
    return [row["solver"], f"{row['rtol']:.1e}", f"{numbers[0]:.1e}", *(f"{number:.3g}" for number in numbers[1:])]


def _tables(found: dict[str, Any]) -> Iterable[Table]:
    for problem in found["problems"]:
        note = (
            f"Error: {problem['metric']}. Reference: {problem['reference']}; LSODA at the same tolerance agrees to "
            f"{problem['reference_agrees_with_lsoda_to']:.0e}. bitesim: {problem['bitesim_method']}."
        )
        yield Table(f"{problem['name']}: {problem['title']}", _cost_rows(found, problem["name"]), note)
        rows = [row for row in found["rows"] if row["problem"] == problem["name"] and "failure" not in row]
        heading = ["solver", "rtol", "error", "median ms", "fastest ms"]
        yield Table(f"{problem['name']}: all tolerances", [heading, *map(_cells, rows)], is_folded=True)
    settings = [[each["name"], each["version"] or "not installed", each["settings"]] for each in found["solvers"]]
    yield Table("Settings of the solvers", [["solver", "version", "settings"], *settings], is_folded=True)


def _goals(found: dict[str, Any]) -> Iterable[Goal]:
    for problem in found["problems"]:
        for target, times in _GOALS.items():
            text = f"one patient >= {times:g} times {BASELINE} at error <= {target:.0e} ({problem['name']})"
            rows = [
                row
                for row in found["costs"]
                if (row["problem"], row["solver"], row["target_error"]) == (problem["name"], ONE_PATIENT.name, target)
            ]
            if rows and "times_faster_quartiles" in rows[0]:
                ratio = rows[0]["times_faster_quartiles"]
                yield Goal(text, spread(ratio), ratio[1] >= times)
            else:
                yield Goal(text, "", None)


def section(found: dict[str, Any]) -> Section:
    """Return what work-precision has to say."""
    introduction = f"{_INTRODUCTION}- Medians of {found['rounds']} rounds."
    return Section("Work and precision", introduction, list(_tables(found)), list(_goals(found)), _notes(found))


def picture(found: dict[str, Any], path: Path) -> None:
    """Draw error against processor time, a panel for each problem."""
    figure = Figure(figsize=(6.2 * len(found["problems"]), 5.2), layout="constrained")
    panels = figure.subplots(1, len(found["problems"]), squeeze=False)[0]
    colours = mpl.colormaps["tab10"].colors
    names = [each["name"] for each in found["solvers"]]
    for axes, problem in zip(panels, found["problems"], strict=True):
        for position, name in enumerate(names):
            mine = [row for row in found["rows"] if (row["problem"], row["solver"]) == (problem["name"], name)]
            mine = [row for row in mine if "failure" not in row]
            style = {"linewidth": 2.2, "marker": "o"} if name.startswith("bitesim") else {"linewidth": 1.2, "marker": "."}
            if mine:
                points = [row["cpu_ms"] for row in mine], [row["error"] for row in mine]
                axes.loglog(*points, label=name, color=colours[position % len(colours)], **style)
        for target in TARGETS:
            axes.axhline(target, color="0.7", linewidth=0.8, zorder=0)
        axes.set(title=problem["name"], xlabel="processor time per patient [ms]", ylabel="largest relative error")
        axes.grid(alpha=0.3)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
    figure.savefig(path, dpi=130)
