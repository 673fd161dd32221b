"""Sections as Markdown and plain text."""

import pytest

from benchmarks.pages import Goal, Section, Table, page, plain, quartiles, spread

RECORD = {
    "machine": {"processor": "Abacus 1", "logical_cores": 2, "has_avx512": True},
    "measured_utc": "2026-01-01",
    "load_average": [0.1, 0.2],
    "is_quick": True,
    "versions": {"numpy": "2.0"},
    "bitesim_sources_sha256": "abcdef" * 11,
}
SECTION = Section(
    "Beads",
    "Counted by hand.",
    [Table("all beads", [["colour", "count"], ["red", "3"]], "By daylight."), Table("more", [["x"], ["y"]], is_folded=True)],
    [Goal("three beads", "3", True), Goal("four beads", "3", False), Goal("a million", "", None)],
    ["skipped: blue: not there"],
)


def test_a_page_holds_goals_tables_pictures_and_circumstances():
    text = page("Beads", "By me.", [(RECORD, SECTION, "beads.png")])
    for line in (
        "| three beads | 3 | met |", "| four beads | 3 | **missed** |", "| a million |  | not measured |",
        "![Beads](beads.png)", "### all beads", "| red | 3 |", "By daylight.", "<details><summary>more</summary>",
        "- skipped: blue: not there", "Abacus 1, 2 logical cores, AVX-512; 2026-01-01.", "numpy 2.0",
    ):  # fmt: skip
        assert line in text.splitlines(), line
    assert "Quick run" in text
    assert "0.1 and 0.2" in text


def test_plain_text_has_aligned_columns_and_no_stars():
    text = plain(RECORD, SECTION)
    assert "colour  count\nred     3" in text
    assert "four beads   3         missed" in text


def test_quartiles():
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)
    assert spread((1.0, 2.34567, 3.0)) == "2.35 (1-3)"


@pytest.mark.parametrize("known", [True, False, None])
def test_every_kind_of_processor_has_a_line(known):
    record = {**RECORD, "machine": {**RECORD["machine"], "has_avx512": known}}
    assert "Abacus 1" in plain(record, SECTION)
