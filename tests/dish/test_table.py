"""Tables of an experiment: columns with units, printed, as a DataFrame and as CSV."""

import csv
import sys

import numpy as np
import pytest

import bitesim
from bitesim.dish.table import PRINTED, DishTable


@pytest.fixture
def table():
    columns = {
        "name": np.array(["a & b", "c"], dtype=object),
        "dose": np.array([1.5, 1e6]),
        "share": np.array([0.25, np.nan]),
    }
    units = {"name": "", "dose": "ng/mL", "share": "-"}
    return DishTable("a <title>", columns, units, ("name", "dose", "share"), ("a note",), {"k": 1.0})


def test_columns_are_read_by_name(table):
    assert table["dose"].tolist() == [1.5, 1e6]
    assert len(table) == 2
    assert "dose" in table
    with pytest.raises(bitesim.ParameterError, match=r"unknown column 'does'.* Did you mean 'dose'"):
        table["does"]


def test_it_prints_units_shares_as_percent_and_nothing_for_unknown(table):
    lines = str(table).splitlines()
    assert lines[0] == "a <title>"
    assert lines[2].split() == ["name", "dose", "share"]
    assert lines[3].split() == ["[ng/mL]", "[%]"]
    assert lines[4].split() == ["a", "&", "b", "1.5", "25"]
    assert lines[5].split() == ["c", "1e+06"]
    assert lines[-1] == "a note"
    assert repr(table) == "<DishTable, 2 rows: name, dose, share>"


def test_html_is_escaped(table):
    found = table._repr_html_()
    assert "<caption>a &lt;title&gt;</caption>" in found
    assert "<td>a &amp; b</td>" in found
    assert found.count("<tr>") == 3


def test_a_long_table_says_how_much_is_left_out():
    columns = {"dose": np.arange(100.0)}
    table = DishTable("long", columns, {"dose": "d"}, ("dose",), (), {})
    assert f"{100 - PRINTED} more rows are not printed" in str(table)
    assert f"{100 - PRINTED} more rows are not printed" in table._repr_html_()


def test_dataframe_holds_all_and_the_units(table, monkeypatch):
    frame = table.to_dataframe()
    assert list(frame.columns) == ["name", "dose", "share"]
    assert frame.attrs["units"]["dose"] == "ng/mL"
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(bitesim.MissingExtraError, match=r"bitesim\[data\]"):
        table.to_dataframe()


def test_csv_reads_back_to_the_same_numbers(table, tmp_path):
    path = table.to_csv(tmp_path / "table.csv")
    with path.open() as opened:
        rows = list(csv.DictReader(opened))
    assert [float(row["dose"]) for row in rows] == table["dose"].tolist()
    assert [row["share"] for row in rows] == ["0.25", ""]


def test_a_class_without_a_hook_says_what_to_import(table):
    with pytest.raises(bitesim.ParameterError, match=r"import bitesim\.plots"):
        table.drawn()
