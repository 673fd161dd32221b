"""What a user waits for at first: python -m benchmarks.first_call [--quick] [--json FILE] [--page FILE].

Imports and first calls in fresh processes, with an empty kernel cache and with a filled one, and the compile time of each
kernel.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.command import Benchmark, Record, main, say
from benchmarks.pages import Goal, Section, Table

#: Title -> the call; each runs in processes of its own.
CALLS: Final = {
    "simulate": "bitesim.simulate(None, '28 ug/day for 1 d', times_days=[1.0])",
    "run_cohort": "bitesim.run_cohort(bitesim.find_model(None), {}, '28 ug/day for 1 d', [1.0], patients=8, bsa_m2=1.9)",
    "sensitivities": "bitesim.sensitivities(None, '28 ug/day for 1 d', times_days=[1.0], to=['activation_per_day'])",
}
_WARM, _QUICK_WARM = 7, 3
_LARGEST_COMPILE_S: Final = 15.0
_LARGEST_FIRST_CALL_S: Final = 1.5
#: Kernels that take less are counted together.
_SHOWN_S: Final = 0.5

_SCRIPT: Final = """\
import json, time
began = time.perf_counter()
import numba
numba_s = time.perf_counter()
import bitesim
bitesim_s = time.perf_counter()
{call}
call_s = time.perf_counter()
kernels = [[each.kernel, each.seconds, each.origin] for each in bitesim.compile_report()]
print(json.dumps({{"import_numba_s": numba_s - began, "import_bitesim_s": bitesim_s - numba_s,
                   "call_s": call_s - bitesim_s, "kernels": kernels}}))
"""

_INTRODUCTION: Final = """\
Wall time in fresh processes: importing numba (which nobody can avoid), then bitesim, then one call of one day. *Cold*: an
empty `BITESIM_CACHE_DIR`, so that every kernel is compiled; one process for each call, each with its own folder. *Cached*:
the folder which that process has filled; medians. Python's own bytecode is kept in both, as after installing. Wall time
counts what other processes of the machine take: see the load.
"""


def environment(kernels: Path, bytecode: Path) -> dict[str, str]:
    """Return the environment of a process that keeps its compiled kernels and its bytecode in these folders."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "BITESIM_CACHE_DIR": str(kernels), "PYTHONPYCACHEPREFIX": str(bytecode)}


def first_call(call: str, kernels: Path, bytecode: Path) -> Record:
    """Run one call in a fresh process and return its times [s] and its kernels: name, seconds, origin."""
    script = _SCRIPT.format(call=call)
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment(kernels, bytecode)
    )
    found: Record = json.loads(done.stdout.splitlines()[-1])
    return found


def run(options: argparse.Namespace) -> Record:
    """Measure every call cold and cached; return what was found."""
    repeats, rows = _QUICK_WARM if options.quick else _WARM, []
    with tempfile.TemporaryDirectory(prefix="bitesim-first-call-") as folder:
        bytecode = Path(folder) / "bytecode"
        # Writes the bytecode, of what the calls import too, and lets the disk's cache hold the libraries.
        for call in CALLS.values():
            first_call(call, Path(folder) / "aside", bytecode)
        for name, call in CALLS.items():
            kernels = Path(folder) / name
            cold = first_call(call, kernels, bytecode)
            cached = [first_call(call, kernels, bytecode) for _ in range(repeats)]
            say(f"first call: {name} {cold['call_s']:.1f} s cold, {_median(cached, 'call_s'):.2f} s cached")
            rows.append(
                {
                    "call": name,
                    "cold_s": cold["call_s"],
                    **{f"cached_{each}": _median(cached, each) for each in ("import_numba_s", "import_bitesim_s", "call_s")},
                    "cached_beyond_numba_s": statistics.median(each["import_bitesim_s"] + each["call_s"] for each in cached),
                    "kernels_compiled": [each for each in cold["kernels"] if each[2] == "compiled"],
                    "kernels_not_cached": sorted({each[0] for each in cached[-1]["kernels"] if each[2] == "compiled"}),
                }
            )
    return {"repeats": repeats, "rows": rows}


def _median(found: Iterable[Record], name: str) -> float:
    return statistics.median(each[name] for each in found)


def _kernel_rows(found: Record) -> list[list[str]]:
    rows = [["first called by", "kernel", "compile s"]]
    for row in found["rows"]:
        slow = [(name, seconds) for name, seconds, _ in row["kernels_compiled"] if seconds >= _SHOWN_S]
        rest = [seconds for _, seconds, _ in row["kernels_compiled"] if seconds < _SHOWN_S]
        slow.sort(key=lambda each: -each[1])
        rows += [[row["call"], name, f"{seconds:.1f}"] for name, seconds in slow]
        rows.append([row["call"], f"{len(rest)} others, each below {_SHOWN_S:g} s", f"{sum(rest):.1f} together"])
    return rows


def _goals(found: Record) -> Iterable[Goal]:
    kernels = [(seconds, name) for row in found["rows"] for name, seconds, _ in row["kernels_compiled"]]
    slowest, name = max(kernels)
    yield Goal(
        f"cold compile <= {_LARGEST_COMPILE_S:g} s a kernel",
        f"slowest: {name}, {slowest:.1f} s",
        slowest <= _LARGEST_COMPILE_S,
    )
    for row in found["rows"]:
        beyond = row["cached_beyond_numba_s"]
        text = f"cached first {row['call']} <= {_LARGEST_FIRST_CALL_S:g} s beyond importing numba, bitesim's import included"
        yield Goal(text, f"{beyond:.2f} s", beyond <= _LARGEST_FIRST_CALL_S)
    both = statistics.median(row["cached_import_numba_s"] + row["cached_import_bitesim_s"] for row in found["rows"])
    yield Goal(
        f"import bitesim < {_LARGEST_FIRST_CALL_S:g} s, numba included", f"{both:.2f} s", both < _LARGEST_FIRST_CALL_S
    )


def section(found: Record) -> Section:
    """Return what the first calls have to say."""
    heading = ["first call", "cold: call s", "cached: import numba s", "import bitesim s", "call s", "beyond numba s"]
    names = ("cold_s", "cached_import_numba_s", "cached_import_bitesim_s", "cached_call_s", "cached_beyond_numba_s")
    rows = [[row["call"], *(f"{row[name]:.2f}" for name in names)] for row in found["rows"]]
    tables = [
        Table("First calls in fresh processes", [heading, *rows], f"Cached: medians of {found['repeats']} processes."),
        Table(
            "Kernels compiled at a cold first call", _kernel_rows(found), "A kernel's time holds that of what it inlines."
        ),
    ]
    missed = sorted({name for row in found["rows"] for name in row["kernels_not_cached"]})
    notes = [f"compiled again with a filled cache: {', '.join(missed)}"] if missed else []
    return Section("First calls", _INTRODUCTION, tables, list(_goals(found)), notes)


BENCHMARK: Final = Benchmark("first_call", run, section)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
