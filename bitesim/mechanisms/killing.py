"""Target cells killed by the T cells that hold them: search-limited where targets are rare, effector-limited where not.

Assumption (kills saturate in effectors and in targets): an effector has a handling time and targets share the
effectors. Alternatives: mass action, with kills in proportion to the product of both; a Hill curve of the ratio of
effectors to targets (Hosseini et al. 2020). What it changes: overt disease. With 50 kills a day in place of 2.1 and the
search as much longer, which is mass action in targets, the kill at an MRD of 1e-3 is 2.9 decades instead of 2.8, but at
50 % blasts 4.2 instead of 0.1, so that the effect of burden would be lost.

Assumption (a target's loss rate is capped): no target dies faster than 1.6 /d, however many T cells hold it; one hit
may not suffice, and niches shield (no direct measurement; chosen loose so that it is a bound, not a finding).
Alternatives: no cap; several hits in sequence (in Halle et al. 2016 contacts with more than two T cells made death more
likely). What it changes: without it the kill is 3.1 decades instead of 2.8, and 3.8 instead of 3.0 at 25 % blasts; at
0.46 /d it is 2.0 and 1.1.

Assumption (every T cell kills, activated ones most): resting and CD69+ cells kill at 0.112 of the speed of activated
ones (a prior), exhausted ones at 0.03 (fitted to Philipp et al. 2022). Alternatives: killing by activated cells only;
granules that have to be made first. What it changes: with no killing by resting cells the kill is 2.4 decades instead
of 2.8. Exhausted cells at 0.2 give 2.8 and, at 25 % blasts, 3.3 instead of 3.0.
"""

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
