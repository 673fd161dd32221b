"""Streams of chunks: in order, no further ahead than needed, closed at any time, in memory that does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bitesim.engines.cohort import run_cohort, stream_cohort
from bitesim.engines.cohort_result import joined
from tests.engines.cohorts import CLEMENTS

REGIMEN, TIMES = "28 ug/day for 2 d", [0.5, 1.0, 3.0]


class Rows:
    """Patients by number; remembers what was asked for."""

    def __init__(self, broken_from=10**9):
        self.calls = []
        self.broken_from = broken_from

    def __call__(self, first, stop):
        self.calls.append((first, stop))
        if stop > self.broken_from:
            raise OSError("the disk is gone")
        table = np.tile(CLEMENTS.parameters.vector(), (stop - first, 1))
        table[:, 0] = 1.0 + np.arange(first, stop) % 1000 / 1000.0
        return table


def workers():
    return [each for each in threading.enumerate() if each.name.startswith("bitesim-cohort")]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("chunk", [1, 9, 100])
def test_chunks_come_in_order_and_are_the_whole(threads, chunk):
    rows = Rows()
    chunks = list(stream_cohort(CLEMENTS, rows, REGIMEN, TIMES, patients=50, chunk=chunk, threads=threads))
    expected = [(first, min(first + chunk, 50)) for first in range(0, 50, chunk)]
    assert rows.calls == expected
    assert [(each.first_patient, each.first_patient + len(each)) for each in chunks] == expected
    everybody = run_cohort(CLEMENTS, Rows()(0, 50), REGIMEN, TIMES)
    assert joined(chunks).digest() == everybody.digest()
    # Patients differ in one parameter that lowers their drug: the order is visible.
    assert np.all(np.diff(everybody["serum_drug_pg_per_ml"][:, 1]) < 0.0)


def test_a_slow_chunk_holds_back_those_behind_it():
    def rows(first, stop):
        table = Rows()(first, stop)
        # Drug that is gone in a minute, for the first chunk only.
        table[:, 1] = 0.1 if first == 0 else 100.0
        table[:, 0] = 50.0 if first == 0 else 0.05
        return table

    options = {"patients": 40, "chunk": 10, "threads": 4, "rtol": 1e-11}
    chunks = list(stream_cohort(CLEMENTS, rows, REGIMEN, TIMES, **options))
    assert chunks[0].steps.sum() > 10 * chunks[1].steps.sum()
    assert [each.first_patient for each in chunks] == [0, 10, 20, 30]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_rows_are_asked_for_when_they_are_needed(threads):
    rows = Rows()
    stream = stream_cohort(CLEMENTS, rows, REGIMEN, TIMES, patients=10**9, chunk=5, threads=threads)
    assert rows.calls == []
    for taken in range(1, 4):
        next(stream)
        assert len(rows.calls) <= 2 * threads + taken
    stream.close()


def test_a_stream_that_is_closed_early_ends_at_once():
    stream = stream_cohort(CLEMENTS, Rows(), REGIMEN, TIMES, patients=10**9, threads=3)
    next(stream)
    assert workers()
    began = time.perf_counter()
    stream.close()
    assert time.perf_counter() - began < 5.0
    assert not workers()
    assert list(stream) == []


def test_leaving_the_loop_ends_the_stream():
    for result in stream_cohort(CLEMENTS, Rows(), REGIMEN, TIMES, patients=10**9, threads=3):
        assert len(result) == 256
        break
    deadline = time.perf_counter() + 5.0
    while workers() and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert not workers()


def test_an_error_of_the_function_is_raised_and_ends_the_stream():
    stream = stream_cohort(CLEMENTS, Rows(broken_from=45), REGIMEN, TIMES, patients=100, chunk=10, threads=2)
    with pytest.raises(OSError, match="the disk is gone"):
        list(stream)
    assert not workers()


def test_an_error_in_the_consumer_ends_the_stream():
    def consume():
        for _ in stream_cohort(CLEMENTS, Rows(), REGIMEN, TIMES, patients=10**6, threads=2):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        consume()
    assert not workers()


def test_progress_is_shown_when_asked_for(capsys):
    run_cohort(CLEMENTS, Rows(), REGIMEN, TIMES, patients=123, chunk=10, progress=True)
    shown = capsys.readouterr()
    assert "123/123" in shown.err
    assert "patients" in shown.err
    assert shown.out == ""


def test_nothing_is_shown_otherwise(capsys):
    run_cohort(CLEMENTS, Rows(), REGIMEN, TIMES, patients=123, chunk=10)
    run_cohort(CLEMENTS, Rows(), REGIMEN, TIMES, patients=123, chunk=10, progress=False)
    assert capsys.readouterr() == ("", "")


MEASURE = """
import json
from pathlib import Path
import numpy as np
from bitesim.engines.cohort import stream_cohort
from tests.engines.cohorts import CLEMENTS
from tests.engines.test_cohort_stream import Rows

def peak_mb():
    # The largest so far of this process; what getrusage says may be its parent's.
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024

def stream(patients):
    times = np.arange(100) / 10
    return stream_cohort(CLEMENTS, Rows(), "28 ug/day for 2 d", times, patients=patients, threads=2)

peaks = []
for patients in (20_000, 20_000, 60_000):
    assert sum(len(chunk) for chunk in stream(patients)) == patients
    peaks.append(peak_mb())
kept = list(stream(60_000))
print(json.dumps([*peaks, peak_mb()]))
"""


def test_memory_does_not_grow_with_the_stream():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", MEASURE], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _, short, long, kept = json.loads(done.stdout)
    # 60,000 patients, 100 times, 8 bytes.
    everything = 60_000 * 100 * 8 / 2**20
    assert kept - long > 0.8 * everything, "the measure is blind"
    assert long - short < 0.1 * everything
