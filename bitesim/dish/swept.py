"""What a sweep over dishes is given: values of one argument or several, numbers of cells, and rows picked by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number, plain_magnitude, shown
from bitesim.foundation.errors import ParameterError, unknown_name

#: What a sweep varies, in the order of its rows.
SWEPT: Final = ("cd19_copies", "effectors_per_ml", "targets_per_ml", "effectors_per_target", "drug_ng_per_ml")
CELLS: Final = (1e4, 1e8)
CELLS_HINT: Final = "Give cells per mL: 1000 cells per microlitre are 1e6 per mL."
DRUG_HINT: Final = "Give ng/mL: a level in pg/mL must be divided by 1000 (patients have 0.2-0.6 ng/mL, dishes 0.65-2000)."
RATIO_HINT: Final = "It is T cells per target: E:T 1:20 is 0.05."
COPIES_HINT: Final = "Give CD19 per target cell (Raji 1.4e5, blasts 2e3-4e4)."
#: One value or several.
Values = float | Sequence[float] | NDArray[np.float64]


def several(name: str, given: Any, unit: str, allowed: tuple[float, float], hint: str) -> list[float]:
    """Return one value or several as checked floats, in the order given.

    Raises
    ------
    ParameterError
        For a value outside its range, none at all, or one that repeats.
    """
    given = plain_magnitude(name, given, unit)
    if np.ndim(given) > 1:
        raise ParameterError(f"{name} must be a number or a flat list of numbers; got {shown(given)}. {hint}")
    if np.ndim(given) == 0:
        return [number(name, given, unit, allowed, hint)]
    values = [number(f"{name}[{k}]", each, unit, allowed, hint) for k, each in enumerate(given)]
    if not values:
        raise ParameterError(f"{name} is empty: give at least one value. {hint}")
    for k, each in enumerate(values):
        if each in values[:k]:
            raise ParameterError(f"{name}[{k}] = {each:g} repeats: give each value once")
    return values


def cells_of_dishes(effectors_per_ml: Any, targets_per_ml: Any, effectors_per_target: Any) -> list[tuple[float, float]]:
    """Return T cells and targets [/mL] of every dish; without either of the last two as many targets as T cells.

    Raises
    ------
    ParameterError
        For a value outside its range, or both ways to say the targets.
    """
    effectors = several("effectors_per_ml", effectors_per_ml, "cells/mL", CELLS, CELLS_HINT)
    if targets_per_ml is not None:
        if effectors_per_target is not None:
            raise ParameterError("targets_per_ml and effectors_per_target are both given: either one says the targets")
        return list(product(effectors, several("targets_per_ml", targets_per_ml, "cells/mL", CELLS, CELLS_HINT)))
    given = 1.0 if effectors_per_target is None else effectors_per_target
    ratios = several("effectors_per_target", given, "-", (1e-3, 1e3), RATIO_HINT)
    dishes = [(e, e / ratio) for e, ratio in product(effectors, ratios)]
    for e, t in dishes:
        number(f"targets at {e:g} T cells per mL and E:T {e / t:g}", t, "cells/mL", CELLS, RATIO_HINT)
    return dishes


def changed_figures(parameters: Any) -> dict[str, float]:
    """Return changes of published figures, without those of CD19, which are an argument of their own.

    Raises
    ------
    ParameterError
        For what is no mapping, or holds CD19 per target.
    """
    if parameters is not None and not isinstance(parameters, Mapping):
        raise ParameterError(f"parameters = {shown(parameters)} are no names with values: {{'cd3_down_modulation': 0.0}}")
    figures = dict(parameters or {})
    if not {"cd19_mean_copies", "cd19_geometric_mean"}.isdisjoint(figures):
        raise ParameterError("parameters hold CD19 per target: give it as cd19_copies, which keeps the spread between cells")
    return figures


def rows_with(columns: Mapping[str, NDArray[Any]], values: Mapping[str, Any], known: Sequence[str]) -> NDArray[np.bool_]:
    """Return which rows have some values of what was swept.

    Raises
    ------
    UnknownNameError
        For a name that is not swept.
    ParameterError
        For a value that was not: the message lists those that were.
    """
    kept = np.ones(len(next(iter(columns.values()))), bool)
    for name, wanted in values.items():
        if name not in known:
            raise unknown_name("swept quantity", name, known)
        there = np.zeros(len(kept), bool)
        for value in np.atleast_1d(np.asarray(wanted, dtype=float)):
            found = np.isclose(columns[name], value, rtol=1e-9, atol=0.0)
            if not found.any():
                existing = ", ".join(f"{each:g}" for each in np.unique(columns[name]))
                raise ParameterError(f"{name} = {value:g} is not in the experiment, which has {existing}")
            there |= found
        kept &= there
    if not kept.any():
        wanted_all = ", ".join(f"{name} = {shown(each)}" for name, each in values.items())
        raise ParameterError(f"no dish has all of {wanted_all}")
    return kept
