"""Why a fact is missed, where a reason is known."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_REASONS: Final[Mapping[str, str]] = MappingProxyType({})


def reason(fact: str) -> str:
    """Return why the model misses a fact."""
    return _REASONS.get(fact, "No reason is known.")
