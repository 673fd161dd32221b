"""Patients who cannot be integrated: rows like the others, with outcome, time, reason and a line that repeats it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bitesim
from bitesim.engines.cohort import run_cohort
from bitesim.numerics.outcomes import ADVICE, Outcome
from tests.engines.cohorts import BLOW_UP, CLEMENTS, FOUR_WEEKS, HOSSEINI, alone, everything, hosseini_patients

TIMES = np.arange(0.0, 4.0, 0.37)
STARTS = np.array([0.05, 3.0, -1.0, 0.2, 1.0, 0.0, 0.4, 0.01, -7.0, 2.0, 0.1, 1.0])
SPEEDS = np.array([1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 3.0, 0.5, 0.25, -4.0, 1.5])
GROWING = np.column_stack([SPEEDS, STARTS])


def end_of(table):
    """Return when each y = y0 / (1 - y0 speed t) ends."""
    with np.errstate(divide="ignore"):
        return np.where(table.prod(axis=1) > 0.0, 1.0 / table.prod(axis=1), np.inf)


def blown_up(table=GROWING, **options):
    return run_cohort(BLOW_UP, table, "no drug", TIMES, ["twice", "y"], rtol=1e-6, **options)


@pytest.mark.parametrize("lanes", [True, False])
def test_what_blows_up_fails_when_it_does(lanes):
    result, ends = blown_up(lanes=lanes), end_of(GROWING)
    fails = ends < TIMES[-1]
    assert fails.sum() == 6
    assert result.outcome.tolist() == np.where(fails, Outcome.STEP_TOO_SMALL, Outcome.OK).tolist()
    np.testing.assert_allclose(result.time_reached_days[fails], ends[fails], rtol=1e-5)
    for row, (speed, start) in enumerate(GROWING):
        reached = ends[row] > TIMES
        expected = start / (1.0 - start * speed * TIMES[reached])
        np.testing.assert_allclose(result["y"][row, reached], expected, rtol=1e-3)
        np.testing.assert_array_equal(result["twice"][row, reached], 2.0 * result["y"][row, reached])
        assert np.isnan(result.values[row, ~reached]).all()
    assert [failure.patient for failure in result.failures] == np.nonzero(fails)[0].tolist()


@pytest.mark.parametrize("lanes", [True, False])
def test_a_failure_harms_nobody(lanes):
    fails = end_of(GROWING) < TIMES[-1]
    together, healthy = blown_up(lanes=lanes), blown_up(GROWING[~fails], lanes=lanes)
    assert together.values[~fails].tobytes() == healthy.values.tobytes()
    assert np.array_equal(together.steps[~fails], healthy.steps)
    assert not healthy.failures


def test_failures_are_the_same_however_they_are_run():
    expected = blown_up()
    for options in ({"chunk": 1}, {"chunk": 5, "threads": 3}, {"lanes": False}):
        result = blown_up(**options)
        assert result.digest() == expected.digest()
        assert result.failures == expected.failures


@pytest.mark.parametrize("lanes", [True, False])
def test_a_failure_after_the_last_output_is_none(lanes):
    # With the first bolus it ends within hours, before the second.
    regimen = bitesim.Regimen.none().with_bolus(0.3, 100.0).with_bolus(2.0, 1.0)
    result = run_cohort(BLOW_UP, GROWING[[4, 4]], regimen, [0.0, 0.2], ["y"], lanes=lanes)
    np.testing.assert_allclose(result["y"], [[1.0, 1.25]] * 2, rtol=1e-5)
    assert result.outcome.tolist() == [Outcome.OK, Outcome.OK]


@pytest.mark.parametrize("lanes", [True, False])
def test_the_step_limit_is_exact(lanes):
    table, times = hosseini_patients(40, seed=8), np.arange(0.0, 85.0)
    options = {"regimen": FOUR_WEEKS, "times_days": times, "bsa_m2": 1.88, "lanes": lanes, "rtol": 1e-4}
    free = run_cohort(HOSSEINI, table, **options)
    attempts = free.steps[:, :2].sum(axis=1)
    limit = int(np.sort(attempts)[20])
    result = run_cohort(HOSSEINI, table, **options, max_steps=limit)
    fails = attempts > limit
    assert 10 < fails.sum() < 30
    assert result.outcome.tolist() == np.where(fails, Outcome.TOO_MANY_STEPS, Outcome.OK).tolist()
    assert result.values[~fails].tobytes() == free.values[~fails].tobytes()
    assert np.all(result.steps[fails, :2].sum(axis=1) == limit)
    for row in np.nonzero(fails)[0]:
        reached = times <= result.time_reached_days[row]
        assert 0 < reached.sum() < len(times)
        assert result.values[row, reached].tobytes() == free.values[row, reached].tobytes()
        assert np.isnan(result.values[row, ~reached]).all()
    assert [failure.patient for failure in result.failures] == np.nonzero(fails)[0].tolist()


def test_a_failure_says_what_happened_where_and_to_whom():
    result = blown_up(chunk=5, max_steps=200_000)
    failure = result.failures[2]
    assert (failure.patient, failure.outcome) == (4, Outcome.STEP_TOO_SMALL)
    assert failure.time_days == result.time_reached_days[4] == pytest.approx(1.0, rel=1e-5)
    assert 0.0 < failure.step_days < 1e-13
    assert failure.reason == ADVICE[Outcome.STEP_TOO_SMALL]
    text = str(failure)
    for words in ("patient 4", "step too small at day 1", failure.reason, failure.reproducer):
        assert words in text


def wild_patients(count):
    """Return patients anywhere within the bounds; most cannot be run to the end, each for its own reason."""
    bounds, draws = np.array([row.bounds for row in HOSSEINI.catalogue.values()]), np.random.default_rng(0)
    lowest = np.log(np.maximum(bounds[:, 0], 1e-3 * HOSSEINI.parameters.vector()))
    return np.clip(np.exp(draws.uniform(lowest, np.log(bounds[:, 1]), (count, len(bounds)))), *bounds.T)


@pytest.fixture(scope="module")
def wild():
    table = wild_patients(150)
    times = np.arange(0.0, 43.0)
    options = {"regimen": "15 ug/m2/day for 28 d, 14 d off", "times_days": times, "rtol": 1e-4, "max_steps": 3000}
    result = run_cohort(HOSSEINI, table, outputs=everything(HOSSEINI), bsa_m2=1.88, weight_kg=70.0, **options)
    return table, options, result


def test_every_kind_of_failure_is_the_same_alone(wild):
    table, options, result = wild
    found = np.bincount(result.outcome, minlength=len(Outcome))
    assert np.all(found >= 5), found
    one_by_one = run_cohort(HOSSEINI, table, outputs=everything(HOSSEINI), bsa_m2=1.88, lanes=False, **options)
    assert one_by_one.digest() == result.digest()
    for outcome in (Outcome.TOO_MANY_STEPS, Outcome.STEP_TOO_SMALL, Outcome.NOT_FINITE):
        for failure in [each for each in result.failures if each.outcome == outcome][:4]:
            with pytest.raises(bitesim.SolverError) as caught:
                alone(HOSSEINI, table[failure.patient], options["regimen"], options["times_days"], rtol=1e-4, max_steps=3000)
            assert says(failure) in str(caught.value)


def says(failure):
    """Return how the error of the same patient alone begins and goes on."""
    return f"{failure.outcome.name.lower().replace('_', ' ')} at day {failure.time_days:.6g}"


def errors_of(lines, preamble=""):
    """Return what each line says when it is run after ``import bitesim``."""
    tried = "\n".join(
        f"try:\n    {line}\nexcept bitesim.BitesimError as problem:\n"
        "    print(type(problem).__name__, ' '.join(str(problem).split()))\nelse:\n    print('no error')"
        for line in lines
    )
    code = f"import bitesim\n{preamble}\n{tried}"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_reproducer_is_one_call(wild):
    for failure in wild[2].failures:
        (statement,) = ast.parse(failure.reproducer).body
        assert isinstance(statement.value, ast.Call)
        assert ast.unparse(statement.value.func) == "bitesim.run_cohort"
        assert "\n" not in failure.reproducer


def test_the_reproducer_fails_as_the_patient_did(wild):
    chosen = []
    for outcome in (Outcome.TOO_MANY_STEPS, Outcome.STEP_TOO_SMALL, Outcome.NOT_FINITE):
        chosen += [each for each in wild[2].failures if each.outcome == outcome][:3]
    for failure, said in zip(chosen, errors_of([each.reproducer for each in chosen]), strict=True):
        assert said.startswith("SolverError")
        assert says(failure) in said
        assert f"(step {failure.step_days:.2g} d)" in said


def test_the_reproducer_of_a_model_of_ones_own_works_once_it_is_registered():
    failures = blown_up().failures
    registered = "from tests.engines.cohorts import BLOW_UP\nbitesim.MODELS['blow_up'] = BLOW_UP"
    for failure, said in zip(failures, errors_of([each.reproducer for each in failures], registered), strict=True):
        assert says(failure) in said


FLAT = bitesim.Regimen.parse("28 ug/day for 2 d")
REPEATED = {
    "text": (FLAT, {"weight_kg": 60.0}),
    "bags": ("28 ug/day for 6 d in 48 h bags with 60 min gaps", {"weight_kg": 60.0}),
    "no drug": (bitesim.Regimen.none(), {"weight_kg": 60.0}),
    "long decimals": ("9.123456789 ug/day for 0.0123456789 d, 28 ug/day for 1 d", {"weight_kg": 60.0}),
    "no body": (FLAT, {}),
    "surface and weight": ("15 ug/m2/day for 2 d", {"bsa_m2": 1.7, "weight_kg": 60.0}),
    "surface alone": ("15 ug/m2/day for 2 d", {"bsa_m2": 1.2}),
    "bolus": (FLAT.with_bolus(0.01, 10.0), {"weight_kg": 60.0}),
    "hold": (FLAT.hold(0.01, hours=1.5), {"weight_kg": 60.0}),
    "stop": (FLAT.stop(0.015), {"weight_kg": 60.0}),
    "premedication": (FLAT.with_dexamethasone(0.0, 20.0), {"weight_kg": 60.0}),
    "infusion": (FLAT.with_infusion(5.0, 1.0, 9.0), {"weight_kg": 60.0}),
}


@pytest.fixture(scope="module")
def repeated():
    """Return (failure, what its reproducer said) of two patients under each regimen."""
    failures = {}
    for name, (regimen, body) in REPEATED.items():
        patients = {"clearance_l_per_h": [2.22, 3.3], "volume_l": [6.0, 5.0]}
        failures[name] = run_cohort(CLEMENTS, patients, regimen, [5.0], rtol=1e-8, max_steps=8, **body).failures
    said = iter(errors_of([each.reproducer for both in failures.values() for each in both]))
    return {name: [(each, next(said)) for each in both] for name, both in failures.items()}


@pytest.mark.parametrize("name", list(REPEATED))
def test_the_reproducer_repeats_the_regimen_and_the_body(repeated, name):
    assert len(repeated[name]) == 2
    for failure, said in repeated[name]:
        assert says(failure) in said
