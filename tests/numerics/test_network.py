"""Tables of events, and records that read a column of a block."""

import numpy as np

from bitesim.foundation.records import record_type
from bitesim.numerics.lanes import LANES, block
from bitesim.numerics.network import event_table, lane_record_type


def test_events_change_what_the_matrix_says():
    changes = np.array([[1.0, -2.0, 0.0], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0]])
    species, change = event_table(changes)
    assert species.shape == change.shape == (3, 3)
    rebuilt = np.zeros((3, 3))
    for process in range(3):
        np.add.at(rebuilt[:, process], species[process], change[process])
    assert np.array_equal(rebuilt, changes)


def test_a_process_without_changes_still_has_a_place():
    species, change = event_table(np.zeros((2, 1)))
    assert species.tolist() == [[0]]
    assert change.tolist() == [[0.0]]


def test_a_lane_record_reads_one_column():
    rows = block(3)
    rows[:] = np.arange(3 * LANES).reshape(3, LANES)
    kind = lane_record_type(record_type(["a", "b", "c"]))
    column = rows.reshape(-1)[5 : 5 + 2 * LANES + 1].view(kind)[0]
    assert (column.a, column.b, column.c) == (5.0, 5.0 + LANES, 5.0 + 2 * LANES)
