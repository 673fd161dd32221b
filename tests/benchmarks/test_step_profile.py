"""What straight-line code consists of, and a profile whose parts add up."""

import pytest

from benchmarks.population import published_population
from benchmarks.step_profile import measure, operations, tables, twelve_powers


def test_operations_are_counted():
    assert operations(twelve_powers) == {"powers": 12, "exp and log": 0, "divisions": 0, "other": 0}


def test_parts_add_up_to_the_step(monkeypatch):
    monkeypatch.setattr("benchmarks.step_profile._ROUNDS", 1)
    monkeypatch.setattr("benchmarks.step_profile._LOOP_S", 1e-4)
    found = measure(published_population(8), 1e-3, [1e-4])
    assert [each["width"] for each in found["widths"]] == [1, 8]
    for each in found["widths"]:
        assert sum(each["parts_us"].values()) == pytest.approx(each["step_us"])
    assert found["rate_of_change_operations"]["powers"] == 12
    assert [row["rtol"] for row in found["steps"]] == [1e-3, 1e-4]
    assert len(tables({"published": found})) == 3
