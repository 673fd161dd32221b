"""What became of a cohort, as a table: shares, denominators, files."""

import csv

import numpy as np
import pytest

import bitesim
from bitesim.population.clinical_result import ClinicalResult
from bitesim.population.events.course import CAUSES


def made(**changes):
    never = np.full(4, np.inf)
    columns = {
        "first_event": np.array([-1, 2, 0, 5]),
        "first_event_day": np.array([np.inf, 200.0, 70.0, 150.0]),
        "death_day": np.array([np.inf, 400.0, np.inf, 150.0]),
        "transplant_day": np.array([100.0, np.inf, np.inf, 120.0]),
        "infection_day": np.array([30.0, np.inf, np.inf, np.inf]),
        "cytokine_release_grade": np.array([0, 1, 3, 0]),
        "cytokine_release_day": never,
        "neurotoxicity_grade": np.array([0, 0, 0, 4]),
        "neutropenia_grade": np.array([0, 2, 3, 4]),
        "mrd_0": np.array([1e-3, 1e-5, 1e-2, 1e-3]),
        "mrd_outcome_1": np.array([0, 0, 2, -1]),
    }
    given = {
        "regimen": "none", "seed": 1, "follow_up_days": 730.0, "visits_days": (70.0,), "numbers": np.arange(4),
        "columns": columns, "failed": np.zeros(4, bool), "failures": (), "times_days": np.array([0.0]), "courses": {},
    }  # fmt: skip
    return ClinicalResult(**(given | changes))


def test_shares_are_counted():
    found = made()
    assert found.cumulative_incidence("marrow relapse", [100.0, 200.0]).tolist() == [0.0, 0.25]
    assert found.event_free([0.0, 70.0, 730.0]).tolist() == [1.0, 0.75, 0.25]
    assert found.alive([150.0, 730.0]).tolist() == [0.75, 0.5]
    summary = found.summary()
    assert summary["treatment failure"] == summary["severe cytokine release"] == summary["severe neurotoxicity"] == 0.25
    assert summary["transplanted"] == summary["severe neutropenia"] == 0.5


def test_mrd_has_three_denominators():
    found = made()
    assert found.mrd_negative(1) == (2, 3)
    assert found.mrd_negative(1, "positive") == (1, 2)
    assert found.mrd_negative(1, "all") == (2, 4)
    with pytest.raises(bitesim.ParameterError, match="visit = 2: there were 1"):
        found.mrd_negative(2)
    with pytest.raises(bitesim.ParameterError, match="denominator of MRD negativity"):
        found.mrd_negative(1, "positives")


def test_who_failed_counts_nowhere():
    found = made(failed=np.array([False, False, True, False]))
    assert found.event_free([730.0])[0] == pytest.approx(1.0 / 3.0)
    assert found.mrd_negative(1, "all") == (2, 3)
    assert found.summary()["treatment failure"] == 0.0


def test_tables_and_names(tmp_path):
    found = made()
    table = found.to_dataframe()
    assert table["first_event"].tolist() == ["none", "marrow relapse", "treatment failure", "transplant-related death"]
    assert table["death_day"].isna().sum() == 2
    with found.to_csv(tmp_path / "patients.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    assert [float(row["first_event_day"]) for row in rows] == found["first_event_day"].tolist()
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'death_day'"):
        found["death_days"]
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'marrow relapse'"):
        found.cumulative_incidence("marow relapse", [1.0])
    assert "4 patients" in repr(found)
    assert "marrow relapse" in found._repr_html_()
    assert len(CAUSES) == 7


def test_parts_are_joined_and_digests_tell_them_apart():
    found = made()
    twice = ClinicalResult.joined([found, found])
    assert len(twice) == 8
    assert twice.event_free([730.0])[0] == 0.25
    assert twice.digest() != found.digest() == made().digest()


def test_percentiles_are_of_the_kept_courses_and_of_who_was_integrated():
    courses = {"mrd": np.array([[1.0, 0.1], [2.0, 0.2], [np.nan, np.nan], [3.0, 0.3]])}
    found = made(courses=courses, times_days=np.array([0.0, 7.0]), failed=np.array([False, False, True, False]))
    assert found.percentiles("mrd", [50.0]).tolist() == [[2.0, 0.2]]
    with pytest.raises(bitesim.ParameterError, match="course that was kept"):
        found.percentiles("blasts")


def test_parquet_reads_back(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    found = made()
    pandas.testing.assert_frame_equal(
        pandas.read_parquet(found.to_parquet(tmp_path / "patients.parquet")), found.to_dataframe()
    )
