"""A table of patients is a sequence, knows its patients by name, and prints what was seen and given."""

import pytest

from bitesim.assays import RQ_PCR, MrdOutcome, MrdSample
from bitesim.foundation.errors import ParameterError
from bitesim.inference.observations import AmountObserved, MrdObserved, PatientData
from bitesim.inference.patient_table import PatientTable
from bitesim.inference.table_reading import read_patients
from bitesim.population import Patient
from bitesim.treatment import Regimen

CD8 = "blood_cd8_t_cells_per_ul"
SEEN = (
    AmountObserved(0.0, CD8, 200.0, 200.0, 0.3),
    AmountObserved(7.0, CD8, 0.0, 1.0, 0.3),
    MrdObserved(29.0, MrdSample(RQ_PCR), MrdOutcome.NOT_DETECTED),
    MrdObserved(71.0, MrdSample(RQ_PCR), MrdOutcome.QUANTIFIED, 1e-3),
)
DOSED = Regimen.none().with_infusion(0.0, 7.0, 9.0).with_infusion(7.0, 21.0, 28.0).with_dexamethasone(0.0, 20.0)
TABLE = PatientTable(
    (
        PatientData(Patient(name="a<b"), DOSED, SEEN),
        PatientData(Patient(name="2"), Regimen.none(), ()),
        PatientData(Patient(weight_kg=20.0, name="3"), Regimen.parse("15 ug/m2/day for 28 d"), ()),
    ),
    {"2": 12.0},
    "trial.csv",
    unused_rows=2,
)


def test_it_is_a_sequence_by_position_slice_and_name():
    assert len(TABLE) == 3
    assert [data.patient.name for data in TABLE] == TABLE.names == ["a<b", "2", "3"]
    assert TABLE["2"] is TABLE[1] is TABLE[-2]
    assert TABLE[1:].death_days == {"2": 12.0}
    assert TABLE[:1].death_days == {}
    with pytest.raises(ParameterError, match="unknown patient '4'"):
        TABLE["4"]


def test_it_prints_observations_their_censored_share_and_doses():
    text = repr(TABLE)
    assert "3 patients from trial.csv, 4 observations, 50% of them censored, 2 with MDV 1 left out" in text
    assert f"a<b: 2 {CD8} (50%), 2 mrd (50%); 651 ug at 9 to 28 ug/day, days 0 to 28, 1 x dexamethasone" in text
    assert "2: nothing observed; nothing given, died on day 12" in text
    # Without a BSA the amount is not known, and the plan is.
    assert "3: nothing observed; 15 ug/m2/day for 28 d" in text
    html = TABLE._repr_html_()
    assert "a&lt;b" in html
    assert html.count("<tr>") == 4
    assert "<td>0 to 71</td>" in html


def test_long_tables_are_cut_and_say_so():
    many = PatientTable(tuple(PatientData(Patient(name=f"p{k}"), Regimen.none(), ()) for k in range(50)))
    assert "... 20 more" in repr(many)
    assert "... 20 more" in many._repr_html_()


def test_a_dataframe_reads_back():
    table = TABLE[:2]
    again = read_patients(table.to_dataframe(), time_unit="days", amount_unit="ug")
    assert again.names == table.names
    assert len(again[0].observations) == 4
    assert again.death_days == table.death_days


def test_namesakes_and_unknown_dead_are_refused():
    with pytest.raises(ParameterError, match="2 patients are called '2'"):
        PatientTable((TABLE[1], TABLE[1]))
    with pytest.raises(ParameterError, match="unknown patient of death_days 'x'"):
        PatientTable((TABLE[1],), {"x": 1.0})
