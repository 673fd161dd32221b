"""The result: names, tables, files."""

import csv
import json

import numpy as np
import pytest

import bitesim


@pytest.fixture(scope="module")
def run():
    return bitesim.simulate(bitesim.Patient(name="p001"), "15 ug/m2/day for 28 d", "hosseini2020", [0.0, 1.0, 7.0])


def test_names_symbols_and_units(run):
    assert np.array_equal(run["Rp"], run["resting_t_cells_blood"])
    assert np.array_equal(run["time_days"], [0.0, 1.0, 7.0])
    assert run.units["serum_drug_pg_per_ml"] == "pg/mL"
    assert "Rp" in run
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'blood_b_cells_per_ul'"):
        run["blood_b_cells"]


def test_tables(run):
    wide, tidy = run.to_dataframe(wide=True), run.to_dataframe()
    assert list(wide.columns) == ["time_days", *run.outputs, *run.states]
    assert len(tidy) == 3 * len(run.values)
    assert set(tidy.columns) == {"patient", "time_days", "name", "value", "unit"}
    data = run.to_xarray()
    assert data["serum_drug_pg_per_ml"].attrs["units"] == "pg/mL"


def test_files_keep_every_digit(run, tmp_path):
    with run.to_csv(tmp_path / "course.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["Rp"] if "Rp" in row else row["resting_t_cells_blood"]) for row in rows] == run["Rp"].tolist()
    content = json.loads(json.dumps(run.as_dict()))
    assert content["outputs"]["serum_drug_pg_per_ml"] == run["serum_drug_pg_per_ml"].tolist()
    assert content["provenance"]["model"] == "hosseini2020"


def test_it_prints_on_one_line_and_as_a_table(run):
    assert "\n" not in repr(run)
    assert "serum_drug_pg_per_ml" in run._repr_html_()


def test_plot_returns_axes(run):
    assert len(run.plot()) == 6
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert run.plot(["blood_b_cells_per_ul"], ax=ax) is ax
    assert len(ax.lines) == 1
