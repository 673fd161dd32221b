"""The niche engine: cells of a box of marrow, carried through steps on one thread or several, with the same bytes."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.cell_records import CD3_CLASSES, GONE, NOBODY, STATES, t_cells
from bitesim.engines.agents.draws import Decision, key_of
from bitesim.engines.agents.lattice import (
    CD19_BLAST,
    DIRECTIONS,
    LOW_BLAST,
    OTHER,
    Box,
    packed,
    packed_bits,
    unpacked,
    unpacked_bits,
)
from bitesim.engines.agents.mixing import arrive, mix
from bitesim.engines.agents.niche_arrays import (
    DOWN,
    FULL,
    OWN,
    TALLIES,
    TOP,
    Niche,
    empty_niche,
    fullest,
    list_counts,
    room_of,
    with_more_room,
)
from bitesim.engines.agents.rules import Rules
from bitesim.engines.agents.slabs import (
    SLAB_PLANES_BITS,
    Keys,
    colour_of,
    free_blasts_gained,
    is_full,
    keys_of,
    run_steps,
    step_colour,
)
from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import ParameterError, SolverError
from bitesim.foundation.random_streams import seed_entropy

#: What a site holds at the start.
NOTHING, CD19, LOW, T_CELL, MARROW_CELL, FAT = range(6)
KINDS: Final = ("empty", "CD19+ blast", "CD19-low blast", "T cell", "marrow cell", "fat")
#: Steps between looks at the room that is left: lists cannot fill from the first share to the brim in so few.
_LOOK_STEPS: Final = 60
_FULL_ENOUGH: Final = 0.6
_GROWTH: Final = 1.8
_MIXING, _ARRIVAL = int(Decision.MIXING), int(Decision.ARRIVAL)


@dataclass(frozen=True)
class Start:
    """Cells at the start, site by site (x fastest).

    Parameters
    ----------
    kinds : ndarray of uint8
        `KINDS`.
    t_states : ndarray of int64
        State of each T cell, in the order of sites.
    cd19_classes : ndarray of uint8, optional
        Class of CD19 copies at each site, 0 to 15; keeps tags (classes and clones) of all blasts.
    cd3_classes : ndarray of int64, optional
        Class of CD3 copies of each T cell, 0 to 7.
    """

    kinds: NDArray[np.uint8]
    t_states: NDArray[np.int64]
    cd19_classes: NDArray[np.uint8] | None = None
    cd3_classes: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Census:
    """Cells at one step.

    Parameters
    ----------
    cd19, low : int
        Blasts, free and held.
    held_cd19, held_low : int
        Those that a T cell holds.
    walking, bound : tuple of int
        T cells by state.
    marrow_cells : int
    """

    cd19: int
    low: int
    held_cd19: int
    held_low: int
    walking: tuple[int, int, int]
    bound: tuple[int, int, int]
    marrow_cells: int

    @property
    def t_cells(self) -> int:
        """T cells of all states."""
        return sum(self.walking) + sum(self.bound)

    @property
    def blasts(self) -> int:
        """Blasts, CD19-low ones included."""
        return self.cd19 + self.low


class NicheEngine:
    """Cells of a box of marrow and the steps they take.

    Parameters
    ----------
    box : Box
        With slabs of `2**SLAB_PLANES_BITS` planes, `niche_box` makes it.
    start : Start
    rules : Rules
        May be replaced between steps.
    seed : int, SeedSequence, Generator or None
    room_per_slab : int, optional
        T cells that a slab's lists hold at first; they grow by themselves.

    Raises
    ------
    ParameterError
        For a start that does not fit the box, or without cells.
    """

    def __init__(self, box: Box, start: Start, rules: Rules, seed: Any = 0, room_per_slab: int | None = None) -> None:
        self.rules = rules
        self.seed = seed_entropy(seed)
        self.step = 0
        kinds = _checked_start(box, start)
        sites = np.flatnonzero(kinds == T_CELL).astype(np.int64)
        self._fat = kinds == FAT
        slab_of = sites >> box.slab_bits
        most = int(np.bincount(slab_of, minlength=box.slabs).max()) if len(sites) else 0
        room = whole_number("room_per_slab", room_per_slab, (64, 2**31)) if room_per_slab is not None else 0
        self.niche: Niche = empty_niche(box, max(room, 2 * most, 256), start.cd19_classes is not None)
        codes = np.full(box.sites, OTHER, np.uint8)
        codes[kinds == NOTHING] = 0
        codes[kinds == CD19], codes[kinds == LOW] = CD19_BLAST, LOW_BLAST
        self.niche.sites[:] = packed(codes)
        self.niche.soft[:] = packed_bits(kinds == MARROW_CELL)
        if start.cd19_classes is not None:
            blasts = (kinds == CD19) | (kinds == LOW)
            self.niche.tags[blasts] = start.cd19_classes[blasts]
        directions = np.random.default_rng(self.seed).integers(0, DIRECTIONS, len(sites))
        cd3 = np.zeros(len(sites), np.int64) if start.cd3_classes is None else start.cd3_classes
        records = t_cells(sites, directions, start.t_states, cd3)
        for slab in range(box.slabs):
            mine = records[slab_of == slab]
            self.niche.lists[0, slab, : len(mine)] = mine
            self.niche.ends[0, slab, OWN] = len(mine)
        self.free_at_first = int(np.count_nonzero((kinds == CD19) | (kinds == LOW)))

    @property
    def box(self) -> Box:
        """Shape of the lattice."""
        return self.niche.box

    def advance(self, steps: int, threads: int = 1) -> None:
        """Make some steps; the number of threads changes no byte.

        Raises
        ------
        SolverError
            When a list of T cells ran over: the state is spoilt then. `room_per_slab` avoids it.
        """
        steps = whole_number("steps", steps, (0, 2**40))
        threads = whole_number("threads", threads, (1, 256))
        end = self.step + steps
        while self.step < end:
            self._make_room()
            some = min(_LOOK_STEPS, end - self.step)
            made = self._serially(some) if threads == 1 else self._in_parallel(some, threads)
            if made < some or is_full(self.niche):
                raise SolverError(
                    f"a slab's list of T cells ran over at step {self.step + made} ({room_of(self.niche)} T cells a slab): "
                    "T cells gather in one place faster than lists grow; start with a larger room_per_slab="
                )
            self.step += some

    def _serially(self, steps: int) -> int:
        return int(run_steps(self.niche, self.rules, np.uint64(self.seed), self.step, steps, self.free_at_first))

    def _in_parallel(self, steps: int, threads: int) -> int:
        niche, rules, seed = self.niche, self.rules, np.uint64(self.seed)
        with ThreadPoolExecutor(threads, thread_name_prefix="bitesim-niche") as pool:
            for step in range(self.step, self.step + steps):
                free = float(self.free_at_first + free_blasts_gained(niche))
                found = keys_of(seed, step, free)
                # Python has made plain integers of them, which would come back as signed ones.
                keys = Keys._make([*(np.uint64(each) for each in found[:5]), step, free])
                for turn in range(2):
                    # All slabs of one colour, then all of the other.
                    task = partial(step_colour, niche, rules, keys, colour_of(step, turn))
                    list(pool.map(task, range(threads), [threads] * threads))
                if rules.mixing > 0.0:
                    mix(niche, rules.mixing, np.uint64(key_of(seed, _MIXING, step)), 1 - (step & 1))
                if is_full(niche):
                    return step - self.step
        return steps

    def _make_room(self) -> None:
        # While all T cells are moved about, a list may hold twice as many as before and after.
        enough = _FULL_ENOUGH if self.rules.mixing == 0.0 else 0.4 * _FULL_ENOUGH
        while fullest(self.niche) > enough:
            self.niche = with_more_room(self.niche, int(_GROWTH * room_of(self.niche)) + 64)

    def add_t_cells(self, number: int, state: int, cd3_class: int = 0, batch: int = 0) -> int:
        """Put T cells of a state on random free sites; return how many found none. `batch` numbers calls of one step."""
        number = whole_number("number", number, (0, self.box.sites))
        state = whole_number("state", state, (0, len(STATES) - 1))
        cd3_class = whole_number("cd3_class", cd3_class, (0, CD3_CLASSES - 1))
        # All of them might come to one slab.
        needed = int(list_counts(self.niche, self.step & 1)[:, OWN].max()) + number
        if needed > room_of(self.niche):
            self.niche = with_more_room(self.niche, int(_GROWTH * needed))
        key = np.uint64(key_of(np.uint64(self.seed), _ARRIVAL, self.step * 64 + batch))
        return int(arrive(self.niche, self.rules, key, self.step & 1, number, (state, cd3_class)))

    def tally(self, name: str) -> int:
        """Return how often something has happened: `niche_arrays.TALLIES`."""
        return int(self.niche.tallies[:, TALLIES.index(name)].sum())

    @property
    def exposure(self) -> float:
        """Sum over steps of walking T cells times free blasts."""
        return float(self.niche.exposure[:, 0].sum())

    def walking(self) -> NDArray[np.int64]:
        """Return the records of walking T cells, slab by slab."""
        parity, niche = self.step & 1, self.niche
        sections = [(slab, way) for slab in range(self.box.slabs) for way in range(DOWN + 1)]
        found = [niche.lists[parity, slab, niche.starts[way] : niche.ends[parity, slab, way]] for slab, way in sections]
        return np.concatenate(found)

    def bound(self) -> NDArray[np.int64]:
        """Return the records of bound T cells, slab by slab."""
        slots = [self.niche.bound[slab, : self.niche.pool[slab, TOP]] for slab in range(self.box.slabs)]
        records = np.concatenate(slots)
        return np.asarray(records[(records != NOBODY) & (records & GONE == 0)])

    def contact_ages(self) -> NDArray[np.int64]:
        """Return for how many steps each contact that still holds has held."""
        niche, found = self.niche, []
        for slab in range(self.box.slabs):
            top = niche.pool[slab, TOP]
            records = niche.bound[slab, :top]
            found.append(self.step - niche.since[slab, :top][(records != NOBODY) & (records & GONE == 0)].astype(np.int64))
        return np.concatenate(found)

    def codes(self) -> NDArray[np.uint8]:
        """Return what each site holds, 0 to 3."""
        return unpacked(self.niche.sites)

    def marrow_cells(self) -> NDArray[np.bool_]:
        """Return which sites hold a marrow cell."""
        return unpacked_bits(self.niche.soft)

    @property
    def fat(self) -> NDArray[np.bool_]:
        """Sites of fat."""
        return np.asarray(self._fat)

    def census(self) -> Census:
        """Count all cells, from the lattice and the lists."""
        counted = np.bincount(self.codes(), minlength=4)
        walking, bound = self.walking(), self.bound()
        held_low = int(np.count_nonzero(_held_code(bound) == LOW_BLAST))
        by_state = [np.bincount((each >> 35) & 3, minlength=3)[:3].tolist() for each in (walking, bound)]
        return Census(
            cd19=int(counted[CD19_BLAST]) + len(bound) - held_low,
            low=int(counted[LOW_BLAST]) + held_low,
            held_cd19=len(bound) - held_low,
            held_low=held_low,
            walking=tuple(by_state[0]),
            bound=tuple(by_state[1]),
            marrow_cells=int(np.bitwise_count(self.niche.soft).sum()),
        )

    def digest(self) -> str:
        """Return the SHA-256 of everything that the next steps depend on, and of what was counted."""
        niche, found = self.niche, hashlib.sha256()
        found.update(repr((niche.box, self.step, self.seed, self.free_at_first)).encode())
        for array in (niche.sites, niche.soft, niche.tags, niche.first, niche.pool, niche.exposure, niche.durations):
            found.update(array.tobytes())
        found.update(np.delete(niche.tallies, FULL, axis=1).tobytes())
        found.update(self.walking().tobytes())
        for slab in range(self.box.slabs):
            top = niche.pool[slab, TOP]
            for slots in (niche.bound, niche.following, niche.since):
                found.update(slots[slab, :top].tobytes())
        return found.hexdigest()


def _held_code(records: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(((records >> 48) & 1) + 1)


def niche_box(edge_sites: int, height_sites: int) -> Box:
    """Return a box of edge x edge x height sites.

    Raises
    ------
    ParameterError
        Where a side is not a power of two, or has fewer than 8 sites.
    """
    bits = []
    for name, sites in (("edge_sites", edge_sites), ("height_sites", height_sites)):
        sites = whole_number(name, sites, (8, 1024), "Sites are 10 um: 128 are 1.28 mm.")
        if sites & (sites - 1):
            lower = 1 << (sites.bit_length() - 1)
            raise ParameterError(f"{name} = {sites} is no power of two: choose {lower} or {2 * lower}")
        bits.append(sites.bit_length() - 1)
    if 2 * bits[0] + bits[1] > 28:
        raise ParameterError(f"edge_sites = {edge_sites} and height_sites = {height_sites} are more than 2**28 sites")
    return Box.of(bits[0], bits[1], SLAB_PLANES_BITS)


def _checked_start(box: Box, start: Start) -> NDArray[np.uint8]:
    kinds = np.asarray(start.kinds, np.uint8)
    if kinds.shape != (box.sites,):
        raise ParameterError(f"kinds has shape {kinds.shape}: expected one number for each of {box.sites} sites")
    if kinds.max() >= len(KINDS):
        raise ParameterError(f"kinds holds {int(kinds.max())}: expected 0 to {len(KINDS) - 1} ({', '.join(KINDS)})")
    counted = np.bincount(kinds, minlength=len(KINDS))
    if counted[CD19] + counted[LOW] + counted[T_CELL] == 0:
        raise ParameterError("kinds holds no blast and no T cell: a niche without cells has nothing to simulate")
    for name, given, expected, most in (
        ("t_states", start.t_states, counted[T_CELL], len(STATES)),
        ("cd3_classes", start.cd3_classes, counted[T_CELL], CD3_CLASSES),
        ("cd19_classes", start.cd19_classes, box.sites, 16),
    ):
        if given is None:
            continue
        if len(given) != expected:
            raise ParameterError(f"{name} has {len(given)} values: expected {expected}")
        if len(given) and (given.min() < 0 or given.max() >= most):
            raise ParameterError(f"{name} holds {given.min()} to {given.max()}: expected 0 to {most - 1}")
    return kinds
