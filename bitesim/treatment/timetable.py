"""What the pump does, exactly: segments of constant rate and what is given at once; plain data that knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from bitesim.treatment.decisions import DecisionPoint
from bitesim.treatment.regimen import Bolus, SteadyState


class RateSegment(NamedTuple):
    """A constant rate over [start_days, stop_days); for the drug in ug/day."""

    start_days: float
    stop_days: float
    rate: float
    compartment: str | int = "drug"


class ScheduleEvent(NamedTuple):
    """Something for the log: a cycle, a dose step, a bag change, a hold."""

    time_days: float
    kind: str
    text: str


@dataclass(frozen=True)
class Schedule:
    """What the pump does, exactly; plain data without knowledge of any model.

    Parameters
    ----------
    infusions : tuple of RateSegment
        Disjoint and sorted within each compartment.
    boluses : tuple of Bolus
    resets : tuple of float
    steady_states : tuple of SteadyState
        Sorted by day.
    decisions : tuple of DecisionPoint
        Sorted by time.
    events : tuple of ScheduleEvent
    end_days : float
        End of the last rest.
    premedication : tuple of (float, float)
        Time [d] and dexamethasone [mg], or what acts as so much of it.
    """

    infusions: tuple[RateSegment, ...]
    boluses: tuple[Bolus, ...]
    resets: tuple[float, ...]
    steady_states: tuple[SteadyState, ...]
    decisions: tuple[DecisionPoint, ...]
    events: tuple[ScheduleEvent, ...]
    end_days: float
    premedication: tuple[tuple[float, float], ...] = ()

    def rate_at(self, time_days: float, compartment: str | int = "drug") -> float:
        """Return the rate at an instant; at a stop it is already the next rate."""
        return sum(
            segment.rate
            for segment in self.infusions
            if segment.compartment == compartment and segment.start_days <= time_days < segment.stop_days
        )

    def delivered(self, start_days: float, stop_days: float, compartment: str | int = "drug") -> float:
        """Return the amount given between two times, boluses at `start_days` included and at `stop_days` not."""
        total = Fraction(0)
        for segment in self.infusions:
            length = min(segment.stop_days, stop_days) - max(segment.start_days, start_days)
            if segment.compartment == compartment and length > 0:
                total += Fraction(length) * Fraction(segment.rate)
        for bolus in self.boluses:
            if bolus.compartment == compartment and start_days <= bolus.time_days < stop_days:
                total += Fraction(bolus.amount)
        return float(total)
