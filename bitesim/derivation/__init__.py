"""From a model's Python equations to derivatives and straight-line code: tracing, differentiation, elimination, source."""

from bitesim.derivation.store import derive

__all__ = ["derive"]
