"""Sizes of cohorts: one run in this process, and the goals read off a record."""

from benchmarks.cohort_size import run_one, section


def test_one_size():
    small, large = run_one(1_050, 1e-3), run_one(1_300, 1e-3)
    assert small["failures"] == large["failures"] == 0
    assert small["first_patients_sha256"] == large["first_patients_sha256"]
    assert small["peak_rss_mib"] >= small["rss_before_mib"] > 1.0
    assert small["cpu_us_per_patient"] > 0.0


def row(patients, cpu_us, mib, wall_s):
    return {
        "patients": patients, "wall_s": wall_s, "cpu_s": cpu_us * patients * 1e-6, "cpu_us_per_patient": cpu_us,
        "patients_per_second_per_core": 1e6 / cpu_us, "peak_above_start_mib": mib, "failures": 0,
    }  # fmt: skip


def goals(*rows):
    checked = {"patients": 4, "share_above_error": 0.0, "largest_error_of_kept": 1e-6}
    found = {"rtol": 1e-6, "largest_error": 1e-5, "threads": 2, "checked": checked, "rows": rows}
    return [goal.is_met for goal in section(found).goals]


def test_goals():
    assert goals(row(10**3, 400.0, 1.0, 1.0), row(10**6, 410.0, 2.0, 200.0)) == [True, True, True]
    assert goals(row(10**3, 400.0, 1.0, 1.0), row(10**6, 800.0, 900.0, 400.0)) == [False, False, False]
    assert goals(row(10**3, 400.0, 1.0, 1.0), row(10**4, 410.0, 2.0, 4.0)) == [True, True, None]
