"""Clinical cohorts, two cycles and two years: python -m benchmarks.clinical_cohort [--largest N] [--quick].

Virtual patients of the leukaemia model are treated, answered to by the label, transplanted, followed. Every size runs in a
process of its own; each chunk is looked at and forgotten.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

import bitesim
from benchmarks.command import Benchmark, Record, main, say
from benchmarks.measure import WrongAnswer
from benchmarks.memory import forget_peak, peak_mib, status_mib, threads
from benchmarks.pages import Goal, Section, Table
from bitesim.population import Growth, LogNormal, Quantiles, Variability
from bitesim.population import clinical_cohort as module
from bitesim.population.clinical_cohort import simulate_clinical_cohort, stream_clinical_cohort
from bitesim.population.clinical_result import ClinicalResult
from bitesim.population.events.course import CAUSES

REGIMEN: Final = "15 ug/m2/day for 28 d, 14 d off, x2"
FOLLOW_UP_DAYS: Final = 730.0
_SIZES: Final = (1_000, 10_000, 100_000)
_LARGEST, _LARGEST_QUICK = 100_000, 1_000
_SEED: Final = 1
#: Patients on which answers are validated; the tolerance of what they are compared with.
_CHECKED, _CHECK_RTOL = 600, 1e-8
_LARGEST_SPREAD_OF_COST: Final = 1.2
_LARGEST_GROWTH_MIB: Final = 128.0
#: What the processor time goes to.
PARTS: Final = ("ODE", "events", "rest")

_INTRODUCTION: Final = f"""\
Virtual patients of the leukaemia model (its catalogue's spreads, ages 1 to 27, MRD log-normal around 1e-3), {REGIMEN},
followed for {FOLLOW_UP_DAYS:g} days: courses of cells and drug, toxicity with the label's holds (who is held is run
again), marrow samples, transplant, relapse by birth and death of single cells, death. `stream_clinical_cohort` with its
own tolerance and chunks on all processors; each size in a process of its own, patients drawn and kernels loaded before the
clock starts. Memory is the peak of the resident set above what it was then. Before the timing, shares of first events and
of event-free patients must add up to 1, and neither chunks nor threads may change a number.
"""


def population_of(patients: int) -> bitesim.VirtualPopulation:
    """Return the virtual patients of a size."""
    return bitesim.VirtualPopulation.sample(
        patients,
        seed=_SEED,
        variability=Variability.of_catalogue().adding({"mrd": LogNormal.of_log10(-3, 1, -6, -1)}),
        covariates=Growth(Quantiles({0: 1, 0.25: 6, 0.5: 9, 0.75: 16, 1: 27})),
    )


def check(patients: int = _CHECKED) -> Record:
    """Return how far tolerance moves events, after what must hold does.

    Raises
    ------
    WrongAnswer
        Where shares do not add up, or chunks or threads change a number.
    """
    population = population_of(patients)
    result = simulate_clinical_cohort(population, REGIMEN, follow_up_days=FOLLOW_UP_DAYS)
    days = np.linspace(0.0, FOLLOW_UP_DAYS, 74)
    total = sum((result.cumulative_incidence(cause, days) for cause in CAUSES), result.event_free(days))
    worst = float(np.max(np.abs(total - 1.0)))
    if worst > 1e-12:
        raise WrongAnswer(f"shares of first events and event-free patients add up to 1 only within {worst:.1e}")
    for chunk, workers in ((patients // 7 + 1, 1), (10 * patients, 2)):
        again = simulate_clinical_cohort(population, REGIMEN, follow_up_days=FOLLOW_UP_DAYS, chunk=chunk, threads=workers)
        if again.digest() != result.digest():
            raise WrongAnswer(f"chunks of {chunk} on {workers} threads change numbers")
    tight = simulate_clinical_cohort(population, REGIMEN, follow_up_days=FOLLOW_UP_DAYS, rtol=_CHECK_RTOL)
    return {"patients": patients, "off_from_1": worst, "share_of_other_events": _share_of_other_events(result, tight)}


def _share_of_other_events(result: ClinicalResult, other: ClinicalResult) -> float:
    return float(np.mean(result["first_event"] != other["first_event"]))


@contextmanager
def _clocks() -> Iterator[dict[str, float]]:
    """Measure the processor time in the cohort engine and in the events while inside."""
    used = {"ODE": 0.0, "events": 0.0}

    def timed(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            found = call(*arguments, **options)
            # The engine streams: its work is done when all of it is there.
            found = found if isinstance(found, dict) else list(found)
            used[part] += time.process_time() - began
            return found

        return run

    originals = module.stream_cohort, module.clinical_course
    module.stream_cohort = timed("ODE", originals[0])  # type: ignore[assignment]
    module.clinical_course = timed("events", originals[1])
    try:
        yield used
    finally:
        module.stream_cohort, module.clinical_course = originals


def run_one(patients: int) -> Record:
    """Stream one cohort in this process; return its cost, memory and what became of the patients."""
    population = population_of(patients)
    # Loads the kernels.
    simulate_clinical_cohort(population.subset(range(min(16, patients))), REGIMEN, follow_up_days=FOLLOW_UP_DAYS)
    forget_peak()
    before = status_mib("VmRSS") or peak_mib()
    counts, failed, held = np.zeros(len(CAUSES) + 1, np.int64), 0, 0
    wall, cpu = time.perf_counter(), time.process_time()
    with _clocks() as used:
        for part in stream_clinical_cohort(population, REGIMEN, follow_up_days=FOLLOW_UP_DAYS):
            counts += np.bincount(part["first_event"][~part.failed] + 1, minlength=len(counts))
            failed += len(part.failures)
            held += int(np.sum(np.isfinite(part["label_action_day"])))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    shares = {"ODE": used["ODE"] / cpu, "events": used["events"] / cpu}
    return {
        "patients": patients,
        "wall_s": wall,
        "cpu_s": cpu,
        "cpu_us_per_patient": 1e6 * cpu / patients,
        "patients_per_second_per_core": patients / cpu,
        "peak_above_start_mib": peak_mib() - before,
        "shares_of_time": shares | {"rest": 1.0 - sum(shares.values())},
        "failed": failed,
        "held_or_stopped": held,
        "first_events": dict(zip(("none", *CAUSES), counts.tolist(), strict=True)),
    }


def _in_a_process(patients: int) -> Record:
    command = [sys.executable, "-m", "benchmarks.clinical_cohort", "--one", str(patients)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Record = json.loads(done.stdout)
    return found


def run(options: argparse.Namespace) -> Record:
    """Validate, then measure every size up to the largest asked for."""
    largest = getattr(options, "largest", None) or (_LARGEST_QUICK if options.quick else _LARGEST)
    checked = check(_CHECKED // 4 if options.quick else _CHECKED)
    say(f"clinical cohort: {checked['patients']} patients are right; events add up to 1")
    rows = []
    for size in (*[size for size in _SIZES if size < largest], largest):
        rows.append(_in_a_process(size))
        say(f"clinical cohort: {size} patients in {rows[-1]['wall_s']:.1f} s, {rows[-1]['peak_above_start_mib']:.1f} MiB")
    return {"checked": checked, "threads": threads(), "rows": rows}


def _goals(found: Record) -> Iterable[Goal]:
    rows = found["rows"]
    sizes = f"{rows[0]['patients']:,} to {rows[-1]['patients']:,}"
    costs, memory = ([row[name] for row in rows] for name in ("cpu_us_per_patient", "peak_above_start_mib"))
    if len(rows) > 1:
        # A small cohort pays for schedules that few patients share: only growth counts.
        ratio = costs[-1] / min(costs[:-1])
        yield Goal(
            f"cost of a clinical course does not grow with the cohort (largest / cheapest <= {_LARGEST_SPREAD_OF_COST:g})",
            f"{ratio:.2f} ({sizes})",
            ratio <= _LARGEST_SPREAD_OF_COST,
        )
    yield Goal(
        f"memory of a streamed clinical cohort bounded (peak above start <= {_LARGEST_GROWTH_MIB:g} MiB)",
        f"{max(memory):.1f} MiB ({sizes})",
        max(memory) <= _LARGEST_GROWTH_MIB,
    )


def section(found: Record) -> Section:
    """Return what the sizes have to say."""
    heading = ["patients", "wall s", "CPU s", "patients/s/core", "peak MiB above start", *(f"% {part}" for part in PARTS),
               "held or stopped", "failed"]  # fmt: skip
    rows = [
        [
            f"{row['patients']:,}",
            *(f"{row[name]:.2f}" for name in ("wall_s", "cpu_s")),
            f"{row['patients_per_second_per_core']:.0f}",
            f"{row['peak_above_start_mib']:.1f}",
            *(f"{100.0 * row['shares_of_time'][part]:.0f}" for part in PARTS),
            f"{row['held_or_stopped']:,}",
            str(row["failed"]),
        ]
        for row in found["rows"]
    ]
    checked = found["checked"]
    note = (
        f"{found['threads']} threads. Of {checked['patients']} patients {100.0 * checked['share_of_other_events']:.2g} % "
        f"have another first event at rtol {_CHECK_RTOL:g}. Processor time: the cohort engine, the events, the rest."
    )
    table = Table(f"Streamed clinical cohorts, {FOLLOW_UP_DAYS:g} days", [heading, *rows], note)
    return Section("Clinical cohort", _INTRODUCTION, [table], list(_goals(found)))


def draw(found: Record, path: Path) -> None:
    """Draw patients per second against the size of the cohort, and what the time goes to."""
    sizes = [row["patients"] for row in found["rows"]]
    figure = Figure(figsize=(9.6, 3.9), layout="constrained")
    speed, parts = figure.subplots(1, 2)
    speeds = [row["patients_per_second_per_core"] for row in found["rows"]]
    speed.plot(sizes, speeds, color="tab:blue", marker="o", linewidth=2.0)
    speed.set(title="speed", ylabel="patients / s / core", xscale="log", xlabel="patients in the cohort")
    speed.set_ylim(0.0, 1.25 * max(speeds))
    speed.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    speed.grid(alpha=0.3)
    bottom = np.zeros(len(sizes))
    for part, colour in zip(PARTS, ("tab:blue", "tab:orange", "0.7"), strict=True):
        shares = 100.0 * np.array([row["shares_of_time"][part] for row in found["rows"]])
        parts.bar([f"{size:,}" for size in sizes], shares, 0.6, bottom, color=colour, label=part)
        bottom += shares
    parts.set(title="processor time", ylabel="%", xlabel="patients in the cohort")
    parts.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    for axes in (speed, parts):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--largest", type=int, metavar="N", help=f"largest cohort (default {_LARGEST:,}; quick 1,000)")
    parser.add_argument("--one", type=int, metavar="N", help=argparse.SUPPRESS)


BENCHMARK: Final = Benchmark("clinical_cohort", run, section, draw, _options)


def _main() -> int:
    if "--one" in sys.argv:
        parser = argparse.ArgumentParser()
        _options(parser)
        print(json.dumps(run_one(parser.parse_args().one)))
        return 0
    return main(BENCHMARK, __doc__ or "")


if __name__ == "__main__":
    sys.exit(_main())
