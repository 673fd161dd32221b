"""Linear pharmacokinetics of a drug that is infused: clearance and its scaling with body size.

Assumption (one compartment, linear): free drug leaves one volume by first-order clearance at any level, 2.22 L/h at
1.876 m2 and growing with body surface area to the power of 0.62; the volume is the same for all (Clements et al. 2020,
doi:10.1007/s40262-019-00823-8, 674 patients). Alternatives: a second compartment; saturable loss to CD19; clearance in
proportion to body surface area. What it changes: with a half-life of 1.9 h the level follows the pump, and a gap of 4 h
leaves 23 % of the drug. A clearance one standard deviation (0.476 of its logarithm) above or below the typical one
gives a kill of 1.7 or 3.5 decades. A child of 11 kg and 0.5 m2 has 320 pg/mL at 15 ug/m2/day, where an adult has 529,
and with an adult's counts per uL a kill of 1.6 decades, where proportional clearance would give 2.8.
"""

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
