"""The one unit system (day, litre, ug, pg/mL, cells) and the named conversions into it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

HOURS_PER_DAY: Final = 24.0
MINUTES_PER_DAY: Final = 1440.0
DAYS_PER_WEEK: Final = 7.0
ML_PER_L: Final = 1e3
UL_PER_ML: Final = 1e3
PG_PER_NG: Final = 1e3
PG_PER_UG: Final = 1e6

#: What each unit written in a name, a table or a figure stands for.
UNITS: Final = MappingProxyType(
    {
        "d": "day; every time inside bitesim",
        "1/d": "rate constant per day",
        "ug": "microgram of drug",
        "mg": "milligram of dexamethasone",
        "blocks": "blocks of chemotherapy that still act",
        "ug/day": "infusion rate, whole body",
        "ug/m2/day": "infusion rate per body surface area",
        "ug/m2": "drug amount per body surface area",
        "pg/mL": "serum concentration of drug or cytokine",
        "ng/mL": "1000 pg/mL",
        "L/h": "clearance as published; converted to L/d inside",
        "L": "litre",
        "mL": "millilitre",
        "cells": "absolute number of cells",
        "ln cells": "natural logarithm of a number of cells",
        "cells/uL": "cells per microlitre of blood, as a laboratory reports",
        "cells/mL": "1000 cells/uL",
        "pM": "picomol per litre of free drug, for binding",
        "um2": "area of a contact or a cell's surface",
        "kDa": "molecular mass; 1 pM of 1 kDa is 1 pg/mL",
        "m2": "body surface area",
        "kg": "body weight",
        "cm": "height",
        "y": "age in years",
        "-": "dimensionless",
    }
)


def units() -> dict[str, str]:
    """Return the unit table: unit -> meaning."""
    return dict(UNITS)
