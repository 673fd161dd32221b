"""The stochastic engines against closed forms, the deterministic engine, and their own promises about bytes.

As in the SBML discrete stochastic test suite (Evans, Gillespie & Wilkinson 2008, Bioinformatics 24:285), n runs have the
mean X and the variance S2 at a time whose true mean and variance are m and s2, and

    Z = sqrt(n) (X - m) / s,    Y = sqrt(n / 2) (S2 / s2 - 1)

are about standard normal. Z within +-3 and Y within +-5 raise a false alarm at one time with a probability of 0.3 % and
below 0.01 %; over the 30 times here, with new seeds, in less than 8 % of test runs. Seeds are fixed.
"""

import math

import numpy as np
import pytest

import bitesim
from bitesim.engines.deterministic import Case, run_ode
from bitesim.engines.stochastic import run_stochastic
from bitesim.mechanisms.extinction import survival_of_one
from bitesim.numerics.outcomes import Outcome
from bitesim.treatment import Regimen
from tests.problems.small_networks import (
    BIRTH_DEATH,
    DIMERISATION,
    IMMIGRATION_DEATH,
    birth_death_moments,
    dimerisation_moments,
    extinction_by,
    immigration_death_moments,
    mean_extinction_time,
)

RUNS = 10_000
TIMES = np.array([5.0, 10.0, 20.0, 35.0, 50.0])
METHODS = ["exact", "tau"]
KNOWN = {
    "birth_death": (BIRTH_DEATH, "cells", birth_death_moments(TIMES, 0.1, 0.11, 100.0)),
    "immigration_death": (IMMIGRATION_DEATH, "cells", immigration_death_moments(TIMES, 100.0, 0.1, 0.0)),
    "dimerisation": (DIMERISATION, "cells", dimerisation_moments(TIMES, 0.001, 0.01, 100)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", KNOWN)
def test_mean_and_variance(name, method):
    model, output, (mean, variance) = KNOWN[name]
    run = run_stochastic(model, None, None, TIMES, RUNS, 1, method, outputs=[output])
    z = math.sqrt(RUNS) * (run[output].mean(axis=0) - mean) / np.sqrt(variance)
    y = math.sqrt(RUNS / 2.0) * (run[output].var(axis=0, ddof=1) / variance - 1.0)
    assert not run.failures
    assert np.abs(z).max() < 3.0, z
    assert np.abs(y).max() < 5.0, y


@pytest.mark.parametrize("start", [1e4, 1e6])
def test_leaps_have_the_mean_and_variance_of_many_cells(start):
    run = run_stochastic(BIRTH_DEATH, {"start": start}, None, TIMES, 2000, 2, "tau")
    mean, variance = birth_death_moments(TIMES, 0.1, 0.11, start)
    z = math.sqrt(2000) * (run["total"].mean(axis=0) - mean) / np.sqrt(variance)
    y = math.sqrt(2000 / 2.0) * (run["total"].var(axis=0, ddof=1) / variance - 1.0)
    assert run.counted("leaps").min() > 10
    assert np.abs(z).max() < 4.0, z
    assert np.abs(y).max() < 5.0, y


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("birth", "death", "start"), [(0.5, 1.0, 3), (1.0, 0.5, 2), (0.1, 1.0, 1000)])
def test_extinction(method, birth, death, start):
    times = np.array([0.5, 2.0, 5.0, 8.0, 12.0])
    given = {"birth_per_day": birth, "death_per_day": death, "start": float(start)}
    # Growing clones are stopped before they are large.
    times = times[: 4 if birth > death else 5]
    run = run_stochastic(BIRTH_DEATH, given, None, times, RUNS, 3, method)
    seen, expected = (run["total"] == 0.0).mean(axis=0), extinction_by(times, birth, death, start)
    error = np.sqrt(np.maximum(expected * (1.0 - expected), 1e-4) / RUNS)
    # False-alarm rate below 1e-4 a time.
    assert (np.abs(seen - expected) < 4.0 * error).all(), (seen, expected)
    np.testing.assert_allclose(expected, (1.0 - survival_of_one(birth, death, times)) ** start, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_time_to_extinction(method):
    times = np.linspace(0.0, 40.0, 801)
    given = {"birth_per_day": 0.5, "death_per_day": 1.0, "start": 1.0}
    is_alive = run_stochastic(BIRTH_DEATH, given, None, times, RUNS, 4, method)["total"] > 0.0
    lived = np.trapezoid(is_alive.astype(float), times, axis=1)
    assert abs(lived.mean() - mean_extinction_time(0.5, 1.0)) < 4.0 * lived.std() / math.sqrt(RUNS)


@pytest.mark.parametrize("method", METHODS)
def test_many_cells_follow_the_differential_equations(method):
    times, sizes, errors = np.array([2.0, 6.0, 12.0, 20.0]), np.array([1e2, 1e3, 1e4, 1e5]), []
    for size in sizes:
        given = {"pairing_per_day": 0.1 / size, "separation_per_day": 0.01, "start": size}
        case = Case(DIMERISATION, DIMERISATION.parameters.replace(**given), Regimen.none())
        limit = run_ode(case, times)["cells"] / size
        found = run_stochastic(DIMERISATION, given, None, times, 48, 5, method, outputs=["cells"])["cells"] / size
        errors.append(math.sqrt(np.mean((found - limit) ** 2)))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert abs(slope + 0.5) < 0.1, errors


@pytest.mark.parametrize("method", METHODS)
def test_bytes_depend_on_seed_and_replicate_alone(method):
    given = {"start": 300.0}
    one = run_stochastic(BIRTH_DEATH, given, None, TIMES, 70, 6, method, threads=1, chunk=1000)
    for threads, chunk in ((1, 1), (2, 7), (4, 8), (4, 33)):
        other = run_stochastic(BIRTH_DEATH, given, None, TIMES, 70, 6, method, threads=threads, chunk=chunk)
        assert other.digest() == one.digest()
    more = run_stochastic(BIRTH_DEATH, given, None, TIMES, 90, 6, method)
    assert more.values[:70].tobytes() == one.values.tobytes()
    alone = run_stochastic(BIRTH_DEATH, given, None, TIMES, 1, 6, method, first_replicate=41)
    assert alone.values.tobytes() == one.values[41:42].tobytes()
    assert run_stochastic(BIRTH_DEATH, given, None, TIMES, 70, 7, method).digest() != one.digest()
    assert len(np.unique(one["total"][:, -1])) > 30


@pytest.mark.parametrize("method", METHODS)
def test_doses_add_whole_numbers(method):
    regimen = Regimen.none().with_bolus(10.0, 50.0)
    run = run_stochastic(IMMIGRATION_DEATH, {"immigration_per_day": 0.0}, regimen, [9.99, 10.0, 20.0], 2000, 8, method)
    assert not run["total"][:, 0].any()
    assert (run["total"][:, 1] == 50.0).all()
    assert abs(run["total"][:, 2].mean() - 50.0 * math.exp(-1.0)) < 4.0 * math.sqrt(50.0 * 0.2325 / 2000)


@pytest.mark.parametrize("method", METHODS)
def test_a_start_between_counts_keeps_its_mean(method):
    run = run_stochastic(BIRTH_DEATH, {"start": 2.25}, None, [0.0], 4000, 9, method)
    assert set(np.unique(run["total"])) == {2.0, 3.0}
    assert abs(run["total"].mean() - 2.25) < 4.0 * math.sqrt(0.25 * 0.75 / 4000)


def test_a_failed_replicate_is_a_row_with_a_reproducer():
    options = {"max_events": 850, "errors": "ignore"}
    run = run_stochastic(BIRTH_DEATH, None, None, TIMES, 20, 10, **options)
    assert 0 < len(run.failures) <= 20
    failed = run.failures[0]
    assert run.outcome[failed.replicate] == failed.outcome == Outcome.TOO_MANY_STEPS
    assert np.isnan(run["total"][failed.replicate, -1])
    assert "max_events=" in failed.reason
    line = failed.reproducer.replace("'birth_death'", "BIRTH_DEATH")
    with pytest.raises(
        bitesim.SolverError, match=rf"replicate {failed.replicate}: too many steps at day {failed.time_days:.6g}"
    ):
        eval(line, {"run_stochastic": run_stochastic, "BIRTH_DEATH": BIRTH_DEATH})
    with pytest.warns(UserWarning, match="replicates did not reach their end"):
        run_stochastic(BIRTH_DEATH, None, None, TIMES, 20, 10, max_events=850)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "gillespie"}, "method = 'gillespie': expected one of 'exact', 'tau'"),
        ({"replicates": 0}, "replicates = 0 is outside the allowed range"),
        ({"seed": -1}, "seed = -1 is outside the allowed range"),
        ({"epsilon": 2.0}, "epsilon = 2.0 is outside the allowed range"),
        ({"max_events": 0}, "max_events = 0 is outside"),
        ({"threads": 0}, "threads = 0 is outside"),
        ({"errors": "never"}, "errors = 'never': expected one of 'warn', 'raise', 'ignore'"),
        ({"times_days": [3, 2]}, "times must increase strictly"),
        ({"outputs": ["cell"]}, "Did you mean 'cells'"),
        ({"parameters": {"start": -1.0}}, "start = -1"),
        ({"parameters": {"starts": 1.0}}, "Did you mean 'start'"),
        ({"parameters": 3}, "parameters = 3: expected a ParameterSet"),
        ({"parameters": DIMERISATION.parameters}, "parameters are those of dimerisation, not of model birth_death"),
        ({"regimen": 5}, "regimen = 5 is not a Regimen"),
        ({"model": "leukaemia", "method": "tau"}, "in model leukaemia process drug_elimination changes drug_ug, "),
    ],
)
def test_bad_input_is_named(changed, message):
    given = {"model": BIRTH_DEATH, "parameters": None, "regimen": None, "times_days": [1.0], "replicates": 2, "seed": 1}
    with pytest.raises(bitesim.ParameterError) as caught:
        run_stochastic(**{**given, **changed})
    assert message in str(caught.value)
