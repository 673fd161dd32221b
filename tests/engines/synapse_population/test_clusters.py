"""Who joins whom, and what is left when a cluster ends."""

import pytest

from bitesim.engines.synapse_population.cells import DEAD, DEAD_TARGETS, FREE_TARGETS, JOINED, KINDS, single_cells
from bitesim.engines.synapse_population.clusters import (
    WITH_EFFECTOR,
    WITH_TARGET,
    add_effector,
    add_target,
    end_clusters,
)
from bitesim.mechanisms.synapse_formation import MEMBERS


def test_one_more_cell_makes_the_kind_with_one_more():
    members = {"E": (1, 0), **MEMBERS}
    for kind in range(4):
        effectors, targets = members[KINDS[kind]]
        assert members[KINDS[WITH_TARGET[kind]]] == (effectors, targets + 1)
        if kind > 0:
            assert members[KINDS[WITH_EFFECTOR[kind]]] == (effectors + 1, targets)
    assert WITH_EFFECTOR[0] == -1


@pytest.mark.parametrize(
    ("joining", "kind"),
    [("T", "ET"), ("TE", "ETE"), ("TT", "TET"), ("TET", "ETET"), ("TTE", "ETET"), ("TEE", "ETEE"), ("TTT", "TETT")],
)
def test_a_cluster_grows_and_ends(joining, kind):
    cells = single_cells(5, 5)
    effectors, targets = [1, 4], [3, 0, 2]
    used = {"E": [], "T": []}
    for minute, each in enumerate(joining, start=10):
        if each == "T":
            used["T"].append(targets.pop())
            add_target(2, used["T"][-1], minute, cells)
        else:
            used["E"].append(effectors.pop())
            add_effector(2, used["E"][-1], cells)
    assert KINDS[cells.kind[2]] == kind
    assert all(cells.kind[each] == JOINED for each in used["E"])
    assert cells.counts[FREE_TARGETS] == 5 - len(used["T"])
    # It lasts from its first pair on, whoever came later.
    end_clusters(159, 150.0, cells)
    assert KINDS[cells.kind[2]] == kind
    end_clusters(160, 150.0, cells)
    assert cells.counts[:7].tolist() == [5, 0, 0, 0, 0, 0, 0]
    assert sorted(cells.hosts[0]) == [0, 1, 2, 3, 4]
    assert cells.counts[DEAD_TARGETS] == len(used["T"])
    assert all(cells.fate[each] == DEAD for each in used["T"])


def test_clusters_end_in_the_order_in_which_they_began():
    cells = single_cells(3, 20)
    target = 0
    for turn in range(6):
        for host in range(3):
            add_target(host, target, 10 * turn + host, cells)
            target += 1
        end_clusters(10 * turn + 6, 5.0, cells)
        # The ring goes round: the third one is still there.
        assert cells.counts[:2].tolist() == [2, 1]
        end_clusters(10 * turn + 7, 5.0, cells)
        assert cells.counts[:2].tolist() == [3, 0]
    assert cells.counts[DEAD_TARGETS] == 18
