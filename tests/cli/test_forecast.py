"""`bitesim forecast` as a user types it."""

import json

import pytest

from bitesim.cli import main

_CASE = ["forecast", "--regimen", "15 ug/m2/day for 28 d, 14 d off, x2", "--weight-kg", "70", "--bsa-m2", "1.8"]
_FEW = ["--free", "killing_search_share, baseline_blast_fraction", "--draws", "30", "--starts", "1"]


def test_a_history_becomes_a_forecast_with_files(capsys, tmp_path):
    samples = ["--mrd", "28:5e-5", "--mrd", "0:1e-2", "--mrd", "42:nd"]
    other = ["--under", "15 ug/m2/day for 28 d, 14 d off, x4"]
    files = ["--out", str(tmp_path / "out"), "--json", str(tmp_path / "all.json")]
    assert main([*_CASE, *samples, *_FEW, *other, *files]) == 0
    text = capsys.readouterr().out
    assert "1 not detected, 2 quantified of 3" in text
    assert text.count("cure by this treatment alone") == 2
    assert "Research use only" in text
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["forecast_1.csv", "forecast_1.png", "forecast_2.csv", "forecast_2.png"]
    head, first, *_ = (tmp_path / "out" / "forecast_1.csv").read_text().splitlines()
    assert head == "name,unit,time_days,low,median,high"
    assert len(first.split(",")) == 6
    content = json.loads((tmp_path / "all.json").read_text())
    assert [row["parameter"] for row in content["estimates"]] == ["killing_search_share", "baseline_blast_fraction"]
    assert len(content["forecasts"]) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no MRD: give each sample"),
        (["--mrd", "28"], "is not DAY:VALUE"),
        (["--mrd", "28:1e-6"], "below it write 28:pnq, and 28:nd"),
        (["--mrd", "28:0.05", "--mrd", "28:nd"], "names day 28 twice"),
        (["--mrd", "28:nd", "--assay", "flwo"], "Did you mean 'flow'"),
        (["--mrd", "28:nd", "--cells", "2.5"], "cells_analysed"),
        (["--mrd", "soon:nd"], "is not a number"),
        (["--mrd", "28:nd", "--free", "kills_per_dya"], "Did you mean 'kills_per_day'"),
    ],
)
def test_what_cannot_be_used_is_named(options, words, capsys):
    assert main([*_CASE, *options]) == 2
    assert words in capsys.readouterr().err


_TABLE = """ID,TIME,AMT,RATE,EVID,DV,ASSAY,NCELLS,CENS,OUTCOME,WT,BSA
p1,0,,,0,0.01,PCR,250000,0,,70,1.8
p1,0,784,28,1,.,,,,,70,1.8
p1,28,,,0,0.00005,PCR,250000,0,,70,1.8
p1,42,,,0,.,PCR,250000,1,not detected,70,1.8
p2,0,,,0,0.02,PCR,250000,0,,80,1.9
"""


def test_a_patient_of_a_table(capsys, tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text(_TABLE)
    common = ["forecast", "--table", str(table), "--time-unit", "days", "--amount-unit", "ug", "--dv", "mrd", *_FEW]
    assert main([*common, "--id", "p1"]) == 0
    text = capsys.readouterr().out
    assert "PatientFit p1" in text
    assert "1 not detected, 2 quantified of 3" in text
    assert main(common) == 2
    assert "holds 2 patients: name one by --id, e.g. --id p1" in capsys.readouterr().err
    assert main([*common, "--id", "p1", "--mrd", "28:nd"]) == 2
    assert "leave --mrd, --regimen and patient options out" in capsys.readouterr().err
    assert main(["forecast", "--table", str(table)]) == 2
    assert "needs --time-unit" in capsys.readouterr().err


def test_a_regimen_is_needed(capsys):
    assert main(["forecast", "--mrd", "28:nd"]) == 2
    assert "no regimen" in capsys.readouterr().err
