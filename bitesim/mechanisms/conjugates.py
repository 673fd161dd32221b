"""T cells bound to a target: search, adhesion and the time that one kill takes.

A free effector meets a free target, and a conjugate lasts for the handling time, after which the target is dead and the T
cell free again: serial killing. With E effectors, T targets and N cells at the site,

    dC/dt = k (E - C)(T - C) / (s N) - k C        k = kills per day = 1 / handling time,  s = search share

which stands still, in its total quasi-steady-state form, at C = E T / (s N + E + T). Where targets are rare it is the search
that takes time, where effectors are rare the handling. Measured: 2 to 16 kills a day in vivo (Halle et al. 2016, mouse);
conjugates of 150 min in the dish (Liu et al. 2023, eLife 12:e83659), hence at most 9.6 a day.

Assumption (conjugates are at balance): a conjugate comes and goes faster than T cells and blasts change in number.
Alternatives: conjugates as states of their own, with clusters of three and four cells as in the dish (`synapse_formation`).
What it changes: the first hours after T cells arrive. Its simple form is within 1 % of the kinetic equations' balance where
one kind of cell is rare, and a third below it where both are a quarter of the site (tests/mechanisms/test_conjugates.py).
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def conjugates_per_target(effective: Any, targets: Any, site_cells: Any, p: Any) -> Any:
    """Return effectors bound per target of a site [-]; `effective` and `targets` free and bound together [cells].

    Several T cells may hold one target; beyond `target_loss_per_day` more of them do not kill it faster.
    """
    per_target = p.kills_per_day / p.target_loss_per_day
    return effective / (p.killing_search_share * site_cells + per_target * effective + targets)


@kernel
def handling_time_days(p: Any) -> Any:
    """Return how long one kill takes an effector [d]."""
    return 1.0 / p.kills_per_day
