"""T cells of one site: tonic CD69, activation, division, exhaustion, recovery and death, per cell [1/d].

Exhausted cells divide almost as fast as activated ones: if they did not, fresh cells would dilute them and lysis could
not fall under continuous exposure as it does (Philipp et al. 2022, Blood 140:1104: 88 % at day 7, 9 % at day 28; 93 % at
day 14 after a 7-day break).
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.kinks import positive_part


@kernel
def stimulus(stimulating: Any, targets: Any, site_cells: Any, p: Any) -> Any:
    """Share of the T cells of a site that are being stimulated [-].

    `stimulating` are the site's target cells [cells], each weighted by the share of its contacts with bridges enough to
    activate; `targets` all of them. A T cell finds one among the site's other cells; few such contacts suffice.
    """
    found = stimulating / (p.stimulus_search_share * site_cells + targets)
    return found / (found + p.stimulus_half)


@kernel
def room_to_divide(t_cells: Any, t_cells_at_rest: Any, p: Any) -> Any:
    """Factor on division [-]: 0 where the body's T cells reach their ceiling."""
    return positive_part(1.0 - t_cells / (p.t_cell_ceiling * t_cells_at_rest))


@kernel
def division_hazard(stimulated: Any, brake: Any, room: Any, p: Any) -> Any:
    """Hazard that an activated T cell divides [1/d]."""
    return p.t_cell_division_per_day * brake * room * stimulated


@kernel
def tonic_share(p: Any) -> Any:
    """CD69+ share of T cells at rest [-]: what tonic signals make is lost again, and renewed cells start without."""
    return p.tonic_priming_per_day / (p.tonic_priming_per_day + p.deactivation_per_day + p.resting_renewal_per_day)


@kernel
def t_cell_turnover(
    resting: Any, primed: Any, activated: Any, exhausted: Any, stimulated: Any, division: Any, p: Any
) -> Any:
    """Fluxes of the T cells of one site [cells/d], in the order of the model's `T_CELL_STEPS`.

    `primed` cells are CD69+ by tonic signals and otherwise as resting ones; `stimulated` [-] is the site's stimulus and
    `division` [1/d] the hazard of `division_hazard`.
    """
    calm = 1.0 - stimulated
    return (
        p.tonic_priming_per_day * resting,
        p.deactivation_per_day * primed,
        p.t_cell_activation_per_day * stimulated * resting,
        p.t_cell_activation_per_day * stimulated * primed,
        p.deactivation_per_day * calm * activated,
        division * activated,
        p.exhaustion_per_day * stimulated * activated,
        p.exhausted_division_share * division * exhausted,
        p.recovery_per_day * calm * exhausted,
        p.activated_death_per_day * activated,
        p.exhausted_death_per_day * exhausted,
        p.resting_renewal_per_day * resting,
        p.resting_renewal_per_day * primed,
    )
