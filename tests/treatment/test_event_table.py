"""NONMEM-style event tables: the same schedule in, out and back; nonsense is answered with its line."""

import itertools
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bitesim
from bitesim import Regimen, ScenarioError
from bitesim.treatment.event_table import regimens_from_table

UNITS = {"time_unit": "days", "amount_unit": "ug"}


def windows(regimen):
    return [(s.start_days, s.stop_days, s.rate) for s in regimen.schedule(bsa_m2=1.0).infusions]


@pytest.mark.parametrize(
    "record",
    [
        {"TIME": 0, "AMT": 784, "RATE": 28},
        {"TIME": 0, "AMT": 784, "DUR": 28},
        {"time": "0", "amt": "784", "rate": "28", "dur": ".", "evid": "1", "cmt": ""},
        {"ID": 1, "TIME": 0, "AMT": 28, "DUR": 1, "ADDL": 27, "II": 1},
    ],
)
def test_infusions_by_rate_duration_and_repeats_are_one(record):
    table = Regimen.from_table([record], **UNITS)
    times = [1.0, 20.0, 30.0]
    run = bitesim.simulate(None, table, "clements2020", times)
    plain = bitesim.simulate(None, "28 ug/day for 28 d", "clements2020", times)
    assert run["drug_ug"] == pytest.approx(plain["drug_ug"], rel=1e-5)
    assert table.schedule().delivered(0.0, 28.0) == pytest.approx(784.0, rel=1e-12)


def test_hours_and_milligrams():
    table = {"TIME": [12, 24], "AMT": [0.028, 0.01], "DUR": [12, 0], "EVID": [1, 1]}
    regimen = Regimen.from_table(table, time_unit="hours", amount_unit="mg")
    assert windows(regimen) == [(0.5, 1.0, 56.0)]
    assert [(b.time_days, b.amount) for b in regimen.boluses] == [(1.0, 10.0)]


def test_reset_with_a_running_infusion_ends_it():
    rows = [{"TIME": 0, "AMT": 280, "DUR": 10}, {"TIME": 4, "EVID": 4, "AMT": 9, "DUR": 1}]
    regimen = Regimen.from_table(rows, **UNITS)
    assert windows(regimen) == [(0.0, 4.0, 28.0), (4.0, 5.0, 9.0)]
    run = bitesim.simulate(None, regimen, "clements2020", [3.9, 4.0])
    assert run["drug_ug"][1] == 0.0 < run["drug_ug"][0]


def test_patients_files_and_dataframes(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("ID,TIME,AMT,RATE,EVID,DV\n1,0,28,28,1,.\n1,1,.,.,0,3.5\n2,0,9,9,1,\n")
    assert set(regimens_from_table(file, **UNITS)) == {"1", "2"}
    assert windows(Regimen.from_table(str(file), patient_id=2, **UNITS)) == [(0.0, 1.0, 9.0)]
    with pytest.raises(ScenarioError, match="patient_id="):
        Regimen.from_table(file, **UNITS)
    import pandas

    assert windows(Regimen.from_table(pandas.read_csv(file), patient_id="1", **UNITS)) == [(0.0, 1.0, 28.0)]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"TIME": 0, "AMT": 0, "RATE": 28, "EVID": 1}, "line 2, column AMT: 0 gives nothing"),
        ({"TIME": 0, "AMT": -5}, "line 2, column AMT: -5"),
        ({"TIME": 0, "AMT": math.inf}, "column AMT: inf is not a finite number"),
        ({"TIME": 0, "AMT": "nan"}, "column AMT: 'not a number'"),
        ({"TIME": 0, "AMT": "x"}, "column AMT: 'x'"),
        ({"TIME": -1, "AMT": 5}, "column TIME: -1"),
        ({"TIME": 0, "AMT": 5, "RATE": -2}, "column RATE: negative"),
        ({"TIME": 0, "AMT": 5, "RATE": 1, "DUR": 1}, "column DUR: RATE 1 x DUR 1 is not AMT 5"),
        ({"TIME": 0, "AMT": 5, "EVID": 7}, "column EVID: 7"),
        ({"TIME": 0, "AMT": 5, "EVID": 0}, "column AMT: 5 on a record that is no dose"),
        ({"TIME": 0, "AMT": 5, "ADDL": 3}, "column II: 0 with ADDL 3"),
        ({"TIME": 0, "AMT": 5, "ADDL": 1.5, "II": 1}, "column ADDL: 1.5"),
        ({"TIME": 0, "AMT": 5, "CMT": 0}, "column CMT: 0"),
        ({"TIME": 0, "AMT": 5e6, "DUR": 1}, "micrograms"),
        ({"TIME": 0, "AMOUNT": 5}, "unknown column 'AMOUNT'. Did you mean 'AMT'"),
        ({"AMT": 5}, "no column TIME"),
    ],
)
def test_bad_records_name_line_column_and_value(row, words):
    with pytest.raises(ScenarioError) as caught:
        Regimen.from_table([row], **UNITS)
    assert words in str(caught.value)


def test_a_dose_that_is_one_in_the_other_time_unit_says_so():
    with pytest.raises(ScenarioError, match=r"line 2, column AMT.*In days it is 28 ug/day for 28 days: time_unit='days'\?"):
        Regimen.from_table([{"TIME": 0, "AMT": 784, "DUR": 28}], time_unit="hours", amount_unit="ug")
    with pytest.raises(
        ScenarioError, match=r"line 2, column AMT.*In hours it is 2 ug/day for 672 hours: time_unit='hours'\?"
    ):
        Regimen.from_table([{"TIME": 0, "AMT": 56, "DUR": 672}], **UNITS)
    with pytest.raises(ScenarioError, match="line 2, column AMT") as caught:
        Regimen.from_table([{"TIME": 0, "AMT": 5e6, "DUR": 28}], **UNITS)
    assert "time_unit" not in str(caught.value)


def test_overlaps_order_and_units_are_checked():
    rows = [{"TIME": 0, "AMT": 280, "DUR": 10}, {"TIME": 5, "AMT": 28, "DUR": 1}]
    with pytest.raises(ScenarioError, match="overlap"):
        Regimen.from_table(rows, **UNITS)
    with pytest.raises(ScenarioError, match="sort by TIME"):
        Regimen.from_table(rows[::-1], **UNITS)
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'days'"):
        Regimen.from_table(rows, time_unit="day", amount_unit="ug")


@pytest.mark.parametrize("time_unit", ["days", "hours"])
def test_a_written_table_reads_back_to_the_same_schedule(time_unit):
    regimen = Regimen.parse("9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off, x2 in 48 h bags with 6 min gaps").hold(
        10.0, days=2.0
    )
    back = Regimen.from_table(regimen.to_table(time_unit=time_unit), time_unit=time_unit, amount_unit="ug")
    for ours, theirs in zip(windows(regimen), windows(back), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12)


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 400), st.floats(), st.sampled_from([".", "", "x", "1e400", "drug"])
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "ADDL", "II", "SS", "DV", "ODD"]), CELLS
    ),
    max_size=4,
)


@given(ROWS)
def test_any_rows_meet_only_own_errors(rows):
    with suppress(bitesim.BitesimError):
        for regimen in regimens_from_table(rows, **UNITS).values():
            regimen.schedule(bsa_m2=1.0)


def test_back_to_back_doses_in_hours_do_not_overlap_by_rounding():
    record = {"TIME": 0, "AMT": 7, "RATE": 1, "EVID": 1, "ADDL": 200, "II": 7}
    schedule = Regimen.from_table([record], time_unit="hours", amount_unit="ug").schedule()
    assert len(schedule.infusions) == 201
    for before, after in itertools.pairwise(schedule.infusions):
        assert before.stop_days == after.start_days


@pytest.mark.parametrize("bsa_m2", [0.61, 1.37, 1.93])
def test_a_stepped_regimen_in_bags_is_written_and_read_back_the_same(bsa_m2):
    text = "5.3 ug/m2/day for 10.1 d, 17.77 ug/m2/day for 29 h, 9 d off, x2 in 48 h bags with 7 min gaps"
    regimen = Regimen.parse(text)
    planned = regimen.schedule(bsa_m2=bsa_m2).infusions

    def again(unit):
        table = regimen.to_table(time_unit=unit, bsa_m2=bsa_m2)
        return Regimen.from_table(table, time_unit=unit, amount_unit="ug").schedule().infusions

    assert again("days") == planned
    # A rate per hour cannot hold the last bit of every rate per day.
    assert [segment[:2] for segment in again("hours")] == [segment[:2] for segment in planned]
    assert [segment.rate for segment in again("hours")] == pytest.approx([segment.rate for segment in planned], rel=1e-15)


@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8-sig"), (" ", "utf-8"), ("\t", "utf-8")])
def test_spreadsheet_and_whitespace_files_are_read(tmp_path, separator, encoding):
    path = tmp_path / "events.csv"
    lines = (("ID", "TIME", "AMT", "DUR", "EVID"), ("1", "0", "28", "1", "1"), ("1", "2", ".", ".", "0"))
    path.write_text("\n".join(separator.join(line) for line in lines), encoding=encoding)
    regimen = Regimen.from_table(path, time_unit="days", amount_unit="ug")
    assert regimen.infusions == Regimen.none().with_infusion(0.0, 1.0, 28.0).infusions


@pytest.mark.parametrize("unit", ["days", "hours"])
def test_steady_states_are_written_and_read_back_the_same(unit):
    scale = {"days": 1.0, "hours": 24.0}[unit]
    records = [
        {"TIME": 0, "AMT": 0, "RATE": 24.0 / scale, "EVID": 1, "SS": 1},
        {"TIME": 2 * scale, "AMT": 9, "DUR": 0.25 * scale, "EVID": 1, "SS": 1, "II": 0.5 * scale},
    ]
    regimen = Regimen.from_table(records, time_unit=unit, amount_unit="ug")
    again = Regimen.from_table(regimen.to_table(time_unit=unit), time_unit=unit, amount_unit="ug")
    assert len(regimen.schedule().steady_states) == 2
    assert again.schedule().steady_states == regimen.schedule().steady_states
    assert again.schedule().infusions == regimen.schedule().infusions
