"""`bitesim dish`, as a user types it."""

import csv

import pytest

import bitesim
from bitesim.cli import main


def read(path):
    with path.open() as opened:
        return list(csv.DictReader(opened))


def test_synapses_writes_the_table_and_both_figures(tmp_path, capsys):
    cells = ["--effectors-per-ml", "1e6,8e6", "--effectors-per-target", "0.3,1"]
    assert main(["dish", "synapses", "--drug-ng-per-ml", "0.65,20,100", *cells, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "times_published" in printed
    assert "synapses_by_ratio.png" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"synapses.csv", "synapses.png", "synapses_by_ratio.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))
    result = bitesim.dish.synapse_experiment([0.65, 20, 100], [1e6, 8e6], effectors_per_target=[0.3, 1])
    rows = read(tmp_path / "synapses.csv")
    assert [float(row["engaged_effectors"]) for row in rows] == result["engaged_effectors"].tolist()


def test_synapses_of_one_dish_are_drawn_over_time(tmp_path, capsys):
    one = ["--drug-ng-per-ml", "20", "--effectors-per-ml", "1e6", "--minutes", "30", "--set", "cd3_down_modulation=0"]
    assert main(["dish", "synapses", *one, "--out", str(tmp_path)]) == 0
    assert "after 30 min" in capsys.readouterr().out
    assert [row["minutes"] for row in read(tmp_path / "synapses.csv")] == ["30.0"]
    assert (tmp_path / "synapses.png").exists()


def test_cells_writes_both_tables_and_the_figures(tmp_path, capsys):
    dish = ["--drug-ng-per-ml", "5,20", "--volume-ul", "2", "--hours", "5", "--replicates", "2", "--seed", "3"]
    assert main(["dish", "cells", *dish, "--out", str(tmp_path)]) == 0
    assert "dead_targets_se" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {
        *("cells.csv", "cells_over_time.csv", "cells.png", "cells_over_time.png", "cells_cd19.png")
    }
    result = bitesim.dish.synapse_population([5.0, 20.0], minutes=300, volume_ul=2.0, replicates=2, seed=3)
    rows = read(tmp_path / "cells.csv")
    assert [float(row["dead_targets"]) for row in rows] == result["dead_targets"].tolist()
    assert len(read(tmp_path / "cells_over_time.csv")) == 4 * 301


def test_exhaustion_writes_published_and_own_schedules(tmp_path, capsys):
    own = ["--schedule", "7 d on, 7 d off, x2", "--schedule", "3 d on", "--set", "recovery_per_day=0.3"]
    assert main(["dish", "exhaustion", *own, "--out", str(tmp_path)]) == 0
    assert "Philipp et al. 2022" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"exhaustion.csv", "exhaustion.png"}
    rows = read(tmp_path / "exhaustion.csv")
    assert [row["schedule"] for row in rows][3:] == ["7 d on, 7 d off", "7 d on, 7 d off, x2", "3 d on"]
    assert rows[-1]["published_lysis"] == ""


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["dish", "exhaustion"]) == 0
    assert "lysis" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synapses", "--drug-ng-per-ml", "615000"], "pg/mL must be divided by 1000"),
        (["synapses", "--effectors-per-ml", "1000"], "per microlitre are 1e6 per mL"),
        (["synapses", "--effectors-per-ml", "many"], "--effectors-per-ml = 'many'"),
        (["synapses", "--minutes", "1.5"], "--minutes = '1.5' is not a whole number"),
        (["synapses", "--minutes", "nan"], "--minutes = 'nan' is not a whole number"),
        (["synapses", "--set", "adhesion_per_bonds=1"], "Did you mean 'adhesion_per_bond'"),
        (["cells", "--hours", "0.001"], "is not a whole number: time is in whole minutes"),
        (["cells", "--replicates", "1.5"], "--replicates = '1.5' is not a whole number"),
        (["cells", "--volume-ul", "0.0001"], "Simulate a larger part of the dish"),
        (["cells", "--drug-ng-per-ml=-1"], "drug_ng_per_ml"),
        (["cells", "--set", "synapse_minute=1"], "Did you mean 'synapse_minutes'"),
        (["exhaustion", "--schedule", "28 d"], "no stretch"),
        (["exhaustion", "--set", "recovery=1"], "Did you mean 'recovery_per_day'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, capsys):
    assert main(["dish", *arguments]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert len(shown.strip().splitlines()) == 1
