"""`bitesim cohort`, as a user types it."""

import csv

import numpy as np
import pytest

from bitesim.cli import arms, cohort, main
from bitesim.population import VirtualPopulation
from bitesim.population.clinical_cohort import simulate_clinical_cohort

REGIMEN = "15 ug/m2/day for 28 d, 14 d off, x2"


def rows_of(path):
    with path.open() as opened:
        return list(csv.DictReader(opened))


def test_one_arm_is_a_table_files_and_figures(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["cohort", "--patients", "40", "--seed", "3", "--regimen", REGIMEN, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    names = ["population.csv", "patients.csv", "waterfall.png", "swimmer.png", "events.png", "survival.png"]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    again = simulate_clinical_cohort(VirtualPopulation.load(out / "population.csv"), REGIMEN, seed=3)
    rows = rows_of(out / "patients.csv")
    for name in ("first_event_day", "mrd_2", "death_day"):
        assert [float(row[name]) for row in rows] == again[name].tolist()
    assert "40 virtual patients, seed 3, followed for 730 d" in printed
    for of in ("measured", "positive", "all"):
        assert "{}/{} ".format(*again.mrd_negative(1, of)) in printed
    assert f"{np.sum(np.isinf(again['first_event_day']))}/40" in printed


def test_arms_share_patients_and_a_file_gives_them(tmp_path, capsys):
    out = tmp_path / "out"
    VirtualPopulation.sample(12, seed=5).save(tmp_path / "some.csv")
    chosen = ["--arm", f"drug={REGIMEN}", "--arm", "chemo=none + chemotherapy 0,35:0.5", "--follow-up-days", "400"]
    assert main(["cohort", "--population", str(tmp_path / "some.csv"), *chosen, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "chemo: no drug; chemotherapy (1 block) at day 0; chemotherapy (0.5 blocks) at day 35" in printed
    assert "visit 1, day 42 or 35" in printed
    drug, chemo = (rows_of(out / f"patients_{name}.csv") for name in ("drug", "chemo"))
    assert [row["mrd_0"] for row in drug] == [row["mrd_0"] for row in chemo]
    assert [row["mrd_1"] for row in drug] != [row["mrd_1"] for row in chemo]


def test_the_label_doses_by_weight(tmp_path, monkeypatch):
    population = VirtualPopulation.sample(9, seed=2)
    weights = np.array([20.0, 80.0, 44.0, 45.0, 30.0, 70.0, 15.0, 60.0, 25.0])
    columns = {**population.columns, "weight_kg": weights, "bsa_m2": (weights / 70.0) ** (2 / 3) * 1.88}
    varied = VirtualPopulation(columns, population.patients, population.attempts, population.recipe, population.origin)
    label = arms.arm_of("", "label", [], varied)
    found = list(arms.stream_arm(varied, label, 5, {"keep": ["serum_drug_pg_per_ml"]}))
    assert [len(part) for part in found] == [5, 4]
    whole = found[0].joined(found)
    assert whole.numbers.tolist() == list(range(9))
    for regimen, kind in zip(label.regimens, (weights < 45.0, weights >= 45.0), strict=True):
        alone = simulate_clinical_cohort(varied.subset(kind), regimen, keep=["serum_drug_pg_per_ml"])
        assert np.array_equal(whole.courses["serum_drug_pg_per_ml"][kind], alone.courses["serum_drug_pg_per_ml"])
        assert np.array_equal(whole["first_event_day"][kind], alone["first_event_day"])
    assert str(label).startswith("by the label; below 45 kg 5 ug/m2/day for 7 d")


def test_failures_are_named_by_their_row(monkeypatch):
    population = VirtualPopulation.sample(6, seed=2)
    weights = np.array([20.0, 80.0, 20.0, 80.0, 20.0, 80.0])
    columns = {**population.columns, "weight_kg": weights, "bsa_m2": (weights / 70.0) ** (2 / 3) * 1.88}
    varied = VirtualPopulation(columns, population.patients, population.attempts, population.recipe, population.origin)
    label = arms.arm_of("", "label", [], varied)
    parts = list(arms.stream_arm(varied, label, 4, {"max_steps": 20}))
    assert [[failure.patient for failure in part.failures] for part in parts] == [[0, 1, 2, 3], [4, 5]]
    printed = cohort.table(varied, [label], {"": parts[0].joined(parts)})
    assert "6 (6 failed)" in printed
    assert printed.count("reproduce it with bitesim.run_cohort(") == 3
    assert "... and 3 more" in printed


def test_ctrl_c_keeps_what_is_finished(tmp_path, monkeypatch, capsys):
    stream = arms.stream_clinical_cohort

    def stopped(*arguments, **options):
        yield next(iter(stream(*arguments, **options)))
        raise KeyboardInterrupt

    monkeypatch.setattr(arms, "stream_clinical_cohort", stopped)
    monkeypatch.setattr(cohort, "_CHUNK", 8)
    chosen = ["--patients", "20", "--regimen", REGIMEN, "--out", str(tmp_path)]
    assert main(["cohort", *chosen]) == 130
    shown = capsys.readouterr()
    assert "8 (0 failed)" in shown.out
    assert shown.err.strip().endswith("bitesim: stopped by Ctrl-C")
    assert len(rows_of(tmp_path / "patients.csv")) == 8


def test_parquet(tmp_path):
    pandas = pytest.importorskip("pandas")
    chosen = ["--patients", "8", "--regimen", REGIMEN, "--parquet", "--out", str(tmp_path)]
    assert main(["cohort", *chosen]) == 0
    assert len(pandas.read_parquet(tmp_path / "patients.parquet")) == 8
    assert len(VirtualPopulation.load(tmp_path / "population.parquet")) == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--patients", "many"], "--patients = 'many'"),
        (["--patients", "0"], "--patients"),
        (["--seed", "1.5"], "--seed = '1.5' is not a whole number"),
        (["--regimen", "28 mg/day for 28 d"], "micrograms"),
        (["--arm", "28 ug/day for 28 d"], "NAME=REGIMEN"),
        (["--arm", "a=none", "--arm", "a=label"], "stands twice"),
        (["--arm", "a/b=none"], "names files too"),
        (["--arm", "a=none + chemotherapy now"], "arm 'a' = 'now'"),
        (["--chemotherapy-blocks", "0,x"], "--chemotherapy-blocks = 'x'"),
        (["--follow-up-days", "30"], "end before treatment does"),
        (["--missing-visits", "10"], "missing_visits"),
        (["--set", "failure_blasts=0.1"], "Did you mean"),
        (["--population", "missing.csv"], "missing.csv"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, tmp_path, capsys):
    size = [] if "--patients" in arguments else ["--patients", "4"]
    assert main(["cohort", *size, *arguments, "--out", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert len(shown.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
