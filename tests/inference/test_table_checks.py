"""Across the rows of a table: hours read as days and days as hours, two units in one column, per cent as a fraction."""

import re

import pytest

from bitesim.foundation.errors import ScenarioError
from bitesim.foundation.table_rows import TableRow
from bitesim.inference.observations import AmountObserved, PatientData
from bitesim.inference.table_checks import (
    check_clock,
    check_death,
    check_dose_units,
    check_duplicates,
    check_scales,
    check_visits,
)
from bitesim.inference.table_columns import UnitOfOutput
from bitesim.population import Patient
from bitesim.treatment import Infusion, Regimen

CD8, DRUG = "blood_cd8_t_cells_per_ul", "serum_drug_pg_per_ml"


def row(number=2, **cells):
    return TableRow("table", number, cells)


def amount(day, output, lower, upper=None, line=2, assay=""):
    return AmountObserved(day, output, lower, lower if upper is None else upper, 0.3, assay=assay, line=line)


def people(*seen):
    return [PatientData(Patient(name=f"p{k}"), Regimen.none(), tuple(each)) for k, each in enumerate(seen)]


def test_infusions_of_28_days_in_hours_are_no_days():
    in_days = Infusion(0.0, 28.0, 28.0)
    assert check_dose_units([(row(), in_days)], "days") == []
    assert check_dose_units([(row(), in_days)], "hours") == []
    # 784 ug over 672: read in days.
    with pytest.raises(
        ScenarioError, match=r"line 2, column TIME: .* in hours it is 28 ug/day for 28 days: time_unit='hours'\?"
    ):
        check_dose_units([(row(), Infusion(0.0, 672.0, 784.0 / 672.0))], "days")
    # 252 ug over 28: read in hours.
    with pytest.raises(ScenarioError, match=r"in days it is 9 ug/day for 28 days: time_unit='days'\?"):
        check_dose_units([(row(), Infusion(0.0, 28.0 / 24.0, 24.0 * 9.0))], "hours")


def test_slow_bags_only_warn_and_short_infusions_may_be_fast():
    (text,) = check_dose_units([(row(5), Infusion(0.0, 48.0, 1.17)), (row(6), Infusion(48.0, 48.0, 1.17))], "days")
    assert text.startswith("line 5, column TIME: an infusion of 1.17 ug/day for 48 days; in hours it is 28.1")
    assert check_dose_units([(row(), Infusion(0.0, 2.0 / 24.0, 300.0))], "hours") == []


@pytest.mark.parametrize(
    ("times", "time_unit", "texts"),
    [
        ((0, 6, 24, 168, 672), "days", 1),
        ((0, 6, 24, 168, 672), "hours", 0),
        ((0, 6, 24, 168, 670), "days", 0),
        ((0, 24, 48), "days", 0),
        ((0, 7, 14, 168), "days", 0),
    ],
)
def test_whole_days_of_hours(times, time_unit, texts):
    rows = [row(number + 2, TIME=time) for number, time in enumerate(times)]
    assert len(check_clock(rows, time_unit)) == texts


def test_two_aspirates_within_hours():
    seen = people([amount(1.0, "mrd", 0.1), amount(2.0, "mrd", 0.01, line=3)])
    assert check_visits(seen, "hours") == [
        "line 3, column TIME: MRD of patient p0 24 hours after the one before. time_unit='days'?"
    ]
    assert check_visits(seen, "days") == []
    assert check_visits(people([amount(1.0, "mrd", 0.1), amount(29.0, "mrd", 0.01)]), "hours") == []


def test_two_units_in_one_column():
    mixed = people([amount(0.0, CD8, 250.0, line=3)], [amount(0.0, CD8, 0.25, line=8)])
    (text,) = check_scales(mixed)
    assert text.startswith("lines 8 and 3, column DV: the largest")
    assert "1e+03 times apart" in text
    assert check_scales(people([amount(0.0, CD8, 250.0)], [amount(0.0, CD8, 25.0)])) == []
    assert check_scales(people([amount(0.0, "mrd", 0.5)], [amount(0.0, "mrd", 1e-5)])) == []


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (amount(0.0, CD8, 0.25), "In 10^9/L? Say so with units={'blood_cd8_t_cells_per_ul': '10^9/L'}"),
        (amount(0.0, CD8, 2.5e5), "In cells/mL?"),
        (amount(0.0, DRUG, 0.6), "In ng/mL?"),
        (amount(0.0, DRUG, 6e5), "In fg/mL?"),
        (amount(0.0, "mrd", 0.0, 0.01), "MRD below 0.01, a coarse limit for a fraction. In per cent? 0.01 % is 0.0001"),
    ],
)
def test_values_in_another_unit(observed, words):
    (text,) = check_scales(people([observed]))
    assert words in text
    # What is advised can be done.
    unit = re.search(r"'([^']*)'}", text)[1]
    assert UnitOfOutput(observed.output, unit).name == unit.lower()


def test_usual_values_raise_nothing():
    usual = [amount(0.0, CD8, 250.0), amount(0.0, DRUG, 620.0), amount(0.0, "mrd", 0.0, 1e-4), amount(0.0, CD8, 0.0, 1.0)]
    usual.append(amount(29.0, "mrd", 0.0, 0.05))
    assert check_scales(people(usual)) == []


def test_two_methods_at_one_time_are_no_duplicates():
    pairs = [(row(2), amount(1.0, "mrd", 0.1, assay="a")), (row(3), amount(1.0, "mrd", 0.1, assay="b"))]
    check_duplicates(pairs)
    with pytest.raises(ScenarioError, match=r"line 4, column TIME.*mrd by a was already observed then, in line 2"):
        check_duplicates([*pairs, (row(4), amount(1.0, "mrd", 0.2, assay="a"))])


def test_a_planned_infusion_that_outlives_the_patient_is_refused():
    death, data = row(5, TIME=20), PatientData(Patient(name="p1"), Regimen.none().with_infusion(0.0, 28.0, 28.0), ())
    with pytest.raises(ScenarioError, match="line 5, column TIME: patient p1 died on day 20, and doses go on to day 28"):
        check_death(death, 20.0, [death], [20.0], data)
    check_death(death, 28.0, [death], [28.0], data)
