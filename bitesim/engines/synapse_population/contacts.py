"""One touch of one T cell and one target: bridges from what both carry, and whether they hold.

The published reaction (`mechanisms.bridging`) in a form that a million touches can afford: fixed Runge-Kutta steps over
the few seconds. It is not stiff, and its rates are bounded by the receptors that are there, which bounds the step.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.bridging import bridging_rates, cd3_divisor
from bitesim.mechanisms.serial_killing import minutes_of_cd3_loss
from bitesim.mechanisms.synapse_formation import adhesion_probability

#: Longest step, in units of the fastest rate: 1e-6 of the bridges.
_STEP: Final = 0.1
#: More steps than any touch of seconds needs by far.
_MOST_STEPS: Final = 1e6


class Loading(NamedTuple):
    """What drug does to all cells alike in one round.

    Parameters
    ----------
    cd3_occupancy, cd19_occupancy : float
        Share of receptors that hold drug [-].
    cd19_kept : float
        Share of loaded CD19 that is not yet internalised [-].
    minute : float
        Time with drug [min].
    """

    cd3_occupancy: float
    cd19_occupancy: float
    cd19_kept: float
    minute: float


@kernel
def bridges_per_um2(cd3: float, loaded_cd3: float, cd19: float, loaded_cd19: float, seconds: float, p: Any) -> float:
    """Return bridges per um2 some seconds after touching, by the kinetic equations; -1 where it takes too many steps."""
    fastest = p.bridging_um2_per_s * (cd3 + loaded_cd3 + cd19 + loaded_cd19) + p.cd3_release_per_s + p.cd19_release_per_s
    wanted = seconds * fastest / _STEP
    if not wanted < _MOST_STEPS:
        return -1.0
    steps = int(wanted) + 1
    h = seconds / steps
    x, y = 0.0, 0.0
    for _ in range(steps):
        x1, y1 = bridging_rates(x, y, cd3, loaded_cd3, cd19, loaded_cd19, p)
        x2, y2 = bridging_rates(x + 0.5 * h * x1, y + 0.5 * h * y1, cd3, loaded_cd3, cd19, loaded_cd19, p)
        x3, y3 = bridging_rates(x + 0.5 * h * x2, y + 0.5 * h * y2, cd3, loaded_cd3, cd19, loaded_cd19, p)
        x4, y4 = bridging_rates(x + h * x3, y + h * y3, cd3, loaded_cd3, cd19, loaded_cd19, p)
        x += h / 6.0 * (x1 + 2.0 * x2 + 2.0 * x3 + x4)
        y += h / 6.0 * (y1 + 2.0 * y2 + 2.0 * y3 + y4)
    return x + y


@kernel
def chance_to_hold(cd3_copies: float, cd19_copies: float, seconds: float, loading: Any, p: Any) -> Any:
    """Return the probability that one touch holds [-], from the receptors of the two cells; negative for a failure."""
    loaded_cd3 = loading.cd3_occupancy * cd3_copies / p.t_cell_surface_um2
    divisor = cd3_divisor(loaded_cd3, minutes_of_cd3_loss(loading.minute, p), p)
    bridges = bridges_per_um2(
        (1.0 - loading.cd3_occupancy) * cd3_copies / p.t_cell_surface_um2 / divisor,
        loaded_cd3 / divisor,
        (1.0 - loading.cd19_occupancy) * cd19_copies / p.blast_surface_um2,
        loading.cd19_occupancy * cd19_copies / p.blast_surface_um2 * loading.cd19_kept,
        seconds,
        p,
    )
    if bridges < 0.0:
        return -1.0
    return adhesion_probability(p.contact_area_um2 * bridges, p)
