"""Competing hazards, constant between given days: who has what first, and how likely that was.

Each hazard has its own exponential draw E and happens when its cumulative hazard reaches E; the first of all wins. Taking
one hazard away leaves the times of the others as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.population.events.luck import Luck

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Hazard:
    """One kind of event.

    Parameters
    ----------
    name : str
        Names its draw too.
    days : ndarray, shape (pieces + 1,) or (patients, pieces + 1)
        Increasing edges between which the hazard is constant; before the first and after the last there is none.
    per_day : ndarray, shape (pieces,) or (patients, pieces)
        Hazard of each piece [1/d], at least 0.

    Raises
    ------
    ParameterError
        For shapes that do not fit, edges that fall, or a negative or undefined hazard.
    """

    name: str
    days: Floats
    per_day: Floats

    def __post_init__(self) -> None:
        days, rates = np.atleast_2d(np.asarray(self.days, float)), np.atleast_2d(np.asarray(self.per_day, float))
        if days.shape[1] != rates.shape[1] + 1 or min(len(days), len(rates)) not in (1, max(len(days), len(rates))):
            raise ParameterError(
                f"hazard {self.name}: days of shape {np.shape(self.days)} do not fit per_day of shape "
                f"{np.shape(self.per_day)}: there is one edge more than pieces, for all patients or for each"
            )
        if not np.all(np.diff(days, axis=1) >= 0.0):
            raise ParameterError(f"hazard {self.name}: its days must not decrease")
        if not np.all((rates >= 0.0) & np.isfinite(rates)):
            raise ParameterError(
                f"hazard {self.name}: per_day holds {rates[~(rates >= 0.0)][:1]}, expected at least 0 [1/d]"
            )
        object.__setattr__(self, "days", days)
        object.__setattr__(self, "per_day", rates)

    @classmethod
    def constant(cls, name: str, per_day: ArrayLike, start_day: ArrayLike = 0.0, stop_day: ArrayLike = np.inf) -> Hazard:
        """Return a hazard that is constant from one day to another; numbers, or one a patient."""
        start, stop, rate = np.broadcast_arrays(*(np.asarray(each, float) for each in (start_day, stop_day, per_day)))
        return cls(name, np.stack([start.ravel(), stop.ravel()], axis=1), rate.ravel()[:, np.newaxis])

    def cumulative(self) -> Floats:
        """Return the cumulative hazard at the edges, shape (patients or 1, pieces + 1) [-]."""
        lengths = np.diff(self.days, axis=1)
        # An endless piece without hazard adds nothing.
        grown = np.where(self.per_day > 0.0, self.per_day * np.where(self.per_day > 0.0, lengths, 0.0), 0.0)
        return np.concatenate([np.zeros((len(grown), 1)), np.cumsum(grown, axis=1)], axis=1)

    def times(self, luck: Luck) -> Floats:
        """Return when it happens to each patient [d], by itself; infinite where it never does."""
        drawn = luck.exponential(self.name)[:, np.newaxis]
        reached = np.broadcast_to(self.cumulative(), (len(luck), self.per_day.shape[1] + 1))
        days = np.broadcast_to(self.days, reached.shape)
        rates = np.broadcast_to(self.per_day, (len(luck), self.per_day.shape[1]))
        happens = reached[:, 1:] >= drawn
        piece = np.argmax(happens, axis=1)
        row = np.arange(len(luck))
        with np.errstate(divide="ignore", invalid="ignore"):
            found = days[row, piece] + (drawn[:, 0] - reached[row, piece]) / rates[row, piece]
        return np.asarray(np.where(happens.any(axis=1), found, np.inf))


@dataclass(frozen=True, eq=False)
class FirstEvents:
    """What came first.

    Parameters
    ----------
    causes : tuple of str
    times_days : mapping
        Cause -> when it would have happened to each patient, had nothing else [d].
    """

    causes: tuple[str, ...]
    times_days: Mapping[str, Floats]

    @property
    def day(self) -> Floats:
        """Day of the first event of each patient; infinite without one."""
        return np.asarray(np.min(np.stack(list(self.times_days.values())), axis=0))

    @property
    def cause(self) -> NDArray[np.int64]:
        """Place of the first event's cause among `causes`; -1 without one."""
        first = np.argmin(np.stack(list(self.times_days.values())), axis=0)
        return np.asarray(np.where(np.isfinite(self.day), first, -1))

    def happened(self, cause: str, by_day: float) -> NDArray[np.bool_]:
        """Return who had this cause first, by a day.

        Raises
        ------
        UnknownNameError
            For a cause that did not compete.
        """
        if cause not in self.causes:
            raise unknown_name("competing event", cause, self.causes)
        return np.asarray((self.cause == self.causes.index(cause)) & (self.day <= by_day))


def first_events(times_days: Mapping[str, Floats]) -> FirstEvents:
    """Return what comes first among events whose times are known, cause -> times [d]."""
    return FirstEvents(tuple(times_days), dict(times_days))


def compete(hazards: Sequence[Hazard], luck: Luck) -> FirstEvents:
    """Draw when each hazard would happen, and return what came first.

    Raises
    ------
    ParameterError
        Where two hazards have one name: they would share their luck.
    """
    names = [hazard.name for hazard in hazards]
    if len(set(names)) != len(names):
        raise ParameterError(f"competing hazards {', '.join(sorted(names))}: a name stands twice, and names the draw")
    return first_events({hazard.name: hazard.times(luck) for hazard in hazards})


def cumulative_incidence(hazards: Sequence[Hazard], days: ArrayLike) -> dict[str, Floats]:
    """Return the probability of each cause by each day, cause -> shape (patients or 1, days), and of 'none'.

    In closed form: between edges all hazards are constant, and cause k takes the share h_k / sum h of who leaves there.
    All probabilities add up to 1 at every day.
    """
    asked = np.asarray(days, float)
    rows = max(max(len(hazard.days), len(hazard.per_day)) for hazard in hazards)
    found = {hazard.name: np.zeros((rows, len(asked))) for hazard in hazards}
    left = np.ones((rows, len(asked)))
    for row in range(rows):
        own = [(hazard, _row(hazard.days, row), _row(hazard.per_day, row)) for hazard in hazards]
        edges = np.unique(np.concatenate([[0.0], *(each[1][np.isfinite(each[1])] for each in own), asked]))
        edges = edges[edges <= np.max(asked, initial=0.0)]
        middle = 0.5 * (edges[:-1] + edges[1:])
        rates = np.stack([_rates_at(middle, edge, rate) for _, edge, rate in own])
        total = rates.sum(axis=0)
        lasting = np.exp(-np.concatenate([[0.0], np.cumsum(total * np.diff(edges))]))
        leaving = lasting[:-1] * -np.expm1(-total * np.diff(edges))
        place = np.searchsorted(edges, asked)
        left[row] = lasting[place]
        for (hazard, *_), rate in zip(own, rates, strict=True):
            share = np.divide(rate, total, out=np.zeros_like(rate), where=total > 0.0)
            found[hazard.name][row] = np.concatenate([[0.0], np.cumsum(share * leaving)])[place]
    return found | {"none": left}


def _row(table: Floats, row: int) -> Floats:
    return np.asarray(table[row if len(table) > 1 else 0])


def _rates_at(days: Floats, edges: Floats, rates: Floats) -> Floats:
    """Return a piecewise constant rate at days that are no edges."""
    piece = np.searchsorted(edges, days, side="right") - 1
    inside = (piece >= 0) & (piece < len(rates))
    return np.where(inside, rates[np.clip(piece, 0, len(rates) - 1)], 0.0)
