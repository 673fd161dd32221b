"""What the cells of a dish carry: receptors of each, who is single, who is in which cluster, and since when.

A cluster has no record of its own: its first T cell, the host, carries the names of the others. Single T cells are hosts
of kind E. A host of a kind that can grow stands in the list of its kind, from which it is taken by putting the last one
into its place, so that joining and ending cost the same among ten cells and among ten million.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel
from bitesim.foundation.random_streams import Purpose, standard_normal
from bitesim.mechanisms.synapse_formation import MEMBERS

#: Kinds of host, single T cells first; the first four can grow.
KINDS: Final = ("E", *MEMBERS)
GROWING: Final = 4
#: Kind of a T cell that stands in the cluster of another.
JOINED: Final = len(KINDS)
#: T cells and targets of each kind.
EFFECTORS: Final = (1, *(effectors for effectors, _ in MEMBERS.values()))
TARGETS: Final = (0, *(targets for _, targets in MEMBERS.values()))
#: A host's row of others: at most two more T cells, then at most three targets.
FIRST_TARGET: Final = 2
FREE, BOUND, DEAD = range(3)
#: What is counted, behind the hosts of each kind.
COUNTED: Final = (*KINDS, "free_targets", "dead_targets", "touches", "held")
FREE_TARGETS, DEAD_TARGETS, TOUCHES, HELD = range(len(KINDS), len(COUNTED))
#: Where the queue of clusters begins and how long it is; the next draw.
QUEUE_HEAD, QUEUE_LENGTH, DRAW = range(len(COUNTED), len(COUNTED) + 3)
#: Draws of cells, far from those of events: T cell k and target k carry the same in every dish of one seed.
_EFFECTOR_DRAWS: Final = 2**60
_TARGET_DRAWS: Final = 2**61
_CELL_EVENT: Final = int(Purpose.CELL_EVENT)


class Cells(NamedTuple):
    """The cells of one dish.

    Parameters
    ----------
    cd3, cd19 : ndarray, shape (T cells,) and (targets,)
        Receptors [copies/cell], loaded and free together, before any is lost.
    kind : ndarray of int8, shape (T cells,)
        Place in `KINDS` of a host, `JOINED` for others.
    others : ndarray of int32, shape (T cells, 5)
        Of a host: its cluster's other T cells, then its targets; what lies beyond those of its kind means nothing.
    hosts, place : ndarray of int32, shape (4, T cells) and (T cells,)
        Lists of hosts of each growing kind, and where a host stands in its list.
    queue, formed : ndarray of int32, shape (T cells,)
        Ring of hosts in the order in which their clusters began, and the minute of each.
    free, free_place : ndarray of int32, shape (targets,)
        List of free targets, and where each stands.
    fate : ndarray of int8, shape (targets,)
        FREE, BOUND or DEAD.
    counts : ndarray of int64
        By `COUNTED`, then the queue and the next draw.
    free_cd19 : ndarray, shape (1,)
        CD19 of all free targets together [copies], kept up as they are bound.
    """

    cd3: NDArray[np.float64]
    cd19: NDArray[np.float64]
    kind: NDArray[np.int8]
    others: NDArray[np.int32]
    hosts: NDArray[np.int32]
    place: NDArray[np.int32]
    queue: NDArray[np.int32]
    formed: NDArray[np.int32]
    free: NDArray[np.int32]
    free_place: NDArray[np.int32]
    fate: NDArray[np.int8]
    counts: NDArray[np.int64]
    free_cd19: NDArray[np.float64]


def single_cells(effectors: int, targets: int) -> Cells:
    """Return cells that are all single and carry nothing yet."""
    everyone, all_targets = np.arange(effectors, dtype=np.int32), np.arange(targets, dtype=np.int32)
    hosts = np.zeros((GROWING, effectors), np.int32)
    hosts[0] = everyone
    counts = np.zeros(DRAW + 1, np.int64)
    counts[0], counts[FREE_TARGETS] = effectors, targets
    return Cells(
        np.zeros(effectors),
        np.zeros(targets),
        np.zeros(effectors, np.int8),
        np.zeros((effectors, 5), np.int32),
        hosts,
        everyone.copy(),
        np.zeros(effectors, np.int32),
        np.zeros(effectors, np.int32),
        all_targets,
        all_targets.copy(),
        np.zeros(targets, np.int8),
        counts,
        np.zeros(1),
    )


@kernel
def copies_of(draw: int, mean: float, geometric_mean: float, seed: Any, replicate: int) -> float:
    """Return the receptors of one cell, log-normal: ln sd from the ratio of the two means."""
    spread = math.sqrt(2.0 * math.log(mean / geometric_mean))
    return geometric_mean * math.exp(spread * standard_normal(seed, replicate, _CELL_EVENT, draw))


@kernel
def draw_receptors(cells: Any, seed: Any, replicate: int, p: Any) -> None:
    """Give every cell its own CD3 or CD19."""
    for k in range(cells.cd3.shape[0]):
        cells.cd3[k] = copies_of(_EFFECTOR_DRAWS + k, p.cd3_mean_copies, p.cd3_geometric_mean, seed, replicate)
    for k in range(cells.cd19.shape[0]):
        cells.cd19[k] = copies_of(_TARGET_DRAWS + k, p.cd19_mean_copies, p.cd19_geometric_mean, seed, replicate)
        cells.free_cd19[0] += cells.cd19[k]


@kernel
def enlist(host: int, kind: int, cells: Any) -> None:
    """Make a T cell a host of a kind."""
    cells.kind[host] = kind
    if kind < GROWING:
        place = cells.counts[kind]
        cells.hosts[kind, place] = host
        cells.place[host] = place
    cells.counts[kind] += 1


@kernel
def strike_off(host: int, cells: Any) -> None:
    """Take a host out of its kind; the last of the list takes its place."""
    kind = cells.kind[host]
    cells.counts[kind] -= 1
    if kind < GROWING:
        place, last = cells.place[host], cells.hosts[kind, cells.counts[kind]]
        cells.hosts[kind, place] = last
        cells.place[last] = place


@kernel
def take_target(target: int, cells: Any) -> None:
    """Bind a free target."""
    cells.counts[FREE_TARGETS] -= 1
    place, last = cells.free_place[target], cells.free[cells.counts[FREE_TARGETS]]
    cells.free[place] = last
    cells.free_place[last] = place
    cells.fate[target] = BOUND
    cells.free_cd19[0] -= cells.cd19[target]
