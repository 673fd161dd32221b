"""Linear pharmacokinetics of a drug that is infused: clearance and its scaling with body size."""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def elimination_rate(clearance: float, volume: float) -> float:
    """Return the hazard at which one molecule leaves a compartment [1/d], from clearance [V/d] and volume [V]."""
    return clearance / volume


@kernel
def decay_rate(half_life: float) -> float:
    """Return the first-order rate [1/d] of a half-life [d]."""
    return 0.6931471805599453 / half_life


@kernel
def size_scaled(typical: float, size: Any, reference_size: float, exponent: float) -> Any:
    """Return a typical value scaled with body size as (size / reference)^exponent."""
    return typical * (size / reference_size) ** exponent
