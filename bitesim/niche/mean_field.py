"""The niche without space: differential equations of free and bound cells, the limit of many well-mixed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitesim.engines.agents.engine import Census
from bitesim.engines.agents.lattice import DIRECTIONS
from bitesim.engines.agents.rules import (
    ACTIVATE,
    BIRTH,
    CALM_DOWN,
    DEATH,
    DIE,
    DIVIDE,
    LEAVE,
    LOSS,
    TIRE,
    Hazards,
)
from bitesim.foundation.errors import SolverError

_TO: dict[int, int] = {ACTIVATE: 1, TIRE: 2, CALM_DOWN: 0}


@dataclass(frozen=True, eq=False)
class MeanField:
    """Cells over time.

    Parameters
    ----------
    times_days : ndarray, shape (times,)
    walking : ndarray, shape (times, 3)
        T cells by state.
    bound : ndarray, shape (times, 3, 2)
        Contacts by state and by CD19+ or CD19-low.
    free : ndarray, shape (times, 2)
        Free blasts.
    kills : ndarray, shape (times,)
        Kills so far.
    """

    times_days: NDArray[np.float64]
    walking: NDArray[np.float64]
    bound: NDArray[np.float64]
    free: NDArray[np.float64]
    kills: NDArray[np.float64]

    @property
    def blasts(self) -> NDArray[np.float64]:
        """Blasts, CD19-low and held ones included."""
        return np.asarray(self.free.sum(axis=1) + self.bound.sum(axis=(1, 2)))

    @property
    def t_cells(self) -> NDArray[np.float64]:
        """T cells of all states."""
        return np.asarray(self.walking.sum(axis=1) + self.bound.sum(axis=(1, 2)))


def mean_field(hazards: Hazards, sites: int, start: Census, times_days: ArrayLike, fat: int = 0) -> MeanField:
    """Integrate the mean field of a niche from a census, with hazards that stay.

    A free T cell is bound with the hazard meetings x free blasts / sites; a daughter finds room where one of six sites
    around her mother is empty (or holds a marrow cell that may be pushed aside).

    Parameters
    ----------
    hazards : Hazards
        With one class of copies.
    sites : int
    start : Census
    times_days : increasing times [d], the first one of the census
    fat : int
        Sites of fat.

    Raises
    ------
    SolverError
        When the integration fails.
    """
    # Only comparisons need it, and the import takes a third of a second.
    from scipy.integrate import solve_ivp

    times = np.asarray(times_days, np.float64)
    bound = np.zeros((3, 2))
    held = np.array([start.held_cd19, start.held_low], np.float64)
    total = max(1.0, float(held.sum()))
    # Which state holds which kind is not in a census; at the start nobody is bound, or shares are even.
    bound[:] = np.outer(start.bound, held / total)
    free = np.array([start.cd19 - start.held_cd19, start.low - start.held_low], np.float64)
    first = np.concatenate([np.array(start.walking, np.float64), bound.ravel(), free, [start.marrow_cells, 0.0]])
    change = _Change(hazards, sites, fat)
    run = solve_ivp(change, (times[0], times[-1]), first, "LSODA", t_eval=times, rtol=1e-9, atol=1e-6)
    if not run.success:
        raise SolverError(f"the mean field could not be integrated to {times[-1]:g} d: {run.message}")
    y = run.y.T
    return MeanField(times, y[:, :3], y[:, 3:9].reshape(-1, 3, 2), y[:, 9:11], y[:, 12])


class _Change:
    """Right-hand side of the mean field."""

    def __init__(self, hazards: Hazards, sites: int, fat: int) -> None:
        self.hazards, self.sites, self.fat = hazards, sites, fat
        self.kills = np.asarray(hazards.kill_chance, np.float64)[:, :, 0, 0]

    def __call__(self, _: float, y: NDArray[np.float64]) -> NDArray[np.float64]:
        walking, bound, free, marrow = y[:3], y[3:9].reshape(3, 2), y[9:11], y[11]
        rates, cells = self.hazards, self.hazards.t_cell_per_day
        binding = np.outer(walking, free) * rates.meetings_per_day / self.sites
        ending = bound * rates.release_per_day
        gone = bound * (cells[:, DIE] + cells[:, LEAVE])[:, np.newaxis]
        room, pushed = self._room(walking, bound, free, marrow)
        births = free * rates.blast_per_day[:, BIRTH] * room
        losses = free[0] * rates.blast_per_day[0, LOSS]
        daughters = (walking + bound.sum(axis=1)) * cells[:, DIVIDE] * room
        d_walking = -binding.sum(axis=1) + ending.sum(axis=1) + daughters - walking * (cells[:, DIE] + cells[:, LEAVE])
        d_bound = binding - ending - gone
        for event, state in _TO.items():
            d_walking -= walking * cells[:, event]
            d_walking[state] += walking @ cells[:, event]
            d_bound -= bound * cells[:, event][:, np.newaxis]
            d_bound[state] += cells[:, event] @ bound
        d_free = births - free * rates.blast_per_day[:, DEATH] - binding.sum(axis=0) + gone.sum(axis=0)
        d_free += (ending * (1.0 - self.kills)).sum(axis=0) + np.array([-losses, losses])
        killed = float((ending * self.kills).sum())
        displaced = pushed * float(births.sum() + daughters.sum())
        return np.concatenate([d_walking, d_bound.ravel(), d_free, [-displaced, killed]])

    def _room(self, walking: Any, bound: Any, free: Any, marrow: float) -> tuple[float, float]:
        """Return the probability that a daughter finds a place, and the share of these that was a marrow cell's."""
        taken = float(walking.sum() + 2.0 * bound.sum() + free.sum() + marrow + self.fat) / self.sites
        none_empty = min(1.0, max(0.0, taken)) ** DIRECTIONS
        if not self.hazards.displaces:
            return 1.0 - none_empty, 0.0
        nothing = min(1.0, max(0.0, taken - marrow / self.sites)) ** DIRECTIONS
        room = 1.0 - nothing
        return room, (none_empty - nothing) / room if room > 0.0 else 0.0
