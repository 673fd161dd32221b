"""The published model against independent reference trajectories, and against SciPy on random parameters."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import bitesim
from bitesim.cli import main
from bitesim.engines.deterministic import initial_state
from bitesim.foundation.compiled import prepare
from bitesim.model.rate_of_change import JACOBIAN_SIGNATURE, RHS_SIGNATURE

DATA = Path(__file__).parent.parent / "data"
STEPS = "5 ug/m2/day for 7 d, 15 ug/m2/day for 7 d, 60 ug/m2/day for 7 d"
OUTPUTS = {
    "C_ngml": ("serum_drug_pg_per_ml", 1e-3),
    "PB_B_perul": ("blood_b_cells_per_ul", 1.0),
    "PB_CD8_perul": ("blood_cd8_t_cells_per_ul", 1.0),
    "PB_CD69_frac": ("blood_cd69_fraction", 1.0),
    "IL6_pgml": ("serum_il6_pg_per_ml", 1.0),
}
CASES = [
    ("hosseini2020_all_trajectories.csv", "ALL_step_5_15_60", "hosseini2020", STEPS, {}),
    ("hosseini2020_all_trajectories.csv", "ALL_flat_60", "hosseini2020", "60 ug/m2/day for 21 d", {}),
    ("hosseini2020_nhl_trajectories.csv", "NHL_step_5_15_60", "hosseini2020_nhl", STEPS, {}),
    ("hosseini2020_nhl_trajectories.csv", "NHL_flat_60", "hosseini2020_nhl", "60 ug/m2/day for 21 d", {}),
    (
        "hosseini2020_patient1_trajectories.csv",
        "PT1_15x28_off7",
        "hosseini2020",
        "15 ug/m2/day for 28 d, 7 d off",
        {"blood_b_cells_per_ul": 8.3, "blood_cd8_t_cells_per_ul": 342.47},
    ),
]


def reference(file, regimen):
    with (DATA / file).open() as opened:
        rows = [row for row in csv.DictReader(opened) if row["regimen"] == regimen]
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "regimen"}


@pytest.mark.parametrize("rtol", [1e-6, 1e-9])
@pytest.mark.parametrize(("file", "regimen", "model", "text", "counts"), CASES, ids=[case[1] for case in CASES])
def test_every_column_and_row_equals_the_reference(file, regimen, model, text, counts, rtol):
    columns = reference(file, regimen)
    times = columns.pop("time_day")
    run = bitesim.simulate(bitesim.Patient(**counts), text, model=model, times_days=times, rtol=rtol)
    for column, expected in columns.items():
        name, factor = OUTPUTS.get(column, (column, 1.0))
        allowed = 1e-5 * np.abs(expected) + 1e-8 * np.max(np.abs(expected))
        assert np.all(np.abs(factor * run[name] - expected) <= allowed), column


def test_peaks_between_the_rows_equal_the_reference():
    runs = {
        "ALL_step_5_15_60": bitesim.simulate(
            None, STEPS, model="hosseini2020", times_days=np.arange(10501) / 500.0, rtol=1e-8
        ),
        "ALL_flat_60": bitesim.simulate(
            None, "60 ug/m2/day for 21 d", model="hosseini2020", times_days=np.arange(10501) / 500.0, rtol=1e-8
        ),
    }
    with (DATA / "hosseini2020_all_peaks.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 14
    for row in rows:
        run, quantity = runs[row["regimen"]], row["quantity"]
        window = np.ones(len(run), bool)
        name, extreme = quantity.rsplit("_", 1) if quantity.endswith(("min", "max")) else (quantity.split("_max")[0], "max")
        if "_day_" in quantity:
            first, last = map(float, quantity.split("_day_")[1].split("_"))
            window = (run.times_days >= first) & (run.times_days <= last)
        series = run[{"IL6": "serum_il6_pg_per_ml", "PB_B_perul": "blood_b_cells_per_ul"}.get(name.split("_max")[0], "")
                     if name.split("_max")[0] in ("IL6", "PB_B_perul") else OUTPUTS[name][0]][window]  # fmt: skip
        position = np.argmax(series) if extreme == "max" else np.argmin(series)
        assert series[position] == pytest.approx(float(row["value"]), rel=2e-6), quantity
        assert run.times_days[window][position] == pytest.approx(float(row["time_day"]), abs=0.0041), quantity


@pytest.mark.parametrize("name", ["hosseini2020", "hosseini2020_nhl"])
def test_the_untreated_patient_stays_at_rest(name):
    # Rates at rest are 0 to rounding only, and the solver may follow them as far as its tolerance lets it.
    run = bitesim.simulate(None, None, model=name, times_days=[0.0, 100.0, 5000.0], rtol=1e-10)
    model = bitesim.MODELS[name]
    for state in model.species:
        # The tumour alone grows; every other state rests in both settings.
        if state != "b_cells_tumour":
            np.testing.assert_allclose(run[state], run[state][0], rtol=1e-9, atol=1e-9, err_msg=state)


def test_the_untreated_tumour_grows_at_its_rate():
    run = bitesim.simulate(None, None, model="hosseini2020_nhl", times_days=[0.0, 100.0], rtol=1e-9)
    assert run["Bt"][1] / run["Bt"][0] == pytest.approx(np.exp(0.025 * 100.0), rel=1e-7)


def test_twenty_random_patients_equal_scipy_radau_and_lsoda():
    model = bitesim.MODELS["hosseini2020"]
    rhs, jacobian = prepare(model.rhs, RHS_SIGNATURE), prepare(model.jacobian, JACOBIAN_SIGNATURE)
    work, n = np.zeros(model.workspace_size), len(model.species)
    generator = np.random.default_rng(20)
    times = np.array([0.5, 1.0, 3.0, 7.0, 10.0])
    for draw in range(20):
        changes = {
            key: row.default * np.exp(0.3 * generator.standard_normal())
            for key, row in model.catalogue.items()
            if row.bounds[1] > 1.0 and row.default > 0
        }
        parameters = model.parameters.replace(**changes)
        run = bitesim.simulate(
            None, "15 ug/m2/day for 10 d", model="hosseini2020", times_days=times, parameters=parameters, rtol=1e-10
        )
        start, values = initial_state(model, parameters), parameters.vector()
        start[[1, 2]] = 1.0

        def slope(_, state, values=values):
            derivative = np.zeros(n)
            rhs(np.ascontiguousarray(state), values, work, derivative)
            derivative[0] += 15.0
            return derivative

        def slopes(_, state, values=values):
            matrix = np.zeros((n, n))
            jacobian(np.ascontiguousarray(state), values, work, matrix)
            return matrix

        scale = model.species.scales()
        for method in ("Radau", "LSODA"):
            solved = solve_ivp(
                slope, (0.0, 10.0), start, method, times[:-1], jac=slopes, rtol=1e-10, atol=1e-10 * scale, first_step=1e-6
            )
            for position, row in enumerate(solved.y):
                ours = run[list(model.species)[position]][:-1]
                assert np.all(np.abs(ours - row) <= 1e-7 * (np.abs(row) + scale[position])), (
                    draw,
                    method,
                    list(model.species)[position],
                )


def test_jacobian_equals_central_differences():
    model = bitesim.MODELS["hosseini2020_nhl"]
    rhs, jacobian = prepare(model.rhs, RHS_SIGNATURE), prepare(model.jacobian, JACOBIAN_SIGNATURE)
    run = bitesim.simulate(None, "15 ug/m2/day for 10 d", model="hosseini2020_nhl", times_days=[0.0, 2.0])
    state = np.array([run[name][1] for name in model.species])
    values, work, n = model.parameters.vector(), np.zeros(model.workspace_size), len(state)
    exact = np.zeros((n, n))
    jacobian(state, values, work, exact)
    sizes = np.abs(state) + model.species.scales()
    for column in range(n):
        step = 1e-5 * sizes[column]
        up, down = np.zeros(n), np.zeros(n)
        for target, sign in ((up, 1.0), (down, -1.0)):
            shifted = state.copy()
            shifted[column] += sign * step
            rhs(shifted, values, work, target)
        difference = (up - down) / (2.0 * step)
        weight = np.abs(exact).max(axis=1) + sizes / sizes[column]
        np.testing.assert_allclose(difference / weight, exact[:, column] / weight, atol=2e-6)


def test_exchange_processes_conserve_cells():
    for model in (bitesim.MODELS["hosseini2020"], bitesim.MODELS["hosseini2020_nhl"]):
        matrix = model.processes.matrix(model.species)
        for column, name in enumerate(model.processes):
            moves = any(word in name for word in ("_entry_", "_exit_", "activation", "maturation", "elimination", "return"))
            if moves and "apoptosis" not in name:
                assert matrix[:, column].sum() == 0.0, name


@pytest.mark.parametrize(("file", "regimen", "model", "text", "counts"), CASES, ids=[case[1] for case in CASES])
def test_the_command_line_gives_the_reference_too(file, regimen, model, text, counts, tmp_path, capsys):
    columns = reference(file, regimen)
    times = columns.pop("time_day")
    options = [word for name, count in counts.items() for word in (f"--{name.replace('_', '-')}", str(count))]
    target = tmp_path / "run.json"
    chosen = ["--model", model, "--regimen", text, "--times-days", ",".join(map(str, times)), "--json", str(target)]
    assert main(["simulate", *chosen, *options]) == 0
    content = json.loads(target.read_text())
    values = {**content["outputs"], **content["states"]}
    for column, expected in columns.items():
        name, factor = OUTPUTS.get(column, (content["symbols"].get(column), 1.0))
        allowed = 1e-5 * np.abs(expected) + 1e-8 * np.max(np.abs(expected))
        assert np.all(np.abs(factor * np.array(values[name]) - expected) <= allowed), column
