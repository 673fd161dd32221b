"""Tables of patients are read row by row; what contradicts itself is refused with its line and the likely intent."""

import math
import warnings
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitesim.assays import MULTICOLOUR_FLOW, MrdOutcome
from bitesim.foundation.errors import BitesimError, BitesimWarning, ParameterError, ScenarioError
from bitesim.inference.observations import AmountObserved, MrdObserved
from bitesim.inference.table_reading import read_patients

DATA = Path(__file__).parents[1] / "data"
UNITS = {"time_unit": "days", "amount_unit": "ug"}
CD8, B_CELLS = "blood_cd8_t_cells_per_ul", "blood_b_cells_per_ul"
SDS = {CD8: 0.3, B_CELLS: 0.5}

MIXED = f"""\
ID,TIME,AMT,RATE,EVID,DVID,DV,MDV,CENS,LIMIT,LLOQ,ASSAY,NCELLS,WT,BSA
1,0,784,28,1,.,.,1,.,.,.,.,.,70,1.9
1,0,.,.,0,{CD8},250,0,0,.,.,.,.,70,1.9
1,0,.,.,0,{B_CELLS},40,0,0,.,1,.,.,70,1.9
1,7,.,.,0,{B_CELLS},1,0,1,.,.,.,.,70,1.9
1,7,.,.,0,serum_drug_pg_per_ml,620,0,0,.,.,CD69 bioassay,.,70,1.9
1,14,.,.,0,{CD8},9,1,0,.,.,.,.,70,1.9
1,29,.,.,0,mrd,1e-4,0,1,2e-5,.,flow,500000,70,1.9
1,29,.,.,0,mrd,1e-5,0,1,.,.,pcr,300000,70,1.9
p2,0,.,.,0,MRD,0.02,0,0,.,.,.,.,.,.
"""


def read(rows, **settings):
    return read_patients(rows, **{**UNITS, "assays": SDS, **settings})


def test_counts_levels_and_mrd_together(tmp_path):
    path = tmp_path / "trial.csv"
    path.write_text(MIXED)
    table = read(path)
    assert table.names == ["1", "p2"]
    first = table["1"]
    assert (first.patient.weight_kg, first.patient.bsa_m2) == (70.0, 1.9)
    assert [(i.start_day, i.days, i.rate_per_day) for i in first.regimen.infusions] == [(0.0, 28.0, 28.0)]
    drug = math.sqrt(0.4134)
    assert first.observations[:4] == (
        AmountObserved(0.0, CD8, 250.0, 250.0, 0.3, line=3),
        AmountObserved(0.0, B_CELLS, 40.0, 40.0, 0.5, line=4),
        AmountObserved(7.0, B_CELLS, 0.0, 1.0, 0.5, line=5),
        AmountObserved(7.0, "serum_drug_pg_per_ml", 620.0, 620.0, 0.559, drug, "CD69 bioassay", line=6),
    )
    flow, pcr = first.observations[4:]
    assert isinstance(flow, MrdObserved)
    assert (flow.sample.assay, flow.outcome, flow.line) == (MULTICOLOUR_FLOW, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE, 8)
    assert (pcr.sample.assay.name, pcr.outcome, pcr.sample.cells) == ("RQ-PCR", MrdOutcome.NOT_DETECTED, 300_000)
    assert table["p2"].observations == (AmountObserved(0.0, "mrd", 0.02, 0.02, 0.3 * math.log(10.0), line=10),)
    assert table.unused_rows == 1


def test_frames_and_columns_say_the_same_as_the_file(tmp_path):
    path = tmp_path / "trial.csv"
    path.write_text(MIXED)
    frame = pd.read_csv(path, na_values=["."])
    expected = read(path).patients
    assert (
        read(frame).patients == read(frame.to_dict("records")).patients == read(frame.to_dict("list")).patients == expected
    )


def test_hours_milligrams_and_numbered_outputs():
    rows = [
        {"time": 0, "amt": 0.784, "dur": 672},
        {"time": 1, "dv": 180, "dvid": 1},
        {"time": 8, "dv": 170, "dvid": 1},
        {"time": 336, "dv": -2.0, "dvid": 2},
    ]
    settings = {"time_unit": "hours", "amount_unit": "mg", "output": {1: CD8, 2: "mrd"}, "units": {"mrd": "log10"}}
    (data,) = read_patients(rows, **settings, assays=SDS)
    assert [each.time_days for each in data.observations] == [1 / 24, 1 / 3, 14.0]
    assert data.observations[2].lower == pytest.approx(0.01, rel=1e-14)
    assert [(i.days, i.rate_per_day) for i in data.regimen.infusions] == [(28.0, 28.0)]


def test_warfarin_with_censored_rows_in_the_form_of_nonmem():
    path = DATA / "warfarin_bloq_m3_two_patients.csv"
    table = read_patients(
        path, time_unit="hours", amount_unit="mg", output="warfarin_mg_per_l", assays={"warfarin_mg_per_l": 0.1}
    )
    assert [len(data.observations) for data in table] == [11, 11]
    last = table[0].observations[-1]
    assert (last.time_days, last.lower, last.upper, last.line) == (5.0, 0.0, 2.0, 13)
    assert table[0].regimen.boluses[0].compartment == 1


def test_simulated_mrd_in_log10_and_a_fraction_above_one():
    path = DATA / "mrd_simulated_four_patients.csv"
    own = read_patients(path, time_unit="days", output="disease", units={"disease": "log10"}, assays={"disease": 0.8})
    assert sum(len(data.observations) for data in own) == 28
    assert sum(each.censored for data in own for each in data.observations) == 3
    assert own[1].observations[-1].upper == pytest.approx(1e-4, rel=1e-14)
    # A simulated error took this value above all cells.
    with pytest.raises(ScenarioError, match=r"line 23, column DV: 0\.134949 as log10 is 1\.364, more than all cells"):
        read_patients(path, time_unit="days", output="mrd", units={"mrd": "log10"})
    with pytest.raises(
        ScenarioError, match=r"line 2, column DV: -0.736834 is negative: a logarithm\? Read as log10 it is 0.18"
    ):
        read_patients(path, time_unit="days", output="mrd")


def seen(**cells):
    return {"ID": 1, "TIME": 1, "DVID": CD8, "DV": 200, **cells}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([seen(), seen()], "line 3, column TIME: 1: blood_cd8_t_cells_per_ul was already observed then, in line 2"),
        ([seen(), seen(ID=2), seen(TIME=2)], "line 4, column ID: patient 1 goes on here after another one"),
        ([seen(TIME=2), seen()], "line 3, column TIME: 1 is earlier than the line before it of patient 1: sort by TIME"),
        ([seen(TIME=None)], "line 2, column TIME"),
        ([seen(ID=".")], "line 2, column ID: missing"),
        ([seen(EVID=1, AMT=28, DUR=1, MDV=0)], "line 2, column DV: 200 on a record with EVID 1"),
        ([seen(EVID=1, AMT=28, DUR=1)], "line 2, column DV: 200 on a record with EVID 1"),
        ([seen(EVID=2)], "line 2, column DV: 200 on a record with EVID 2"),
        ([seen(EVID=5)], "line 2, column EVID: 5 is not allowed"),
        ([seen(MDV=2)], "line 2, column MDV: 2 is not allowed"),
        ([seen(AMT=5, EVID=0)], "line 2, column AMT: 5 on a record that is no dose"),
        ([seen(CENS=1, DV=None)], "line 2, column CENS: 1 without a limit"),
        (
            [seen(UNIT="cells/uL"), seen(TIME=2, UNIT="10^9/L")],
            "line 3, column UNIT: blood_cd8_t_cells_per_ul in 10^9/l here and in",
        ),
        ([seen(UNIT="cell/L")], "line 2, column UNIT: unknown unit of blood_cd8_t_cells_per_ul 'cell/L'"),
        ([seen(WT=70), seen(TIME=2, WT=75)], "line 3, column WT: 75.0 of patient 1, after 70.0 in line 2"),
        ([seen(WT=700)], "line 2, patient 1: weight_kg = 700"),
        (
            [seen(DVID="mrd", DV=0.01, ASSAY="flaw")],
            "line 2, column ASSAY: unknown assay 'flaw' of mrd. Did you mean 'flow'",
        ),
        ([seen(DVID="mdr")], "line 2, column DVID: unknown output 'mdr'. Did you mean 'mrd'"),
        ([seen(OUTPUT="mrd")], "unknown column 'OUTPUT'"),
        ([seen(EVENT="death", EVID=2)], "line 2, column DV: 200 on the record of a death"),
        ([seen(EVENT="relapse")], "line 2, column EVENT: 'relapse' is not known"),
        ([seen(EVID=0, DVID="death")], "line 2, column EVID: 0 with DVID 'death'"),
    ],
)
def test_bad_tables_are_refused_with_their_line(rows, words):
    with pytest.raises(ScenarioError) as caught:
        read(rows)
    assert words in str(caught.value)


@pytest.mark.parametrize("death", [{"EVENT": "Death", "EVID": 2}, {"DVID": "death", "EVID": 2, "DV": 1}])
def test_deaths_are_kept_and_nothing_happens_after_them(death):
    rows = [seen(), {"ID": 1, "TIME": 5, **death}]
    assert read(rows).death_days == {"1": 5.0}
    with pytest.raises(ScenarioError, match="line 4, column TIME: 6: a dose of patient 1 after the death at 5 in line 3"):
        read([*rows, {"ID": 1, "TIME": 6, "AMT": 28, "DUR": 1}])
    with pytest.raises(ScenarioError, match="line 4, column EVENT: a second death: the first is in line 3"):
        read([*rows, {"ID": 1, "TIME": 6, **death}])


def test_rows_without_an_observation_enter_nothing():
    rows = [
        {"TIME": 0, "AMT": 28, "DUR": 1, "DV": 0},
        {"TIME": 1, "EVID": 2, "WT": 60, "BSA": 1.7},
        {"TIME": 1, "DV": 5, "MDV": 1, "DVID": CD8},
        {"TIME": 2, "EVID": 3},
    ]
    (data,) = read(rows)
    assert data.observations == ()
    assert (data.patient.weight_kg, data.regimen.resets) == (60.0, (2.0,))


def test_dexamethasone_is_read_in_mg():
    (data,) = read([{"TIME": 0, "AMT": 20, "CMT": "dexamethasone"}], amount_unit="ng")
    assert data.regimen.schedule().premedication == ((0.0, 20.0),)
    with pytest.raises(ScenarioError, match=r"line 2, column AMT: .*Dexamethasone is in mg"):
        read([{"TIME": 0, "AMT": 20_000, "CMT": "dexamethasone"}])
    with pytest.raises(ScenarioError, match="line 2, column DUR: 1 with dexamethasone"):
        read([{"TIME": 0, "AMT": 20, "CMT": "dexamethasone", "DUR": 1}])


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="unknown time_unit 'day'"):
        read([seen()], time_unit="day")
    with pytest.raises(ParameterError, match=r"amount_unit= is needed.*line 2 of table gives a dose"):
        read([{"TIME": 0, "AMT": 5}], amount_unit=None)
    with pytest.raises(ParameterError, match="unknown unit of mrd '0/00'"):
        read([seen()], units={"mrd": "0/00"})
    with pytest.raises(
        ParameterError,
        match=r"unknown assay or output in assays 'blood_cd8_t_cells'\. Did you mean 'blood_cd8_t_cells_per_ul'",
    ):
        read([seen()], assays={**SDS, "blood_cd8_t_cells": 0.3})


def test_suspicious_tables_warn_and_are_read():
    rows = [seen(TIME=time) for time in (0, 2, 24, 168, 672)]
    with pytest.warns(BitesimWarning, match=r"table, line 6, column TIME: 672 days.*672 hours are 28 days"):
        assert len(read(rows)[0].observations) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read([seen(TIME=time) for time in (0, 2, 24, 168, 673)])


NAMES = ["ID", "TIME", "AMT", "DUR", "EVID", "DVID", "DV", "MDV", "CENS", "LIMIT", "LLOQ", "ASSAY", "NCELLS", "OUTCOME"]
NAMES += ["WT", "EVENT", "SD_LN", "UNIT", "CMT", "ODD"]
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.floats(),
    st.sampled_from([".", "", "mrd", CD8, "flow", "death", "log10", "nd", "1e400"]),
)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), CELLS), max_size=4))
def test_any_rows_meet_only_own_errors(rows):
    with suppress(BitesimError), warnings.catch_warnings():
        warnings.simplefilter("ignore", BitesimWarning)
        read(rows)
