"""How clusters of cells begin, grow and end; who is in them is all that is known here."""

from __future__ import annotations

from typing import Any, Final

from bitesim.engines.synapse_population.cells import (
    DEAD,
    DEAD_TARGETS,
    EFFECTORS,
    FIRST_TARGET,
    GROWING,
    JOINED,
    KINDS,
    QUEUE_HEAD,
    QUEUE_LENGTH,
    TARGETS,
    enlist,
    strike_off,
    take_target,
)
from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.synapse_formation import GROWTH

_JOINS: Final = {
    ("E", "T"): "ET",
    **{(source, cell): result for source, *ways in GROWTH for cell, result, _ in ways},
}
#: Kind that a growing kind becomes by one more target, by one more T cell; -1 where it does not.
WITH_TARGET: Final = tuple(KINDS.index(_JOINS[kind, "T"]) for kind in KINDS[:GROWING])
WITH_EFFECTOR: Final = tuple(KINDS.index(_JOINS[kind, "E"]) if (kind, "E") in _JOINS else -1 for kind in KINDS[:GROWING])


@kernel
def add_target(host: int, target: int, minute: int, cells: Any) -> None:
    """Let a free target join a host; with a single T cell it begins a cluster."""
    kind = cells.kind[host]
    strike_off(host, cells)
    take_target(target, cells)
    cells.others[host, FIRST_TARGET + TARGETS[kind]] = target
    enlist(host, WITH_TARGET[kind], cells)
    if kind == 0:
        # A host is in the queue once at most, so that the ring never overflows.
        behind = (cells.counts[QUEUE_HEAD] + cells.counts[QUEUE_LENGTH]) % cells.queue.shape[0]
        cells.queue[behind] = host
        cells.formed[host] = minute
        cells.counts[QUEUE_LENGTH] += 1


@kernel
def add_effector(host: int, effector: int, cells: Any) -> None:
    """Let a single T cell join the cluster of a host."""
    kind = cells.kind[host]
    strike_off(host, cells)
    strike_off(effector, cells)
    cells.kind[effector] = JOINED
    cells.others[host, EFFECTORS[kind] - 1] = effector
    enlist(host, WITH_EFFECTOR[kind], cells)


@kernel
def end_clusters(minute: int, lasts_minutes: float, cells: Any) -> None:
    """End every cluster that has lasted its time: its targets are dead, its T cells single."""
    counts = cells.counts
    while counts[QUEUE_LENGTH] > 0:
        host = cells.queue[counts[QUEUE_HEAD]]
        if minute - cells.formed[host] < lasts_minutes:
            break
        counts[QUEUE_HEAD] = (counts[QUEUE_HEAD] + 1) % cells.queue.shape[0]
        counts[QUEUE_LENGTH] -= 1
        kind = cells.kind[host]
        strike_off(host, cells)
        enlist(host, 0, cells)
        for k in range(EFFECTORS[kind] - 1):
            enlist(cells.others[host, k], 0, cells)
        for k in range(TARGETS[kind]):
            cells.fate[cells.others[host, FIRST_TARGET + k]] = DEAD
        counts[DEAD_TARGETS] += TARGETS[kind]
