"""The few places where a published equation has a kink, by name, so that derivatives know them.

Each function takes real numbers and, for complex-step derivatives, complex ones: it then branches on the real part.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def positive_part(x: Any) -> Any:
    """Return max(0, x); its derivative at 0 is taken from the left (0)."""
    if x.real > 0.0:
        return x
    return x * 0.0


@kernel
def at_least(x: Any, floor: float) -> Any:
    """Return max(floor, x); its derivative at the floor is 0."""
    if x.real > floor:
        return x
    return x * 0.0 + floor


@kernel
def positive_power(x: Any, exponent: float) -> Any:
    """Return max(0, x) ** exponent, for a real exponent > 0."""
    if x.real > 0.0:
        return x**exponent
    return x * 0.0


@kernel
def saturation(x: Any, half: float, exponent: float) -> Any:
    """Return the Hill function x^n / (half^n + x^n) of max(0, x) [-]."""
    raised = positive_power(x, exponent)
    return raised / (positive_power(half, exponent) + raised)
