"""Rounds of one minute: clusters end, drug is balanced, clusters grow, single cells pair (Liu et al. 2023).

As published (eLife 2023;12:e83659, Methods and base model): in each round pairs grow, then ETE, then TET, then single T
cells pair; whom they meet is any single cell, and how many of these there are is counted once a round. Differing from the
published code, a target that was bound within the round can not be bound again. Cells that fail to meet anybody are
stepped over: the gap to the next one that does is geometric, which is the same law and costs nothing for the others.

Serial by design: whom a cell can meet depends on who was bound before. Many dishes run side by side instead, and each
one's bytes depend on its seed and replicate alone.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import typeof, types

from bitesim.engines.synapse_population.cells import (
    DEAD,
    DRAW,
    EFFECTORS,
    FIRST_TARGET,
    FREE_TARGETS,
    HELD,
    TARGETS,
    TOUCHES,
    Cells,
    draw_receptors,
)
from bitesim.engines.synapse_population.clusters import add_effector, add_target, end_clusters
from bitesim.engines.synapse_population.contacts import Loading, chance_to_hold
from bitesim.foundation.compiled import kernel, prepare
from bitesim.foundation.random_streams import Purpose, open_unit, random_words
from bitesim.mechanisms.bridging import loaded_cd19_kept
from bitesim.mechanisms.surface_loading import PM_PER_MOLECULE_PER_ML, free_drug, occupancy, picomolar
from bitesim.mechanisms.synapse_formation import SECONDS_PER_ROUND, encounter_probability
from bitesim.numerics.outcomes import Outcome

_OK, _TOO_MANY_STEPS = int(Outcome.OK), int(Outcome.TOO_MANY_STEPS)
_CELL_EVENT: Final = int(Purpose.CELL_EVENT)
#: Members of a cluster, each of which may be met.
_MEMBERS: Final = tuple(effectors + targets for effectors, targets in zip(EFFECTORS, TARGETS, strict=True))


@kernel
def _next_words(cells: Any, seed: Any, replicate: int) -> tuple[Any, Any]:
    draw = cells.counts[DRAW]
    cells.counts[DRAW] = draw + 1
    return random_words(seed, replicate, _CELL_EVENT, draw)


@kernel
def _pick(word: Any, count: int) -> int:
    """Return a number from 0 to count - 1; open_unit times a whole number rounds below that number."""
    return int(open_unit(word) * count)


@kernel
def _member(host: int, first: int, pick: int, cells: Any) -> int:
    """Return one of the T cells (first = -1) or targets of a cluster; T cell 0 is the host."""
    if first < 0 and pick == 0:
        return host
    return int(cells.others[host, first + pick])


@kernel
def _let_grow(kind: int, chances: Any, loading: Any, cells: Any, seed: Any, replicate: int, p: Any) -> int:
    """Let each host of a kind meet a target or a T cell, and hold it or not; the later ones of the list first.

    `chances` are those to meet a target and to meet a T cell in this round.
    """
    counts = cells.counts
    meets = chances[0] + chances[1]
    if meets <= 0.0:
        return _OK
    # Where everybody meets somebody the gap is 0; Python refuses the logarithm of 0.
    log_alone = math.log1p(-meets) if meets < 1.0 else -math.inf
    at = counts[kind]
    while True:
        first, second = _next_words(cells, seed, replicate)
        gap = math.log(open_unit(first)) / log_alone
        if gap >= at:
            return _OK
        at -= int(gap) + 1
        is_target = open_unit(second) * meets < chances[0]
        partners = counts[FREE_TARGETS] if is_target else counts[0]
        if partners == 0:
            continue
        host = cells.hosts[kind, at]
        first, second = _next_words(cells, seed, replicate)
        partner = cells.free[_pick(first, partners)] if is_target else cells.hosts[0, _pick(first, partners)]
        if is_target:
            effector, target = _member(host, -1, _pick(second, EFFECTORS[kind]), cells), partner
        else:
            effector, target = partner, _member(host, FIRST_TARGET, _pick(second, TARGETS[kind]), cells)
        first, second = _next_words(cells, seed, replicate)
        seconds = p.shortest_touch_s + (p.longest_touch_s - p.shortest_touch_s) * open_unit(first)
        holds = chance_to_hold(cells.cd3[effector], cells.cd19[target], seconds, loading, p)
        if holds < 0.0:
            return _TOO_MANY_STEPS
        counts[TOUCHES] += 1
        if open_unit(second) < holds:
            counts[HELD] += 1
            if is_target:
                add_target(host, target, int(loading.minute), cells)
            else:
                add_effector(host, effector, cells)


@kernel
def _one_round(loading: Any, volume_ml: float, cells: Any, seed: Any, replicate: int, p: Any) -> int:
    """Let clusters grow and single cells pair for one minute."""
    to_target = encounter_probability(cells.counts[FREE_TARGETS] / volume_ml, SECONDS_PER_ROUND, p)
    to_effector = encounter_probability(cells.counts[0] / volume_ml, SECONDS_PER_ROUND, p)
    # A cluster is met once a round, by the first kind of cell or else by the second, in the published order.
    target = min(1.0, to_target * p.et_plus_t * _MEMBERS[1])
    outcome = _let_grow(
        1, (target, min(1.0 - target, to_effector * p.et_plus_e * _MEMBERS[1])), loading, cells, seed, replicate, p
    )
    if outcome == _OK:
        target = min(1.0, to_target * p.ete_plus_t * _MEMBERS[2])
        effector = min(1.0 - target, to_effector * p.ete_plus_e * _MEMBERS[2])
        outcome = _let_grow(2, (target, effector), loading, cells, seed, replicate, p)
    if outcome == _OK:
        effector = min(1.0, to_effector * p.tet_plus_e * _MEMBERS[3])
        target = min(1.0 - effector, to_target * p.tet_plus_t * _MEMBERS[3])
        outcome = _let_grow(3, (target, effector), loading, cells, seed, replicate, p)
    if outcome == _OK:
        outcome = _let_grow(0, (to_target, 0.0), loading, cells, seed, replicate, p)
    return outcome


@kernel
def balanced(drug_ng_per_ml: float, volume_ml: float, cells: Any, p: Any) -> tuple[float, float]:
    """Return the share of CD3 and of CD19 that holds drug [-], in balance with all cells that are not dead."""
    cd3, cd19 = 0.0, 0.0
    for copies in cells.cd3:
        cd3 += copies
    for k in range(cells.cd19.shape[0]):
        if cells.fate[k] != DEAD:
            cd19 += cells.cd19[k]
    free = free_drug(
        picomolar(drug_ng_per_ml, p.drug_kda),
        cd19 / volume_ml * PM_PER_MOLECULE_PER_ML,
        p.cd19_dissociation_pm,
        cd3 / volume_ml * PM_PER_MOLECULE_PER_ML,
        p.cd3_dissociation_pm,
    )
    return occupancy(free, p.cd3_dissociation_pm), occupancy(free, p.cd19_dissociation_pm)


@kernel
def _note(minute: int, cells: Any, course: Any, cd19_of_free: Any) -> None:
    """Write down what there is."""
    for k in range(course.shape[1]):
        course[minute, k] = cells.counts[k]
    free = cells.counts[FREE_TARGETS]
    cd19_of_free[minute] = cells.free_cd19[0] / free if free > 0 else math.nan


@kernel
def run_rounds(
    cells: Any, drug_ng_per_ml: float, volume_ml: float, luck: Any, course: Any, cd19_of_free: Any, p: Any
) -> int:
    """Draw the receptors of single cells, and run a dish to the end of `course`; return an outcome.

    Parameters
    ----------
    cells : Cells
        From `single_cells`.
    drug_ng_per_ml, volume_ml : float
        Total drug [ng/mL]; volume of the dish [mL].
    luck : tuple (seed, replicate)
    course : ndarray of int64, shape (minutes + 1, len(COUNTED))
        Filled: what is counted after each minute.
    cd19_of_free : ndarray, shape (minutes + 1,)
        Filled: mean CD19 of free targets [copies/cell], NaN without any.
    p : record of `cell_parameters`
    """
    seed, replicate = luck
    draw_receptors(cells, seed, replicate, p)
    _note(0, cells, course, cd19_of_free)
    cd3_occupancy, cd19_occupancy, rebinds = 0.0, 0.0, 1.0
    for minute in range(1, course.shape[0]):
        end_clusters(minute, p.synapse_minutes, cells)
        if minute >= rebinds:
            cd3_occupancy, cd19_occupancy = balanced(drug_ng_per_ml, volume_ml, cells, p)
            rebinds += p.rebinding_minutes
        loading = Loading(cd3_occupancy, cd19_occupancy, loaded_cd19_kept(minute, p), float(minute))
        outcome = _one_round(loading, volume_ml, cells, seed, replicate, p)
        if outcome != _OK:
            return outcome
        _note(minute, cells, course, cd19_of_free)
    return _OK


def ready_to_run(cells: Cells, p: Any) -> None:
    """Compile or load the kernel of a dish, so that threads find it ready."""
    luck = types.Tuple((types.uint64, types.int64))
    course, cd19 = np.zeros((1, 1), np.int64), np.zeros(1)
    kinds = (typeof(cells), types.float64, types.float64, luck, typeof(course), typeof(cd19), typeof(p))
    prepare(run_rounds, types.int64(*kinds))
