"""Latency that a user feels: importing, and first calls with a cold and a warm cache, each in a fresh process."""

import subprocess
import sys

import pytest

from benchmarks.first_call import CALLS, environment


def process(code, folder, kernels="kernels"):
    kept = environment(folder / kernels, folder / "bytecode")
    subprocess.run([sys.executable, "-c", code], check=True, env=kept)


@pytest.mark.parametrize("package", ["numba", "bitesim"])
def test_import(benchmark, tmp_path, package):
    benchmark.group = "import"
    benchmark.pedantic(process, (f"import {package}", tmp_path), rounds=7, warmup_rounds=1)


@pytest.mark.parametrize("call", list(CALLS))
def test_cold_first_call(benchmark, tmp_path, call):
    benchmark.group = f"first {call} in a process"
    process("import bitesim, bitesim.published.hosseini_2020", tmp_path)
    benchmark.pedantic(process, (f"import bitesim; {CALLS[call]}", tmp_path), rounds=1)


@pytest.mark.parametrize("call", list(CALLS))
def test_cached_first_call(benchmark, tmp_path, call):
    benchmark.group = f"first {call} in a process"
    benchmark.pedantic(process, (f"import bitesim; {CALLS[call]}", tmp_path), rounds=5, warmup_rounds=1)
