"""The scenario of breaks: what it compares, and that nobody is ahead of itself."""

from __future__ import annotations

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.niche import NicheDesign, treatment_free_intervals
from bitesim.niche.treatment_free_intervals import SCHEDULES
from bitesim.treatment import Regimen


def test_schedules_last_six_weeks():
    for name, text in SCHEDULES.items():
        segments = Regimen.parse(text).schedule(bsa_m2=1.9, weight_kg=70.0).infusions
        on = sum(each.stop_days - each.start_days for each in segments)
        expected = {"continuous": 42, "7 d on, 7 d off": 21, "Monday to Friday": 30, "2 d on, 1 d off": 28}[name]
        assert on == pytest.approx(expected)


def test_equal_schedules_are_equal_and_less_drug_kills_less():
    schedules = {"a": "28 ug/day for 6 d", "same": "28 ug/day for 6 d", "half": "28 ug/day for 1 d, 1 d off, x3"}
    found = treatment_free_intervals(
        schedules, (3.0, 6.0), 2, blast_fraction=0.1, design=NicheDesign(16, 16, cells_per_site=0.85)
    )
    assert np.array_equal(found.against_continuous("same"), np.zeros(2))
    assert found.against_continuous("half")[-1] > 0.0
    assert np.array_equal(found.blasts["a"], found.blasts["same"])
    assert "half: day 3" in repr(found)
    with pytest.raises(ParameterError, match=r"blast_fraction = 95.0 is outside"):
        treatment_free_intervals(blast_fraction=95.0)
