"""Does the number below which clones are counted change cure? python -m tests.verification.cure_and_threshold [replicates]

The leukaemia model, two cycles and two years, MRD 1e-7 at first: 10,000 replicates a side at thresholds that differ tenfold.
Null: the probability of cure is the same; |Z| >= 3 would be a false alarm with a probability of 0.3 % a pair. The command
fails where that is so, or where the difference is known less well than to +-0.015 (95 %).
"""

from __future__ import annotations

import math
import sys
import time
from itertools import pairwise

import numpy as np

import bitesim
from bitesim.engines.hybrid import THRESHOLD, run_hybrid
from bitesim.engines.hybrid_result import Share
from bitesim.population.simulate import case_and_times

_REGIMEN = "28 ug/day for 28 d, 14 d off, x2"
_MRD, _DAYS = 1e-7, (0.0, 730.0)
_REPLICATES, _AT_A_TIME = 10_000, 1000
_LARGEST_Z, _LARGEST_HALF_WIDTH = 3.0, 0.015


def cured(threshold: float, seed: int, replicates: int) -> tuple[Share, float]:
    """Return the share of replicates that are cured at a threshold, and what theory says."""
    case, times = case_and_times(bitesim.Patient(mrd=_MRD), _REGIMEN, None, np.array(_DAYS))
    count = 0
    for first in range(0, replicates, _AT_A_TIME):
        part = min(_AT_A_TIME, replicates - first)
        found = run_hybrid(case, times, part, seed, threshold=threshold, first_replicate=first)
        count += int(found.cured.sum())
    return Share.of(count, replicates), found.cured_by_theory


def main(replicates: int = _REPLICATES) -> int:
    """Print all pairs; return 1 where one is too far apart or not known well enough."""
    shares, failed = {}, False
    for seed, threshold in enumerate((0.1 * THRESHOLD, THRESHOLD, 10.0 * THRESHOLD), start=1):
        began = time.perf_counter()
        shares[threshold], theory = cured(threshold, seed, replicates)
        seconds = time.perf_counter() - began
        print(f"threshold {threshold:g}: P(cured) {shares[threshold]}, theory {theory:.4f}, {seconds:.0f} s")
    limits = sorted(shares)
    for one, other in pairwise(limits):
        values = [shares[each].value for each in (one, other)]
        error = math.sqrt(sum(value * (1.0 - value) for value in values) / replicates)
        z, half_width = (values[1] - values[0]) / error, 1.96 * error
        print(f"{one:g} against {other:g}: difference {values[1] - values[0]:+.4f} +- {half_width:.4f}, Z {z:+.2f}")
        failed = failed or abs(z) >= _LARGEST_Z or (half_width > _LARGEST_HALF_WIDTH and replicates >= _REPLICATES)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
