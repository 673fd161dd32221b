"""Cost of fitting one patient: python -m benchmarks.fitting [--quick] [--json FILE] [--page FILE].

Value and gradient of the posterior, and its maximum, beside a compiled LSODA with central differences.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import bitesim
from benchmarks.command import Benchmark, Record, main, say
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Goal, Section, Table, quartiles, spread
from benchmarks.peers.numbalsoda_lsoda import SOLVERS as LSODA
from benchmarks.problems import Problem, Vector, make_problem
from bitesim.assays import RQ_PCR, MrdOutcome, MrdSample
from bitesim.engines.deterministic import read_outputs
from bitesim.inference import AmountObserved, MrdObserved, PatientData, PatientPosterior
from bitesim.inference.estimation import COARSE, search
from bitesim.inference.laplace import laplace
from bitesim.inference.observation_models import ObservationModel
from bitesim.inference.observations import Observed
from bitesim.treatment import Regimen

_FREE: Final = (
    "clearance_l_per_h", "killing_search_share", "t_cell_division_per_day", "blast_birth_per_day",
    "baseline_blast_fraction", "margination_gain",
)  # fmt: skip
_TOLERANCES: Final = (1e-4, 1e-5, 1e-6)
_ROUNDS, _QUICK_ROUNDS = 15, 4
#: Relative change of a parameter in central differences: the best of 1e-1 to 1e-5 at these tolerances.
_STEP: Final = 1e-3
_POINTS: Final = 6
_LARGEST_ERROR: Final = 1e-2
_MAP_GOAL_S, _MAP_WISH_S = 0.1, 0.03
_INTRODUCTION: Final = f"""\
The leukaemia model, 39 states, two cycles of 28 days in 70 days; six parameters ({", ".join(_FREE)}); one patient with 9 MRD
samples and 8 CD8 counts, drawn from the model at a point that no search starts from.

- *value and gradient*: processor time of one posterior with its gradient: the run, its exact tangents and the likelihood.
  Beside it numbalsoda's LSODA (compiled right-hand side, difference Jacobian) with central differences: thirteen runs, their
  readouts and the value of the same likelihood. All take turns; ratios are taken within a round, median (quartiles).
- *error*: of the gradient, relative to the largest of its elements, at {_POINTS} points of the prior, against differences of
  fourth order of runs at rtol 1e-10. A wrong gradient stops the benchmark.
- *MAP*: one search from the middle of the priors to a thousandth of a standard deviation, with kernels loaded; it includes
  what is prepared for the patient. Every search must find the maximum that one at rtol 1e-8 finds.
"""


def patient() -> PatientData:
    """Return a patient with 9 MRD samples and 8 counts, whose values are those of the model with luck of its own."""
    regimen = Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2")
    who, rng = bitesim.Patient(weight_kg=70.0, bsa_m2=1.8, mrd=1e-2, name="benchmark"), np.random.default_rng(3)
    model = bitesim.find_model("leukaemia")
    other = {"clearance_l_per_h": 2.8, "killing_search_share": 0.025, "margination_gain": 18.0}
    days = np.array([0.0, 2.0, 7.0, 14.0, 21.0, 28.0, 35.0, 42.0, 56.0, 70.0])
    run = bitesim.simulate(who, regimen, times_days=days, parameters=model.parameters.replace(**other))
    sample, rows = MrdSample(RQ_PCR), []
    for day, truth in zip(days[1:], run["mrd"][1:], strict=True):
        seen = sample.sample(truth, rng.random(2))
        outcome = MrdOutcome(int(seen.outcomes))
        value = float(seen.values) if outcome == MrdOutcome.QUANTIFIED else math.nan
        rows.append(MrdObserved(float(day), sample, outcome, value))
    for day, truth in zip(days[:8], run["blood_cd8_t_cells_per_ul"][:8], strict=True):
        value = float(truth * np.exp(0.25 * rng.standard_normal()))
        rows.append(AmountObserved(float(day), "blood_cd8_t_cells_per_ul", value, value, 0.25))
    observed: list[Observed] = sorted(rows, key=lambda each: each.time_days)
    return PatientData(who, regimen, tuple(observed))


class PeerPosterior:
    """The same posterior by a compiled LSODA and central differences."""

    def __init__(self, posterior: PatientPosterior) -> None:
        self.posterior, case = posterior, posterior.case
        times = posterior.times_days
        self.problem: Problem = make_problem(
            case.model, case.regimen, times, name="fit", title="fit", error=lambda a, b: 0.0, metric="-"
        )
        # Doses are per surface, which is the patient's.
        self.problem.pieces.input_rate[:] = posterior._run.pieces.input_rate
        self.course = LSODA[0].make_any(self.problem)  # type: ignore[misc]
        self.likelihood = ObservationModel(posterior.data.observations)
        names = (*(readout.name for readout in case.model.readouts), *case.model.species)
        self.columns = [names.index(each.output) for each in posterior.data.observations]
        self.rows = np.searchsorted(times, [each.time_days for each in posterior.data.observations])

    def value(self, scores: Vector, rtol: float) -> float:
        """Return the log posterior."""
        vector = self.posterior.vector(scores)
        states = self.course(self.problem.of(vector), rtol)
        model = self.problem.model
        parameters = self.posterior.case.parameters.replace(**dict(zip(model.catalogue, map(float, vector), strict=True)))
        outputs = np.hstack([read_outputs(model, parameters, states), states])
        told = self.likelihood.terms(outputs[self.rows, self.columns]).log_likelihood
        return told - 0.5 * float(scores @ scores) - 0.5 * len(scores) * float(np.log(2.0 * np.pi))

    def value_and_gradient(self, scores: Vector, rtol: float, step: float = _STEP) -> tuple[float, Vector]:
        """Return it with its central differences."""
        gradient = np.empty(len(scores))
        for place in range(len(scores)):
            shift = step * np.eye(len(scores))[place]
            gradient[place] = (self.value(scores + shift, rtol) - self.value(scores - shift, rtol)) / (2.0 * step)
        return self.value(scores, rtol), gradient


def reference_gradient(posterior: PatientPosterior, scores: Vector) -> Vector:
    """Return differences of fourth order of a tight posterior."""
    step, found = 2e-3, np.empty(len(scores))
    for place in range(len(scores)):
        shift = step * np.eye(len(scores))[place]
        a, b, c, d = (posterior.evaluate(scores + k * shift).log_posterior for k in (-2, -1, 1, 2))
        found[place] = (a - 8.0 * b + 8.0 * c - d) / (12.0 * step)
    return found


def _errors(found: Sequence[Vector], truth: Sequence[Vector]) -> float:
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in zip(found, truth, strict=True))


def _timed(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return processor times [ms] of every way in every round; they take turns."""
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            run()
            samples[name].append(1e3 * (time.process_time() - began))
    return samples


def _gradients(data: PatientData, points: NDArray[np.float64], rounds: int) -> list[Record]:
    tight = PatientPosterior(data, _FREE, rtol=1e-10)
    truth = [reference_gradient(tight, scores) for scores in points]
    peer = PeerPosterior(tight)
    rows = []
    for rtol in _TOLERANCES:
        posterior = PatientPosterior(data, _FREE, rtol=rtol)
        ours = _errors([posterior.evaluate(scores).gradient for scores in points], truth)
        theirs = _errors([peer.value_and_gradient(scores, rtol)[1] for scores in points], truth)
        if not ours <= _LARGEST_ERROR:
            raise WrongAnswer(f"the gradient at rtol {rtol:g} is off by {ours:.1e}")

        def all_of(evaluate: Callable[[Vector], object]) -> Callable[[], object]:
            return lambda: [evaluate(scores) for scores in points]

        runs: dict[str, Callable[[], object]] = {
            "value_and_gradient": all_of(posterior.evaluate),
            "state_alone": all_of(lambda scores, at=posterior: _state(at, scores)),
            "differences": all_of(lambda scores, at=rtol: peer.value_and_gradient(scores, at)),
        }
        samples = _timed(runs, rounds)
        per_point = {name: [each / len(points) for each in times] for name, times in samples.items()}
        ratio = [a / b for a, b in zip(per_point["differences"], per_point["value_and_gradient"], strict=True)]
        state = [a / b for a, b in zip(per_point["value_and_gradient"], per_point["state_alone"], strict=True)]
        rows.append(
            {
                "rtol": rtol,
                "ms": quartiles(per_point["value_and_gradient"]),
                "error": ours,
                "times_faster": quartiles(ratio),
                "differences_ms": quartiles(per_point["differences"]),
                "differences_error": theirs,
                "in_state_runs": quartiles(state),
            }
        )
        say(f"value and gradient at {rtol:g}: {rows[-1]['ms'][1]:.2f} ms, error {ours:.1e}; differences {ratio[0]:.1f} x")
    return rows


def _state(posterior: PatientPosterior, scores: Vector) -> object:
    """Run the state alone, as the prepared run does before its tangents."""
    run, vector = posterior._run, posterior.vector(scores)
    run._run(vector, run._system.initial_state(vector))
    return None


def _maxima(data: PatientData, rounds: int) -> list[Record]:
    tight = PatientPosterior(data, _FREE, rtol=1e-8)
    best = search(tight, np.zeros(len(_FREE)))
    if not best.is_converged:
        raise WrongAnswer(f"the reference search failed: {best}")
    sd = laplace(tight, best.scores).sd
    rows = []
    for rtol in _TOLERANCES:
        found: list[Any] = []

        def one(found: list[Any] = found, rtol: float = rtol) -> None:
            posterior = PatientPosterior(data, _FREE, rtol=rtol)
            coarse = posterior.at_tolerance(COARSE) if rtol < COARSE else None
            found.append(search(posterior, np.zeros(len(_FREE)), 0, coarse))

        samples = _timed({"map": one}, rounds)["map"]
        away = max(float(np.max(np.abs(each.scores - best.scores) / sd)) for each in found)
        if not (all(each.is_converged for each in found) and away < 0.05):
            raise WrongAnswer(f"a search at rtol {rtol:g} ended {away:.2g} standard deviations from the maximum")
        rows.append({"rtol": rtol, "ms": quartiles(samples), "solves": found[-1].solves, "away_sd": away})
        say(f"MAP at {rtol:g}: {rows[-1]['ms'][1]:.1f} ms, {found[-1].solves} solves, {away:.1e} SD away")
    return rows


def run(options: argparse.Namespace) -> Record:
    """Validate, then measure."""
    rounds, data = _QUICK_ROUNDS if options.quick else _ROUNDS, patient()
    points = 0.5 * np.random.default_rng(1).standard_normal((_POINTS, len(_FREE)))
    return {
        "rounds": rounds,
        "observations": len(data.observations),
        "gradients": _gradients(data, points, rounds),
        "maxima": _maxima(data, rounds),
    }


def section(found: Record) -> Section:
    """Return what fitting costs."""
    head = ["rtol", "ms", "error", "in runs of the state", "LSODA differences ms", "their error", "times faster"]
    gradients = [head] + [
        [
            f"{row['rtol']:.0e}", spread(row["ms"]), f"{row['error']:.1e}", spread(row["in_state_runs"]),
            spread(row["differences_ms"]), f"{row['differences_error']:.1e}", spread(row["times_faster"]),
        ]
        for row in found["gradients"]
    ]  # fmt: skip
    maxima = [["rtol", "ms", "solves", "from the maximum [SD]"]] + [
        [f"{row['rtol']:.0e}", spread(row["ms"]), str(row["solves"]), f"{row['away_sd']:.1e}"] for row in found["maxima"]
    ]
    quickest = min(row["ms"][1] for row in found["maxima"])
    fast = min(row["times_faster"][1] for row in found["gradients"])
    goals = [
        Goal(f"MAP of 6 parameters <= {_MAP_GOAL_S:g} s", f"{quickest / 1e3:.3f} s", quickest <= 1e3 * _MAP_GOAL_S),
        Goal(f"MAP of 6 parameters <= {_MAP_WISH_S:g} s", f"{quickest / 1e3:.3f} s", quickest <= 1e3 * _MAP_WISH_S),
        Goal("value and gradient faster than LSODA with differences", f"{fast:.1f} times at least", fast > 1.0),
    ]
    tables = [Table("Value and gradient", gradients), Table("Maximum a posteriori", maxima)]
    return Section("Fitting one patient", f"{_INTRODUCTION}- {found['rounds']} rounds.", tables, goals)


BENCHMARK: Final = Benchmark("fitting", run, section)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
