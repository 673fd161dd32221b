"""Columns, outputs and units: known ones are read, others are answered with the closest."""

import math

import pytest

from bitesim.foundation.errors import ParameterError, ScenarioError
from bitesim.foundation.table_rows import TableRow
from bitesim.inference.table_columns import OUTPUTS, UnitOfOutput, check_columns, output_named


def row(**cells):
    return TableRow("table", 7, cells)


@pytest.mark.parametrize(
    ("output", "unit", "given", "expected"),
    [
        ("mrd", "", 1e-3, 1e-3),
        ("mrd", "%", 0.01, 1e-4),
        ("mrd", "log10", -4.0, 1e-4),
        ("mrd", "LN", math.log(1e-4), 1e-4),
        ("blood_cd8_t_cells_per_ul", "10^9/L", 0.2, 200.0),
        ("blood_cd8_t_cells_per_ul", "cells/mL", 2e5, 200.0),
        ("blood_cd8_t_cells_per_ul", "cells/µL", 200.0, 200.0),
        ("serum_drug_pg_per_ml", "ng/mL", 0.6, 600.0),
        ("own_output", "", 3.0, 3.0),
        ("own_output", "log10", 2.0, 100.0),
    ],
)
def test_units_are_converted(output, unit, given, expected):
    assert UnitOfOutput(output, unit).value(row(DV=given), "DV") == pytest.approx(expected, rel=1e-14)


def test_unknown_units_and_overflow_are_refused():
    with pytest.raises(ParameterError, match=r"unit of mrd 'percents'.*'percent'"):
        UnitOfOutput("mrd", "percents")
    with pytest.raises(ScenarioError, match="line 7, column DV: 1e\\+06 is no log10"):
        UnitOfOutput("mrd", "log10").value(row(DV=1e6), "DV")


def test_every_readout_that_can_be_seen_is_an_output():
    assert {"mrd", "blood_cd8_t_cells_per_ul", "serum_il6_pg_per_ml"} <= set(OUTPUTS)
    assert "extinction_probability" not in OUTPUTS


def test_unknown_columns_name_the_closest_one_and_can_be_ignored():
    with pytest.raises(ScenarioError, match=r"unknown column 'NCELL'\. Did you mean 'NCELLS'"):
        check_columns([row(TIME=0, NCELL=5)], ())
    check_columns([row(TIME=0, NCELL=5)], ("ncell",))
    with pytest.raises(ScenarioError, match="no column TIME"):
        check_columns([row(DV=0)], ())


def test_outputs_are_named_by_dvid():
    assert output_named(row(), "MRD", {}) == "mrd"
    assert output_named(row(), "2", {"2": "mrd"}) == "mrd"
    with pytest.raises(ScenarioError, match=r"line 7, column DVID: unknown output 'mrdd'\. Did you mean 'mrd'"):
        output_named(row(), "mrdd", {})
    with pytest.raises(ScenarioError, match=r"unknown output '3'\. Say what it is with output=\{'3': 'mrd'\}"):
        output_named(row(), "3", {})
    with pytest.raises(ScenarioError, match="column DVID: missing"):
        output_named(row(), "", {})
