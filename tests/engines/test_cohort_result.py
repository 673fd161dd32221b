"""Results of cohorts: read by name, summed up, tabulated, joined and told apart by any number in them."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest

import bitesim
from bitesim.engines.cohort_result import CohortResult, Failure, failure_of, joined
from bitesim.numerics.outcomes import ADVICE, Outcome

NAN = np.nan
#: Three patients, four times, two outputs; the second patient failed after the second time.
VALUES = np.array(
    [
        [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]],
        [[5.0, 50.0], [6.0, 60.0], [NAN, NAN], [NAN, NAN]],
        [[9.0, 90.0], [8.0, 80.0], [7.0, 70.0], [6.5, 65.0]],
    ]
)
FAILURE = Failure(101, Outcome.STEP_TOO_SMALL, 1.25, 1e-15, "it ended", "bitesim.simulate(...)")
RESULT = CohortResult(
    model="small <model>",
    first_patient=100,
    times_days=np.array([0.0, 1.0, 2.0, 3.5]),
    outputs=("drug", "cells & more"),
    units={"drug": "pg/mL", "cells & more": "cells/uL"},
    values=VALUES,
    outcome=np.array([0, 2, 0]),
    time_reached_days=np.array([3.5, 1.25, 3.75]),
    steps=np.array([[5, 1, 2], [9, 3, 1], [6, 0, 2]]),
    failures=(FAILURE,),
)


def test_outputs_are_read_by_name():
    assert np.array_equal(RESULT["drug"], VALUES[:, :, 0], equal_nan=True)
    assert np.array_equal(RESULT["cells & more"], VALUES[:, :, 1], equal_nan=True)
    assert RESULT["drug"].shape == (3, 4)
    assert len(RESULT) == 3
    assert RESULT._ipython_key_completions_() == ["drug", "cells & more"]


def test_a_name_that_is_not_there_is_named():
    with pytest.raises(bitesim.ParameterError, match=r"unknown output of this cohort 'drugs'. Did you mean 'drug'\?"):
        RESULT["drugs"]
    with pytest.raises(KeyError):
        RESULT["time_days"]


def test_the_repr_is_one_line_with_what_matters():
    shown = "<CohortResult small <model>, 3 patients, 4 times: drug, cells & more; 1 failed>"
    assert repr(RESULT) == shown


def test_percentiles_are_those_of_numpy_over_complete_patients():
    complete = replace(RESULT, values=np.random.default_rng(1).lognormal(size=(50, 4, 2)))
    for levels in ((5.0, 50.0, 95.0), (2.5,), (0.0, 100.0)):
        expected = np.percentile(complete.values[:, :, 1], levels, axis=0)
        assert np.array_equal(complete.percentiles("cells & more", levels), expected)
    assert np.array_equal(complete.percentiles("drug"), np.percentile(complete.values[:, :, 0], [5, 50, 95], axis=0))


def test_percentiles_are_over_those_who_reached_a_time():
    expected = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 5.0, 5.25], [9.0, 8.0, 7.0, 6.5]]
    np.testing.assert_allclose(RESULT.percentiles("drug", (0.0, 50.0, 100.0)), expected)


def test_percentiles_of_nobody_are_nan_without_a_warning():
    nobody = replace(RESULT, values=np.full_like(VALUES, NAN))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(nobody.percentiles("drug")).all()
        assert "nan" in nobody._repr_html_()


def test_the_html_is_a_table_of_the_first_and_the_last_time():
    page = RESULT._repr_html_()
    assert "<caption>small &lt;model&gt;, 3 patients, 1 failed</caption>" in page
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    # Drug: 1, 5, 9 at first; 4 and 6.5 at last, whose 5th percentile is 4 + 0.05 * 2.5.
    assert rows[1:] == [
        ["drug", "pg/mL", "5", "4.125", "5.25", "6.375"],
        ["cells &amp; more", "cells/uL", "50", "41.25", "52.5", "63.75"],
    ]


def test_the_table_has_a_row_for_each_patient_and_time():
    frame = RESULT.to_dataframe()
    assert list(frame.columns) == ["patient", "outcome", "time_days", "drug", "cells & more"]
    assert frame.shape == (12, 5)
    assert frame["patient"].tolist() == [100] * 4 + [101] * 4 + [102] * 4
    assert frame["outcome"].tolist() == ["OK"] * 4 + ["STEP_TOO_SMALL"] * 4 + ["OK"] * 4
    assert frame["time_days"].tolist() == [0.0, 1.0, 2.0, 3.5] * 3
    for place, name in enumerate(RESULT.outputs):
        for row, patient in enumerate(range(100, 103)):
            found = frame.loc[frame["patient"] == patient, name].to_numpy()
            assert np.array_equal(found, VALUES[row, :, place], equal_nan=True)


def test_the_table_without_pandas_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(bitesim.MissingExtraError, match=r"pip install 'bitesim\[data\]'"):
        RESULT.to_dataframe()


@pytest.mark.parametrize("name", ["times_days", "values", "outcome", "time_reached_days", "steps"])
def test_the_digest_changes_with_any_number(name):
    assert replace(RESULT).digest() == RESULT.digest()
    digests = {RESULT.digest()}
    original = getattr(RESULT, name)
    for position in range(original.size):
        changed = original.copy()
        flat = changed.reshape(-1)
        # The smallest change there is.
        flat[position] = (
            flat[position] + 1 if changed.dtype.kind == "i" else np.nextafter(np.nan_to_num(flat[position]), 9e9)
        )
        digests.add(replace(RESULT, **{name: changed}).digest())
    assert len(digests) == 1 + original.size
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_the_digest_is_that_of_the_numbers_however_they_lie_in_memory():
    assert replace(RESULT, values=np.asfortranarray(VALUES)).digest() == RESULT.digest()
    assert replace(RESULT, values=np.repeat(VALUES, 2, axis=1)[:, ::2]).digest() == RESULT.digest()


def part(rows):
    patients = range(100, 103)[rows]
    return replace(
        RESULT,
        first_patient=patients[0],
        values=VALUES[rows],
        outcome=RESULT.outcome[rows],
        time_reached_days=RESULT.time_reached_days[rows],
        steps=RESULT.steps[rows],
        failures=(FAILURE,) if 101 in patients else (),
    )


@pytest.mark.parametrize("cuts", [[slice(0, 3)], [slice(0, 1), slice(1, 3)], [slice(0, 1), slice(1, 2), slice(2, 3)]])
def test_joined_chunks_are_the_whole(cuts):
    whole = joined([part(rows) for rows in cuts])
    assert whole.digest() == RESULT.digest()
    assert (whole.first_patient, whole.outputs, whole.units) == (100, RESULT.outputs, RESULT.units)
    assert whole.failures == (FAILURE,)
    assert whole.to_dataframe().equals(RESULT.to_dataframe())


def test_a_failure_is_told_in_one_sentence():
    assert str(FAILURE) == (
        "patient 101: step too small at day 1.25 (step 1e-15 d): it ended; reproduce it with bitesim.simulate(...)"
    )


@pytest.mark.parametrize("outcome", [each for each in Outcome if each != Outcome.OK])
def test_a_failure_of_each_kind_has_its_advice(outcome):
    failure = failure_of(7, int(outcome), np.array([2.5, 1e-3]), "a line")
    assert failure == Failure(7, outcome, 2.5, 1e-3, ADVICE[outcome], "a line")
    assert type(failure.time_days) is float
