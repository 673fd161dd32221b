"""Rows know their line in the file, whatever stands between them; what is no table is refused."""

import math

import numpy as np
import pandas as pd
import pytest

from bitesim.foundation.errors import ScenarioError
from bitesim.foundation.table_rows import TableRow, id_text, is_missing, table_rows


def written(tmp_path, text):
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_blank_lines_comments_and_broken_cells_do_not_shift_line_numbers(tmp_path):
    path = written(tmp_path, '#ID,Time,DV\n1,0,5\n\n# a comment\n,,\n1,1,"5\n6"\n1,2,7\n')
    rows = table_rows(path)
    assert [(row.number, row.text("TIME")) for row in rows] == [(2, "0"), (7, "1"), (8, "2")]
    assert rows[0].cells == {"ID": "1", "TIME": "0", "DV": "5"}
    assert rows[0].source == "table data.csv"


@pytest.mark.parametrize(
    "text",
    [
        "id time dv\n1 0 5\n",
        "id\ttime\tdv\n1\t0\t5\n",
        "id;time;dv\n1;0;5\n",
        "\ufeffid,time,dv\r\n1,0,5\r\n",
        "\n# of 2026\nid,time,dv\n1,0,5\n",
    ],
)
def test_separators_and_byte_order_marks(tmp_path, text):
    (row,) = table_rows(written(tmp_path, text))
    assert row.cells == {"ID": "1", "TIME": "0", "DV": "5"}


def test_frames_lists_and_columns_are_the_same_table():
    columns = {"id": [1, 2], "dv": [0.5, 1.5]}
    frame = pd.DataFrame(columns)
    expected = [TableRow("table", 2, {"ID": 1, "DV": 0.5}), TableRow("table", 3, {"ID": 2, "DV": 1.5})]
    assert table_rows(columns) == table_rows(frame) == table_rows(frame.to_dict("records")) == expected
    assert table_rows(expected) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ID,TIME\n1\n", "line 2: 1 cells under 2 columns"),
        ("ID,TIME\n1,2,3\n", "line 2: 3 cells under 2 columns"),
        ("ID,TIME,time\n1,2,3\n", "column 'TIME' stands twice"),
    ],
)
def test_lines_that_do_not_fit_the_header_are_refused(tmp_path, text, words):
    with pytest.raises(ScenarioError, match=words):
        table_rows(written(tmp_path, text))


@pytest.mark.parametrize("table", [5, {"ID": 1}, {"ID": [1], "TIME": [1, 2]}, [5], "/no/such/file.csv", b"ID"])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(ScenarioError):
        table_rows(table)


@pytest.mark.parametrize("cell", [None, "", " . ", "NA", math.nan, np.float32("nan"), pd.NA, pd.NaT])
def test_missing_cells(cell):
    assert is_missing(cell)
    assert TableRow("table", 2, {"DV": cell}).number_in("DV") is None


@pytest.mark.parametrize(("cell", "words"), [("x", "'x' is not"), ("0,5", "write 0.5"), (True, "True"), (math.inf, "inf")])
def test_cells_that_are_no_numbers(cell, words):
    with pytest.raises(ScenarioError, match=f"table, line 2, column DV: .*{words}"):
        TableRow("table", 2, {"DV": cell}).number_in("DV")


def test_ids_are_text_in_one_form():
    assert [id_text(cell) for cell in (1, 1.0, np.float64(1.0), " 1", 1.5)] == ["1", "1", "1", "1", "1.5"]
    assert [id_text(cell) for cell in ("01", "1_0", "1.0", "p1", math.inf)] == ["01", "1_0", "1.0", "p1", "inf"]
