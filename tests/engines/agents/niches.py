"""Small niches for the tests of the agents' kernels."""

from __future__ import annotations

import numpy as np

from bitesim.engines.agents.engine import NicheEngine, Start, niche_box
from bitesim.engines.agents.rules import Hazards, even_kill_chance

#: Per day: enough of everything in a hundred steps.
BUSY_BLASTS = np.array([[6.0, 2.0, 1.0], [5.0, 3.0, 0.0]])
BUSY_T_CELLS = np.array([[8.0, 0.0, 0.0, 0.0, 2.0, 3.0], [0.0, 4.0, 4.0, 9.0, 3.0, 1.0], [0.0, 0.0, 5.0, 7.0, 2.0, 1.0]])


def hazards(**changes) -> Hazards:
    """Return hazards of a busy niche, some of them changed."""
    given = {
        "speed_um_per_min": 10.0,
        "persistence_min": 5.0,
        "meetings_per_day": 200.0,
        "release_per_day": 40.0,
        "kill_chance": even_kill_chance(0.6),
        "blast_per_day": BUSY_BLASTS,
        "t_cell_per_day": BUSY_T_CELLS,
    }
    return Hazards(**(given | changes))


def quiet(**changes) -> Hazards:
    """Return hazards without births and deaths."""
    return hazards(blast_per_day=np.zeros((2, 3)), t_cell_per_day=np.zeros((3, 6)), **changes)


def start(box, shares=(0.4, 0.03, 0.05, 0.1, 0.02), seed=1, with_classes=False) -> Start:
    """Return random sites: shares of CD19+ and CD19-low blasts, T cells, marrow cells and fat."""
    luck = np.random.default_rng(seed)
    kinds = luck.choice(6, box.sites, p=[1.0 - sum(shares), *shares]).astype(np.uint8)
    t_cells = int(np.count_nonzero(kinds == 3))
    return Start(
        kinds,
        luck.integers(0, 3, t_cells),
        luck.integers(0, 16, box.sites).astype(np.uint8) if with_classes else None,
        luck.integers(0, 8, t_cells) if with_classes else None,
    )


def niche(edge=16, height=16, rules=None, seed=3, **options) -> NicheEngine:
    """Return an engine with a busy niche."""
    box = niche_box(edge, height)
    return NicheEngine(box, start(box, **options), (hazards() if rules is None else rules).rules(), seed)
