"""Hazards of cells per day as a kernel draws them: chances a step, checked so that a step is short enough.

Assumption (memoryless cells): every event of a cell has a constant hazard between couplings, and contacts last an
exponential time. Alternatives: cycle times with a minimum; a kill that needs a minimal dwell. What it changes: the spread
of waiting times, as in `bitesim.engines.stochastic`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.cell_records import CD3_CLASSES, STATES
from bitesim.engines.agents.draws import inverse_log
from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.errors import ParameterError
from bitesim.foundation.units import HOURS_PER_DAY

MINUTES_PER_DAY: Final = 60.0 * HOURS_PER_DAY
CD19_CLASSES: Final = 16
#: What may happen to a blast, and to a T cell.
BIRTH, DEATH, LOSS = range(3)
ACTIVATE, TIRE, CALM_DOWN, DIVIDE, DIE, LEAVE = range(6)
BLAST_EVENTS: Final = ("birth", "death", "antigen loss")
T_CELL_EVENTS: Final = ("activation", "exhaustion", "calming", "division", "death", "exit")
#: Largest chance of an event of one cell in a step: two events of one cell in a step are one, an error of half of it.
LARGEST_CHANCE: Final = 0.05
_U16: Final = 65536.0
_U32: Final = 4294967296.0


class Rules(NamedTuple):
    """What kernels draw against.

    Parameters
    ----------
    turn, bind : uint64
        Chance to turn (of 2**16), and to bind a blast walked into (of 2**32).
    limits : ndarray of uint64, shape (4,)
        By what is in the way: chance to bind it or to trade places with it (of 2**32).
    let_go, blast, t_cell : float
        1 / ln(1 - chance) of a contact's end and of anything that happens to a blast or a T cell.
    blast_shares, t_cell_shares : ndarray, shapes (2, 3) and (3, 6)
        Cumulative shares of the events, by what the blast is and by the T cell's state.
    kills : ndarray, shape (3, 2, CD3 classes, CD19 classes)
        Probability that a contact kills.
    displaces : int
        1 where daughters push marrow cells aside, else 0.
    mixing : float
        Share of unbound blasts moved to random sites each step; above 0, all walking T cells are too.
    """

    turn: np.uint64
    bind: np.uint64
    limits: NDArray[np.uint64]
    let_go: float
    blast: float
    t_cell: float
    blast_shares: NDArray[np.float64]
    t_cell_shares: NDArray[np.float64]
    kills: NDArray[np.float64]
    displaces: int
    mixing: float


@dataclass(frozen=True)
class Hazards:
    """What cells do, in physical units.

    Parameters
    ----------
    speed_um_per_min : float
        Of walking T cells; with the site's size it fixes the step: a walking cell tries one site a step.
    persistence_min : float
        Mean time until a walking cell chooses a new direction.
    meetings_per_day : float
        Mean-field binding: hazard that a T cell is bound, were all other sites free blasts [1/d].
    release_per_day : float
        Hazard that a contact ends [1/d].
    kill_chance : ndarray, shape (3, 2, CD3 classes or 1, CD19 classes or 1)
        Probability that a contact ends with a kill, by state, CD19+ or CD19-low, and classes of copies.
    blast_per_day : ndarray, shape (2, 3)
        Birth, death and antigen loss of a CD19+ and a CD19-low blast [1/d].
    t_cell_per_day : ndarray, shape (3, 6)
        `T_CELL_EVENTS` by state [1/d].
    swap_chance : float
        Chance a step to trade places with an unbound cell that is in the way, where it is not bound.
    displaces : bool
        Whether daughters push marrow cells aside.
    mixing : float
        Well-mixed mode: share of unbound blasts moved to random sites each step, all walking T cells with them; 0: in space.
    site_um : float
    """

    speed_um_per_min: float
    persistence_min: float
    meetings_per_day: float
    release_per_day: float
    kill_chance: NDArray[np.float64]
    blast_per_day: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 3)))
    t_cell_per_day: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 6)))
    swap_chance: float = 0.0
    displaces: bool = False
    mixing: float = 0.0
    site_um: float = 10.0

    @property
    def step_min(self) -> float:
        """Time of one step [min]: that in which a T cell walks from site to site."""
        speed = number(
            "speed_um_per_min", self.speed_um_per_min, "um/min", (0.05, 100.0), "T cells walk 2 to 15 um/min in marrow."
        )
        return self.site_um / speed

    def rules(self) -> Rules:
        """Return the chances of a step.

        Raises
        ------
        ParameterError
            For a value outside its range, and for a step that is too long for a hazard: it names the hazard.
        """
        days = self.step_min / MINUTES_PER_DAY
        persistence = number("persistence_min", self.persistence_min, "min", (1e-3, 1e5), "Marrow T cells: 1 to 10 min.")
        meetings = number("meetings_per_day", self.meetings_per_day, "1/d", (0.0, 1e6))
        swap = number("swap_chance", self.swap_chance, "-", (0.0, 1.0), "It is a chance a step.")
        mixing = number("mixing", self.mixing, "-", (0.0, 1.0), "It is the share of unbound blasts moved each step.")
        bind = self._chance("meetings_per_day", meetings * days, 1.0)
        either = bind + swap * (1.0 - bind)
        release = number("release_per_day", self.release_per_day, "1/d", (1e-3, 1e5))
        blast, blast_shares = self._shares("blast_per_day", self.blast_per_day, BLAST_EVENTS, days)
        cell, cell_shares = self._shares("t_cell_per_day", self.t_cell_per_day, T_CELL_EVENTS, days)
        return Rules(
            turn=np.uint64(round(-math.expm1(-self.step_min / persistence) * _U16)),
            bind=np.uint64(round(bind * _U32)),
            limits=np.array([round(each * _U32) for each in (0.0, either, either, swap)], np.uint64),
            let_go=inverse_log(-math.expm1(-self._chance("release_per_day", release * days, 0.5))),
            blast=inverse_log(blast),
            t_cell=inverse_log(cell),
            blast_shares=blast_shares,
            t_cell_shares=cell_shares,
            kills=self._kills(),
            displaces=whole_number("displaces", int(self.displaces), (0, 1)),
            mixing=mixing,
        )

    def _chance(self, name: str, chance: float, largest: float) -> float:
        if chance > largest:
            raise ParameterError(
                f"{name}: at {self.speed_um_per_min:g} um/min a step takes {self.step_min:.3g} min, in which the chance "
                f"would be {chance:.3g}; the step is unstable beyond {largest:g}. Let T cells walk faster than "
                f"{self.speed_um_per_min * chance / largest:.3g} um/min, or lower {name}."
            )
        return chance

    def _shares(
        self, name: str, per_day: NDArray[np.float64], events: tuple[str, ...], days: float
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the chance of any event of the busiest kind of cell, and the cumulative shares of each kind."""
        table = np.asarray(per_day, np.float64)
        rows = 2 if name == "blast_per_day" else len(STATES)
        if table.shape != (rows, len(events)):
            raise ParameterError(f"{name} has shape {table.shape}: expected {rows} kinds of cells by {', '.join(events)}")
        if not np.all(np.isfinite(table)) or table.min() < 0.0:
            worst = np.unravel_index(np.argmin(np.where(np.isfinite(table), table, -np.inf)), table.shape)
            raise ParameterError(
                f"{name}: {events[int(worst[1])]} = {table[worst]:g} /d must be a finite number of at least 0"
            )
        total = float(table.sum(axis=1).max())
        if total == 0.0:
            return 0.0, np.zeros_like(table)
        chance = self._chance(f"{name} (sum of its events)", total * days, LARGEST_CHANCE)
        return -math.expm1(-chance), np.ascontiguousarray(np.cumsum(table, axis=1) / total)

    def _kills(self) -> NDArray[np.float64]:
        table = np.asarray(self.kill_chance, np.float64)
        fits = table.ndim == 4 and table.shape[:2] == (3, 2) and table.shape[2] in (1, CD3_CLASSES)
        if not fits or table.shape[3] not in (1, CD19_CLASSES):
            raise ParameterError(
                f"kill_chance has shape {table.shape}: expected (3 states, 2 kinds of blasts, {CD3_CLASSES} or 1 classes of "
                f"CD3, {CD19_CLASSES} or 1 classes of CD19)"
            )
        if not np.all((table >= 0.0) & (table <= 1.0)):
            raise ParameterError(f"kill_chance holds {table.min():g} to {table.max():g}: expected probabilities, 0 to 1")
        return np.ascontiguousarray(np.broadcast_to(table, (3, 2, CD3_CLASSES, CD19_CLASSES)))


def even_kill_chance(chance: float) -> NDArray[np.float64]:
    """Return a table in which every contact kills with one probability."""
    return np.full((3, 2, 1, 1), chance)
