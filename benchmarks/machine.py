"""The machine and the software of a run: processor, cores, vector instructions, load, versions; no paths."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path
from typing import Any, Final

from bitesim.foundation.provenance import installed_versions, source_digest

_PROCESSORS: Final = Path("/proc/cpuinfo")


def _processor_field(name: str) -> str:
    """Return what the system tells about its first processor; empty where it tells nothing."""
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = [line.split(":", 1)[1].strip() for line in lines if line.split(":", 1)[0].strip() == name]
    return found[0] if found else ""


def load_average() -> float | None:
    """Return the mean number of running processes over the last minute; None where the system does not count."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def machine() -> dict[str, Any]:
    """Return the processor's name and cores, and whether it has AVX-512; None where that is not known."""
    flags = _processor_field("flags").split()
    return {
        "processor": _processor_field("model name") or platform.processor() or platform.machine(),
        "logical_cores": os.cpu_count(),
        "has_avx512": "avx512f" in flags if flags else None,
    }


def circumstances() -> dict[str, Any]:
    """Return day, machine, versions and the digest of the sources."""
    return {
        "measured_utc": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": dict(installed_versions()),
        "bitesim_sources_sha256": source_digest(),
    }
