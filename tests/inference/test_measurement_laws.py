"""Each row gets the law of its own method; what is not known is asked for, never invented."""

import math

import pytest

from bitesim.assays import CD69_BIOASSAY, MULTICOLOUR_FLOW, NGS, RQ_PCR, CountAssay, MrdAssay
from bitesim.foundation.errors import ParameterError, ScenarioError
from bitesim.foundation.table_rows import TableRow
from bitesim.inference.measurement_laws import AmountLaw, MeasurementLaws

CD8, DRUG = "blood_cd8_t_cells_per_ul", "serum_drug_pg_per_ml"
OWN = MrdAssay("our flow", 1_000_000, 20, 50)


def law(output, assays=None, **cells):
    return MeasurementLaws(assays or {}).law(TableRow("table", 4, cells), output)


@pytest.mark.parametrize(
    ("name", "assay"),
    [
        ("flow", MULTICOLOUR_FLOW),
        ("MFC", MULTICOLOUR_FLOW),
        ("PCR", RQ_PCR),
        ("RQ-PCR", RQ_PCR),
        ("ngs", NGS),
        ("clonoSEQ", NGS),
    ],
)
def test_methods_of_mrd_are_known_by_their_names(name, assay):
    assert law("mrd", ASSAY=name) is assay


def test_the_order_in_which_a_law_is_chosen():
    assert law("mrd") == AmountLaw("", 0.3 * math.log(10.0))
    assert law("mrd", {"mrd": OWN}) is OWN
    assert law("mrd", {"mrd": OWN}, ASSAY="NGS") is NGS
    assert law("mrd", {"NGS": OWN}, ASSAY="ngs") is OWN
    assert law("mrd", {"NGS": OWN}, ASSAY="NGS", SD_LN=0.5) == AmountLaw("NGS", 0.5)
    assert law(CD8, {CD8: 0.3}, ASSAY="flow") == AmountLaw("flow", 0.3)
    assert law(CD8, {CD8: CountAssay("counts", 0.2)}) == AmountLaw("counts", 0.2, 0.0, 1.0)


def test_drug_levels_have_the_bioassay_as_default():
    found = law(DRUG)
    assert found == law(DRUG, ASSAY="CD69 bioassay")
    assert (found.sd_ln, found.own_sd_ln) == (CD69_BIOASSAY.sd_ln, math.sqrt(CD69_BIOASSAY.sd_variance_between_patients))
    assert (found.lower, found.upper) == (50.0, 1000.0)


@pytest.mark.parametrize(
    ("output", "assays", "cells", "words"),
    [
        ("mrd", {}, {"ASSAY": "flwo"}, "line 4, column ASSAY: unknown assay 'flwo' of mrd. Did you mean 'flow'"),
        (CD8, {CD8: 0.3}, {"ASSAY": "coulter"}, "unknown assay 'coulter'"),
        (CD8, {}, {}, "the error of blood_cd8_t_cells_per_ul is not known"),
        ("mdr", {}, {}, "Did you mean 'mrd'"),
        (CD8, {CD8: RQ_PCR}, {}, "RQ-PCR is a MrdAssay: it does not measure blood_cd8"),
        ("mrd", {"mrd": CountAssay("counts", 0.2)}, {}, "counts is a CountAssay: it does not measure mrd"),
        ("mrd", {}, {"OWN_SD_LN": 0.2}, "column OWN_SD_LN: without SD_LN"),
    ],
)
def test_what_is_not_known_is_refused(output, assays, cells, words):
    with pytest.raises(ScenarioError) as caught:
        law(output, assays, **cells)
    assert words in str(caught.value)


def test_what_is_no_law_is_refused_and_what_no_row_names_is_told():
    with pytest.raises(ParameterError, match=r"assays\['mrd'\] = 'NGS' is text"):
        MeasurementLaws({"mrd": "NGS"})
    with pytest.raises(ParameterError, match=r"assays\['mrd'\].*multiply an SD in log10"):
        MeasurementLaws({"mrd": 0.0})
    for twice in ({"NGS": 0.3, "ngs": 0.4}, {1: 0.3}):
        with pytest.raises(ParameterError, match="is no name, or stands twice"):
            MeasurementLaws(twice)
    laws = MeasurementLaws({"mrd": 0.3, "Coulter": 0.2, "our flow": OWN, "mdr": OWN})
    assert laws.unused() == ["Coulter", "mdr"]
