"""The NONMEM stub: its likelihood is bitesim's, its table the patients' numbers."""

import math
import re

import numpy as np
import pytest
from scipy.stats import norm

from bitesim.assays import CD69_BIOASSAY, MULTICOLOUR_FLOW, MrdOutcome, MrdSample
from bitesim.foundation.errors import ScenarioError
from bitesim.inference.nonmem_stub import nonmem_stub
from bitesim.inference.observations import AmountObserved, MrdObserved, PatientData
from bitesim.inference.shipped_patients import klinger_patients
from bitesim.inference.table_reading import read_patients
from bitesim.population import Patient
from bitesim.treatment import Regimen

SAMPLE = MrdSample(MULTICOLOUR_FLOW, 500_000)
DRUG = "serum_drug_pg_per_ml"


def run_error_block(text, **row):
    """Run the Fortran of $ERROR on one row: assignments, one-line IF, and IF ... THEN ... ENDIF."""
    scope = {"LOG": math.log, "PHI": norm.cdf, **row}
    body = text[text.index("$ERROR\n") + 7 : text.index("; to be written: $THETA")]
    operators = {".EQ.": "==", ".NE.": "!=", ".GT.": ">"}
    active = True
    for line in body.splitlines():
        statement = line.split(";")[0].strip()
        for fortran, python in operators.items():
            statement = statement.replace(fortran, python)
        if statement == "ENDIF":
            active = True
        elif found := re.fullmatch(r"IF \((.*?)\) THEN", statement):
            active = eval(found[1], {}, scope)
        elif active:
            found = re.fullmatch(r"(?:IF \((.*?)\) )?(\w+) = (.*)", statement)
            assert found is not None, statement
            if found[1] is None or eval(found[1], {}, scope):
                scope[found[2]] = eval(found[3], {}, scope)
    return -0.5 * scope["Y"] if scope["F_FLAG"] == 2 else math.log(scope["Y"])


def data_of(*observations):
    return PatientData(
        Patient(name="Ann"), Regimen.none().with_infusion(0.0, 28.0, 28.0).with_bolus(3.0, 1.0, "other"), observations
    )


def rows_of(path):
    header, *lines = path.read_text().splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


@pytest.mark.parametrize("seed", range(20))
def test_the_error_block_is_the_likelihood_of_an_amount(tmp_path, seed):
    low, high, truth, sd = np.exp(np.random.default_rng(seed).normal(0.0, 0.5, 4))
    low, high = sorted((low, high))
    kinds = [(high, high), (0.0, high), (low, math.inf), (low, high)]
    seen = [AmountObserved(float(day), DRUG, *limits, sd) for day, limits in enumerate(kinds)]
    text = nonmem_stub([data_of(*seen)], tmp_path / "fit.ctl")
    found = [
        run_error_block(
            text,
            OUTPUT1=truth,
            **{name: float(cell) if cell != "." else 0.0 for name, cell in row.items()},
        )
        for row in rows_of(tmp_path / "fit.csv")
        if row["EVID"] == "0"
    ]
    law = norm(math.log(truth), sd)
    expected = [
        law.logpdf(math.log(high)),
        law.logcdf(math.log(high)),
        law.logsf(math.log(low)),
        math.log(law.cdf(math.log(high)) - law.cdf(math.log(low))),
    ]
    assert found == pytest.approx(expected, rel=1e-9)


def test_counted_mrd_becomes_an_amount_between_its_limits(tmp_path):
    outcomes = [MrdOutcome.NOT_DETECTED, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE]
    seen = [MrdObserved(float(day), SAMPLE, outcome) for day, outcome in enumerate(outcomes)]
    seen.append(MrdObserved(9.0, SAMPLE, MrdOutcome.QUANTIFIED, 2e-3))
    nonmem_stub([data_of(*seen)], tmp_path / "fit.ctl")
    rows = [row for row in rows_of(tmp_path / "fit.csv") if row["EVID"] == "0"]
    assert [(row["CENS"], float(row["DV"]), row["LIMIT"]) for row in rows] == [
        ("1", SAMPLE.limit_of_detection, "."),
        ("1", SAMPLE.limit_of_quantification, str(SAMPLE.limit_of_detection)),
        ("0", 2e-3, "."),
    ]
    assert {float(row["SD_LN"]) for row in rows} == {0.3 * math.log(10.0)}


def test_numbers_stand_for_names_and_comments_say_which(tmp_path):
    level = AmountObserved(2.0, DRUG, 600.0, 600.0, 0.559, 0.643, CD69_BIOASSAY.name)
    mrd = MrdObserved(29.0, SAMPLE, MrdOutcome.NOT_DETECTED)
    text = nonmem_stub([data_of(level, mrd)], tmp_path / "fit.ctl")
    assert text == (tmp_path / "fit.ctl").read_text()
    for comment in ("ID 1: patient Ann", f"DVID 1: output {DRUG}", "DVID 2: output mrd", "CMT 1: compartment drug"):
        assert f"; {comment}\n" in text
    assert "; SD_LN of serum_drug_pg_per_ml differs between patients: times EXP(ETA), SD 0.643" in text
    assert "; CMT 2: compartment other" in text
    assert "$DATA fit.csv IGNORE=@" in text
    labels = re.search(r"\$INPUT (.*)", text)[1].split()
    rows = rows_of(tmp_path / "fit.csv")
    assert len(labels) == len(rows[0])
    assert all(len(label) <= 20 for label in labels)
    assert all(cell == "." or math.isfinite(float(cell)) for row in rows for cell in row.values())


def test_the_table_of_numbers_reads_back(tmp_path):
    table = klinger_patients(cd8_sd_ln=0.3, b_cells_sd_ln=0.5)
    nonmem_stub(table, tmp_path / "fit.ctl")
    outputs = {1: "blood_cd8_t_cells_per_ul", 2: "blood_b_cells_per_ul"}
    again = read_patients(tmp_path / "fit.csv", time_unit="days", amount_unit="ug", output=outputs)
    for ours, theirs in zip(table, again, strict=True):
        assert [(o.time_days, o.output, o.lower, o.upper) for o in ours.observations] == [
            (o.time_days, o.output, o.lower, o.upper) for o in theirs.observations
        ]
        (infusion,) = theirs.regimen.infusions
        assert (infusion.start_day, infusion.days, infusion.rate_per_day) == (0.0, 28.0, pytest.approx(28.2))


def test_stub_and_table_do_not_overwrite_each_other(tmp_path):
    with pytest.raises(ScenarioError, match="give it another suffix"):
        nonmem_stub([data_of()], tmp_path / "fit.csv")
