"""Target cells killed by the T cells that hold them: search-limited where targets are rare, effector-limited where not."""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.conjugates import conjugates_per_target, handling_time_days


@kernel
def effectors(resting: Any, activated: Any, exhausted: Any, brake: Any, p: Any) -> Any:
    """T cells of a site, counted by what they can kill [cells]; `resting` with the primed ones."""
    return brake * (activated + p.resting_killing_share * resting + p.exhausted_killing_share * exhausted)


@kernel
def encounter_hazard(effective: Any, targets: Any, site_cells: Any, p: Any) -> Any:
    """Hazard that a target is attacked, before its bridges decide [1/d].

    Every effector has at most `kills_per_day` kills, every target dies at most at `target_loss_per_day`, and targets share
    the effectors.
    """
    return conjugates_per_target(effective, targets, site_cells, p) / handling_time_days(p)
