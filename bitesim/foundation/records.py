"""Named views over flat vectors: an integrator sees numbers, a mechanism sees names.

Inside a kernel ``s = vector.view(STATE)[0]`` gives a record whose fields are read and written by name (``s.blasts``),
compiled and interpreted alike; the record shares the vector's memory, and reading by name costs nothing.
"""

from __future__ import annotations

import keyword
import unicodedata
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
        For a name that is no identifier, stands twice, or means something else on a NumPy record (e.g. ``copy``);
        for one text instead of a list of names; for no names.
    """
    if isinstance(names, str):
        raise ParameterError(f"names = {names!r} is one text, and each letter would be a field name: write [{names!r}]")
    fields = list(names)
    if not fields:
        raise ParameterError("names is empty: a record needs at least one field name")
    for position, name in enumerate(fields):
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or hasattr(np.record, name):
            raise ParameterError(
                f"names[{position}] = {name!r} cannot be a field name: use letters, digits and _, "
                "no Python keyword and no NumPy method's name"
            )
        # Python reads names in this form: p.µ (micro sign) asks for the Greek letter and would not find the field.
        if name != unicodedata.normalize("NFKC", name):
            raise ParameterError(
                f"names[{position}] = {name!r} cannot be a field name: Python reads it as "
                f"{unicodedata.normalize('NFKC', name)!r}; use plain letters"
            )
        if name in fields[:position]:
            raise ParameterError(f"names[{position}] = {name!r}: the field name stands twice in a record")
    # np.record as the base type gives attribute access in interpreted runs too.
    return np.dtype((np.record, [(name, kind) for name in fields]))
