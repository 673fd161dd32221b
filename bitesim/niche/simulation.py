"""A niche in a treated body: from coupling to coupling, with checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.checkpoint import load_checkpoint, save_checkpoint
from bitesim.engines.agents.engine import NicheEngine
from bitesim.engines.agents.niche_arrays import TALLIES
from bitesim.engines.agents.rules import MINUTES_PER_DAY, Hazards
from bitesim.engines.deterministic import Case, Settings
from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.errors import ParameterError
from bitesim.foundation.provenance import digest_of
from bitesim.niche.body import Body, body_of, design_of, marrow_t_cells
from bitesim.niche.design import NicheDesign, layout
from bitesim.niche.pictures import Snapshot, snapshot
from bitesim.niche.rates import niche_hazards, record_of, surroundings
from bitesim.niche.spatial import WELL_MIXED

COUPLE_HOURS: Final = 6.0
#: Columns of a niche's rows before the tallies.
COUNTS: Final = (
    "cd19_blasts", "low_blasts", "held_cd19_blasts", "held_low_blasts", "walking_calm", "walking_activated",
    "walking_exhausted", "bound_calm", "bound_activated", "bound_exhausted", "marrow_cells",
)  # fmt: skip


@dataclass(frozen=True)
class NicheOptions:
    """How a niche is run.

    Parameters
    ----------
    couple_hours : float
        Between two looks at the body; hazards stay meanwhile.
    own_copies : bool
        Whether each blast has CD19 copies of its own, which daughters inherit; clones that lose CD19 are followed too.
    is_mixed : bool
        Well-mixed instead of in space.
    snapshot_days : tuple of float
        Days of which the whole lattice is kept, to the next coupling.
    threads : int
        Changes no byte.
    """

    couple_hours: float = COUPLE_HOURS
    own_copies: bool = False
    is_mixed: bool = False
    snapshot_days: tuple[float, ...] = ()
    threads: int = 1

    def __post_init__(self) -> None:
        number("couple_hours", self.couple_hours, "h", (0.05, 168.0), "It is in hours: 6 by default.")
        whole_number("threads", self.threads, (1, 256))
        for place, day in enumerate(self.snapshot_days):
            number(f"snapshot_days[{place}]", day, "d", (0.0, 36525.0))


@dataclass(eq=False)
class NicheSimulation:
    """A niche that is on its way.

    Parameters
    ----------
    case : Case
    design : NicheDesign
    options : NicheOptions
    seed : int
    body : Body
    engine : NicheEngine
    at : int
        Coupling that was reached.
    carry : ndarray, shape (3,)
        Parts of T cells that have not arrived yet.
    turned_away : int
        T cells that found no free site.
    rows : list of ndarray
        `COUNTS`, then tallies, then the exposure and the chance that it stands for, at each coupling reached.
    """

    case: Case
    design: NicheDesign
    options: NicheOptions
    seed: int
    body: Body
    engine: NicheEngine
    at: int = 0
    carry: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    turned_away: int = 0
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)

    @classmethod
    def begin(
        cls, case: Case, times_days: NDArray[np.float64], design: NicheDesign | None, options: NicheOptions, seed: int
    ) -> NicheSimulation:
        """Run the body and fill the niche; nothing has happened yet."""
        body = body_of(case, coupling_times(times_days, options.couple_hours), Settings())
        chosen = design_of(case.parameters) if design is None else design
        shares = marrow_t_cells(case.parameters)
        counts = np.floor(np.cumsum(shares / shares.sum()) * chosen.count("t_cells") + 0.5).astype(int)
        states = np.repeat(np.arange(3), np.diff(counts, prepend=0))
        classes = _equal_classes if options.own_copies else None
        start = layout(chosen, seed, classes=classes, t_states=states)
        hazards = _hazards(case, chosen, options, body, 0, (chosen.count("blasts"), chosen.count("low_blasts")))
        found = cls(case, chosen, options, seed, body, NicheEngine(chosen.box, start, hazards.rules(), seed))
        found._note(hazards)
        return found

    @property
    def times_days(self) -> NDArray[np.float64]:
        """All times of coupling."""
        return self.body.times_days

    @property
    def is_done(self) -> bool:
        """Whether the last coupling is reached."""
        return self.at == len(self.times_days) - 1

    def advance(self, to_day: float | None = None) -> None:
        """Go on to the last coupling at or before a day; by default to the end."""
        limit = np.inf if to_day is None else number("to_day", to_day, "d", (0.0, 36525.0))
        while not self.is_done and self.times_days[self.at + 1] <= limit:
            counts = self.rows[-1]
            hazards = _hazards(self.case, self.design, self.options, self.body, self.at, (counts[0] + counts[1], counts[1]))
            self.engine.rules = hazards.rules()
            self._arrivals()
            until = round(self.times_days[self.at + 1] * MINUTES_PER_DAY / hazards.step_min)
            self.engine.advance(max(0, until - self.engine.step), self.options.threads)
            self.at += 1
            self._note(hazards)

    def _arrivals(self) -> None:
        days = self.times_days[self.at + 1] - self.times_days[self.at]
        self.carry += self.body.influx_per_cell[self.at] * self.design.cells * days
        for state in range(3):
            whole = int(self.carry[state])
            self.carry[state] -= whole
            if whole:
                self.turned_away += self.engine.add_t_cells(whole, state, batch=state)

    def _note(self, hazards: Hazards) -> None:
        census, engine = self.engine.census(), self.engine
        counts = [census.cd19, census.low, census.held_cd19, census.held_low, *census.walking, *census.bound]
        chance = hazards.meetings_per_day * hazards.step_min / MINUTES_PER_DAY / engine.box.sites
        tallies = [engine.tally(name) for name in TALLIES]
        self.rows.append(np.array([*counts, census.marrow_cells, *tallies, engine.exposure, chance], np.float64))
        day, following = self.times_days[self.at], self.times_days[min(self.at + 1, len(self.times_days) - 1)]
        if any(day <= wanted < following or (wanted >= day and self.is_done) for wanted in self.options.snapshot_days):
            self.snapshots.append(snapshot(engine, float(day)))

    def inputs_digest(self) -> str:
        """Return the SHA-256 of what the run depends on beside its state."""
        options = asdict(self.options) | {"threads": None}
        content = [self.case.parameters.as_dict(), str(self.case.regimen), self.case.bsa_m2, self.case.weight_kg]
        return digest_of([*content, asdict(self.design), options, self.seed, self.times_days.tolist()])

    def digest(self) -> str:
        """Return the SHA-256 of the state and of all rows."""
        return digest_of([self.engine.digest(), self.carry.tolist(), [row.tolist() for row in self.rows]])

    def save(self, path: str | Path) -> Path:
        """Write a checkpoint; return its path. Snapshots so far are kept in it."""
        more: dict[str, Any] = {"at": self.at, "turned_away": self.turned_away, "inputs": self.inputs_digest()}
        more |= {"carry": self.carry, "rows": np.array(self.rows), "days": np.array([each.day for each in self.snapshots])}
        for place, each in enumerate(self.snapshots):
            more |= {f"picture{place}": each.sites, f"clones{place}": each.clones}
        return save_checkpoint(self.engine, path, more)

    @classmethod
    def resume(
        cls, path: str | Path, case: Case, times_days: NDArray[np.float64], design: NicheDesign | None,
        options: NicheOptions, seed: int,
    ) -> NicheSimulation:  # fmt: skip
        """Go on from a checkpoint of the same run.

        Raises
        ------
        ParameterError
            For a file that is none, or the checkpoint of another patient, regimen, design, seed or list of times.
        """
        found = cls.begin(case, times_days, design, options, seed)
        found.engine, more = load_checkpoint(path, found.engine.rules)
        if more.get("inputs") != found.inputs_digest():
            raise ParameterError(
                f"{Path(path).name} is a checkpoint of another run: patient, regimen, design, options, seed or times"
            )
        found.at, found.turned_away, found.carry = int(more["at"]), int(more["turned_away"]), more["carry"]
        found.rows = list(more["rows"])
        found.snapshots = [
            Snapshot(float(day), more[f"picture{place}"], more[f"clones{place}"]) for place, day in enumerate(more["days"])
        ]
        return found


def coupling_times(times_days: NDArray[np.float64], couple_hours: float) -> NDArray[np.float64]:
    """Return the times of coupling: every so many hours to the last output, and all outputs."""
    last = float(times_days[-1])
    regular = np.arange(0.0, last, couple_hours / 24.0)
    every = np.unique(np.concatenate([[0.0], regular, times_days]))
    return np.asarray(every[np.append(True, np.diff(every) > 1e-9)])


def _hazards(
    case: Case, design: NicheDesign, options: NicheOptions, body: Body, at: int, blasts: tuple[float, float]
) -> Hazards:
    """Return what cells do from a coupling on, with so many blasts, CD19-low ones among them."""
    every, low = blasts
    p = record_of(case.parameters)
    around = surroundings(float(body.drug_pg_per_ml[at]), every - low, low, design.cells, p, float(body.room[at]))
    mixing = WELL_MIXED if options.is_mixed else 0.0
    return niche_hazards(design, around, case.parameters, own_copies=options.own_copies, mixing=mixing)


def _equal_classes(luck: np.random.Generator, blasts: int) -> NDArray[np.uint8]:
    """Return classes of copies, equally likely."""
    return luck.integers(0, 16, blasts).astype(np.uint8)
