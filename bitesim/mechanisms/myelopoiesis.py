"""Neutrophils from dividing precursors through three transit stages, with feedback of the blood count on division.

Friberg et al. 2002, J Clin Oncol 20:4713: a mean transit time of 89 to 135 h and a feedback exponent of 0.16 to 0.23 for six
drugs (figures from memory). Precursors and transit stages are counted as the blood cells that they will be.

Assumption (blasts lower the count that marrow defends): blasts take the room of precursors, so that the count at which
division stands still falls in proportion; blinatumomab itself does not touch neutrophils. Alternatives: blasts that inhibit
division, which with so weak a feedback would leave 2 % of the neutrophils at 50 % blasts; neutropenia by cytokines. What it
changes: neutrophils in overt disease and their return with remission; not the leukaemia.
"""

from __future__ import annotations

from typing import Any, Final

from bitesim.foundation.compiled import kernel

_STAGES: Final = 4.0


@kernel
def transit_hazard(p: Any) -> Any:
    """Hazard of leaving a stage, of division at rest and of death in blood [1/d]."""
    return _STAGES / p.neutrophil_transit_days


@kernel
def defended_count(blast_fraction: Any, p: Any) -> Any:
    """Neutrophils per uL at which production and death balance, in a marrow of which blasts take a fraction."""
    return p.neutrophils_at_rest_per_ul * (1.0 - p.precursor_crowding * blast_fraction)


@kernel
def precursor_division_hazard(neutrophils_per_ul: Any, blast_fraction: Any, p: Any) -> Any:
    """Hazard that a precursor divides [1/d]: the faster, the fewer neutrophils there are of those that marrow defends."""
    return transit_hazard(p) * (defended_count(blast_fraction, p) / neutrophils_per_ul) ** p.neutrophil_feedback
