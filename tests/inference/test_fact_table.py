"""The fact table of the calibrated set: how many facts are met, the score against a naive baseline, and its forms."""

import json
from pathlib import Path

import pytest

from bitesim.inference.fact_table import FactRow, FactTable, fact_table
from bitesim.inference.facts import facts


@pytest.fixture(scope="module")
def table() -> FactTable:
    return fact_table()


def test_at_least_85_percent_of_the_facts_are_met(table: FactTable) -> None:
    assert len(table.counted) >= 25
    assert table.share_inside >= 0.85


def test_the_model_does_not_lose_to_constant_conversion(table: FactTable) -> None:
    model, naive = table.log_scores()
    assert naive == pytest.approx(-9.38, abs=0.01)
    assert model >= naive


def test_other_virtual_patients_tell_the_same(table: FactTable) -> None:
    other = fact_table(seed=11)
    assert other.share_inside >= 0.8
    for name in ("mrd_conversion_blast", "mrd_conversion_children", "remission_mt103_211"):
        assert other[name].model == pytest.approx(table[name].model, abs=0.06)


def test_json_is_a_list_of_objects_with_what_a_reader_needs(table: FactTable, tmp_path: Path) -> None:
    table.write_json(tmp_path / "facts.json")
    rows = json.loads((tmp_path / "facts.json").read_text())
    assert [row["id"] for row in rows] == [each.id for each in facts()]
    for row in rows:
        assert row["inside"] == (row["low"] <= row["model"] <= row["high"])
        assert {"published", "source", "rule", "weight", "counted", "unit"} <= set(row)
        assert bool(row["reason_missed"]) != row["inside"]


def test_what_is_missed_is_shown_as_missed() -> None:
    rows = [FactRow(each, each.evidence.high * 1.5 + 1.0) for each in facts() if each.evidence.kind == "median"]
    text = FactTable([*rows, *(FactRow(each, each.evidence.published) for each in facts() if "conversion" in each.id)])
    assert "NO" in str(text)
    assert "**no**" in text.to_markdown()
    assert "<b>no</b>" in text._repr_html_()
    assert f"{4 / len(text.counted):.0%}" in str(text)


def test_the_readme_shows_this_table(table: FactTable) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- facts -->\n")[1].split("<!-- end of facts -->")[0]
    assert shown == table.to_markdown()
