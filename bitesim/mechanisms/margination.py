"""T cells that leave the stream within hours of a first exposure or of a dose step, and come back under constant drug.

The adhesion signal follows the bridges that the serum's drug can make on normal B cells; what pulls cells to the vessel
wall is the part of it that has not been adapted to, so that every increase pulls anew, by its size, without any event.
Observed: Klinger et al. 2012, Blood 119:6226 (fall to 8 % of CD8 T cells within 12 h, return from day 2).
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.kinks import positive_part, saturation


@kernel
def adhesion_signal(bridges: Any, targets: Any, p: Any) -> Any:
    """Adhesion signal [-]; `bridges` [-] at the serum's drug on a normal B cell, `targets` [cells] in the whole body."""
    presence = targets / (targets + p.adhesion_half_targets)
    return saturation(bridges, p.adhesion_half_bridges, p.adhesion_hill) * presence


@kernel
def margination_pull(signal: Any, adapted: Any, p: Any) -> Any:
    """Factor on the way out of the stream [-]: 1 at rest and after adaptation."""
    return 1.0 + p.margination_gain * positive_part(signal - adapted)


@kernel
def adaptation_rate(signal: Any, adapted: Any, p: Any) -> Any:
    """Rate at which the adapted level follows the signal [1/d]."""
    return p.margination_adaptation_per_day * (signal - adapted)


@kernel
def b_cell_margination_hazard(bridges: Any, b_cells: Any, t_cells: Any, p: Any) -> Any:
    """Hazard that a B cell leaves the blood for good under drug [1/d].

    `b_cells` in blood, `t_cells` in blood and at the vessel wall [cells]: many B cells on few T cells leave more slowly,
    as in the patient whose B cells took a day (Klinger et al. 2012).
    """
    pulled = saturation(bridges, p.killing_half_bridges, p.b_cell_margination_hill)
    return p.b_cell_margination_per_day * pulled / (1.0 + b_cells / (p.b_cells_per_t_cell_half * t_cells))
