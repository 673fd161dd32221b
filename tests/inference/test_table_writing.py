"""What is written is read back the same; what a table cannot hold is refused."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitesim.assays import CD69_BIOASSAY, MULTICOLOUR_FLOW, NGS, RQ_PCR, MrdAssay, MrdOutcome, MrdSample
from bitesim.foundation.errors import BitesimError, ParameterError, ScenarioError
from bitesim.inference.observations import AmountObserved, MrdObserved, PatientData
from bitesim.inference.patient_table import PatientTable
from bitesim.inference.table_reading import read_patients
from bitesim.inference.table_writing import write_patients
from bitesim.population import Patient
from bitesim.treatment import Regimen, StopTreatment, Threshold

OWN = MrdAssay("our flow", 1_000_000, 20, 50)
SETTINGS = {"time_unit": "days", "amount_unit": "ug", "assays": {"our flow": OWN}}
OUTPUTS = ["mrd", "blood_cd8_t_cells_per_ul", "blood_b_cells_per_ul", "serum_drug_pg_per_ml", "serum_il6_pg_per_ml"]

days = st.integers(0, 9000).map(lambda hundredths: hundredths / 100)
fractions = st.floats(1e-12, 1.0)
names = st.sampled_from(["", "flow", "NGS", "CD69 bioassay", "laboratory, the 2nd", 'so-called "qPCR"', CD69_BIOASSAY.name])


@st.composite
def amounts(draw):
    low, high = sorted((draw(fractions), draw(fractions)))
    limits = draw(st.sampled_from([(high, high), (0.0, high), (low, math.inf), (low, high)]))
    output = draw(st.sampled_from(OUTPUTS))
    sd, own = draw(st.floats(1e-3, 20.0)), draw(st.one_of(st.just(0.0), st.floats(0.01, 2.0)))
    return AmountObserved(draw(days), output, *limits, sd, own, draw(names))


@st.composite
def counts(draw):
    assay = draw(st.sampled_from([MULTICOLOUR_FLOW, RQ_PCR, NGS, OWN]))
    cells = draw(st.integers(10_000, 10_000_000))
    sample = MrdSample(assay, cells, draw(st.sampled_from([0.0, 0.25])))
    outcome = draw(st.sampled_from(list(MrdOutcome)))
    targets = draw(st.integers(assay.minimum_targets_quantified, cells))
    value = targets / cells if outcome == MrdOutcome.QUANTIFIED else math.nan
    return MrdObserved(draw(days), sample, outcome, value)


@st.composite
def regimens(draw):
    regimen, start = Regimen.none(), 0.0
    for _ in range(draw(st.integers(0, 3))):
        start += draw(st.integers(0, 500)) / 100
        length = draw(st.integers(1, 2800)) / 100
        regimen = regimen.with_infusion(round(start, 2), length, draw(st.integers(50, 1200)) / 10)
        start = round(start + length, 2)
    if draw(st.booleans()):
        regimen = regimen.with_bolus(
            draw(days), draw(st.floats(0.1, 9.0)), draw(st.sampled_from(["drug", 3, "chemotherapy_blocks"]))
        )
    return regimen.with_dexamethasone(draw(days), 20.0) if draw(st.booleans()) else regimen


def method(observed):
    return observed.assay if isinstance(observed, AmountObserved) else observed.sample.assay.name


@st.composite
def patients(draw, name):
    body = draw(
        st.sampled_from(
            [
                {},
                {"weight_kg": 20.0, "bsa_m2": 0.8},
                {"weight_kg": 60.0, "height_cm": 165.0},
                {"weight_kg": 25.0},
                {"weight_kg": 12.3, "height_cm": 88.0, "bsa_formula": "haycock", "age_years": 2.5},
            ]
        )
    )
    counts_before = draw(st.sampled_from([{}, {"blood_b_cells_per_ul": 3.3, "t_cell_fitness": 0.7}, {"mrd": 1e-3}]))
    seen = draw(st.lists(st.one_of(amounts(), counts()), max_size=6, unique_by=lambda o: (o.time_days, o.output, method(o))))
    observations = tuple(sorted(seen, key=lambda observed: observed.time_days))
    return PatientData(Patient(**body, **counts_before, name=name), draw(regimens()), observations)


@st.composite
def tables(draw):
    chosen = draw(st.lists(st.sampled_from(["1", "17", "p017", "Ann, B.", "patient"]), max_size=3, unique=True))
    return PatientTable(tuple(draw(patients(name)) for name in chosen))


def without_lines(table):
    return [(data.patient, tuple(replace(each, line=0) for each in data.observations)) for data in table]


# Any numbers are drawn, also such as look like another unit.
@pytest.mark.filterwarnings("ignore::bitesim.foundation.errors.DataWarning")
@settings(deadline=None)
@given(tables())
def test_what_is_written_is_read_back_the_same(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("round") / "patients.csv"
    rows = write_patients(table, path)
    for again in (read_patients(path, **SETTINGS), read_patients(rows, **SETTINGS)):
        assert without_lines(again) == without_lines(table)
        for ours, theirs in zip(table, again, strict=True):
            planned, read = (each.regimen.schedule(bsa_m2=1.0) for each in (ours, theirs))
            assert read.infusions == planned.infusions
            assert read.boluses == planned.boluses
            assert read.premedication == planned.premedication
        # Once read, nothing changes any more, regimens included.
        assert read_patients(write_patients(again), **SETTINGS).patients == again.patients


def test_lines_point_into_the_written_file(tmp_path):
    path = tmp_path / "patients.csv"
    data = PatientData(
        Patient(name="1"),
        Regimen.none(),
        (AmountObserved(0.0, "mrd", 0.1, 0.1, 0.7), AmountObserved(9.0, "mrd", 0.0, 1e-4, 0.7)),
    )
    write_patients([data], path)
    lines = path.read_text().splitlines()
    for observed in read_patients(path, **SETTINGS)[0].observations:
        assert lines[observed.line - 1].startswith(f"1,{observed.time_days}")


def test_deaths_and_patients_of_whom_nothing_is_known_stay(tmp_path):
    quiet = PatientData(Patient(name="quiet"), Regimen.none(), ())
    treated = PatientData(Patient(name="treated"), Regimen.none().with_infusion(0.0, 9.0, 28.0), ())
    table = PatientTable((quiet, treated), {"treated": 9.0})
    again = read_patients(write_patients(table), **SETTINGS)
    assert again.patients == table.patients
    assert again.death_days == {"treated": 9.0}


def test_doses_are_what_the_pump_gives_to_this_body():
    regimen = Regimen.parse("5 ug/m2/day for 7 d, 15 ug/m2/day for 21 d, 14 d off, x2 in 96 h bags with 5 min gaps").hold(
        9.0, days=3
    )
    data = PatientData(Patient(weight_kg=20.0, bsa_m2=0.8, name="child"), regimen, ())
    (again,) = read_patients(write_patients([data]), **SETTINGS)
    assert again.regimen.schedule().infusions == regimen.schedule(bsa_m2=0.8).infusions


@pytest.mark.parametrize("name", ["", " a", "NA", "#3", "a\nb", "."])
def test_names_that_would_not_come_back_are_refused(name):
    with pytest.raises(ParameterError, match="does not come back from a table"):
        write_patients([PatientData(Patient(name=name), Regimen.none(), ())])


def test_what_a_table_cannot_hold_is_refused(tmp_path):
    data = PatientData(Patient(name="1"), Regimen.none(), ())
    with pytest.raises(ParameterError, match="2 patients are called '1'"):
        write_patients([data, data])
    rule = Threshold("mrd", "above", 1e-3, StopTreatment())
    with pytest.raises(ParameterError, match="patient 1 has decisions"):
        write_patients([replace(data, regimen=Regimen.parse("28 ug/day for 28 d").with_decision(14.0, rule))])
    unlike = MrdObserved(1.0, MrdSample(MrdAssay("ngs", 1_000_000, 2, 5)), MrdOutcome.NOT_DETECTED)
    with pytest.raises(ParameterError, match="two assays are called 'ngs'"):
        write_patients([replace(data, observations=(unlike,))])
    with pytest.raises(ScenarioError, match="cannot be written"):
        write_patients([data], tmp_path / "missing" / "a.csv")
    with pytest.raises(BitesimError, match="does not come back"):
        write_patients([replace(data, observations=(AmountObserved(0.0, "mrd", 0.1, 0.1, 0.7, assay=" x"),))])
