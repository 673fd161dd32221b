"""Pictures by name, so that a result can draw itself though the plotting code stands on a higher floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bitesim.foundation.errors import ParameterError

_registered: dict[str, Callable[..., Any]] = {}


def register_picture(of: str, draw: Callable[..., Any]) -> None:
    """Let `draw` make the picture of a kind of result; bitesim.plots does so when it is imported."""
    _registered[of] = draw


def picture(of: str) -> Callable[..., Any]:
    """Return what draws a kind of result.

    Raises
    ------
    ParameterError
        Where bitesim.plots has not been imported.
    """
    if of not in _registered:
        raise ParameterError("plotting is not loaded: import bitesim.plots first (import bitesim does it)")
    return _registered[of]
