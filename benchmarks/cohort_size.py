"""Cost and memory of a patient against the size of the cohort: python -m benchmarks.cohort_size [--largest N] [--quick].

Varied patients of hosseini2020 through two cycles, streamed: each chunk is looked at and forgotten. Every size runs in a
process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

import bitesim
from benchmarks.command import Benchmark, Record, main, say
from benchmarks.contest import side_by_side, tolerance_for
from benchmarks.measure import WrongAnswer
from benchmarks.memory import MIB, forget_peak, peak_mib, status_mib, threads
from benchmarks.ours import cohort
from benchmarks.pages import Goal, Section, Table
from benchmarks.population import published_population, published_rows
from benchmarks.problems import published

REGIMEN: Final = "15 ug/m2/day for 28 d, 14 d off, x2"
OUTPUTS: Final = ("blood_b_cells_per_ul", "blood_cd8_t_cells_per_ul", "serum_il6_pg_per_ml")
TIMES_DAYS: Final = (28.0, 70.0, 84.0)
_BSA_M2: Final = 1.88
_SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
_LARGEST, _LARGEST_OF_ALL = 100_000, 1_000_000
_TARGET: Final = 1e-4
#: Patients on which the tolerance is chosen, and the tolerance of what they are compared with.
_CHOSEN_ON: Final = 512
_REFERENCE_RTOL: Final = 1e-10
#: Patients on which it is checked, and the tolerance of what they are compared with.
_CHECKED, _CHECK_RTOL = 4_096, 1e-9
#: Kept outputs (per uL, pg/mL) below this do not matter.
_KEPT_FLOOR: Final = 1e-3
#: The first patients must have the same bytes in a cohort of any size.
_COMPARED: Final = 1_000
#: A small cohort is over before the machine is warm: it is streamed several times, and the median counts.
_REPEATED_BELOW, _MOST_REPEATS = 30_000, 9
_LARGEST_SPREAD_OF_COST: Final = 1.2
_LARGEST_GROWTH_MIB: Final = 64.0
_GOAL_S: Final = 240.0

_INTRODUCTION: Final = f"""\
Varied patients of hosseini2020 (every parameter log-normal, sd 0.3, each patient a function of seed and row), {REGIMEN};
kept are {", ".join(OUTPUTS)} at days {", ".join(f"{day:g}" for day in TIMES_DAYS)}. `stream_cohort` on all processors with
its own chunk size; parameters are drawn when a chunk begins, and a chunk's results are looked at and dropped. Each size in
a process of its own, kernels loaded before the clock starts. Memory is the peak of the resident set above what it was
before the run. The tolerance is the loosest at which the largest relative error of all 25 states on all days of the first
{_CHOSEN_ON} patients is <= {_TARGET:g}.
"""


def run_one(patients: int, rtol: float) -> Record:
    """Stream one cohort in this process and return its cost, memory and a digest of its first patients."""
    model = bitesim.MODELS["hosseini2020"]
    shared: dict[str, Any] = {"bsa_m2": _BSA_M2, "rtol": rtol}
    # Loads the kernels, and the threads' own code.
    bitesim.run_cohort(model, published_rows(0, 8), REGIMEN, TIMES_DAYS, OUTPUTS, **shared)
    forget_peak()
    before = status_mib("VmRSS") or peak_mib()
    streams = [_stream(patients, shared) for _ in range(max(1, min(_MOST_REPEATS, _REPEATED_BELOW // patients)))]
    wall, cpu = (statistics.median(each[name] for each in streams) for name in ("wall_s", "cpu_s"))
    return {
        "patients": patients,
        "repeats": len(streams),
        "wall_s": wall,
        "cpu_s": cpu,
        "cpu_us_per_patient": 1e6 * cpu / patients,
        "patients_per_second_per_core": patients / cpu,
        "rss_before_mib": before,
        "peak_rss_mib": peak_mib(),
        "peak_above_start_mib": peak_mib() - before,
        **{name: streams[0][name] for name in ("failures", "share_below_1_b_cell_per_ul", "first_patients_sha256")},
    }


def _stream(patients: int, shared: dict[str, Any]) -> Record:
    """Stream one cohort; return its times, and what its chunks held."""
    model = bitesim.MODELS["hosseini2020"]
    wall, cpu = time.perf_counter(), time.process_time()
    digest, seen, failures, low = hashlib.sha256(), 0, 0, 0
    chunks = bitesim.stream_cohort(model, published_rows, REGIMEN, TIMES_DAYS, OUTPUTS, patients=patients, **shared)
    for chunk in chunks:
        failures += len(chunk.failures)
        low += int(np.count_nonzero(chunk["blood_b_cells_per_ul"][:, -1] < 1.0))
        if seen < _COMPARED:
            digest.update(np.ascontiguousarray(chunk.values[: _COMPARED - seen]).tobytes())
        seen += len(chunk)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "failures": failures,
        "share_below_1_b_cell_per_ul": low / patients,
        "first_patients_sha256": digest.hexdigest(),
    }


def _tolerance() -> tuple[float, float]:
    """Return the tolerance that meets the error, and the largest error there."""
    population = published_population(_CHOSEN_ON)
    reference = cohort(population.problem, population.parameters, _REFERENCE_RTOL).values
    method = side_by_side("cohort", population)
    method.climb(population, reference, _TARGET)
    found = tolerance_for(_TARGET, list(method.rungs.values()), lambda rtol: method.rung(population, reference, rtol))
    if found is None:
        raise WrongAnswer(f"no tolerance brings the error of every patient below {_TARGET:g}")
    return found.rtol, found.error


def check(rtol: float) -> Record:
    """Return how accurate many patients are at a tolerance: the share of them that misses the error, and what is kept."""
    problem, rows = published(), published_rows(0, _CHECKED)
    missed = 0
    for first in range(0, _CHECKED, _CHOSEN_ON):
        some = rows[first : first + _CHOSEN_ON]
        both = [cohort(problem, some, each).values for each in (rtol, _CHECK_RTOL)]
        missed += sum(problem.error(mine, true) > _TARGET for mine, true in zip(*both, strict=True))
    loose, tight = (
        bitesim.run_cohort(problem.model, rows, REGIMEN, TIMES_DAYS, OUTPUTS, bsa_m2=_BSA_M2, rtol=each).values
        for each in (rtol, _CHECK_RTOL)
    )
    kept = np.max(np.abs(loose - tight) / (np.abs(tight) + _KEPT_FLOOR))
    return {"patients": _CHECKED, "share_above_error": missed / _CHECKED, "largest_error_of_kept": float(kept)}


def _in_a_process(patients: int, rtol: float) -> Record:
    command = [sys.executable, "-m", "benchmarks.cohort_size", "--one", str(patients), "--rtol", repr(rtol)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Record = json.loads(done.stdout)
    return found


def run(options: argparse.Namespace) -> Record:
    """Measure every size up to the largest asked for."""
    largest = getattr(options, "largest", None) or (10_000 if options.quick else _LARGEST)
    rtol, error = _tolerance()
    say(f"cohort size: rtol {rtol:.2e}, largest error {error:.1e}")
    rows = []
    for size in (*[size for size in _SIZES if size < largest], largest):
        rows.append(_in_a_process(size, rtol))
        say(f"cohort size: {size} patients in {rows[-1]['wall_s']:.1f} s, {rows[-1]['peak_above_start_mib']:.1f} MiB")
    if len({row["first_patients_sha256"] for row in rows if row["patients"] >= _COMPARED}) != 1:
        raise WrongAnswer("the first patients' numbers depend on the size of the cohort")
    return {"rtol": rtol, "largest_error": error, "checked": check(rtol), "threads": threads(), "rows": rows}


def _goals(found: Record) -> Iterable[Goal]:
    rows = found["rows"]
    costs, memory = ([row[name] for row in rows] for name in ("cpu_us_per_patient", "peak_above_start_mib"))
    sizes = f"{rows[0]['patients']:,} to {rows[-1]['patients']:,}"
    ratio = max(costs) / min(costs)
    yield Goal(
        f"cost per patient constant from 1,000 to 1,000,000 (here: largest / smallest <= {_LARGEST_SPREAD_OF_COST:g})",
        f"{ratio:.2f} ({sizes})",
        ratio <= _LARGEST_SPREAD_OF_COST,
    )
    growth = max(memory) - memory[0]
    yield Goal(
        f"memory flat from 1,000 to 1,000,000 (here: grows by <= {_LARGEST_GROWTH_MIB:g} MiB)",
        f"grows by {growth:.1f} MiB ({sizes})",
        growth <= _LARGEST_GROWTH_MIB,
    )
    last, threads = rows[-1], found["threads"]
    text = f"1,000,000 patients x 2 cycles in < {_GOAL_S / 60:g} minutes on 2 cores at error <= {_TARGET:g}"
    if last["patients"] >= _LARGEST_OF_ALL:
        load = f"{last['wall_s']:.0f} s on {threads} threads; half of its processor time is {last['cpu_s'] / 2:.0f} s"
        yield Goal(text, load, last["wall_s"] < _GOAL_S)
    else:
        expected = _LARGEST_OF_ALL * last["cpu_us_per_patient"] * 1e-6 / 2
        yield Goal(text, f"not run; {expected:.0f} s by the cost of {last['patients']:,}", None)


def section(found: Record) -> Section:
    """Return what the sizes have to say."""
    heading = ["patients", "wall s", "CPU s", "CPU us a patient", "patients/s/core", "peak MiB above start", "failed"]
    rows = [
        [
            f"{row['patients']:,}",
            *(f"{row[name]:.2f}" for name in ("wall_s", "cpu_s")),
            *(f"{row[name]:.0f}" for name in ("cpu_us_per_patient", "patients_per_second_per_core")),
            f"{row['peak_above_start_mib']:.1f}",
            str(row["failures"]),
        ]
        for row in found["rows"]
    ]
    checked = found["checked"]
    note = (
        f"rtol {found['rtol']:.2e}, largest error {found['largest_error']:.1e}; {found['threads']} threads. Small cohorts "
        f"are streamed up to {_MOST_REPEATS} times: medians. The first {_COMPARED} patients' bytes are the same in all. "
        f"Of {checked['patients']} patients {100 * checked['share_above_error']:.2g} % exceed {_TARGET:g} in some state on "
        f"some day; the largest error of what is kept is {checked['largest_error_of_kept']:.1e}."
    )
    table = Table("Streamed cohorts of hosseini2020, 84 days", [heading, *rows], note)
    return Section("Cohort size", _INTRODUCTION, [table], list(_goals(found)))


def draw(found: Record, path: Path) -> None:
    """Draw patients per second and memory against the size of the cohort."""
    sizes = [row["patients"] for row in found["rows"]]
    figure = Figure(figsize=(9.6, 3.9), layout="constrained")
    speed, memory = figure.subplots(1, 2)
    style = {"marker": "o", "linewidth": 2.0}
    speed.plot(sizes, [row["patients_per_second_per_core"] for row in found["rows"]], color="tab:blue", **style)
    speed.set(title="speed", ylabel="patients / s / core")
    before = [row["rss_before_mib"] for row in found["rows"]]
    memory.plot(sizes, [row["peak_rss_mib"] for row in found["rows"]], color="tab:orange", label="peak, measured", **style)
    kept = [start + size * len(OUTPUTS) * len(TIMES_DAYS) * 8 / MIB for start, size in zip(before, sizes, strict=True)]
    memory.plot(sizes, kept, color="0.5", linestyle="--", label=f"if {len(OUTPUTS) * len(TIMES_DAYS)} numbers were kept")
    memory.set(title="memory (most of it is Python and its libraries)", ylabel="resident set [MiB]")
    memory.legend(frameon=False)
    for axes in (speed, memory):
        axes.set(xscale="log", xlabel="patients in the cohort")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_ylim(bottom=0.0, top=1.25 * axes.get_ylim()[1])
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--largest", type=int, metavar="N", help=f"largest cohort (default {_LARGEST:,}; quick 10,000)")
    parser.add_argument("--one", type=int, metavar="N", help=argparse.SUPPRESS)
    parser.add_argument("--rtol", type=float, help=argparse.SUPPRESS)


BENCHMARK: Final = Benchmark("cohort_size", run, section, draw, _options)


def _main() -> int:
    if "--one" in sys.argv:
        parser = argparse.ArgumentParser()
        _options(parser)
        options = parser.parse_args()
        print(json.dumps(run_one(options.one, options.rtol)))
        return 0
    return main(BENCHMARK, __doc__ or "")


if __name__ == "__main__":
    sys.exit(_main())
