"""Named views over flat vectors: an integrator sees numbers, a mechanism sees names.

Inside a kernel ``s = vector.view(STATE)[0]`` gives a record whose fields are read and written by name (``s.blasts``),
compiled and interpreted alike; the record shares the vector's memory, and reading by name costs nothing.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from typing import Any

import numpy as np

from bitesim.foundation.errors import ParameterError


def record_type(names: Iterable[str], kind: str = "f8") -> np.dtype[Any]:
    """Return the dtype by which a contiguous vector is viewed as one record.

    Parameters
    ----------
    names : iterable of str
        Field names in the order of the vector.
    kind : str
        NumPy code of every field: "f8", or "c16" for complex-step derivatives.

    Raises
    ------
    ParameterError
        For a name that is no identifier, stands twice, or means something else on a NumPy record (e.g. ``copy``).
    """
    fields = list(names)
    for name in fields:
        if not name.isidentifier() or keyword.iskeyword(name) or hasattr(np.record, name):
            raise ParameterError(f"{name!r} cannot be a field name: use letters, digits and _, and no NumPy method's name")
    if len(set(fields)) != len(fields):
        raise ParameterError("a field name stands twice in a record")
    # np.record as the base type gives attribute access in interpreted runs too.
    return np.dtype((np.record, [(name, kind) for name in fields]))
