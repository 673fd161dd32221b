"""Decision points: rules that look at outputs at given times and change what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from bitesim.foundation.checks import number
from bitesim.foundation.errors import ScenarioError


@dataclass(frozen=True)
class Continue:
    """Go on as planned."""

    def __str__(self) -> str:
        return "continue"


@dataclass(frozen=True)
class HoldInfusion:
    """Stop the pump for some days from now, then resume by the label's rule.

    Parameters
    ----------
    days : float
    reason : str
    restart : (str, float), optional
        Dose and days given first on resuming, e.g. ("9 ug/day", 7).
    """

    days: float
    reason: str = "decision"
    restart: tuple[str, float] | None = None

    def __str__(self) -> str:
        return f"hold {self.days:g} d ({self.reason})"


@dataclass(frozen=True)
class StopTreatment:
    """Give no more drug from now on, e.g. for toxicity, failure or transplant."""

    reason: str = "decision"

    def __str__(self) -> str:
        return f"stop ({self.reason})"


Action = Continue | HoldInfusion | StopTreatment


@runtime_checkable
class Rule(Protocol):
    """What a decision point asks: it sees the outputs it names and returns an action."""

    @property
    def name(self) -> str:
        """Name in the event log."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Outputs and states that it looks at."""

    def decide(self, time_days: float, outputs: Mapping[str, float]) -> Action:
        """Return what to do."""


@dataclass(frozen=True)
class Threshold:
    """Act when an output is above (or below) a threshold.

    Parameters
    ----------
    output : str
        Name of a model's output or state.
    side : {"above", "below"}
    value : float
        Threshold in the output's unit.
    action : Action
        What to do then; otherwise treatment goes on.
    """

    output: str
    side: Literal["above", "below"]
    value: float
    action: Action

    @property
    def name(self) -> str:
        """Name in the event log."""
        return f"{self.output} {self.side} {self.value:g}"

    @property
    def outputs(self) -> tuple[str, ...]:
        """The one output it looks at."""
        return (self.output,)

    def decide(self, time_days: float, outputs: Mapping[str, float]) -> Action:
        """Return the action when the threshold is passed."""
        seen = outputs[self.output]
        passed = seen > self.value if self.side == "above" else seen < self.value
        return self.action if passed else Continue()


@dataclass(frozen=True)
class DecisionPoint:
    """A rule that is asked at one time."""

    time_days: float
    rule: Rule

    def __post_init__(self) -> None:
        time = number("time_days of a decision point", self.time_days, "days", (0.0, 36525.0), error=ScenarioError)
        object.__setattr__(self, "time_days", time)
        if not isinstance(self.rule, Rule):
            raise ScenarioError(
                f"rule {self.rule!r} of a decision point needs .name, .outputs and .decide(time_days, outputs)"
            )
