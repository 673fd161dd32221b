"""T cells of one site: tonic CD69, activation, division, exhaustion, recovery and death, per cell [1/d].

Exhausted cells divide almost as fast as activated ones: if they did not, fresh cells would dilute them and lysis could
not fall under continuous exposure as it does (Philipp et al. 2022, Blood 140:1104: 88 % at day 7, 9 % at day 28; 93 % at
day 14 after a 7-day break).

Assumption (stimulus saturates after the bridges): of the contacts that find a target with bridges enough, a tenth
stimulates half of the T cells (`stimulus_half`, a prior): few such contacts suffice. Alternatives: stimulus in
proportion to such contacts; memory of earlier ones. What it changes: how steeply all effects rise with the dose. With a
half at 1 the kill is 0.7 decades instead of 2.8, and IL-6 after 60 against 5 ug/m2/day in the lymphoma setting differs
7.9-fold instead of 3.7-fold (observed 5-fold, see `antigen_density`).

Assumption (tonic CD69 is a state): resting cells gain and lose CD69 without drug, to the 22 % seen before treatment
(Klinger et al. 2012), and such cells are otherwise as resting ones. Alternatives: a constant added to the readout;
activated cells at baseline, which would kill. What it changes: CD69 only. Without it -0 % of CD8 T cells are CD69+ at
the start and 34 % instead of 44 % at day 1; the kill stays the same.

Assumption (exhausted cells divide): exhausted cells divide at 0.9 of the rate of activated ones (fitted to Philipp et
al. 2022), so that their share can grow. Alternatives: exhausted cells that do not divide; exhaustion that does not
heal, or heals only in part. What it changes: the dish, where lysis after 28 days is 9 % (measured 8.6 %), and 88 % if
they do not divide. In the patient little at low burden: 2.7 decades instead of 2.8 without their division, and 2.8
without any exhaustion, as exhausted cells take the room of others but also live longer; at 25 % blasts 3.3 and 3.7
instead of 3.0.

Assumption (the T-cell pool is crowded): division slows as the body's T cells near 2.7 times their number at rest and
ends there (fitted to Klinger et al. 2012); growth factors shared by all are the reading. Alternatives: no ceiling, with
contraction by death alone; a ceiling for each site. What it changes: expansion and all that hangs on it. At a ceiling
of 1.8 CD8 T cells in blood are 1.2-fold at day 7 and the kill is 2.4 decades, at 50 it is 6.1-fold and 5.1 decades,
instead of 1.6-fold (median of 13 adults: 1.7) and 2.8.
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
