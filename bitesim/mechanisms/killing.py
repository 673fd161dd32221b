"""Target cells killed by the T cells of a site: search-limited where targets are rare, effector-limited where not.

Measured: 2 to 16 kills a day by one cytotoxic T cell in vivo (Halle et al. 2016, mouse).
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def effectors(resting: Any, activated: Any, exhausted: Any, brake: Any, p: Any) -> Any:
    """T cells of a site, counted by what they can kill [cells]; `resting` with the primed ones."""
    return brake * (activated + p.resting_killing_share * resting + p.exhausted_killing_share * exhausted)


@kernel
def encounter_hazard(effective: Any, targets: Any, site_cells: Any, p: Any) -> Any:
    """Hazard that a target is attacked, before its bridges decide [1/d].

    The total quasi-steady-state form of k E / (search + E + targets): every effector has at most `kills_per_day` kills,
    every target dies at most at `target_loss_per_day`, and targets share the effectors.
    """
    per_target = p.kills_per_day / p.target_loss_per_day
    return p.kills_per_day * effective / (p.killing_search_share * site_cells + per_target * effective + targets)
