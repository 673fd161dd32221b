"""Equations run once, uncompiled, on quantities with units, and must return the unit that they state."""

from types import SimpleNamespace

import pint
import pytest

import bitesim
from bitesim.mechanisms.pharmacokinetics import decay_rate, elimination_rate, size_scaled
from bitesim.published.hosseini_2020 import mechanisms

UNITS = pint.UnitRegistry()
PER_DAY = UNITS.parse_units("1/day")
#: How pint spells the units of the catalogue; cells are a count.
SPELLED = {
    "1/d": "1/day",
    "-": "",
    "d": "day",
    "cells/mL": "1/ml",
    "pg/cell/d": "pg/day",
    "mL/m2/d": "ml/m**2/day",
    "mL/m2": "ml/m**2",
}


def plain(function):
    return getattr(function, "py_func", function)


@pytest.fixture(scope="module")
def p():
    catalogue = bitesim.MODELS["hosseini2020"].catalogue
    return SimpleNamespace(
        **{
            name: row.default * UNITS.parse_units(SPELLED.get(row.unit, row.unit).replace("mL", "ml"))
            for name, row in catalogue.items()
        }
    )


def test_pharmacokinetics():
    clearance = plain(size_scaled)(2.22 * UNITS.l / UNITS.hour, 1.2 * UNITS.m**2, 1.876 * UNITS.m**2, 0.62)
    assert plain(elimination_rate)(clearance, 5.98 * UNITS.l).check("1/[time]")
    assert plain(decay_rate)(2.0 * UNITS.hour).check("1/[time]")


def test_hazards_are_per_day(p):
    count = 1e9 * UNITS.dimensionless
    assert plain(mechanisms.activated_apoptosis_hazard)(count, count, p).units == PER_DAY
    assert plain(mechanisms.margination)(1.0, 1.0, p).dimensionless


def test_traffic_and_generation_are_cells_per_day(p):
    count = 1e9 * UNITS.dimensionless
    entry, leaving = plain(mechanisms.t_cell_exchange)(count, count, p.spleen_volume_ml, 200.0, p.resting_traffic_per_day, p)
    assert entry.check("1/[time]")
    assert leaving.check("1/[time]")


def test_il6_production_is_a_concentration_per_day(p, monkeypatch):
    monkeypatch.setattr(mechanisms, "drug_activation", lambda drug, p: 0.5)
    density = 1e5 / UNITS.ml
    made = plain(mechanisms.il6_production)(density, density, density, 0.3 * UNITS.ng / UNITS.ml, p)
    assert made.check("[mass]/[length]**3/[time]")
