"""One row, one observation: what CENS and LIMIT say, the three outcomes of MRD, and numbers that cannot be."""

import math

import pytest

from bitesim.assays import MULTICOLOUR_FLOW, RQ_PCR, MrdOutcome
from bitesim.foundation.errors import ScenarioError
from bitesim.foundation.table_rows import TableRow
from bitesim.inference.measurement_laws import AmountLaw
from bitesim.inference.table_columns import UnitOfOutput
from bitesim.inference.table_observations import Readings, observation

CD8 = "blood_cd8_t_cells_per_ul"
PLAIN = AmountLaw("", 0.3)


def seen(law=PLAIN, output=CD8, unit="", **cells):
    row = TableRow("table data.csv", 9, cells)
    return observation(Readings(row, output, UnitOfOutput(output, unit)), 2.0, law)


@pytest.mark.parametrize(
    ("cells", "limits"),
    [
        ({"DV": 5.0}, (5.0, 5.0)),
        ({"DV": 5.0, "CENS": 0, "LIMIT": 0.0, "LLOQ": 1.0}, (5.0, 5.0)),
        ({"DV": 1.0, "CENS": 1}, (0.0, 1.0)),
        ({"DV": 1.0, "CENS": 1, "LLOQ": 1.0}, (0.0, 1.0)),
        ({"LLOQ": 1.0, "CENS": 1}, (0.0, 1.0)),
        ({"DV": 1.0, "CENS": 1, "LIMIT": 0.0}, (0.0, 1.0)),
        ({"DV": 1.0, "CENS": 1, "LIMIT": 0.2}, (0.2, 1.0)),
        ({"DV": 9.0, "CENS": -1}, (9.0, math.inf)),
        ({"DV": 9.0, "CENS": -1, "LIMIT": 12.0}, (9.0, 12.0)),
    ],
)
def test_censoring_of_amounts(cells, limits):
    observed = seen(**cells)
    assert (observed.lower, observed.upper) == limits
    assert (observed.line, observed.sd_ln, observed.time_days) == (9, 0.3, 2.0)


def test_limits_of_the_method_stand_in_for_missing_ones():
    law = AmountLaw("bioassay", 0.3, lower=50.0, upper=1000.0)
    below, above = seen(law, CENS=1), seen(law, CENS=-1)
    assert (below.lower, below.upper, above.lower, above.upper) == (0.0, 50.0, 1000.0, math.inf)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({}, "column DV: an observation without a value"),
        ({"DV": 0.0}, "column DV: 0 with CENS 0: what was not detected is CENS 1"),
        ({"DV": -3.0}, "column DV: -3 is negative: a logarithm? Read as log10 it is 0.001"),
        ({"DV": 5.0, "CENS": 2}, "column CENS: 2 is not allowed"),
        ({"CENS": 1}, "column CENS: 1 without a limit: give it in DV or LLOQ"),
        ({"CENS": -1}, "column CENS: -1 without a limit: give it in DV"),
        ({"DV": 0.0, "CENS": 1}, "column DV: 0 with CENS 1: DV holds the limit"),
        ({"DV": 0.5, "CENS": 1, "LLOQ": 1.0}, "column DV: 0.5 with CENS 1 is not LLOQ 1: DV holds the limit, not half"),
        ({"DV": 0.5, "LLOQ": 1.0}, "column DV: 0.5 is below its own LLOQ 1"),
        ({"DV": 0.5, "LIMIT": 1.0}, "column LIMIT: 1 is not below DV 0.5"),
        ({"DV": 1.0, "CENS": 1, "LIMIT": 2.0}, "column LIMIT: 2 is not below 1, the limit of CENS 1: swapped?"),
        ({"DV": 9.0, "CENS": -1, "LIMIT": 2.0}, "column LIMIT: 2 is not above 9, the limit of CENS -1: swapped?"),
        ({"DV": 1.0, "NCELLS": 5e5}, "column NCELLS: 500000.0 belongs to MRD that was counted"),
        ({"DV": "high"}, "column DV: 'high' is not a finite number"),
    ],
)
def test_amounts_that_say_nothing_are_refused_with_file_and_line(cells, words):
    with pytest.raises(ScenarioError) as caught:
        seen(**cells)
    assert str(caught.value).startswith("table data.csv, line 9, ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("unit", "cells", "words"),
    [
        ("", {"DV": 5.0}, "5 is no fraction: in per cent? 5 % is 0.05"),
        ("", {"DV": 1e-4, "CENS": 1, "LLOQ": 2.0}, "column LLOQ: 2 is no fraction"),
        ("", {"DV": -3.2}, "Read as log10 it is 0.00063"),
        ("log10", {"DV": 0.2}, "0.2 as log10 is 1.585, more than all cells"),
        ("log10", {"DV": -11.5}, "a natural logarithm? Say the unit 'ln'"),
    ],
)
def test_percent_logarithms_and_fractions(unit, cells, words):
    with pytest.raises(ScenarioError) as caught:
        seen(output="mrd", unit=unit, **cells)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ({"DV": 2e-3}, MrdOutcome.QUANTIFIED),
        ({"DV": 2e-3, "OUTCOME": "quantified"}, MrdOutcome.QUANTIFIED),
        ({"DV": 1e-4, "CENS": 1, "LIMIT": 2e-5}, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE),
        ({"LLOQ": 1e-4, "CENS": 1, "LIMIT": 2e-5}, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE),
        ({"OUTCOME": "PNQ"}, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE),
        ({"DV": 2e-5, "CENS": 1}, MrdOutcome.NOT_DETECTED),
        ({"DV": 2e-5, "CENS": 1, "LIMIT": 0}, MrdOutcome.NOT_DETECTED),
        ({"CENS": 1}, MrdOutcome.NOT_DETECTED),
        ({"OUTCOME": "not detected"}, MrdOutcome.NOT_DETECTED),
        ({"DV": 1e-4, "CENS": 1, "OUTCOME": "negative"}, MrdOutcome.NOT_DETECTED),
    ],
)
def test_the_three_outcomes_of_a_count(cells, outcome):
    observed = seen(MULTICOLOUR_FLOW, "mrd", NCELLS=500_000.0, **cells)
    assert (observed.outcome, observed.sample.cells, observed.line) == (outcome, 500_000, 9)
    assert observed.value == 2e-3 if outcome == MrdOutcome.QUANTIFIED else math.isnan(observed.value)


def test_cells_and_haemodilution_of_a_sample():
    assert seen(RQ_PCR, "mrd", CENS=1).sample.cells == RQ_PCR.cells_analysed
    assert seen(RQ_PCR, "mrd", CENS=1, HAEMODILUTION=0.2).sample.haemodilution == 0.2


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"DV": 1e-4, "CENS": 1}, "not detected, or positive and not quantifiable? Say which in OUTCOME"),
        ({"DV": 0.01, "CENS": 1}, "In per cent? 0.01 % is 0.0001"),
        (
            {"DV": 0.01, "CENS": 1, "LIMIT": 0.002},
            "0.01 is no limit of multicolour flow of 500000 cells, which quantifies from 0.0001",
        ),
        ({"DV": 0.2, "LLOQ": 0.01}, "column LLOQ: 0.01 is no limit of multicolour flow"),
        ({"DV": 1e-7, "CENS": 1}, "does not reach 1e-07, it detects 2e-05: check NCELLS"),
        ({"DV": 5e-5}, "5e-05 is below what multicolour flow quantifies in 500000 cells, 0.0001"),
        ({"DV": 1e-4, "CENS": 1, "LIMIT": 1e-3}, "column LIMIT: 0.001 is not below DV"),
        ({"DV": 0.1, "CENS": -1}, "column CENS: -1 of MRD that was counted"),
        ({"OUTCOME": "negatve"}, "unknown outcome 'negatve'. Did you mean 'negative'"),
        ({"DV": 1e-3, "CENS": 0, "OUTCOME": "negative"}, "column OUTCOME: 'negative' with CENS 0"),
        ({"DV": 1e-3, "OUTCOME": "negative"}, "column DV: 0.001 with the outcome 'negative'"),
        ({"DV": 0.0, "CENS": 0}, "column DV: 0 with CENS 0"),
        ({"DV": 1e-3, "NCELLS": 0.5}, "column NCELLS: cells_analysed = 0.5"),
        ({"DV": 1e-3, "HAEMODILUTION": 20}, "column HAEMODILUTION: haemodilution = 20"),
    ],
)
def test_counts_that_contradict_themselves_are_refused(cells, words):
    with pytest.raises(ScenarioError) as caught:
        seen(MULTICOLOUR_FLOW, "mrd", **{"NCELLS": 500_000, **cells})
    assert words in str(caught.value)
