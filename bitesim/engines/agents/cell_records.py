"""One T cell in 64 bits: where it is, whither it walks, its state, its kills, its CD3, and what it holds.

bits 0-31 site | 32-34 direction | 35-36 state | 37-44 kills (at most 255) | 45-47 class of CD3 copies |
48 what it holds (0 CD19+, 1 CD19-low) | 49 holds on beyond the wheel's turn | 50 gone from its contact
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.compiled import kernel

#: States of a T cell; a calm one is resting, CD69+ by tonic signals or not.
CALM, ACTIVATED, EXHAUSTED = range(3)
STATES: Final = ("calm", "activated", "exhausted")
CD3_CLASSES: Final = 8
MOST_KILLS: Final = 255

SITE: Final = (1 << 32) - 1
DIRECTION_AT: Final = 32
STATE_AT: Final = 35
KILLS_AT: Final = 37
CD3_AT: Final = 45
HELD_AT: Final = 48
LONGER: Final = 1 << 49
GONE: Final = 1 << 50
_DIRECTION: Final = 7 << DIRECTION_AT
_STATE: Final = 3 << STATE_AT
_KILLS: Final = 255 << KILLS_AT
_HELD: Final = 1 << HELD_AT
#: No cell.
NOBODY: Final = -1


@kernel
def site_of(record: Any) -> Any:
    """Site of the cell."""
    return record & SITE


@kernel
def direction_of(record: Any) -> Any:
    """Direction in which it walks, or in which its target lies."""
    return (record >> DIRECTION_AT) & 7


@kernel
def state_of(record: Any) -> Any:
    """State: calm, activated or exhausted."""
    return (record >> STATE_AT) & 3


@kernel
def kills_of(record: Any) -> Any:
    """Targets that it has killed."""
    return (record >> KILLS_AT) & 255


@kernel
def cd3_class_of(record: Any) -> Any:
    """Class of its CD3 copies."""
    return (record >> CD3_AT) & 7


@kernel
def held_code_of(record: Any) -> Any:
    """What the lattice says of its target when it lets go: CD19+ blast or CD19-low blast."""
    return ((record >> HELD_AT) & 1) + 1


@kernel
def facing(record: Any, direction: Any) -> Any:
    """The same cell with another direction."""
    return (record & ~_DIRECTION) | (direction << DIRECTION_AT)


@kernel
def in_state(record: Any, state: Any) -> Any:
    """The same cell in another state."""
    return (record & ~_STATE) | (state << STATE_AT)


@kernel
def with_one_more_kill(record: Any) -> Any:
    """The same cell after a kill; from 255 on they are not counted."""
    return record + ((kills_of(record) < MOST_KILLS) << KILLS_AT)


@kernel
def holding(record: Any, code: Any, is_longer: Any) -> Any:
    """The same cell with a target of that code, for longer than a turn of the wheel or not."""
    return (record & ~(_HELD | LONGER)) | ((code - 1) << HELD_AT) | (is_longer * LONGER)


@kernel
def t_cell(site: Any, direction: Any, state: Any, cd3_class: Any) -> Any:
    """Return the record of a T cell without kills."""
    return site | (direction << DIRECTION_AT) | (state << STATE_AT) | (cd3_class << CD3_AT)


def t_cells(
    site: NDArray[np.int64], direction: NDArray[np.int64], state: NDArray[np.int64], cd3_class: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the records of many T cells without kills."""
    return np.asarray(site | (direction << DIRECTION_AT) | (state << STATE_AT) | (cd3_class << CD3_AT))
