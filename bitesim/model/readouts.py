"""Readouts: from the state to what a laboratory reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Readout:
    """One labelled output.

    Parameters
    ----------
    name, unit, meaning : str
    symbol : str
        Name in the cited paper's files; results can be read by it too.
    is_clone : bool
        True for the number of cells of a clone: a deterministic engine may take it below one, where there is none.
    """

    name: str
    unit: str
    meaning: str
    symbol: str = ""
    is_clone: bool = False


#: The outputs that every model of blood under blinatumomab has.
BLOOD_READOUTS: tuple[Readout, ...] = (
    Readout("serum_drug_pg_per_ml", "pg/mL", "free blinatumomab in serum"),
    Readout("blood_b_cells_per_ul", "cells/uL", "CD19+ B cells in blood"),
    Readout("blood_cd8_t_cells_per_ul", "cells/uL", "CD8+ T cells in blood"),
    Readout("blood_cd69_fraction", "-", "CD69+ (activated) fraction of the CD8+ T cells in blood"),
    Readout("serum_il6_pg_per_ml", "pg/mL", "interleukin-6 in serum"),
)
