"""Every flux has the dimension of what it changes, per day: the equations run once on quantities with units."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pint
import pytest

from bitesim.derivation.plain_python import PlainPython
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia.fluxes import fluxes
from bitesim.leukaemia.readouts import initial_state, read

REGISTRY = pint.UnitRegistry()
#: Cells are numbers; 1 pM is 1 pg/mL of 1 kDa, so a dalton stands for grams per mole.
UNITS = {
    "-": "", "cells": "", "ln cells": "", "cells/uL": "1/uL", "d": "day", "1/d": "1/day", "1/kg": "1/kg", "mL/kg": "mL/kg",
    "L/h": "L/hour", "blocks": "", "h": "hour", "mg/kg": "mg/kg",
    "kDa": "kg/mol", "pM": "pmol/L", "um2": "um**2", "m2": "m**2", "pg/mL/(cells/uL)": "pg*uL/mL",
}  # fmt: skip


def quantity(value: float, unit: str) -> Any:
    return REGISTRY.Quantity(value, UNITS.get(unit, unit))


def number(x: Any) -> float:
    """Return what must be dimensionless, as a number."""
    return float(x.to("").magnitude) if isinstance(x, REGISTRY.Quantity) else float(x)


def hill(x: Any, half: Any, exponent: Any) -> float:
    ratio = number(x / half) ** number(exponent)
    return ratio / (1.0 + ratio)


SUBSTITUTES = {
    ("numpy", "exp"): lambda x: math.exp(number(x)),
    ("numpy", "log"): lambda x: math.log(number(x)),
    ("bitesim.mechanisms.kinks", "positive_part"): lambda x: max(x, 0.0 * x),
    ("bitesim.mechanisms.kinks", "saturation"): hill,
}


class Written(dict):  # type: ignore[type-arg]
    """A record that keeps what is written by name."""

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    __getattr__ = dict.__getitem__


def twin(function: Any) -> Any:
    return PlainPython(SUBSTITUTES).of(function)


def parameters() -> SimpleNamespace:
    return SimpleNamespace(**{row.name: quantity(row.default, row.unit) for row in LEUKAEMIA.catalogue.values()})


def state() -> SimpleNamespace:
    return SimpleNamespace(**{row.name: quantity(1.5, row.unit) for row in LEUKAEMIA.species.values()})


def assert_has_unit(value: Any, unit: str, name: str) -> None:
    given = value if isinstance(value, REGISTRY.Quantity) else REGISTRY.Quantity(value, "")
    assert given.check(REGISTRY.Quantity(1.0, UNITS.get(unit, unit)).dimensionality), f"{name}: {given.units}, not {unit}"


def test_every_flux_is_what_it_changes_per_day() -> None:
    found = Written()
    twin(fluxes)(state(), parameters(), found)
    assert set(found) == set(LEUKAEMIA.processes)
    for name, changes in LEUKAEMIA.processes.items():
        for species in changes:
            per_day = found[name] * REGISTRY.Quantity(1.0, "day")
            assert_has_unit(per_day, LEUKAEMIA.species[species].unit, f"{name} of {species}")


def test_every_readout_has_its_unit() -> None:
    found = Written()
    twin(read)(state(), parameters(), found)
    assert set(found) == {readout.name for readout in LEUKAEMIA.readouts}
    for readout in LEUKAEMIA.readouts:
        assert_has_unit(found[readout.name], readout.unit, readout.name)


def test_every_start_has_the_unit_of_its_species() -> None:
    found = Written()
    twin(initial_state)(parameters(), found)
    for name, value in found.items():
        assert_has_unit(value, LEUKAEMIA.species[name].unit, name)


def test_a_wrong_unit_is_noticed() -> None:
    wrong = parameters()
    wrong.clearance_l_per_h = quantity(2.2, "L")
    found = Written()
    twin(fluxes)(state(), wrong, found)
    with pytest.raises(AssertionError, match="not ug"):
        assert_has_unit(found["drug_elimination"] * REGISTRY.Quantity(1.0, "day"), "ug", "drug_elimination")
