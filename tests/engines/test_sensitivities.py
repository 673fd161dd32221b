"""Sensitivities against closed forms, the variational equations solved by SciPy, and differences at tight tolerance."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import bitesim
from bitesim.engines.deterministic import Settings, initial_state
from bitesim.engines.sensitivities import PreparedSensitivities
from bitesim.foundation.compiled import kernel, prepare
from bitesim.foundation.errors import ParameterError, ScenarioError, SolverError, UnknownNameError
from bitesim.mechanisms.kinks import positive_part
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.model.rate_of_change import JACOBIAN_SIGNATURE, RHS_SIGNATURE
from bitesim.parameters import Catalogue, Parameter, ParameterSet
from bitesim.population.simulate import case_and_times
from tests.problems.stiff_binding import STIFF_BINDING

STIFF = bitesim.derive(STIFF_BINDING)
PK = "clements2020"
#: The patient at whose body surface area the clearance is the typical one.
TYPICAL = bitesim.Patient(weight_kg=70, bsa_m2=1.876)
TIMES = np.array([0.3, 1.0, 3.0, 7.0, 7.5, 10.0, 27.9, 28.2])


def drug_amount(rate, dose, start, stop, initial, times):
    """Return the amount of a one-compartment infusion [ug] in closed form."""
    given = np.clip(times, start, stop) - start
    after = np.maximum(times - stop, 0.0)
    return dose / rate * -np.expm1(-rate * given) * np.exp(-rate * after) + initial * np.exp(-rate * times)


def pk_rate(clearance=2.22, volume=5.98):
    return 24.0 * clearance / volume


def derivative(function, value, step=1e-4):
    """Return a derivative of a closed form by differences of fourth order."""
    far, near = function(value + 2 * step) - function(value - 2 * step), function(value + step) - function(value - step)
    return (8 * near - far) / (12 * step)


def test_one_compartment_equals_its_closed_form():
    to = ["clearance_l_per_h", "volume_l", bitesim.ToDose(), bitesim.ToInitialValue("drug_ug"), bitesim.ToEventTime(28.0)]
    run = bitesim.sensitivities(TYPICAL, "20 ug/day for 28 d", PK, TIMES, to=to, rtol=1e-11)
    exact = {
        "clearance_l_per_h": derivative(lambda x: drug_amount(pk_rate(clearance=x), 20.0, 0, 28, 0, TIMES), 2.22),
        "volume_l": derivative(lambda x: drug_amount(pk_rate(volume=x), 20.0, 0, 28, 0, TIMES), 5.98),
        "dose from day 0": drug_amount(pk_rate(), 1.0, 0, 28, 0, TIMES),
        "initial drug_ug": np.exp(-pk_rate() * TIMES),
        "time of the event at day 28": np.where(TIMES > 28, 20.0 * np.exp(-pk_rate() * (TIMES - 28)), 0.0),
    }
    for target, expected in exact.items():
        np.testing.assert_allclose(run["drug_ug", target], expected, rtol=1e-8, atol=1e-12, err_msg=target)
    # A readout knows its own parameters too: concentration is amount / volume.
    concentration = derivative(lambda x: drug_amount(pk_rate(volume=x), 20.0, 0, 28, 0, TIMES) * 1e3 / x, 5.98, step=1e-3)
    np.testing.assert_allclose(run["serum_drug_pg_per_ml", "volume_l"], concentration, rtol=1e-8, atol=1e-8)


def test_steps_of_dose_and_their_times():
    to = [bitesim.ToDose(0, 1), bitesim.ToDose(7, 8), bitesim.ToEventTime(7.0), bitesim.ToEventTime(0.0)]
    run = bitesim.sensitivities(TYPICAL, "9 ug/day for 7 d, 28 ug/day for 21 d", PK, TIMES, to=to, rtol=1e-11)
    rate, after = pk_rate(), TIMES > 7.0
    first, second = (drug_amount(rate, 1.0, *window, 0, TIMES) for window in ((0, 7), (7, 28)))
    np.testing.assert_allclose(run["drug_ug", "dose from day 0 to 1"], first, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(run["drug_ug", "dose from day 7 to 8"], second, rtol=1e-8, atol=1e-12)
    moved = np.where(after, (9.0 - 28.0) * np.exp(-rate * np.clip(TIMES - 7.0, 0, None)), 0.0)
    # At the very instant the output is that just after the event, which has moved away.
    moved[TIMES == 7.0] = 9.0 - 28.0
    np.testing.assert_allclose(run["drug_ug", "time of the event at day 7"], moved, rtol=1e-8, atol=1e-12)
    later = -9.0 * np.exp(-rate * TIMES)
    np.testing.assert_allclose(run["drug_ug", "time of the event at day 0"], later, rtol=1e-8, atol=1e-12)


def variational(parameters, names, times, dose):
    """Return d state / d parameter by SciPy: the variational equations beside the model's, from the plain kernels."""
    rhs, jacobian = prepare(STIFF.rhs, RHS_SIGNATURE), prepare(STIFF.jacobian, JACOBIAN_SIGNATURE)
    n, work = len(STIFF.species), np.zeros(STIFF.workspace_size)
    values = parameters.vector()
    places = [list(STIFF.catalogue).index(name) for name in names]

    def rates(state, changed):
        result = np.empty(n)
        rhs(np.ascontiguousarray(state), changed, work, result)
        return result

    def direct(state, place):
        step = 1e-4 * values[place]
        shifted = [values.copy() for _ in range(4)]
        for each, factor in zip(shifted, (2, 1, -1, -2), strict=True):
            each[place] += factor * step
        a, b, c, d = (rates(state, each) for each in shifted)
        return (8 * (b - c) - (a - d)) / (12 * step)

    def matrix_at(state):
        matrix = np.empty((n, n))
        jacobian(np.ascontiguousarray(state), values, work, matrix)
        return matrix

    def slope(_, both):
        parts = both.reshape(-1, n)
        matrix, state = matrix_at(parts[0]), parts[0]
        rows = [rates(state, values)] + [matrix @ s + direct(state, p) for s, p in zip(parts[1:], places, strict=True)]
        rows[0][STIFF.species.position(STIFF.drug.species)] += dose
        return np.concatenate(rows)

    def slopes(_, both):
        # The blocks below the diagonal are left out: they change how fast Newton converges, not to what.
        return np.kron(np.eye(1 + len(names)), matrix_at(both[:n]))

    start = np.concatenate([initial_state(STIFF, parameters), np.zeros(n * len(names))])
    scale = np.tile(STIFF.species.scales(), 1 + len(names))
    solved = solve_ivp(slope, (0, times[-1]), start, "Radau", times, jac=slopes, rtol=1e-9, atol=1e-9 * scale)
    assert solved.success
    return solved.y.reshape(1 + len(names), n, len(times))


def test_stiff_model_equals_its_variational_equations():
    names = ["clearance_l_per_day", "internalisation_per_day", "kill_max_per_day"]
    names = [name for name in names if name in STIFF.catalogue]
    assert len(names) >= 2, "the test model was renamed"
    times = np.array([0.5, 1.0, 2.0, 4.0])
    ours = bitesim.sensitivities(None, "9 ug/day for 5 d", STIFF, times, to=names, rtol=1e-10)
    theirs = variational(STIFF.parameters, names, times, 9.0)
    states = np.stack([ours.output(name) for name in STIFF.species])
    np.testing.assert_allclose(states, theirs[0], rtol=1e-7, atol=1e-7 * np.abs(theirs[0]).max(axis=1).min())
    for column, name in enumerate(names):
        for row, state in enumerate(STIFF.species):
            exact = theirs[1 + column, row]
            np.testing.assert_allclose(
                ours[state, name], exact, rtol=1e-6, atol=1e-6 * np.abs(exact).max(), err_msg=f"{state} by {name}"
            )


def test_ten_parameters_equal_differences_of_tight_runs():
    names = [name for name, row in STIFF.catalogue.items() if row.unit == "1/d"][:10]
    times = np.array([1.0, 7.0, 8.0, 20.0])

    def outputs(name, factor):
        changed = STIFF.parameters.replace(**{name: factor * STIFF.parameters[name]})
        run = bitesim.simulate(None, "9 ug/day for 7 d, 28 ug/day for 21 d", STIFF, times, parameters=changed, rtol=1e-11)
        return np.array([run[readout.name] for readout in STIFF.readouts])

    ours = bitesim.sensitivities(None, "9 ug/day for 7 d, 28 ug/day for 21 d", STIFF, times, to=names, rtol=1e-10)
    for name in names:
        step, value = 2e-3, STIFF.parameters[name]
        near, far = (outputs(name, 1 + k * step) - outputs(name, 1 - k * step) for k in (1, 2))
        exact = (8 * near - far) / (12 * step * value)
        for row, readout in enumerate(STIFF.readouts):
            size = np.abs(exact[row]).max() + 1e-4 * np.abs(ours.output(readout.name)).max() / value
            np.testing.assert_allclose(
                ours[readout.name, name], exact[row], rtol=0, atol=1e-6 * size, err_msg=f"{readout.name} by {name}"
            )


@kernel
def kinked_fluxes(s, p, f):
    f.growth = p.speed
    f.spill = positive_part(s.level - p.brim)


@kernel
def kinked_start(p, s):
    s.level = p.start


@kernel
def kinked_read(s, p, r):
    r.twice = 2.0 * s.level


def _parameter(name, value):
    return Parameter(name, "1", value, (-10.0, 10.0), "of the test", "made up", "assumed")


KINKED = bitesim.derive(
    Model(
        name="bucket",
        title="a bucket that spills",
        source="made up",
        parameters=ParameterSet(
            Catalogue("bucket", (_parameter("speed", 1.0), _parameter("brim", 1.0), _parameter("start", 0.0)))
        ),
        species=SpeciesTable((Species("level", "1", "level", 1e-3), Species("spilt", "1", "spilt", 1e-3))),
        processes=Processes({"growth": {"level": 1}, "spill": {"spilt": 1, "level": -1}}),
        fluxes=kinked_fluxes,
        initial_state=kinked_start,
        readouts=(Readout("twice", "1", "twice the level"),),
        read=kinked_read,
        drug=DrugInput("level"),
    )
)


def test_kinks_have_the_derivative_of_the_side_that_is_taken():
    # Below the brim level = start + speed t; above, d/dt (level - brim) = speed - (level - brim).
    times = np.array([0.5, 0.9, 1.5, 3.0])
    run = bitesim.sensitivities(None, None, KINKED, times, to=["speed", "brim", "start"], rtol=1e-11)
    above = np.clip(times - 1.0, 0.0, None)
    low = times < 1.0
    np.testing.assert_allclose(run["level", "start"], np.where(low, 1.0, np.exp(-above)), rtol=1e-6)
    np.testing.assert_allclose(run["level", "brim"], np.where(low, 0.0, -np.expm1(-above)), rtol=1e-6, atol=1e-12)
    speed = np.where(low, times, -np.expm1(-above) + np.exp(-above))
    np.testing.assert_allclose(run["level", "speed"], speed, rtol=1e-6)
    np.testing.assert_allclose(run["twice", "speed"], 2.0 * run["level", "speed"], rtol=1e-15)


def test_jumps_and_resets_carry_the_derivatives_over():
    rows = [
        {"ID": 1, "TIME": 0.0, "EVID": 1, "CMT": 1, "AMT": 0.4, "RATE": 0.0},
        {"ID": 1, "TIME": 0.25, "EVID": 1, "CMT": 1, "AMT": 0.1, "RATE": 0.0},
        {"ID": 1, "TIME": 2.0, "EVID": 3, "CMT": 1, "AMT": 0.0, "RATE": 0.0},
    ]
    regimen = bitesim.Regimen.from_table(rows, time_unit="days", amount_unit="ug")
    times = np.array([0.1, 0.3, 1.9, 2.0, 2.5])
    run = bitesim.sensitivities(
        None, regimen, KINKED, times, to=["start", bitesim.ToEventTime(0.25), bitesim.ToEventTime(2.0)], rtol=1e-11
    )
    # The brim is reached at 0.5 with level 0.4 + 0.1 + t; from then on the level forgets its start.
    forgotten = np.exp(-(1.9 - 0.5))
    np.testing.assert_allclose(run["level", "start"], [1.0, 1.0, forgotten, 1.0, 1.0], rtol=1e-6)
    # A bolus into a level that only grows may come when it likes.
    np.testing.assert_allclose(run["level", "time of the event at day 0.25"], 0.0, atol=1e-9)
    np.testing.assert_allclose(run["level", "time of the event at day 2"], [0, 0, 0, -1.0, -1.0], atol=1e-9)


def test_results_do_not_depend_on_how_many_are_asked_for():
    names = list(STIFF.catalogue)[:11]
    many = bitesim.sensitivities(None, "9 ug/day for 2 d", STIFF, [1.0, 2.0], to=names, rtol=1e-6)
    for name in (names[0], names[7], names[8], names[10]):
        one = bitesim.sensitivities(None, "9 ug/day for 2 d", STIFF, [1.0, 2.0], to=[name], rtol=1e-6)
        assert np.array_equal(one.derivatives[:, :, 0], many.derivatives[:, :, names.index(name)])
    run = bitesim.simulate(None, "9 ug/day for 2 d", STIFF, [1.0, 2.0], rtol=1e-6)
    assert all(np.array_equal(many.output(name), run[name]) for name in many.outputs)


def test_a_prepared_run_gives_the_numbers_of_a_run_of_its_own():
    to = [*list(STIFF.catalogue)[:9], bitesim.ToInitialValue(next(iter(STIFF.species)))]
    case, times = case_and_times(None, "9 ug/day for 2 d", STIFF, [0.0, 1.0, 2.0, 3.0])
    prepared = PreparedSensitivities(case, times, to, Settings(1e-6))
    for factor in (1.0, 1.5, 0.7, 1.0):
        parameters = STIFF.parameters.replace(**{name: factor * STIFF.parameters[name] for name in to[:3]})
        values, derivatives = prepared.at(parameters.vector())
        alone = bitesim.sensitivities(None, "9 ug/day for 2 d", STIFF, times, to=to, parameters=parameters, rtol=1e-6)
        assert np.array_equal(values, alone.values)
        assert np.array_equal(derivatives, alone.derivatives)


def test_a_prepared_run_that_fails_says_for_which_values_and_goes_on():
    case, times = case_and_times(None, "9 ug/day for 2 d", STIFF, [1.0, 2.0])
    prepared = PreparedSensitivities(case, times, ["clearance_l_per_day"], Settings(1e-6, max_steps=50))
    with pytest.raises(SolverError, match=r"too many steps.*clearance_l_per_day=123\.0"):
        prepared.at(STIFF.parameters.replace(clearance_l_per_day=123.0).vector())


def test_a_long_run_outgrows_its_first_record():
    run = bitesim.sensitivities(None, "9 ug/day for 28 d", STIFF, [28.0], to=["clearance_l_per_day"], rtol=1e-10)
    assert np.all(np.isfinite(run.derivatives))


def test_results_are_labelled():
    run = bitesim.sensitivities(None, "20 ug/day for 2 d", PK, [1.0, 2.0], to=["volume_l", bitesim.ToDose()])
    frame = run.to_dataframe()
    assert list(frame.columns) == ["time_days", "output", "target", "value", "derivative", "unit"]
    row = frame[(frame.time_days == 2.0) & (frame.output == "drug_ug") & (frame.target == "dose from day 0")].iloc[0]
    assert row.derivative == run["drug_ug", "dose from day 0"][1]
    assert row.unit == "ug / (ug/day)"
    assert row.value == run.output("drug_ug")[1]
    elastic = run.elasticities()
    expected = run["drug_ug", "volume_l"] * 5.98 / run.output("drug_ug")
    np.testing.assert_allclose(elastic[:, run.outputs.index("drug_ug"), 0], expected, rtol=1e-14)
    assert np.all(np.isnan(elastic[:, :, 1]))
    assert "volume_l" in run._repr_html_()
    assert "dose from day 0" in repr(run)


@pytest.mark.parametrize(
    ("to", "error", "words"),
    [
        ("volume_l", ParameterError, "give a list"),
        ([], ParameterError, "give a list"),
        (["volum_l"], UnknownNameError, "Did you mean 'volume_l'"),
        ([3.0], ParameterError, "is no target"),
        (["volume_l", "volume_l"], ParameterError, "twice"),
        ([bitesim.ToInitialValue("drug")], UnknownNameError, "drug_ug"),
        ([bitesim.ToEventTime(3.0)], ScenarioError, "something changes at day: 0, 2"),
        ([bitesim.ToDose(5.0)], ScenarioError, "infusions start at day: 0"),
    ],
)
def test_targets_that_do_not_exist_are_named(to, error, words):
    with pytest.raises(error, match=words):
        bitesim.sensitivities(None, "20 ug/day for 2 d", PK, [1.0], to=to)


def test_models_without_derived_code_and_rules_are_refused():
    with pytest.raises(ParameterError, match=r"bitesim.derive\(model\) first"):
        bitesim.sensitivities(None, None, STIFF_BINDING, [1.0], to=["clearance_l_per_day"])
