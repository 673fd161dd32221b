"""The leukaemia model's defaults, with some values changed, for kernels that are run as plain Python."""

from types import SimpleNamespace

from bitesim.derivation.plain_python import PlainPython
from bitesim.leukaemia import CATALOGUE

_PLAIN = PlainPython({})


def plain(kernel):
    """Return the plain Python of a kernel and of all that it calls."""
    return _PLAIN.of(kernel)


def defaults(**changes):
    assert set(changes) <= set(CATALOGUE)
    return SimpleNamespace(**{**{row.name: row.default for row in CATALOGUE.values()}, **changes})
