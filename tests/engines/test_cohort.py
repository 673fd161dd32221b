"""Cohorts: a patient's bytes are those it has alone, however many are run, how, in what order and beside whom."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from bitesim.engines.cohort import run_cohort
from bitesim.model import Model
from tests.engines.cohorts import CLEMENTS, FOUR_WEEKS, HOSSEINI, STIFF, alone, everything, hosseini_patients, set_of
from tests.problems.stiff_binding import REGIMEN, STIFF_BINDING, population

N = 60


class Study(NamedTuple):
    """Patients of one model under one regimen."""

    model: Model
    table: Any
    regimen: Any
    times: Any = np.arange(0.0, 85.0)


STUDIES = {
    "hosseini2020": Study(HOSSEINI, hosseini_patients(N, seed=3), FOUR_WEEKS),
    "stiff_binding": Study(STIFF, population(N, seed=2), REGIMEN),
}


def run(study, table=None, times=None, **options):
    """Return all readouts and states; looser than usual, as it is the bytes that are compared."""
    model, patients = study.model, study.table if table is None else table
    options = {"bsa_m2": 1.88, "rtol": 1e-4, **options}
    return run_cohort(model, patients, study.regimen, study.times if times is None else times, everything(model), **options)


@pytest.fixture(scope="module", params=list(STUDIES))
def study(request):
    return STUDIES[request.param]


@pytest.fixture(scope="module")
def reference(study):
    """The study on one thread in one chunk, without a failure, and no two patients alike."""
    result = run(study, threads=1, chunk=1000)
    assert not result.failures
    assert np.isfinite(result.values).all()
    assert len({values.tobytes() for values in result.values}) == N
    return result


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_bytes_do_not_depend_on_threads_and_chunks(study, reference, threads, chunk):
    assert run(study, threads=threads, chunk=chunk).digest() == reference.digest()


def test_bytes_do_not_depend_on_the_lanes(study, reference):
    assert run(study, lanes=False).digest() == run(study, lanes=True).digest() == reference.digest()


def test_bytes_do_not_depend_on_the_lanes_when_the_regimen_goes_on_after_the_last_output(study):
    times = [0.0, 3.0, 20.0]
    assert run(study, times=times, lanes=False).digest() == run(study, times=times, lanes=True).digest()


def test_bytes_do_not_depend_on_the_order(study, reference):
    order = np.random.default_rng(1).permutation(N)
    shuffled = run(study, study.table[order])
    assert shuffled.values.tobytes() == reference.values[order].tobytes()
    assert np.array_equal(shuffled.steps, reference.steps[order])


@pytest.mark.parametrize("rows", [slice(5, 6), slice(7, 29, 3), slice(11, 19), slice(1, 60)])
def test_bytes_do_not_depend_on_the_neighbours(study, reference, rows):
    some = run(study, study.table[rows])
    assert some.values.tobytes() == reference.values[rows].tobytes()
    assert np.array_equal(some.steps, reference.steps[rows])
    assert np.array_equal(some.time_reached_days, reference.time_reached_days[rows])


def test_readouts_and_states_have_the_bytes_of_simulate(study, reference):
    for row in range(0, N, 4):
        trajectory = alone(study.model, study.table[row], study.regimen, study.times, rtol=1e-4)
        for name in everything(study.model):
            assert reference[name][row].tobytes() == trajectory[name].tobytes(), (row, name)
        counted = [trajectory.solver.counters[name] for name in ("accepted_steps", "rejected_steps", "restarts")]
        assert reference.steps[row].tolist() == counted


def test_a_model_without_derived_code_has_the_bytes_of_its_own_simulate():
    study = Study(STIFF_BINDING, population(5, seed=4), REGIMEN, np.array([0.0, 0.5, 7.0, 12.0]))
    result = run(study, threads=2, chunk=2)
    for row in range(5):
        trajectory = alone(STIFF_BINDING, study.table[row], REGIMEN, study.times, rtol=1e-4)
        for name in everything(STIFF_BINDING):
            assert result[name][row].tobytes() == trajectory[name].tobytes(), (row, name)
    # Another Jacobian, the same solution.
    derived = run(study._replace(model=STIFF), rtol=1e-8)
    dense = run(study, rtol=1e-8)
    np.testing.assert_allclose(dense["blasts_1e9"], derived["blasts_1e9"], rtol=1e-6)


def test_the_tolerance_changes_the_bytes(study, reference):
    assert run(study, rtol=1.1e-4).values.tobytes() != reference.values.tobytes()


def test_outputs_are_kept_in_the_order_asked_for(study, reference):
    names = everything(study.model)[::-3]
    some = run_cohort(study.model, study.table, study.regimen, study.times, names, bsa_m2=1.88, rtol=1e-4)
    assert some.outputs == tuple(names)
    assert some.values.shape == (N, 85, len(names))
    for name in names:
        assert np.array_equal(some[name], reference[name])
        assert some.units[name] == study.model.units[name]
    default = run_cohort(study.model, study.table[:2], study.regimen, [1.0], bsa_m2=1.88)
    assert default.outputs == tuple(readout.name for readout in study.model.readouts)


def test_more_output_times_change_no_value(study, reference):
    between = run(study, times=np.arange(0.0, 84.25, 0.25))
    assert between.values[:, ::4].tobytes() == reference.values.tobytes()
    assert np.array_equal(between.steps, reference.steps)


def forms(model, table):
    """Return the same patients in every form that parameters may have."""
    columns = dict(zip(model.catalogue, table.T.copy(), strict=True))
    rows = {"parameters": lambda first, stop: table[first:stop], "patients": len(table)}
    return {
        "array": {"parameters": table},
        "array of columns": {"parameters": np.asfortranarray(table)},
        "part of an array": {"parameters": np.hstack([table, table])[:, : table.shape[1]]},
        "lists by name": {"parameters": {name: list(column) for name, column in columns.items()}},
        "sets": {"parameters": [set_of(model, row) for row in table]},
        "function": rows,
        "function with short chunks": {**rows, "chunk": 3},
    }


@pytest.mark.parametrize("model", [CLEMENTS, STIFF, STIFF_BINDING], ids=["clements2020", "derived", "not derived"])
@pytest.mark.parametrize("form", list(forms(CLEMENTS, np.tile(CLEMENTS.parameters.vector(), (2, 1)))))
def test_every_form_of_parameters_is_the_same_patients(model, form):
    table = model.parameters.vector() * np.linspace(0.9, 1.1, 11)[:, np.newaxis]
    regimen, times = "28 ug/day for 2 d", [0.0, 1.0, 2.5]
    expected = run_cohort(model, table, regimen, times, rtol=1e-4)
    given = forms(model, table)[form]
    assert run_cohort(model, given.pop("parameters"), regimen, times, rtol=1e-4, **given).digest() == expected.digest()


def test_single_values_by_name_are_everybodys_and_the_others_the_models_own():
    result = run_cohort(CLEMENTS, {"volume_l": [4.0, 5.0], "clearance_l_per_h": 3.0}, "28 ug/day for 2 d", [1.0])
    changed = [CLEMENTS.parameters.replace(volume_l=volume, clearance_l_per_h=3.0) for volume in (4.0, 5.0)]
    assert result.digest() == run_cohort(CLEMENTS, changed, "28 ug/day for 2 d", [1.0]).digest()
    default = run_cohort(CLEMENTS, {}, "28 ug/day for 2 d", [1.0], patients=3)
    assert default.digest() == run_cohort(CLEMENTS, [CLEMENTS.parameters] * 3, "28 ug/day for 2 d", [1.0]).digest()


def test_a_function_may_write_all_of_its_rows_into_one_array():
    table = CLEMENTS.parameters.vector() * np.linspace(0.9, 1.1, 200)[:, np.newaxis]
    buffer = np.empty((10, len(CLEMENTS.catalogue)))

    def rows(first, stop):
        buffer[: stop - first] = table[first:stop]
        return buffer[: stop - first]

    given = run_cohort(CLEMENTS, rows, "28 ug/day for 2 d", [1.0], patients=200, chunk=10, threads=2)
    assert given.digest() == run_cohort(CLEMENTS, table, "28 ug/day for 2 d", [1.0]).digest()
