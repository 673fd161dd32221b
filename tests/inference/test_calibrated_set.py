"""A calibrated set is read back to the last bit, says what is not identified, and cannot be edited in silence."""

import json
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.inference.calibrated_set import CalibratedParameter, CalibratedSet, calibrated
from bitesim.inference.facts import facts_digest
from bitesim.inference.free_parameters import FreeParameter

SMALL = CalibratedSet(
    (
        CalibratedParameter(FreeParameter("kills_per_day", "typical", 0.5), 3.0, 0.2, True),
        CalibratedParameter(FreeParameter("regulatory_share", "spread", 0.5), 0.6, 0.1, True),
        CalibratedParameter(FreeParameter("graft_kill_per_day", "event", 0.5), 0.115, 0.5, False),
    ),
    np.array([[0.04, 0.01], [0.01, 0.01]]),
    7,
    {"bitesim_version": "0"},
)


def test_it_is_read_back_to_the_last_bit(tmp_path: Path) -> None:
    SMALL.save(tmp_path / "set.json")
    again = CalibratedSet.load(tmp_path / "set.json")
    assert again.as_dict() == SMALL.as_dict()
    assert again.rows == SMALL.rows


def test_an_edited_set_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    SMALL.save(path)
    content = json.loads(path.read_text())
    content["parameters"][0]["value"] = 4.0
    path.write_text(json.dumps(content))
    with pytest.raises(ParameterError, match="edited"):
        CalibratedSet.load(path)
    path.write_text("{}")
    with pytest.raises(ParameterError, match="bitesim calibrate"):
        CalibratedSet.load(path)
    with pytest.raises(ParameterError, match="cannot be read"):
        CalibratedSet.load(tmp_path / "none.json")


def test_values_reach_the_model_the_patients_and_the_events() -> None:
    assert SMALL.parameters["kills_per_day"] == pytest.approx(3.0)
    assert SMALL.digest()[:12] in SMALL.parameters.label
    assert SMALL.events["graft_kill_per_day"] == pytest.approx(0.115)
    spread = SMALL.variability().distributions
    assert spread["regulatory_share"].sd == pytest.approx(0.6)
    assert spread["kills_per_day"].at_score(np.zeros(1)) == pytest.approx(3.0)


def test_draws_have_the_covariance_and_what_is_not_identified_its_prior() -> None:
    """Null: normal draws with the given SDs; 4 standard errors of an SD over 4000 draws, one false alarm in 16,000 each."""
    drawn = SMALL.drawn(4000, seed=3)
    logs = np.log([[row.free.of(values) for row in SMALL.rows] for values in drawn])
    assert logs.std(axis=0) == pytest.approx([0.2, 0.1, 0.5], rel=4.0 / 8000**0.5)
    assert np.corrcoef(logs.T)[0, 1] == pytest.approx(0.5, abs=4.0 * 0.75 / 4000**0.5)
    assert np.array_equal(logs[:10], np.log([[row.free.of(v) for row in SMALL.rows] for v in SMALL.drawn(10, seed=3)]))


def test_it_prints_what_is_known_and_what_is_not() -> None:
    assert "prior kept" in str(SMALL)
    assert "prior kept" in SMALL._repr_html_()
    assert "2 parameters identified, 1 at their priors" in repr(SMALL)


def test_the_shipped_set_is_of_the_shipped_facts() -> None:
    shipped = calibrated()
    assert shipped.provenance["facts_sha256"] == facts_digest()
    known = [row for row in shipped.rows if row.identified]
    assert np.sqrt(np.diag(shipped.covariance)) == pytest.approx([row.sd_ln for row in known])
    assert all(row.value == row.free.default for row in shipped.rows if not row.identified)
    for row in known:
        assert row.free.bounds[0] <= row.value <= row.free.bounds[1]
        assert row.sd_ln < row.free.prior_sd_ln
