"""Cost and error of ten forward sensitivities: python -m benchmarks.sensitivity_cost [--quick] [--json FILE] [--page FILE].

Relative to the run of the state alone at the same tolerance, beside central differences.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks import ours_sensitivities as ours
from benchmarks.command import Benchmark, Record, main, say
from benchmarks.measure import WrongAnswer
from benchmarks.ours import cohort
from benchmarks.pages import Goal, Section, Table, quartiles, spread
from benchmarks.problems import Matrix, Problem, problems

_TOLERANCES: Final = (1e-4, 1e-6, 1e-8, 1e-10)
_ROUNDS, _QUICK_ROUNDS = 9, 3
_SAMPLE_S: Final = 0.03
#: What derivatives are by; each matters to some of the states.
_NAMES: Final = {
    "published": (
        "clearance_ml_per_m2_per_day", "volume_ml_per_m2", "activation_per_day", "drug_half_activation_ng_per_ml",
        "killing_per_day", "drug_half_killing_ng_per_ml", "t_per_b_half_killing", "proliferation_per_day",
        "activated_apoptosis_per_day", "b_refill_per_day",
    ),
    "stiff": (
        "clearance_l_per_day", "cd19_off_per_day", "cd3_off_per_day", "bridging_factor", "internalisation_per_day",
        "activation_per_day", "bridged_cd3_half", "exhaustion_per_day", "blast_growth_per_day", "blast_killing_per_day",
    ),
}  # fmt: skip
_REFERENCE_RTOL: Final = 1e-12
#: Central differences of sixth order.
_WEIGHTS: Final = (3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0)
#: Relative step of the reference: near a kink only small ones are right, without kinks larger ones have less noise.
_REFERENCE_STEP: Final = {"published": 3e-5, "stiff": 2e-3}
#: The reference is believed to the difference from one with a step this many times smaller.
_CLOSER: Final = 2.0
#: Steps tried for plain central differences: the best one counts.
_STEPS: Final = (3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6)
_LARGEST_COST: Final = 8.0
_LARGEST_ERROR, _AT_RTOL, _SMOOTH = 1e-6, 1e-10, "stiff"
_NEGLIGIBLE: Final = 1e-3

_INTRODUCTION: Final = f"""\
Derivatives of all states on all days by ten parameters, E = d x / d ln p.

- *cost*: processor time in units of the run of the state alone at the same tolerance, all taking turns; within each round,
  median (quartiles). *kernel* is the compiled part: integration with a record of its steps, then their tangents, against
  integration without a record. *front door* is `bitesim.sensitivities` against `bitesim.simulate`. *differences* are the
  twenty runs of central differences.
- *error*: largest |E - reference| / (|reference| + |x| + scale): that of an elasticity, relative where it exceeds 1.
  *by curve*: relative to the largest |reference| over all days of the same state and parameter, where that exceeds
  {_NEGLIGIBLE:g} of the state. Differences: the best of the steps {", ".join(f"{step:g}" for step in _STEPS)}.
- Reference: central differences of sixth order of runs at rtol {_REFERENCE_RTOL:g}, which no derivative code has touched;
  believed to what halving their step changes. (Tests compare with SciPy on the variational equations.)
- At a kink of the equations a derivative jumps; a step that crosses one knows the state to its tolerance but the
  derivative only to about the root of it. The published model has kinks, the stiff one is smooth.
"""


@dataclass(frozen=True)
class _Truth:
    """Reference derivatives of a problem, its states, and how well two references agree: two errors."""

    problem: Problem
    names: tuple[str, ...]
    derivatives: NDArray[np.float64]
    states: Matrix
    agreement: tuple[float, float]


def errors(
    found: NDArray[np.float64], reference: NDArray[np.float64], states: Matrix, scale: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the largest error of derivatives (times, states, parameters) by ln p, and the largest one by curve."""
    difference, size = np.abs(found - reference), np.abs(reference)
    of_state = (np.abs(states) + scale)[:, :, np.newaxis]
    by_curve = difference.max(axis=0) / np.maximum(size.max(axis=0), 1e-300)
    matters = (size / of_state).max(axis=0) > _NEGLIGIBLE
    return float((difference / (size + of_state)).max()), float(by_curve[matters].max())


def _truth(problem: Problem) -> _Truth:
    names, step = _NAMES[problem.name], _REFERENCE_STEP[problem.name]
    states = cohort(problem, problem.parameters[np.newaxis], _REFERENCE_RTOL).values[0]
    references = [ours.differences(problem, names, _REFERENCE_RTOL, each, _WEIGHTS) for each in (step, step / _CLOSER)]
    agreement = errors(references[0], references[1], states, problem.scale)
    if not agreement[0] < 1e-3:
        raise WrongAnswer(f"{problem.name}: two references of the sensitivities differ by {agreement[0]:.1e}")
    return _Truth(problem, names, references[0], states, agreement)


def _error_of(truth: _Truth, found: NDArray[np.float64]) -> tuple[float, float]:
    return errors(found, truth.derivatives, truth.states, truth.problem.scale)


def _costs(problem: Problem, names: Sequence[str], rtol: float, rounds: int) -> dict[str, list[float]]:
    """Return processor times [ms] of every way in every round."""
    runs: dict[str, ours.Run] = {
        "state": ours.state_alone(problem, rtol),
        "kernel": ours.with_tangents(problem, names, rtol),
        "simulate": ours.front_door(problem, rtol),
        "front_door": ours.front_door_sensitivities(problem, names, rtol),
        "differences": ours.difference_runs(problem, names, rtol, 1e-2),
    }
    calls: dict[str, int] = {}
    for name, run in runs.items():
        run()
        began = time.process_time()
        run()
        calls[name] = max(1, round(_SAMPLE_S / max(time.process_time() - began, 1e-6)))
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            for _ in range(calls[name]):
                run()
            samples[name].append(1e3 * (time.process_time() - began) / calls[name])
    return samples


def _ratios(samples: Mapping[str, Sequence[float]], name: str, base: str) -> tuple[float, float, float]:
    return quartiles([cost / alone for cost, alone in zip(samples[name], samples[base], strict=True)])


def _measured(problem: Problem, rounds: int) -> Record:
    say(f"sensitivities of {problem.name}: reference")
    truth = _truth(problem)
    say(f"sensitivities of {problem.name}: references agree to {truth.agreement[0]:.1e}; {rounds} rounds")
    rows = []
    for rtol in _TOLERANCES:
        error, by_curve = _error_of(truth, ours.by_log_parameters(problem, truth.names, rtol))
        tried = [(_error_of(truth, ours.differences(problem, truth.names, rtol, step, (0.5,))), step) for step in _STEPS]
        best, step = min(tried)
        samples = _costs(problem, truth.names, rtol, rounds)
        rows.append(
            {
                "rtol": rtol,
                "state_ms": float(np.median(samples["state"])),
                "kernel_times": _ratios(samples, "kernel", "state"),
                "front_door_times": _ratios(samples, "front_door", "simulate"),
                "differences_times": _ratios(samples, "differences", "state"),
                "error": error,
                "error_by_curve": by_curve,
                "differences_error": best[0],
                "differences_error_by_curve": best[1],
                "differences_step": step,
            }
        )
    return {
        "name": problem.name,
        "title": problem.title,
        "parameters": list(truth.names),
        "references_agree_to": truth.agreement,
        "reference_step": _REFERENCE_STEP[problem.name],
        "rows": rows,
    }


def run(options: argparse.Namespace) -> Record:
    """Measure every problem; return what was found."""
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    return {"rounds": rounds, "problems": [_measured(problem, rounds) for problem in problems()]}


def _table(found: Mapping[str, Any]) -> Table:
    heading = ["rtol", "state alone ms", "kernel: cost", "front door: cost", "error", "by curve"]
    rows = [[*heading, "differences: cost", "their error", "by curve", "at step"]]
    for row in found["rows"]:
        cells = [
            f"{row['rtol']:.0e}",
            f"{row['state_ms']:.3g}",
            spread(row["kernel_times"]),
            spread(row["front_door_times"]),
        ]
        cells += [f"{row['error']:.1e}", f"{row['error_by_curve']:.1e}", spread(row["differences_times"])]
        cells += [f"{row['differences_error']:.1e}", f"{row['differences_error_by_curve']:.1e}"]
        rows.append([*cells, f"{row['differences_step']:g}"])
    agreement = " and ".join(f"{value:.1e}" for value in found["references_agree_to"])
    note = (
        f"By {', '.join(found['parameters'])}. References with steps of {found['reference_step']:g} and half of it agree to "
        f"{agreement} (by curve)."
    )
    return Table(f"{found['name']}: {found['title']}", rows, note)


def _goals(found: Mapping[str, Any]) -> Iterable[Goal]:
    costs = {row["rtol"]: row["kernel_times"][1] for row in found["rows"]}
    each = ", ".join(f"{cost:.2f} at {rtol:.0e}" for rtol, cost in costs.items())
    text = f"10 sensitivities <= {_LARGEST_COST:g} times the state alone, kernel, every rtol ({found['name']})"
    yield Goal(text, each, max(costs.values()) <= _LARGEST_COST)
    if found["name"] == _SMOOTH:
        row = next(row for row in found["rows"] if row["rtol"] == _AT_RTOL)
        text = f"their error <= {_LARGEST_ERROR:g} relative at rtol {_AT_RTOL:g} ({found['name']})"
        measured = f"{row['error']:.1e}; by curve {row['error_by_curve']:.1e}"
        yield Goal(text, measured, max(row["error"], row["error_by_curve"]) <= _LARGEST_ERROR)


def section(found: Record) -> Section:
    """Return what the sensitivities have to say."""
    goals = [goal for each in found["problems"] for goal in _goals(each)]
    introduction = f"{_INTRODUCTION}- {found['rounds']} rounds."
    return Section("Sensitivities", introduction, [_table(each) for each in found["problems"]], goals)


def draw(found: Record, path: Path) -> None:
    """Draw the error of derivatives against processor time, a panel for each problem."""
    figure = Figure(figsize=(5.4 * len(found["problems"]), 4.2), layout="constrained")
    panels = figure.subplots(1, len(found["problems"]), squeeze=False)[0]
    ways = (("forward sensitivities", "kernel_times", "error"), ("differences", "differences_times", "differences_error"))
    for axes, problem in zip(panels, found["problems"], strict=True):
        for label, cost, error in ways:
            spent = [row["state_ms"] * row[cost][1] for row in problem["rows"]]
            axes.loglog(spent, [row[error] for row in problem["rows"]], marker="o", linewidth=2.0, label=label)
        axes.set(title=problem["name"], xlabel="processor time of ten derivatives [ms]", ylabel="largest error")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=130)


BENCHMARK: Final = Benchmark("sensitivity_cost", run, section, draw)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
