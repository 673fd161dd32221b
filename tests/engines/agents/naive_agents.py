"""The niche as one object a cell in plain Python: slow, with the same order of visits and the same luck, draw for draw.

It shares no code with the kernels but the keys of their random words (Philox, tested against its authors' answers).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bitesim.engines.agents.draws import Decision, key_of

MASK = 2**64 - 1
WHEEL = 2048
PLANES = 4


def word_at(key: int, counter: int) -> int:
    """SplitMix64."""
    z = (key + counter * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def unit(word: int) -> float:
    return ((word >> 12) + 0.5) * 2.0**-52


@dataclass(eq=False)
class Cell:
    """A cell; T cells walk or hold a blast."""

    kind: str  # "blast", "t", "marrow", "fat"
    site: int
    is_low: bool = False
    cd19_class: int = 0
    clone: int = 0
    state: int = 0
    direction: int = 0
    kills: int = 0
    cd3_class: int = 0
    holds: Cell | None = None
    held_by: Cell | None = None
    is_gone: bool = False
    lasts_longer: bool = False
    since: int = 0


@dataclass
class Slab:
    """Lists of one slab: walking T cells that stay, go up and go down; slots of bound ones; the wheel."""

    stay: list[Cell] = field(default_factory=list)
    up: list[Cell] = field(default_factory=list)
    down: list[Cell] = field(default_factory=list)
    slots: list[Cell | None] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    wheel: dict[int, list[int]] = field(default_factory=dict)
    losses: int = 0


class NaiveNiche:
    """A niche of `edge` x `edge` x `height` sites; `chances` are the engine's rules, read by name."""

    def __init__(self, edge: int, height: int, kinds, t_cells, rules, seed: int, cd19_classes=None) -> None:
        self.edge, self.height, self.rules, self.seed = edge, height, rules, seed
        self.step = 0
        self.cells: dict[int, Cell] = {}
        self.has_tags = cd19_classes is not None
        self.slabs = [Slab() for _ in range(height // PLANES)]
        names = {1: "blast", 2: "blast", 4: "marrow", 5: "fat"}
        for site, kind in enumerate(kinds):
            if kind in names:
                self.cells[site] = Cell(names[kind], site, is_low=kind == 2)
                if self.has_tags and names[kind] == "blast":
                    self.cells[site].cd19_class = int(cd19_classes[site])
        for site, direction, state, cd3 in t_cells:
            cell = Cell("t", int(site), state=int(state), direction=int(direction), cd3_class=int(cd3))
            self.cells[cell.site] = cell
            self.slabs[self.slab_of(cell.site)].stay.append(cell)
        names = "moves binds kills releases births deaths losses t_births t_deaths t_exits swaps displaced"
        self.counted = dict.fromkeys([*names.split(), "births_without_room", "t_lost_bound", "t_arrivals"], 0)
        self.exposure = 0.0

    def slab_of(self, site: int) -> int:
        return site // (PLANES * self.edge * self.edge)

    def neighbour(self, site: int, direction: int) -> int:
        place = [site % self.edge, site // self.edge % self.edge, site // self.edge**2]
        axis = direction // 2
        place[axis] = (place[axis] + (1 if direction % 2 else -1)) % (self.edge, self.edge, self.height)[axis]
        return place[0] + self.edge * (place[1] + self.edge * place[2])

    def free_blast(self, site: int) -> Cell | None:
        cell = self.cells.get(site)
        return cell if cell is not None and cell.kind == "blast" and cell.held_by is None else None

    def passed_over(self, word: int, inverse_log: float) -> int:
        return int(min(math.log(unit(word)) * inverse_log, float(2**40)))

    def key(self, decision: Decision) -> int:
        return int(key_of(np.uint64(self.seed), int(decision), self.step))

    def advance(self, steps: int) -> None:
        for _ in range(steps):
            self.one_step()

    def one_step(self) -> None:
        free = sum(1 for cell in self.cells.values() if cell.kind == "blast" and cell.held_by is None)
        arriving = [
            (slab.stay, self.slabs[k - 1].up, self.slabs[(k + 1) % len(self.slabs)].down)
            for k, slab in enumerate(self.slabs)
        ]
        for slab in self.slabs:
            slab.stay, slab.up, slab.down = [], [], []
        first = (self.step // 2) % 2
        for colour in (first, 1 - first):
            for k in range(colour, len(self.slabs), 2):
                self.step_slab(k, arriving[k], free)
        if self.rules.mixing > 0.0:
            self.mix()
        self.step += 1

    def step_slab(self, k: int, lists, free: int) -> None:
        self.wake(k)
        self.blast_fates(k)
        draws = iter(range(k << 32, (k + 1) << 32))
        for cells in lists:
            self.fates(k, cells, draws)
        self.fates_of_bound(k, draws)
        # All T cells of a list draw where they go before the first one moves; sites are their own, so nothing changes by it.
        for cells in lists:
            for cell in cells:
                self.walk(k, cell)
                self.counted["moves"] += 1
        self.exposure += float(sum(map(len, lists))) * free

    def hand_over(self, k: int, cell: Cell) -> None:
        to = self.slab_of(cell.site)
        slab = self.slabs[k]
        (slab.stay if to == k else slab.up if to == (k + 1) % len(self.slabs) else slab.down).append(cell)

    # Contacts

    def wake(self, k: int) -> None:
        slab = self.slabs[k]
        for slot in reversed(slab.wheel.pop(self.step % WHEEL, [])):
            cell = slab.slots[slot]
            word = word_at(self.key(Decision.RELEASE), cell.site)
            if cell.is_gone:
                self.vacate(k, slot)
            elif cell.lasts_longer:
                self.sleep(k, slot, word)
            else:
                self.vacate(k, slot)
                self.end_contact(k, cell, word)

    def end_contact(self, k: int, cell: Cell, word: int) -> None:
        target = cell.holds
        chance = self.rules.kills[cell.state, int(target.is_low), cell.cd3_class, target.cd19_class]
        cell.holds = target.held_by = None
        if (word & 0xFFFFFFFF) * 2.0**-32 < chance:
            del self.cells[target.site]
            cell.kills = min(cell.kills + 1, 255)
            self.counted["kills"] += 1
        else:
            self.counted["releases"] += 1
        cell.direction = ((word >> 32) * 6) >> 32
        self.hand_over(k, cell)

    def sleep(self, k: int, slot: int, word: int) -> None:
        steps = 1 + self.passed_over(word, self.rules.let_go)
        cell = self.slabs[k].slots[slot]
        cell.lasts_longer = steps >= WHEEL
        self.slabs[k].wheel.setdefault((self.step + min(steps, WHEEL - 1)) % WHEEL, []).append(slot)

    def vacate(self, k: int, slot: int) -> None:
        self.slabs[k].slots[slot] = None
        self.slabs[k].free.append(slot)

    def bind(self, k: int, cell: Cell, target: Cell) -> None:
        slab = self.slabs[k]
        if slab.free:
            slot = slab.free.pop()
        else:
            slab.slots.append(None)
            slot = len(slab.slots) - 1
        cell.holds, target.held_by, cell.since = target, cell, self.step
        slab.slots[slot] = cell
        self.sleep(k, slot, word_at(self.key(Decision.CONTACT), cell.site))
        self.counted["binds"] += 1

    # Fates

    def settle(self, mother: int, word: int) -> int | None:
        first = ((word >> 32) * 6) >> 32
        sites = [self.neighbour(mother, (first + turn) % 6) for turn in range(6)]
        for site in sites:
            if site not in self.cells:
                return site
        if self.rules.displaces:
            for site in sites:
                if self.cells[site].kind == "marrow":
                    del self.cells[site]
                    self.counted["displaced"] += 1
                    return site
        self.counted["births_without_room"] += 1
        return None

    def blast_fates(self, k: int) -> None:
        key = self.key(Decision.BLAST_FATE)
        size = PLANES * self.edge * self.edge
        site, draws = k * size - 1, iter(range(k << 32, (k + 1) << 32))
        while True:
            site += 1 + self.passed_over(word_at(key, next(draws)), self.rules.blast)
            if site >= (k + 1) * size:
                return
            cell = self.free_blast(site)
            if cell is None:
                continue
            share, word = unit(word_at(key, next(draws))), word_at(key, next(draws))
            event = int(np.searchsorted(self.rules.blast_shares[int(cell.is_low)], share, side="right"))
            if event == 0:
                place = self.settle(site, word)
                if place is not None:
                    self.cells[place] = Cell("blast", place, cell.is_low, cell.cd19_class, cell.clone)
                    self.counted["births"] += 1
            elif event == 1:
                del self.cells[site]
                self.counted["deaths"] += 1
            elif event == 2 and not cell.is_low:
                cell.is_low = True
                self.counted["losses"] += 1
                if self.has_tags:
                    cell.clone = 1 + k + len(self.slabs) * self.slabs[k].losses
                self.slabs[k].losses += 1

    def fate(self, k: int, cell: Cell, draws) -> bool:
        """Return whether the cell is still there."""
        key = self.key(Decision.T_CELL_FATE)
        share, word = unit(word_at(key, next(draws))), word_at(key, next(draws))
        event = int(np.searchsorted(self.rules.t_cell_shares[cell.state], share, side="right"))
        if event < 3:
            cell.state = (1, 2, 0)[event]
        elif event == 3:
            place = self.settle(cell.site, word)
            if place is not None:
                daughter = Cell("t", place, state=cell.state, direction=word % 6, cd3_class=cell.cd3_class)
                self.cells[place] = daughter
                self.hand_over(k, daughter)
                self.counted["t_births"] += 1
        elif event in (4, 5):
            self.counted["t_deaths" if event == 4 else "t_exits"] += 1
            return False
        return True

    def fates(self, k: int, cells: list[Cell], draws) -> None:
        key, place = self.key(Decision.T_CELL_FATE), 0
        while True:
            place += self.passed_over(word_at(key, next(draws)), self.rules.t_cell)
            if place >= len(cells):
                return
            cell = cells[place]
            if self.fate(k, cell, draws):
                place += 1
            else:
                del self.cells[cell.site]
                last = cells.pop()
                if place < len(cells):
                    cells[place] = last

    def fates_of_bound(self, k: int, draws) -> None:
        key, slot, slots = self.key(Decision.T_CELL_FATE), -1, self.slabs[k].slots
        while True:
            slot += 1 + self.passed_over(word_at(key, next(draws)), self.rules.t_cell)
            if slot >= len(slots):
                return
            cell = slots[slot]
            if cell is None or cell.is_gone:
                continue
            if not self.fate(k, cell, draws):
                del self.cells[cell.site]
                cell.holds.held_by = None
                cell.is_gone = True
                self.counted["t_lost_bound"] += 1

    # Walks

    def walk(self, k: int, cell: Cell) -> None:
        word = word_at(self.key(Decision.MOVE), cell.site)
        luck = word >> 32
        if (word & 0xFFFF) < self.rules.turn:
            cell.direction = (((word >> 16) & 0xFFFF) * 6) >> 16
        aim = self.neighbour(cell.site, cell.direction)
        other = self.cells.get(aim)
        if other is None:
            self.move(cell, aim)
            if self.slab_of(aim) != k:
                # In a box of two slabs both neighbours are one: walks say on which side it was entered.
                (self.slabs[k].up if cell.direction == 5 else self.slabs[k].down).append(cell)
                return
        elif other.kind == "blast" and other.held_by is None and luck < self.rules.bind:
            self.bind(k, cell, other)
            return
        else:
            is_blast = self.free_blast(aim) is not None
            if luck < self.rules.limits[1 if is_blast else 3] and (is_blast or other.kind == "marrow"):
                site = cell.site
                del self.cells[aim]
                self.move(cell, aim)
                other.site = site
                self.cells[site] = other
                self.counted["swaps"] += 1
            else:
                cell.direction ^= 1
        self.hand_over(k, cell)

    def move(self, cell: Cell, site: int) -> None:
        del self.cells[cell.site]
        cell.site = site
        self.cells[site] = cell

    # Mixing and arrivals

    def is_unbound(self, site: int) -> bool:
        cell = self.cells.get(site)
        return cell is None or cell.kind == "marrow" or self.free_blast(site) is not None

    def exchange(self, site: int, other: int) -> None:
        if site == other:
            return
        here, there = self.cells.pop(site, None), self.cells.pop(other, None)
        for cell, place in ((here, other), (there, site)):
            if cell is not None:
                cell.site = place
                self.cells[place] = cell

    def mix(self) -> None:
        key, sites, draw = self.key(Decision.MIXING), self.edge**2 * self.height, 0
        for _ in range(int(0.5 * self.rules.mixing * sites)):
            site, other = word_at(key, draw) % sites, word_at(key, draw + 1) % sites
            draw += 2
            if self.is_unbound(site) and self.is_unbound(other):
                self.exchange(site, other)
        at_first = [len(slab.stay) for slab in self.slabs]
        for way in ("stay", "up", "down"):
            for slab, count in zip(self.slabs, at_first, strict=True):
                cells = getattr(slab, way)
                for place in range((count if way == "stay" else len(cells)) - 1, -1, -1):
                    cell = cells[place]
                    last = cells.pop()
                    if place < len(cells):
                        cells[place] = last
                    for _ in range(64):
                        word = word_at(key, draw)
                        draw += 1
                        if self.is_unbound(word % sites):
                            self.exchange(cell.site, word % sites)
                            cell.direction = (word >> 40) % 6
                            break
                    self.slabs[self.slab_of(cell.site)].stay.append(cell)

    def add_t_cells(self, number: int, state: int, cd3_class: int, batch: int) -> None:
        key = int(key_of(np.uint64(self.seed), int(Decision.ARRIVAL), self.step * 64 + batch))
        sites, draw = self.edge**2 * self.height, 0
        for _ in range(number):
            found, soft = None, None
            for _ in range(64):
                site = word_at(key, draw) % sites
                draw += 1
                cell = self.cells.get(site)
                if cell is None:
                    found = site
                    break
                if soft is None and cell.kind == "marrow":
                    soft = site
            direction = word_at(key, draw) % 6
            draw += 1
            if found is None and soft is not None and self.rules.displaces:
                found = soft
                self.counted["displaced"] += 1
            if found is None:
                continue
            cell = Cell("t", found, state=state, direction=direction, cd3_class=cd3_class)
            self.cells[found] = cell
            self.slabs[self.slab_of(found)].stay.append(cell)
            self.counted["t_arrivals"] += 1

    # What is compared

    def walking(self) -> list[Cell]:
        return [cell for slab in self.slabs for cells in (slab.stay, slab.up, slab.down) for cell in cells]

    def bound(self) -> list[Cell]:
        return [cell for slab in self.slabs for cell in slab.slots if cell is not None and not cell.is_gone]
