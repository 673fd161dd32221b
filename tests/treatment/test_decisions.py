"""Actions edit the future only; rules are checked where they are written."""

import pytest

from bitesim import Regimen, ScenarioError
from bitesim.treatment import Continue, DecisionPoint, HoldInfusion, StopTreatment, Threshold, apply_action

TWO_CYCLES = Regimen.parse("28 ug/day for 28 d, 14 d off, x2")


@pytest.mark.parametrize(
    "action", [Continue(), HoldInfusion(3.0, "CRS"), HoldInfusion(10.0, "CRS"), StopTreatment("transplant")]
)
def test_everything_before_the_decision_stays(action):
    changed = apply_action(TWO_CYCLES, 10.0, action).schedule()
    planned = TWO_CYCLES.schedule()
    assert changed.delivered(0.0, 10.0) == planned.delivered(0.0, 10.0)
    assert (changed.infusions == planned.infusions) == isinstance(action, Continue)


def test_a_threshold_acts_on_its_side_only():
    above = Threshold("serum_il6_pg_per_ml", "above", 100.0, StopTreatment("CRS"))
    below = Threshold("serum_il6_pg_per_ml", "below", 100.0, StopTreatment("CRS"))
    assert above.decide(1.0, {"serum_il6_pg_per_ml": 101.0}) == StopTreatment("CRS")
    assert above.decide(1.0, {"serum_il6_pg_per_ml": 100.0}) == Continue()
    assert below.decide(1.0, {"serum_il6_pg_per_ml": 99.0}) == StopTreatment("CRS")


def test_a_rule_without_its_methods_is_refused():
    with pytest.raises(ScenarioError, match=r"\.decide"):
        DecisionPoint(1.0, "hold it")


def test_a_decided_hold_restarts_at_its_dose():
    action = HoldInfusion(3.0, "CRS", restart=("9 ug/day", 7.0))
    changed = apply_action(TWO_CYCLES, 10.0, action).schedule()
    assert [changed.rate_at(day) for day in (9.9, 11.0, 13.0, 19.9, 20.0)] == [28.0, 0.0, 9.0, 9.0, 28.0]
    assert changed.infusions[0] == (0.0, 10.0, 28.0, "drug")
