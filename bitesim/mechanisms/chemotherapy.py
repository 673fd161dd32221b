"""Chemotherapy as blocks: a block's cytotoxic effect fades over days and kills a stated number of decades in the end.

Nothing is known here of single drugs. What is known is what a block does to residual disease: 0.5 decades in the median
and 0 to 0.8 by the conversion of 6 of 25 children (Locatelli et al. 2021, JAMA 325:843), growth between the two samples
included. A block enters its compartment as an amount of 1 and acts in proportion to what is left of it.

Assumption (a block is one fading effect): the hazard of every kind of cell is proportional to one amount that decays, so
that decades killed add up exactly over blocks. Alternatives: each drug with its own pharmacokinetics; a cell-cycle model.
What it changes: when within a block cells die (days), not how many.
"""

from __future__ import annotations

from typing import Any, Final

from bitesim.foundation.compiled import kernel

_LN_10: Final = 2.302585092994046


@kernel
def acting_blocks(blocks: Any, p: Any) -> Any:
    """Blocks that act per day [1/d]: its integral over time is the number of blocks given."""
    return p.chemotherapy_loss_per_day * blocks


@kernel
def cytotoxic_hazard(log10_kill: Any, acting_per_day: Any) -> Any:
    """Hazard of a cell of which a block kills `log10_kill` decades [1/d]; `acting_per_day` of `acting_blocks`."""
    return _LN_10 * log10_kill * acting_per_day
