"""Clinical cohorts: one run in this process, answers that are validated, goals read off a record."""

import pytest

from benchmarks import clinical_cohort
from benchmarks.clinical_cohort import PARTS, check, draw, run_one, section
from benchmarks.measure import WrongAnswer


def test_one_size(tmp_path):
    row = run_one(48)
    assert sum(row["first_events"].values()) == 48
    assert row["failed"] == 0
    assert sum(row["shares_of_time"].values()) == pytest.approx(1.0)
    assert min(row["shares_of_time"].values()) > 0.0
    found = {"checked": check(40), "threads": 2, "rows": [row]}
    assert len(section(found).tables[0].rows[0]) == len(section(found).tables[0].rows[1])
    draw(found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").exists()


def test_events_that_do_not_add_up_are_a_wrong_answer(monkeypatch):
    monkeypatch.setattr(clinical_cohort, "CAUSES", clinical_cohort.CAUSES[:2])
    with pytest.raises(WrongAnswer, match="add up to 1 only within"):
        check(40)


def record(patients, cpu_us, mib):
    return {
        "patients": patients, "wall_s": 1.0, "cpu_s": 1.0, "cpu_us_per_patient": cpu_us, "failed": 0,
        "patients_per_second_per_core": 1e6 / cpu_us, "peak_above_start_mib": mib, "held_or_stopped": 1,
        "shares_of_time": dict.fromkeys(PARTS, 1.0 / 3.0),
    }  # fmt: skip


def test_goals():
    def goals(*rows):
        checked = {"patients": 4, "off_from_1": 0.0, "share_of_other_events": 0.0}
        return [goal.is_met for goal in section({"checked": checked, "threads": 2, "rows": rows}).goals]

    assert goals(record(1000, 400.0, 20.0), record(10_000, 410.0, 30.0)) == [True, True]
    assert goals(record(1000, 400.0, 20.0), record(10_000, 800.0, 300.0)) == [False, False]
