"""Where a run stops to be looked at or changed: steady-state records and decision points, the same for every engine."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from bitesim.engines.system import system_of
from bitesim.engines.trajectory import RunEvent
from bitesim.foundation.errors import unknown_name
from bitesim.model import Model
from bitesim.numerics.pieces import Vector
from bitesim.parameters import ParameterSet
from bitesim.treatment import Schedule
from bitesim.treatment.decisions import Action, DecisionPoint

STEADY_STATE, DECISION, END = "steady state", "decision", "end"


@dataclass(frozen=True, order=True)
class Stop:
    """One of them: the day, its order at that day, and which of a schedule's steady states or decisions it is.

    At one instant a steady state is set before a rule looks at it.
    """

    day: float
    order: int
    kind: str
    index: int


#: Nothing more to stop at.
_NONE_LEFT = Stop(math.inf, 2, END, -1)


def next_stop(schedule: Schedule, done: Collection[tuple[str, int]], now: float, last: float) -> Stop:
    """Return the first stop from `now` to `last` that is not `done` (kind, index); one of kind `END` where there is none."""
    stops = [Stop(each.day, 0, STEADY_STATE, index) for index, each in enumerate(schedule.steady_states)]
    stops += [Stop(each.time_days, 1, DECISION, index) for index, each in enumerate(schedule.decisions)]
    left = (stop for stop in stops if (stop.kind, stop.index) not in done and now <= stop.day <= last)
    return min(left, default=_NONE_LEFT)


def ask(model: Model, parameters: ParameterSet, point: DecisionPoint, state: Vector) -> tuple[Action, RunEvent]:
    """Ask the rule of a decision point about a state; return its action, and the event for the run's log.

    Raises
    ------
    ParameterError
        For a rule that looks at what the model does not have.
    """
    rule = point.rule
    values = system_of(model).readouts(parameters.vector(), state[np.newaxis])[0]
    known = {readout.name: float(value) for readout, value in zip(model.readouts, values, strict=True)}
    known |= dict(zip(model.species, map(float, state), strict=True))
    for name in rule.outputs:
        if name not in known:
            raise unknown_name(f"output that rule {rule.name!r} looks at in model {model.name}", name, known)
    action = rule.decide(point.time_days, {name: known[name] for name in rule.outputs})
    seen = ", ".join(f"{name} = {known[name]:.4g}" for name in rule.outputs)
    return action, RunEvent(point.time_days, DECISION, f"{rule.name}: {seen}: {action}")
