"""The stiff test problem: its equations against an independent twin, its solution against SciPy, and its limits."""

from types import SimpleNamespace

import numpy as np
import pytest

import bitesim
from bitesim.engines.deterministic import read_outputs
from tests.problems.stiff_binding import (
    CATALOGUE,
    PMOL_PER_UG,
    REGIMEN,
    SPECIES,
    STIFF_BINDING,
    TIMES,
    binding,
    error,
    population,
    scipy_states,
    stored_reference,
)

READOUTS = [readout.name for readout in STIFF_BINDING.readouts]
PLACES = ("blood", "marrow")


def course(run):
    return np.column_stack([run[name] for name in READOUTS])


def patient(values):
    return STIFF_BINDING.parameters.replace(**dict(zip(CATALOGUE, values, strict=True)))


def rate_of_change(state, values):
    derivative = np.empty(len(state))
    STIFF_BINDING.rhs(state, values, np.zeros(STIFF_BINDING.workspace_size), derivative)
    return derivative


def random_cases(count):
    """Yield (state, parameters) over the whole course, every parameter varied."""
    rng = np.random.default_rng(20)
    bound_low, bound_high = [1e-8, 1e-5, 1e-5] * 2, [1e-3, 0.1, 0.01] * 2
    low = np.array([1e-4, 1e-3, 1e-3, *bound_low, *[1.0] * 6, 1e-3, 1.0, 1.0, 1.0, 1e-4])
    high = np.array([10.0, 1e3, 1e3, *bound_high, *[1e3] * 6, 300.0, 1.0, 1.0, 1e3, 1.0])
    for _ in range(count):
        state = low * (high / low) ** rng.uniform(size=len(low))
        state[16:18] = rng.uniform(-14.0, 6.0, 2)
        yield state, STIFF_BINDING.parameters.vector() * np.exp(0.3 * rng.standard_normal(len(CATALOGUE)))


def twin(state, values):
    """The equations once more, by mass action in pM and a matrix of T-cell turnover, for real and complex states."""
    p = SimpleNamespace(**dict(zip(CATALOGUE, values, strict=True)))
    drug, resting, blasts, escaped = state[0] * 1e6 / 54100.0 / p.volume_blood_l, state[9:13:3], *np.exp(state[16:18])
    _, peripheral, marrow, *bound = state[:9]
    (resting, activated, _), t_cells = state[9:15].reshape(2, 3).T, state[9:15].reshape(2, 3)
    b_cells, il6, effect = state[15], state[18], state[19]

    def bindings(drug, cd3_fraction, cd19_fraction, trimer_fraction, cd3, cd19):
        cd3_dimer, cd19_dimer, trimer = cd3_fraction * cd3, cd19_fraction * cd19, trimer_fraction * cd19
        cd3_free, cd19_free = cd3 - cd3_dimer - trimer, cd19 - cd19_dimer - trimer
        to_cd3 = p.cd3_on_per_pm_per_day * drug * cd3_free - p.cd3_off_per_day * cd3_dimer
        to_cd19 = p.cd19_on_per_pm_per_day * drug * cd19_free - p.cd19_off_per_day * cd19_dimer
        closing_cd19 = p.bridging_factor * p.cd19_on_per_pm_per_day * cd3_dimer * cd19_free - p.cd19_off_per_day * trimer
        closing_cd3 = p.bridging_factor * p.cd3_on_per_pm_per_day * cd19_dimer * cd3_free - p.cd3_off_per_day * trimer
        eaten = p.internalisation_per_day
        changes = [
            (to_cd3 - closing_cd19) / cd3,
            (to_cd19 - closing_cd3 - eaten * cd19_dimer) / cd19,
            (closing_cd19 + closing_cd3 - eaten * trimer) / cd19,
        ]
        return to_cd3 + to_cd19, changes, trimer / cd3 / (p.bridged_cd3_half + trimer / cd3)

    def turnover(cells, stimulus):
        rest = 1 - stimulus
        off, back = p.deactivation_per_day * rest, p.recovery_per_day * rest
        on, out = p.activation_per_day * stimulus, p.exhaustion_per_day * stimulus
        divide = p.proliferation_per_day * stimulus * (1 - cells.sum() / p.t_cell_capacity_per_ul)
        matrix = [
            [-on - p.resting_death_per_day, off, back],
            [on, divide - off - out - p.activated_death_per_day, 0],
            [0, out, -back - p.exhausted_death_per_day],
        ]
        return np.array(matrix) @ cells

    cd3_blood, cd3_marrow = p.cd3_pm_per_t_cell_per_ul * t_cells.sum(1)
    cd19_blood = p.cd19_pm_per_b_cell_per_ul * b_cells
    cd19_marrow = p.cd19_pm_per_1e9_blasts * blasts + p.cd19_pm_per_b_cell_per_ul * p.b_cells_marrow_per_blood * b_cells
    taken_blood, bound_blood, stimulus_blood = bindings(drug, *bound[:3], cd3_blood, cd19_blood)
    taken_marrow, bound_marrow, stimulus_marrow = bindings(marrow, *bound[3:], cd3_marrow, cd19_marrow)

    to_peripheral = p.exchange_peripheral_l_per_day * (drug - peripheral)
    to_marrow = p.exchange_marrow_l_per_day * (drug - marrow)
    lost_pmol = p.clearance_l_per_day * drug + to_peripheral + to_marrow + taken_blood * p.volume_blood_l

    homing = p.homing_per_day * (1 + p.homing_il6_gain * il6 / (p.homing_il6_half_pg_per_ml + il6))
    leaving, returning = homing * t_cells[0], p.return_per_day * t_cells[1]
    ratio = p.blood_per_marrow_volume
    inflow = np.array([p.t_cell_inflow_per_ul_per_day, 0.0, 0.0])

    trimers = np.array([bound[2], bound[5]])
    killers = activated + p.killing_by_resting * resting
    killing_blood, killing_marrow = killers / (p.killers_half_per_ul + killers) * trimers / (p.trimer_half + trimers)
    room = 1 - (blasts + escaped) / p.blast_capacity_1e9
    stimulated = activated @ np.array([stimulus_blood, stimulus_marrow])
    lost_b_cells = p.b_cell_turnover_per_day + p.b_cell_killing_per_day * killing_blood
    return np.array(
        [
            -lost_pmol * 54100.0 / 1e6,
            to_peripheral / p.volume_peripheral_l,
            to_marrow / p.volume_marrow_l - taken_marrow,
            *bound_blood,
            *bound_marrow,
            *(inflow + turnover(t_cells[0], stimulus_blood) - leaving + returning / ratio),
            *(turnover(t_cells[1], stimulus_marrow) + ratio * leaving - returning),
            p.b_cell_inflow_per_ul_per_day / (1 + effect / p.b_cell_inflow_effect_half) - lost_b_cells * b_cells,
            p.blast_growth_per_day * room - p.blast_killing_per_day * effect - p.antigen_loss_per_day,
            p.escaped_growth_per_day * room
            - p.escaped_killing_per_day * effect
            + p.antigen_loss_per_day * np.exp(state[16] - state[17]),
            p.il6_baseline_pg_per_ml_per_day
            + p.il6_per_activated_t_cell_per_day * stimulated
            - p.il6_clearance_per_day * il6,
            p.effect_delay_per_day * (killing_marrow - effect),
        ]
    )


@pytest.fixture(scope="module")
def radau():
    """SciPy's states and readouts for the default patient."""
    states = scipy_states(STIFF_BINDING.parameters, 1e-12)
    return states, read_outputs(STIFF_BINDING, STIFF_BINDING.parameters, states)


def test_the_rate_of_change_equals_that_of_a_twin():
    for state, values in random_cases(100):
        np.testing.assert_allclose(rate_of_change(state, values), twin(state, values), rtol=1e-12)


def test_the_jacobian_equals_that_of_a_twin():
    n, matrix, work = len(SPECIES), np.empty((20, 20)), np.zeros(STIFF_BINDING.workspace_size)
    for state, values in random_cases(20):
        STIFF_BINDING.jacobian(state, values, work, matrix)
        columns = [twin(state + 1e-30j * unit, values).imag / 1e-30 for unit in np.eye(n)]
        # What a state changes, compared with the largest change of that row, as small ones are differences of large ones.
        influence, expected = matrix * state, np.transpose(columns) * state
        largest = np.abs(expected).max(axis=1, keepdims=True)
        np.testing.assert_allclose(influence / largest, expected / largest, rtol=1e-11, atol=1e-13)


def test_a_run_equals_scipy(radau):
    run = bitesim.simulate(model=STIFF_BINDING, regimen=REGIMEN, times_days=TIMES, rtol=1e-9)
    assert error(course(run), radau[1]) < 1e-8


@pytest.mark.parametrize("rtol", [1e-4, 1e-6])
def test_the_error_stays_below_the_tolerance(rtol):
    run = bitesim.simulate(model=STIFF_BINDING, regimen=REGIMEN, times_days=TIMES, rtol=rtol)
    assert error(course(run), stored_reference()["readouts"]) < rtol


def test_the_stored_reference_is_scipys_solution(radau):
    stored = stored_reference()
    assert np.array_equal(stored["times_days"], TIMES)
    assert error(stored["readouts"], radau[1]) < 1e-10
    assert np.all(np.abs(stored["states"] - radau[0]) < 1e-9 * (np.abs(radau[0]) + SPECIES.scales()))


def test_the_reference_is_a_deep_response_and_an_escape():
    blasts, escaped, t_blood, t_marrow, drug = stored_reference()["readouts"].T
    assert 8.5 < np.log10(blasts[0] / blasts.min()) < 9.5
    assert escaped[-1] > 1e3 * escaped[0]
    assert escaped[-1] > 1e5 * blasts[-1]
    assert t_blood[7] < 0.5 * t_blood[0] < t_blood[-1]
    assert t_marrow[7] > 2.0 * t_marrow[0]
    # With few receptors left, the drug is at its steady state: dose / clearance.
    assert drug[28] == pytest.approx(28.0 * PMOL_PER_UG / 72.0, rel=0.01)


def test_the_regimen_is_two_cycles():
    assert REGIMEN.ledger().delivered_ug == pytest.approx(9 * 7 + 28 * 21 + 28 * 28)


def test_without_drug_there_are_no_trimers():
    run = bitesim.simulate(model=STIFF_BINDING, regimen="no drug", times_days=TIMES)
    for place in PLACES:
        for name in ("cd3_bound_fraction", "cd19_bound_fraction", "trimer_fraction"):
            assert not run[f"{name}_{place}"].any()
        assert not run[f"activated_t_{place}_per_ul"].any()
    assert run["blasts_1e9"][-1] > 3.0 * run["blasts_1e9"][0]


@pytest.mark.parametrize("drug", [0.01, 10.0, 1e4])
def test_binding_is_in_detailed_balance(drug):
    # Dimers of either arm at equilibrium with free drug; trimers follow from one path and must not flow on the other.
    p = STIFF_BINDING.parameters
    cd3_free, cd19_free = 80.0, 200.0
    cd19_affinity = p.cd19_on_per_pm_per_day / p.cd19_off_per_day
    cd3_dimer = p.cd3_on_per_pm_per_day / p.cd3_off_per_day * drug * cd3_free
    cd19_dimer = cd19_affinity * drug * cd19_free
    trimer = p.bridging_factor * cd19_affinity * cd3_dimer * cd19_free
    cd3, cd19 = cd3_free + cd3_dimer + trimer, cd19_free + cd19_dimer + trimer
    record = p.vector().view(CATALOGUE.record_type)[0]
    rates = np.array(binding(drug, cd3_dimer / cd3, cd19_dimer / cd19, trimer / cd19, cd3, cd19, record))
    gross = p.cd3_off_per_day * (cd3_dimer + trimer) + p.cd19_off_per_day * (cd19_dimer + trimer)
    np.testing.assert_allclose(rates[0], 0.0, atol=1e-13 * gross)
    np.testing.assert_allclose(rates[1:6], 0.0, atol=1e-13 * gross / min(cd3, cd19))
    np.testing.assert_allclose(rates[6:] * cd19, [cd19_dimer, trimer], rtol=1e-12)


def test_all_drug_that_leaves_is_cleared_or_internalised():
    for state, values in random_cases(50):
        s, d = (vector.view(SPECIES.record_type)[0] for vector in (state, rate_of_change(state, values)))
        p = values.view(CATALOGUE.record_type)[0]
        change = PMOL_PER_UG * d.drug_blood_ug + p.volume_peripheral_l * d.drug_peripheral_pm
        change += p.volume_marrow_l * d.drug_marrow_pm
        expected = -p.clearance_l_per_day / p.volume_blood_l * PMOL_PER_UG * s.drug_blood_ug
        size = -expected
        cd19_blood = p.cd19_pm_per_b_cell_per_ul * s.b_cells_per_ul
        cd19_marrow = p.cd19_pm_per_1e9_blasts * np.exp(s.ln_blasts_1e9) + p.b_cells_marrow_per_blood * cd19_blood
        for place, volume, cd19 in (("blood", p.volume_blood_l, cd19_blood), ("marrow", p.volume_marrow_l, cd19_marrow)):
            t_cells = sum(s[f"{kind}_t_{place}_per_ul"] for kind in ("resting", "activated", "exhausted"))
            cd3_change = p.cd3_pm_per_t_cell_per_ul * t_cells * d[f"cd3_bound_fraction_{place}"]
            cd19_change = cd19 * (d[f"cd19_bound_fraction_{place}"] + d[f"trimer_fraction_{place}"])
            change += volume * (cd3_change + cd19_change)
            on_cd19 = cd19 * (s[f"cd19_bound_fraction_{place}"] + s[f"trimer_fraction_{place}"])
            expected -= volume * p.internalisation_per_day * on_cd19
            size += volume * (abs(cd3_change) + abs(cd19_change))
        assert change == pytest.approx(expected, abs=1e-12 * size)


def test_a_patient_depends_on_seed_and_number_alone():
    patients = population(6, seed=3)
    assert np.array_equal(patients[:2], population(2, seed=3))
    assert not np.any(patients[:, 0] == population(6, seed=4)[:, 0])
    factors = patients / STIFF_BINDING.parameters.vector()
    names = list(CATALOGUE)
    inflow, blood, marrow = (names.index(name) for name in names if "t_cell_inflow" in name or "initial_t" in name)
    np.testing.assert_allclose(factors[:, [blood, marrow]], factors[:, [inflow, inflow]])
    assert np.array_equal(factors[:, names.index("volume_blood_l")], np.ones(6))


def test_the_population_is_inside_the_bounds_and_can_be_run():
    patients = population(500, seed=1)
    spread = np.log(patients / STIFF_BINDING.parameters.vector()).std(axis=0)
    stated = [row.between_patients.sd if row.between_patients else 0.0 for row in CATALOGUE.values()]
    np.testing.assert_allclose(spread, stated, rtol=0.15, atol=1e-12)
    for values in patients:
        patient(values)
    for values in patients[:5]:
        run = bitesim.simulate(model=STIFF_BINDING, regimen=REGIMEN, times_days=TIMES, parameters=patient(values), rtol=1e-4)
        assert np.all(course(run)[:, :4] > 0.0)


def test_the_error_is_the_largest_of_all_outputs():
    reference = np.full((85, 5), 2.0)
    reference[:, 4] = 0.0
    for column, found in ((0, 0.05), (4, 100.0)):
        off = reference.copy()
        off[7, column] += 0.1
        assert error(off, reference) == pytest.approx(found)
