"""Lists of cells: whoever is taken out is gone, everyone else is still there once."""

import numpy as np
import pytest

from bitesim.engines.synapse_population.cells import (
    BOUND,
    COUNTED,
    EFFECTORS,
    FREE_TARGETS,
    GROWING,
    KINDS,
    TARGETS,
    copies_of,
    enlist,
    single_cells,
    strike_off,
    take_target,
)
from bitesim.mechanisms.synapse_formation import MEMBERS


def test_kinds_are_those_of_the_mean_field():
    assert KINDS[1:] == tuple(MEMBERS)
    assert [(EFFECTORS[k], TARGETS[k]) for k in range(1, 7)] == list(MEMBERS.values())
    assert (EFFECTORS[0], TARGETS[0]) == (1, 0)
    # Whatever can grow has fewer than four cells.
    assert [EFFECTORS[k] + TARGETS[k] < 4 for k in range(7)] == [k < GROWING for k in range(7)]
    assert max(EFFECTORS) - 1 <= 2
    assert max(TARGETS) <= 3
    assert COUNTED[FREE_TARGETS] == "free_targets"


def test_all_are_single_at_first():
    cells = single_cells(4, 3)
    assert cells.hosts[0].tolist() == [0, 1, 2, 3]
    assert cells.free.tolist() == [0, 1, 2]
    assert cells.counts[: len(COUNTED)].tolist() == [4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]


def test_lists_against_sets():
    random = np.random.default_rng(4)
    cells = single_cells(60, 60)
    kinds, free = dict.fromkeys(range(60), 0), set(range(60))
    for _ in range(2000):
        host, kind = int(random.integers(60)), int(random.integers(7))
        strike_off(host, cells)
        enlist(host, kind, cells)
        kinds[host] = kind
        if random.random() < 0.02 and free:
            target = int(random.choice(sorted(free)))
            take_target(target, cells)
            free.discard(target)
            assert cells.fate[target] == BOUND
        for each in range(GROWING):
            members = sorted(k for k, kind in kinds.items() if kind == each)
            assert sorted(cells.hosts[each, : cells.counts[each]]) == members
        assert cells.counts[:7].tolist() == [list(kinds.values()).count(kind) for kind in range(7)]
        assert sorted(cells.free[: cells.counts[FREE_TARGETS]]) == sorted(free)
    assert len(free) < 50


def test_no_spread_no_difference():
    assert copies_of(5, 100.0, 100.0, np.uint64(1), 0) == pytest.approx(100.0, rel=1e-15)
    assert copies_of(5, 120.0, 100.0, np.uint64(1), 0) != copies_of(6, 120.0, 100.0, np.uint64(1), 0)
