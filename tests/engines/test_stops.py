"""What every engine stops at: the order of steady states and decisions, and what a rule is told."""

import numpy as np
import pytest

from bitesim.engines.deterministic import initial_state
from bitesim.engines.stops import DECISION, END, STEADY_STATE, ask, next_stop
from bitesim.foundation.errors import ParameterError
from bitesim.leukaemia import LEUKAEMIA
from bitesim.treatment import Regimen
from bitesim.treatment.decisions import DecisionPoint, StopTreatment, Threshold


def schedule():
    table = [{"TIME": 0, "AMT": 28, "RATE": 28 / 24, "SS": 1, "II": 24}]
    endless = Regimen.from_table(table, time_unit="hours", amount_unit="ug")
    rule = Threshold("mrd", "above", 1e-3, StopTreatment())
    return endless.with_decision(0.0, rule).with_decision(7.0, rule).schedule()


def test_stops_come_in_order_and_once():
    plan, done, found = schedule(), set(), []
    now = 0.0
    while (stop := next_stop(plan, done, now, 10.0)).kind != END:
        found.append((stop.day, stop.kind))
        done.add((stop.kind, stop.index))
        now = stop.day
    # A steady state is set before a rule looks at it.
    assert found == [(0.0, STEADY_STATE), (0.0, DECISION), (7.0, DECISION)]
    assert next_stop(plan, (), 0.5, 6.0).kind == END


def test_a_rule_sees_the_outputs_that_it_names():
    state = initial_state(LEUKAEMIA, LEUKAEMIA.parameters)
    point = DecisionPoint(3.0, Threshold("mrd", "below", 0.5, StopTreatment("deep")))
    action, event = ask(LEUKAEMIA, LEUKAEMIA.parameters, point, state)
    assert action == StopTreatment("deep")
    assert (event.time_days, event.kind) == (3.0, DECISION)
    assert event.text.startswith("mrd below 0.5: mrd = 0.001")
    wrong = DecisionPoint(3.0, Threshold("mrds", "below", 0.5, StopTreatment()))
    with pytest.raises(ParameterError, match="Did you mean 'mrd'"):
        ask(LEUKAEMIA, LEUKAEMIA.parameters, wrong, state)
    assert np.isfinite(state).all()
