"""T cells that kill one target after another in a dish: what Liu et al. 2023 add to the base experiment of an hour.

In-vitro model of eLife 2023;12:e83659, Methods, for up to 72 h: a synapse lasts 150 min, after which its targets are dead
and its T cells free again; drug stays as it was given and is balanced with the cells every hour; CD3 is lost for the first
hour only; CD19 internalisation is left out. What the paper leaves open is decided here: a cluster ends 150 min after its
first pair, whoever joined later; CD19 of the balance is that of all targets not yet dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.synapse_formation import LIU_2023_BASE, synapse_parameters

#: Longer than any experiment, so that what would come after it never does.
NEVER_MINUTES: Final = 1e9
#: One hour, in which nothing falls apart.
LIU_2023_HOUR: Final[Mapping[str, float]] = MappingProxyType(
    {
        **LIU_2023_BASE,
        "synapse_minutes": NEVER_MINUTES,
        "rebinding_minutes": NEVER_MINUTES,
        "cd3_loss_minutes": NEVER_MINUTES,
    }
)
#: Days of serial killing; `synapse_minutes` is the published 150 min (after Fousek et al. 2021).
LIU_2023_SERIAL: Final[Mapping[str, float]] = MappingProxyType(
    {
        **LIU_2023_BASE,
        "cd19_internalisation_per_min": 0.0,
        "synapse_minutes": 150.0,
        "rebinding_minutes": 60.0,
        "cd3_loss_minutes": 60.0,
    }
)


def cell_parameters(is_serial: bool, **changes: float) -> Any:
    """Return the figures of the hour or of serial killing as a record, with `changes` by name.

    Raises
    ------
    UnknownNameError
        For a name that is not in the table.
    ParameterError
        For a value outside its range; see `synapse_parameters`.
    """
    return synapse_parameters(LIU_2023_SERIAL if is_serial else LIU_2023_HOUR, **changes)


@kernel
def minutes_of_cd3_loss(minute: Any, p: Any) -> Any:
    """Return for how long T cells have lost CD3 [min]: with drug from minute 0 on, up to `cd3_loss_minutes`."""
    return min(minute, p.cd3_loss_minutes)
