"""Chunks of a cohort on eight lanes: the clocks they follow, the columns they keep, and the bytes of one by one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import bitesim
from bitesim.engines.lanes_engine import Chunk, lane_entries, prepare_lanes, run_lanes, run_one_by_one, timetables_of
from bitesim.engines.timeline import pieces_between
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import Pieces
from tests.engines.cohorts import BLOW_UP, CLEMENTS, HOSSEINI, STIFF, STIFF_BINDING, alone, hosseini_patients
from tests.problems.stiff_binding import population

TIMES = np.array([0.0, 1.0, 2.0, 2.5, 9.0])


def clock(model, regimen, bsa_m2=1.88):
    schedule = regimen.schedule(bsa_m2=bsa_m2)
    return pieces_between(model, schedule, (0.0, math.inf), bsa_m2, np.zeros(len(model.species)))


NONE = bitesim.Regimen.none()
REGIMENS = (
    bitesim.Regimen.parse("28 ug/day for 2 d"),
    NONE,
    replace(NONE.with_bolus(0.0, 3.0).with_infusion(1.0, 1.0, 9.0), resets=(2.5,)),
    bitesim.Regimen.parse("1 d off; 9 ug/day for 1 d, 28 ug/day for 0.5 d"),
)


def chunk(model, table, columns, times=TIMES, rtol=1e-5, max_steps=100_000):
    """Return patients who follow the regimens in turn."""
    clocks = tuple(clock(model, regimen) for regimen in REGIMENS)
    return Chunk(table, np.arange(len(table)) % len(clocks), clocks, times, np.array(columns), rtol, max_steps)


def assert_same(one, other):
    for name in ("values", "outcome", "steps"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert one.progress[:, 0].tobytes() == other.progress[:, 0].tobytes()


def test_clocks_stand_one_behind_the_other():
    # Three pieces, then one; the stop of a piece is the start of the next of the same clock only.
    first = Pieces(
        np.array([0.0, 1.0, 4.0, math.inf]), np.array([[1.0], [2.0], [3.0]]), np.array([[0.0], [7.0], [8.0]]),
        np.array([0, 0, 1]), np.zeros(1),
    )  # fmt: skip
    second = Pieces(np.array([0.5, math.inf]), np.array([[4.0]]), np.array([[9.0]]), np.array([1]), np.zeros(1))
    made = timetables_of((first, second))
    assert made.first.tolist() == [0, 3, 4]
    assert made.start.tolist() == [0.0, 1.0, 4.0, 0.5]
    assert made.stop.tolist() == [1.0, 4.0, math.inf, math.inf]
    assert made.input_rate.tolist() == [[1.0], [2.0], [3.0], [4.0]]
    assert made.jump.tolist() == [[0.0], [7.0], [8.0], [9.0]]
    assert made.reset.tolist() == [0, 0, 1, 1]


def test_a_model_is_compiled_once():
    entries = lane_entries(CLEMENTS, CLEMENTS.derivatives)
    prepare_lanes(CLEMENTS, CLEMENTS.derivatives)
    assert lane_entries(CLEMENTS, CLEMENTS.derivatives) is entries
    assert lane_entries(STIFF, STIFF.derivatives) is not entries


@pytest.mark.parametrize("count", [1, 7, 8, 9, 30])
@pytest.mark.parametrize(("model", "draw"), [(HOSSEINI, hosseini_patients), (STIFF, population)], ids=["hosseini", "stiff"])
def test_lanes_have_the_bytes_of_one_by_one(model, draw, count):
    work = chunk(model, draw(count, 6), range(len(model.units)))
    wide = run_lanes(model, model.derivatives, work)
    assert_same(wide, run_one_by_one(model, work))
    assert np.all(wide.outcome == Outcome.OK)
    assert np.isfinite(wide.values).all()


@pytest.mark.parametrize("lanes", [True, False])
def test_each_patient_follows_its_clock(lanes):
    table, model = hosseini_patients(12, 7), HOSSEINI
    names = list(model.units)
    work = chunk(model, table, range(len(names)))
    harvest = run_lanes(model, model.derivatives, work) if lanes else run_one_by_one(model, work)
    for patient in range(12):
        trajectory = alone(model, table[patient], REGIMENS[patient % 4], TIMES, rtol=1e-5)
        for column, name in enumerate(names):
            assert harvest.values[patient, :, column].tobytes() == trajectory[name].tobytes(), (patient, name)


@pytest.mark.parametrize("lanes", [True, False])
def test_columns_are_readouts_then_states_in_the_order_asked_for(lanes):
    table = np.tile(CLEMENTS.parameters.vector(), (9, 1))
    columns = [2, 0, 1, 1]
    work = chunk(CLEMENTS, table, columns)
    harvest = run_lanes(CLEMENTS, CLEMENTS.derivatives, work) if lanes else run_one_by_one(CLEMENTS, work)
    eliminated, concentration, drug, again = np.moveaxis(harvest.values, 2, 0)
    # 28 ug/day for 2 d: what was given is there or gone, and the concentration is the amount over the volume.
    np.testing.assert_allclose((eliminated + drug)[0], [0.0, 28.0, 56.0, 56.0, 56.0], rtol=1e-12)
    np.testing.assert_allclose(concentration, drug * 1000.0 / CLEMENTS.parameters.volume_l, rtol=1e-14)
    assert np.array_equal(drug, again)


@pytest.mark.parametrize("lanes", [True, False])
def test_parameters_may_lie_anywhere_in_memory(lanes):
    table = np.ascontiguousarray(population(11, 3))
    wide = np.hstack([table, np.full_like(table, np.nan)])[:, : table.shape[1]]
    results = []
    for given in (table, np.asfortranarray(table), wide):
        work = chunk(STIFF, given, [0, 4])
        results.append(run_lanes(STIFF, STIFF.derivatives, work) if lanes else run_one_by_one(STIFF, work))
    assert_same(results[0], results[1])
    assert_same(results[0], results[2])


def test_dense_code_runs_one_by_one():
    table = population(5, 4)
    dense = run_one_by_one(STIFF_BINDING, chunk(STIFF_BINDING, table, range(5), rtol=1e-8))
    derived = run_lanes(STIFF, STIFF.derivatives, chunk(STIFF, table, range(5), rtol=1e-8))
    assert np.all(dense.outcome == Outcome.OK)
    np.testing.assert_allclose(dense.values[:, :, :4], derived.values[:, :, :4], rtol=1e-6)


def test_failures_are_the_same_and_what_was_not_reached_is_not_a_number():
    # Every second patient ends before day 9, at a time of its own; without a dose at 1 / y0.
    table = np.column_stack([np.ones(16), np.linspace(0.02, 0.35, 16)])
    table[::2, 0] = -1.0
    work = chunk(BLOW_UP, table, [0, 1], rtol=1e-6)._replace(timetable=np.ones(16, np.int64))
    wide = run_lanes(BLOW_UP, BLOW_UP.derivatives, work)
    assert_same(wide, run_one_by_one(BLOW_UP, work))
    assert np.array_equal(wide.progress[wide.outcome > 0], run_one_by_one(BLOW_UP, work).progress[wide.outcome > 0])
    ends = np.where(table[:, 0] > 0.0, 1.0 / table[:, 1], np.inf)
    assert (wide.outcome == np.where(ends < 9.0, Outcome.STEP_TOO_SMALL, Outcome.OK)).all()
    assert 4 < np.sum(ends < 9.0) < 8
    assert np.array_equal(np.isnan(wide.values[:, :, 0]), ends[:, np.newaxis] < TIMES)


def test_no_patients_are_no_error():
    harvest = run_lanes(CLEMENTS, CLEMENTS.derivatives, chunk(CLEMENTS, np.empty((0, 5)), [0]))
    assert harvest.values.shape == (0, 5, 1)
    assert run_one_by_one(CLEMENTS, chunk(CLEMENTS, np.empty((0, 5)), [0])).outcome.shape == (0,)
