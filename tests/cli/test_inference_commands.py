"""`bitesim facts`, `calibrate` and `left-out`, as a user types them."""

import json
from functools import partial

import numpy as np
import pytest

from bitesim.cli import main
from bitesim.inference import free_parameters
from bitesim.inference.calibrated_set import CalibratedSet
from bitesim.inference.calibration import calibrate
from bitesim.inference.facts import facts
from bitesim.inference.left_out_patients import BASELINE, COUNT, FIRST_48_H, RATIO, LeftOut


def test_facts_are_printed_and_written(tmp_path, capsys):
    target, page = tmp_path / "facts.json", tmp_path / "facts.md"
    assert main(["facts", "--json", str(target), "--markdown", str(page)]) == 0
    rows = json.loads(target.read_text())
    assert [row["id"] for row in rows] == [each.id for each in facts()]
    printed = capsys.readouterr().out
    assert "Log score of the four MRD conversions" in printed
    assert "| fact | published |" in page.read_text()


def test_the_catalogue_before_the_calibration_meets_fewer(capsys, tmp_path):
    assert main(["facts", "--catalogue", "--json", str(tmp_path / "before.json")]) == 0
    assert main(["facts", "--json", str(tmp_path / "after.json")]) == 0
    met = [sum(row["inside"] for row in json.loads((tmp_path / f"{name}.json").read_text())) for name in ("before", "after")]
    assert met[0] < met[1]


def test_a_file_that_is_no_set_is_refused(tmp_path, capsys):
    (tmp_path / "set.json").write_text("{}")
    assert main(["facts", "--set", str(tmp_path / "set.json")]) == 2
    assert "bitesim calibrate" in capsys.readouterr().err


def test_calibrate_writes_a_set_that_facts_reads(tmp_path, capsys, monkeypatch):
    few = [free_parameters.FreeParameter("neurotoxicity_first_cycle", "event", 0.5)]
    monkeypatch.setattr("bitesim.cli.calibrate.calibrate", partial(calibrate, free=few))
    target = tmp_path / "set.json"
    assert main(["calibrate", "--out", str(target), "--store", str(tmp_path / "store.jsonl"), "--seed", "5"]) == 0
    assert "SHA-256" in capsys.readouterr().out
    assert [row.free.parameter for row in CalibratedSet.load(target).rows] == ["neurotoxicity_first_cycle"]
    assert main(["facts", "--set", str(target)]) == 0
    assert main(["calibrate", "--out", str(target), "--store", str(tmp_path / "store.jsonl"), "--seed", "6"]) == 2
    assert "other facts, parameters, seed or sources" in capsys.readouterr().err


def test_left_out_prints_both_curves_and_the_model(capsys, monkeypatch):
    made = LeftOut({name: np.full((13, 5), 0.1) for name in (BASELINE, FIRST_48_H, RATIO, COUNT)}, ())
    monkeypatch.setattr("bitesim.cli.left_out.predict_left_out", lambda report: made)
    assert main(["left-out"]) == 0
    printed = capsys.readouterr().out
    for name in (BASELINE, FIRST_48_H, RATIO, COUNT):
        assert name in printed


def test_an_unknown_option_is_an_error(capsys):
    with pytest.raises(SystemExit):
        main(["facts", "--jason", "x"])
