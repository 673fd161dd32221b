"""What a process has of the machine: resident memory, now and at its peak, and processors."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Final

MIB: Final = 2.0**20


def status_mib(name: str) -> float | None:
    """Return a line of the process's status in MiB; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) / 1024 if found else None


def peak_mib() -> float:
    """Return the largest resident set of this process so far."""
    # ru_maxrss may be the peak of the parent, which it was forked from; the status is the process's own.
    own = status_mib("VmHWM")
    factor = 1.0 if sys.platform == "darwin" else 1024.0
    return own if own is not None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * factor / MIB


def forget_peak() -> None:
    """Let the peak begin at the present resident set, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return


def threads() -> int:
    """Return how many threads `stream_cohort` uses by default."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
