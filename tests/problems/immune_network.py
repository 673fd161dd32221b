"""Twelve reactions of T cells and blasts by mass action: what stochastic simulators are compared on.

Resting T cells come, die and are activated; activated ones divide, die, tire and bind blasts; a pair parts or kills its
blast; blasts divide and crowd each other out. The numbers are made up: a steady state of about 1,700 cells and 3,900
events a day.
"""

from __future__ import annotations

from typing import Any, Final

from bitesim.foundation.compiled import kernel
from bitesim.model import Model
from tests.problems.small_networks import network

#: Species -> count at the start.
START: Final = {"resting": 200.0, "activated": 300.0, "tired": 200.0, "blasts": 500.0, "pairs": 100.0}
#: Reaction -> (rate constant per day, what goes in, what comes out); two alike react as x (x - 1).
REACTIONS: Final[dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]]] = {
    "inflow": (200.0, (), ("resting",)),
    "resting_death": (0.2, ("resting",), ()),
    "activation": (0.8, ("resting",), ("activated",)),
    "division": (0.5, ("activated",), ("activated", "activated")),
    "activated_death": (0.6, ("activated",), ()),
    "tiring": (0.3, ("activated",), ("tired",)),
    "tired_death": (0.5, ("tired",), ()),
    "binding": (0.004, ("activated", "blasts"), ("pairs",)),
    "parting": (2.0, ("pairs",), ("activated", "blasts")),
    "killing": (1.5, ("pairs",), ("activated",)),
    "blast_division": (1.0, ("blasts",), ("blasts", "blasts")),
    "crowding": (0.0005, ("blasts", "blasts"), ("blasts",)),
}


def _changes(before: tuple[str, ...], after: tuple[str, ...]) -> dict[str, float]:
    counts = {name: float(after.count(name) - before.count(name)) for name in (*before, *after)}
    return {name: count for name, count in counts.items() if count}


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    f.inflow = p.inflow
    f.resting_death = p.resting_death * s.resting
    f.activation = p.activation * s.resting
    f.division = p.division * s.activated
    f.activated_death = p.activated_death * s.activated
    f.tiring = p.tiring * s.activated
    f.tired_death = p.tired_death * s.tired
    f.binding = p.binding * s.activated * s.blasts
    f.parting = p.parting * s.pairs
    f.killing = p.killing * s.pairs
    f.blast_division = p.blast_division * s.blasts
    f.crowding = p.crowding * s.blasts * (s.blasts - 1.0)


@kernel
def initial_state(p: Any, s: Any) -> None:
    s.resting = 200.0
    s.activated = 300.0
    s.tired = 200.0
    s.blasts = 500.0
    s.pairs = 100.0


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    r.total = s.resting + s.activated + s.tired + s.blasts + 2.0 * s.pairs


IMMUNE_NETWORK: Final[Model] = network(
    "immune_network",
    {name: name.replace("_", " ") for name in START},
    {name: (rate, "1/d") for name, (rate, _, _) in REACTIONS.items()},
    {name: _changes(before, after) for name, (_, before, after) in REACTIONS.items()},
    (fluxes, initial_state, read),
)
