"""The same rules with one object a cell in Mesa: walk, bind, kill, let go, divide, in minute steps on a lattice.

Twice: on Mesa's own grid (`mesa.discrete_space`), as its users write such a model, and with places in a dictionary of one's
own, which leaves Mesa only the agents and their order.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import random
import time
from dataclasses import dataclass
from typing import Any, Final

#: Chances a step, shared with bitesim's run: `benchmarks.agents.rules_of` makes the same of hazards.
TURN, BIND, LET_GO, KILL, DIVIDE, DIE = range(6)


def is_installed() -> bool:
    """Return whether Mesa can be imported."""
    return importlib.util.find_spec("mesa") is not None


def version() -> str | None:
    """Return the installed version."""
    return importlib.metadata.version("mesa") if is_installed() else None


@dataclass(frozen=True)
class Measured:
    """What a run of Mesa took and did."""

    cpu_s: float
    steps: int
    cells: int
    kills: int
    bytes_per_cell: float


_DIRECTIONS: Final = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))


def measured(
    edge: int, shares: tuple[float, float], chances: tuple[float, ...], steps: int, seed: int, *, own_grid: bool
) -> Measured:
    """Run some steps of `edge`^3 sites with shares of blasts and T cells; time them without the set-up.

    `own_grid` takes Mesa's grid, else a dictionary of places.
    """
    before = _resident_bytes()
    model = (_on_grid if own_grid else _in_dictionary)(edge, shares, chances, seed)
    cells, used = len(model.agents), _resident_bytes() - before
    began = time.process_time()
    for _ in range(steps):
        model.step()
    return Measured(time.process_time() - began, steps, cells, model.kills, used / cells)


def _on_grid(edge: int, shares: tuple[float, float], chances: tuple[float, ...], seed: int) -> Any:
    """Return the model on Mesa's own grid."""
    import mesa
    from mesa.discrete_space import CellAgent, OrthogonalVonNeumannGrid

    luck = random.Random(seed)

    class Blast(CellAgent):
        def __init__(self, model: Any, cell: Any) -> None:
            super().__init__(model)
            self.cell, self.is_held = cell, False

        def step(self) -> None:
            if self.is_held:
                return
            chance = luck.random()
            if chance < chances[DIVIDE]:
                site = self.cell.connections[_DIRECTIONS[luck.randrange(6)]]
                if site.is_empty:
                    Blast(self.model, site)
            elif chance < chances[DIVIDE] + chances[DIE]:
                self.remove()

    class TCell(CellAgent):
        def __init__(self, model: Any, cell: Any) -> None:
            super().__init__(model)
            self.cell, self.way, self.target = cell, luck.randrange(6), None

        def step(self) -> None:
            target = self.target
            if target is not None:
                if luck.random() < chances[LET_GO]:
                    self.target, target.is_held = None, False
                    if luck.random() < chances[KILL]:
                        target.remove()
                        self.model.kills += 1
                return
            if luck.random() < chances[TURN]:
                self.way = luck.randrange(6)
            site = self.cell.connections[_DIRECTIONS[self.way]]
            others = site.agents
            if not others:
                self.move_to(site)
            elif isinstance(others[0], Blast) and not others[0].is_held and luck.random() < chances[BIND]:
                self.target, others[0].is_held = others[0], True
            else:
                self.way ^= 1

    class Marrow(mesa.Model):
        def __init__(self) -> None:
            super().__init__(seed=seed)
            self.kills = 0
            self.grid = OrthogonalVonNeumannGrid((edge, edge, edge), torus=True, capacity=1, random=self.random)
            sites = list(self.grid.all_cells)
            luck.shuffle(sites)
            blasts = round(shares[0] * len(sites))
            for cell in sites[:blasts]:
                Blast(self, cell)
            for cell in sites[blasts : blasts + round(shares[1] * len(sites))]:
                TCell(self, cell)

        def step(self) -> None:
            self.agents.do("step")

    return Marrow()


def _in_dictionary(edge: int, shares: tuple[float, float], chances: tuple[float, ...], seed: int) -> Any:
    """Return the model with places in a dictionary."""
    import mesa

    luck = random.Random(seed)

    class Blast(mesa.Agent):
        def __init__(self, model: Any, place: Any) -> None:
            super().__init__(model)
            self.place, self.is_held = place, False

        def step(self) -> None:
            if self.is_held:
                return
            chance = luck.random()
            if chance < chances[DIVIDE]:
                site = self.model.beside(self.place, luck.randrange(6))
                if site not in self.model.at:
                    self.model.at[site] = Blast(self.model, site)
            elif chance < chances[DIVIDE] + chances[DIE]:
                del self.model.at[self.place]
                self.remove()

    class TCell(mesa.Agent):
        def __init__(self, model: Any, place: Any) -> None:
            super().__init__(model)
            self.place, self.way, self.target = place, luck.randrange(6), None

        def step(self) -> None:
            target = self.target
            if target is not None:
                if luck.random() < chances[LET_GO]:
                    self.target, target.is_held = None, False
                    if luck.random() < chances[KILL]:
                        del self.model.at[target.place]
                        target.remove()
                        self.model.kills += 1
                return
            if luck.random() < chances[TURN]:
                self.way = luck.randrange(6)
            site = self.model.beside(self.place, self.way)
            other = self.model.at.get(site)
            if other is None:
                del self.model.at[self.place]
                self.place = site
                self.model.at[site] = self
            elif isinstance(other, Blast) and not other.is_held and luck.random() < chances[BIND]:
                self.target, other.is_held = other, True
            else:
                self.way ^= 1

    class Marrow(mesa.Model):
        def __init__(self) -> None:
            super().__init__(seed=seed)
            self.at: dict[Any, Any] = {}
            self.kills = 0
            sites = [(x, y, z) for x in range(edge) for y in range(edge) for z in range(edge)]
            luck.shuffle(sites)
            blast_sites = round(shares[0] * len(sites))
            for place in sites[:blast_sites]:
                self.at[place] = Blast(self, place)
            for place in sites[blast_sites : blast_sites + round(shares[1] * len(sites))]:
                self.at[place] = TCell(self, place)

        def beside(self, place: Any, way: int) -> Any:
            step = _DIRECTIONS[way]
            return (place[0] + step[0]) % edge, (place[1] + step[1]) % edge, (place[2] + step[2]) % edge

        def step(self) -> None:
            self.agents.do("step")

    return Marrow()


def _resident_bytes() -> int:
    """Return what this process holds in memory, 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0
