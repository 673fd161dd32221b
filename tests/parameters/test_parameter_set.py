"""Parameter sets: immutable, checked, named."""

import pickle

import numpy as np
import pytest

import bitesim
from bitesim import ParameterError

DEFAULTS = bitesim.MODELS["hosseini2020"].parameters


def test_replace_returns_a_checked_copy():
    changed = DEFAULTS.replace(killing_per_day=200)
    assert (DEFAULTS.killing_per_day, changed.killing_per_day, changed["killing_per_day"]) == (275.189, 200.0, 200.0)
    assert changed.changed() == {"killing_per_day": 200.0}
    assert "killing_per_day=200" in repr(changed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kiling_per_day": 1.0}, "Did you mean 'killing_per_day'"),
        ({"killing_per_day": -1.0}, r"killing_per_day = -1.0 1/d is outside"),
        ({"killing_per_day": float("nan")}, "killing_per_day = nan"),
        ({"killing_per_day": True}, "killing_per_day = True"),
        ({"blood_volume_ml": 0.0}, "blood_volume_ml = 0.0 mL"),
    ],
)
def test_bad_changes_are_refused(change, words):
    with pytest.raises(ParameterError, match=words):
        DEFAULTS.replace(**change)


def test_it_does_not_change_and_survives_pickling():
    with pytest.raises(AttributeError, match="replace"):
        DEFAULTS.killing_per_day = 1.0
    with pytest.raises(AttributeError, match="Did you mean"):
        _ = DEFAULTS.kiling_per_day
    copy = pickle.loads(pickle.dumps(DEFAULTS.replace(killing_per_day=2.0)))
    assert copy["killing_per_day"] == 2.0


def test_the_vector_is_read_by_name():
    vector = DEFAULTS.vector()
    assert vector.view(DEFAULTS.catalogue.record_type)[0].killing_per_day == 275.189
    assert vector.dtype == np.float64
    assert "killing_per_day" in DEFAULTS._repr_html_()
    assert "killing_per_day" in dir(DEFAULTS)
