"""The command line, as a user types it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import bitesim
from bitesim.cli import main

REGIMEN = "15 ug/m2/day for 28 d, 7 d off"


def test_simulate_writes_the_figure_the_course_the_ledger_and_the_json(tmp_path, capsys):
    out, file = tmp_path / "course", tmp_path / "run.json"
    counts = ["--blood-b-cells-per-ul", "8.3", "--blood-cd8-t-cells-per-ul", "342.47"]
    chosen = ["--model", "hosseini2020", "--regimen", REGIMEN, "--times-days", "0,1,35"]
    code = main(["simulate", *chosen, *counts, "--out", str(out), "--json", str(file)])
    assert code == 0
    printed = capsys.readouterr().out
    assert "planned 789.6 ug, delivered 789.6 ug" in printed
    assert "drug balance off by" in printed
    assert (out / "course.png").read_bytes().startswith(b"\x89PNG")
    with (out / "course.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    patient = bitesim.Patient(blood_b_cells_per_ul=8.3, blood_cd8_t_cells_per_ul=342.47)
    run = bitesim.simulate(patient, REGIMEN, "hosseini2020", [0, 1, 35])
    content = json.loads(file.read_text())
    for name in run.outputs:
        assert [float(row[name]) for row in rows] == run[name].tolist() == content["outputs"][name]
    assert (out / "ledger.csv").exists()


def test_the_hybrid_engine_prints_cure_both_ways_and_writes_all_replicates(tmp_path, capsys):
    out, file = tmp_path / "few", tmp_path / "few.json"
    chosen = ["--mrd", "1e-8", "--regimen", "28 ug/day for 28 d", "--times-days", "0,28,200", "--engine", "hybrid"]
    assert main(["simulate", *chosen, "--replicates", "20", "--seed", "3", "--out", str(out), "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    patient, days = bitesim.Patient(mrd=1e-8), [0, 28, 200]
    run = bitesim.simulate(patient, "28 ug/day for 28 d", times_days=days, engine="hybrid", replicates=20, seed=3)
    assert f"replicates:        {run.p_cured()}" in printed
    assert f"branching theory:  {run.cured_by_theory:.3f}" in printed
    assert f"{int(np.isfinite(run.extinction_days()[:, 0]).sum())} of 20" in printed
    assert (out / "course.png").read_bytes().startswith(b"\x89PNG")
    with (out / "course.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    content = json.loads(file.read_text())
    assert len(rows) == 60
    assert [float(row["blasts"]) for row in rows] == run["blasts"].ravel().tolist()
    assert content["outputs"]["mrd"] == run["mrd"].tolist()
    assert content["provenance"]["settings"]["engine"] == "hybrid"
    assert content["p_cured"]["value"] == run.p_cured().value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--regimen", REGIMEN, "--replicates", "5"], "add --engine hybrid"),
        (["--regimen", REGIMEN, "--engine", "hybrid", "--replicates", "many"], "--replicates = 'many'"),
        (["--regimen", REGIMEN, "--engine", "hybrid", "--replicates", "1.5"], "--replicates = 1.5"),
        (["--regimen", "28 mg/day for 28 d"], "micrograms"),
        (["--regimen", REGIMEN, "--weight-kg", "seventy"], "--weight-kg = 'seventy'"),
        (["--regimen", REGIMEN, "--weight-kg", "70"], "bsa_m2"),
        (["--regimen", REGIMEN, "--model", "hoseini"], "Did you mean"),
        (["--regimen", REGIMEN, "--set", "kills_per_day"], "NAME=VALUE"),
        (["--regimen", REGIMEN, "--set", "kill_per_day=1"], "Did you mean 'kills_per_day'"),
        ([], "no regimen"),
        (["missing.toml"], "cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, capsys):
    assert main(["simulate", *arguments]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert len(shown.strip().splitlines()) == 1


def test_a_suspicious_dose_warns(capsys):
    assert main(["simulate", "--regimen", "15 ug/day for 28 d", "--times-days", "0,1"]) == 0
    assert "did you mean 15 ug/m2/day" in capsys.readouterr().err


def test_the_label_regimen(capsys):
    assert main(["simulate", "--regimen", "label", "--times-days", "0,1"]) == 0
    assert "dexamethasone 20 mg" in capsys.readouterr().out


def test_the_demo_compares_the_model_with_the_patients(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "13 adults" in printed
    assert printed.count("139 measurements") == 2
    assert "median ratio of the other patients" in printed
    assert {path.name for path in Path(tmp_path).iterdir()} == {
        "course.csv", "ledger.csv", "course.png", "run.json", "il6_leukaemia.png", "il6_hosseini2020.png",
        "patients_leukaemia.png", "patients_hosseini2020.png",
    }  # fmt: skip
    assert np.genfromtxt(tmp_path / "course.csv", delimiter=",", skip_header=1).shape[0] > 300
