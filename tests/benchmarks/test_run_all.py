"""All benchmarks together: what fails is named, the others are kept, and no path of the machine gets out."""

import json

import pytest

from benchmarks import run_all
from benchmarks.command import Benchmark
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Goal, Section


def benchmark(name, run):
    def section(record):
        return Section(f"Section {name}", "How.", [], [Goal(f"goal of {name}", str(record["beads"]), record["beads"] > 2)])

    return Benchmark(name, run, section, lambda record, path: path.write_bytes(b"picture"))


def raising(error):
    def run(options):
        raise error

    return run


@pytest.fixture
def files(monkeypatch, tmp_path):
    chosen = (
        benchmark("good", lambda options: {"beads": 3, "versions": {"peer": "1.0"}}),
        benchmark("wrong", raising(WrongAnswer("error 3.00e-01"))),
        benchmark("broken", raising(FileNotFoundError("/home/me/secret"))),
    )
    monkeypatch.setattr(run_all, "BENCHMARKS", chosen)
    return ["--json", str(tmp_path / "all.json"), "--page", str(tmp_path / "all.md")]


def test_what_fails_is_named_and_the_others_are_kept(files, tmp_path, capsys):
    assert run_all.main(files) == 1
    text, page = (tmp_path / "all.json").read_text(), (tmp_path / "all.md").read_text()
    assert "/home/me" not in text + page
    assert "- **wrong failed**: error 3.00e-01" in page
    assert "- **broken failed**: FileNotFoundError" in page
    assert "| goal of good | 3 | met |" in page
    assert "![Section good](all_good.png)" in page
    assert (tmp_path / "all_good.png").exists()
    assert "peer 1.0" in page
    assert "goal of good" in capsys.readouterr().out
    found = json.loads(text)
    assert found["parts"]["good"]["load_average"]
    assert found["goals"] == [{"benchmark": "good", "goal": "goal of good", "measured": "3", "is_met": True}]


def test_only_some_are_measured_and_the_others_stay(files, tmp_path, monkeypatch):
    run_all.main(files)
    again = benchmark("wrong", lambda options: {"beads": 1})
    monkeypatch.setattr(run_all, "BENCHMARKS", (run_all.BENCHMARKS[0], again))
    assert run_all.main([*files, "--only", "wrong"]) == 1
    parts = json.loads((tmp_path / "all.json").read_text())["parts"]
    assert parts["good"]["beads"] == 3
    assert parts["wrong"]["beads"] == 1
    assert "broken" in parts
    assert "| goal of wrong | 1 | **missed** |" in (tmp_path / "all.md").read_text()


def test_the_page_is_made_again_from_the_file(files, tmp_path):
    run_all.main(files)
    before = (tmp_path / "all.md").read_text()
    (tmp_path / "all.md").unlink()
    run_all.main([*files, "--page-only"])
    assert (tmp_path / "all.md").read_text() == before
