"""Latency that a user feels: importing, and the first run with a cold and a warm cache, each in a fresh process."""

import os
import subprocess
import sys

RUN = "import bitesim; bitesim.simulate(None, '28 ug/day for 1 d', times_days=[1.0])"


def process(code, cache):
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "BITESIM_CACHE_DIR": str(cache)})


def test_import_numba(benchmark, tmp_path):
    benchmark.group = "import"
    benchmark.pedantic(process, ("import numba", tmp_path), rounds=7, warmup_rounds=1)


def test_import_bitesim(benchmark, tmp_path):
    benchmark.group = "import"
    benchmark.pedantic(process, ("import bitesim", tmp_path), rounds=7, warmup_rounds=1)


def test_cold_first_run(benchmark, tmp_path):
    benchmark.group = "first run in a process"
    folders = iter(range(100))
    benchmark.pedantic(process, setup=lambda: ((RUN, tmp_path / str(next(folders))), {}), rounds=2)


def test_warm_first_run(benchmark, tmp_path):
    benchmark.group = "first run in a process"
    benchmark.pedantic(process, (RUN, tmp_path), rounds=5, warmup_rounds=1)
