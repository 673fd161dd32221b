"""T cells that leave the stream within hours of a first exposure or of a dose step, and come back under constant drug.

The adhesion signal follows the bridges that the serum's drug can make on normal B cells; what pulls cells to the vessel
wall is the part of it that has not been adapted to, so that every increase pulls anew, by its size, without any event.
Observed: Klinger et al. 2012, Blood 119:6226 (fall to 8 % of CD8 T cells within 12 h, return from day 2).

Assumption (T cells adapt to the signal): margination follows the part of the adhesion signal that has not been adapted
to, within about a day. Alternatives: a pulse fired at every start or step of the pump, as the injection stress of
Hosseini et al. 2020; a signal without adaptation. What it changes: one mechanism makes the fall at the start, at each
step and after a gap, without any event. After a step from 5 to 15 ug/m2/day at day 7 CD8 T cells are 0.14 of their
number 12 h later, and 0.62 12 h after a 4-hour gap on day 10 began. Without adaptation they would stay at 0.12 of
baseline to day 14, where 13 adults had 1.2 (Klinger et al. 2012); without margination they would be 0.80 at day 1
instead of 0.13. The kill hardly changes: 2.9 and 2.8 decades.

Assumption (B cells leave blood, they are not killed there): under drug B cells go from blood for good by margination,
limited by T cells at the vessel wall: they vanish in parallel with T cells within 1 to 2 h, and later in the patient
who had most of them (Klinger et al. 2012). Alternatives: killing in blood (Hosseini et al. 2020); margination at a rate
of its own. What it changes: the first hours. With no margination 17 B cells per uL are left at day 1 instead of none.
In a patient of 247 B and 163 CD8 T cells per uL 189 B cells are left after 1 h and 78 after 2 h (observed 210 and 50),
without the limit by T cells 6.9 and 1.1. The leukaemia is not touched.
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
