"""Disagreements of the literature: each value is run, and matters as it should."""

import numpy as np
import pytest

from bitesim.foundation.errors import UnknownNameError
from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.disagreements import CD3_DISSOCIATIONS_PM, DISAGREEMENTS, cd3_affinity, disagreement


@pytest.mark.parametrize("name", ["marrow access", "CD19 copies"])
def test_more_access_or_copies_leave_less_disease(name):
    runs = disagreement(name, times_days=[0.0, 28.0])
    assert tuple(runs) == DISAGREEMENTS[name].values
    left = [run["mrd"][1] for run in runs.values()]
    assert left == sorted(left, reverse=True)
    assert left[0] > 10.0 * left[-1]
    for value, run in runs.items():
        assert run.provenance.parameters[DISAGREEMENTS[name].parameter] == value


def test_il10_of_the_second_cycle_is_disputed():
    runs = disagreement("cytokine on cycle 2", times_days=np.arange(0.0, 20.0, 0.25))
    second = [run["serum_il10_pg_per_ml"][run.times_days >= 14.0].max() for run in runs.values()]
    assert second == sorted(second)
    assert second[-1] > 2.0 * second[0]


def test_the_default_lies_among_the_values():
    for each in DISAGREEMENTS.values():
        assert min(each.values) <= LEUKAEMIA.parameters[each.parameter] <= max(each.values)


def test_cd3_affinity_hardly_matters_in_patients_and_does_in_a_dish():
    tight, loose = (cd3_affinity([0.2, 0.6, 2000.0])[each] for each in CD3_DISSOCIATIONS_PM)
    np.testing.assert_allclose(tight[:2], loose[:2], rtol=0.02)
    assert 0.85 < tight[2] / loose[2] < 0.89


def test_an_unknown_name_is_answered_with_the_closest():
    with pytest.raises(UnknownNameError, match="marrow access"):
        disagreement("marow access")
