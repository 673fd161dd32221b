"""Methods that measure minimal residual disease: how many cells they analyse, and how many targets they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bitesim.assays.inputs import cell_number
from bitesim.foundation.checks import number, shown, whole_number
from bitesim.foundation.errors import ParameterError

_MOST_TARGETS: Final = 1000


@dataclass(frozen=True)
class MrdAssay:
    """A method that counts leukaemic cells among the cells of an aspirate.

    Parameters
    ----------
    name : str
        Stands in results, and is the stream of the assay's luck.
    cells_analysed : int
        Nominal number of cells (events, genomes) analysed; a `MrdSample` can have its own.
    minimum_targets_detected : int
        Target cells that make a sample positive.
    minimum_targets_quantified : int
        Target cells from which on a value is reported; not below `minimum_targets_detected`.
    sd_log10 : float, default 0.3
        SD of the measurement error [log10], 0 to 1. No replicate SD is published for these methods: 0.3 (0.2 to 0.5) is
        a prior.
    background_per_cell : float, default 0
        Healthy cells taken for targets, per healthy cell (e.g. haematogones in a regenerating marrow), 0 to 0.01. They pass
        the same gate and share the measurement error.
    source : str
        Where the figures are from.

    Raises
    ------
    ParameterError
        For values outside their range, and thresholds in the wrong order.
    """

    name: str
    cells_analysed: int
    minimum_targets_detected: int
    minimum_targets_quantified: int
    sd_log10: float = 0.3
    background_per_cell: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ParameterError(f"name = {shown(self.name)} is not a name: expected text, e.g. 'multicolour flow'.")
        object.__setattr__(self, "cells_analysed", cell_number("cells_analysed", self.cells_analysed))
        hint = "Thresholds are numbers of target cells, e.g. 3 and 10, not fractions."
        for field in ("minimum_targets_detected", "minimum_targets_quantified"):
            value = whole_number(field, getattr(self, field), (1, _MOST_TARGETS), hint)
            object.__setattr__(self, field, value)
        if self.minimum_targets_quantified < self.minimum_targets_detected:
            raise ParameterError(
                f"minimum_targets_quantified = {self.minimum_targets_quantified} is below minimum_targets_detected = "
                f"{self.minimum_targets_detected}: expected at least {self.minimum_targets_detected}. Did you swap them?"
            )
        hint = "The SD is in log10 units: a factor of 2 is 0.3; divide an SD in ln units by 2.303."
        object.__setattr__(self, "sd_log10", number("sd_log10", self.sd_log10, "log10", (0.0, 1.0), hint))
        hint = "Background is false positives per healthy cell, e.g. 1e-5."
        background = number("background_per_cell", self.background_per_cell, "-", (0.0, 0.01), hint)
        object.__setattr__(self, "background_per_cell", background)


MULTICOLOUR_FLOW: Final = MrdAssay(
    "multicolour flow",
    cells_analysed=500_000,
    minimum_targets_detected=10,
    minimum_targets_quantified=50,
    source="Sensitivity 1e-4, the COG cut-off, with 8 colours 1e-5; 5e5 to 1e6 events, 10 and 50 targets: usual practice.",
)
RQ_PCR: Final = MrdAssay(
    "RQ-PCR",
    cells_analysed=250_000,
    minimum_targets_detected=3,
    minimum_targets_quantified=10,
    source="Sensitivity 1e-5; three times 500 ng DNA are 2.5e5 genomes; 3 and 10 targets: usual practice.",
)
NGS: Final = MrdAssay(
    "NGS",
    cells_analysed=2_000_000,
    minimum_targets_detected=3,
    minimum_targets_quantified=10,
    source="Sensitivity 1e-6 with 1e6 to 2e6 cells; 3 and 10 targets: usual practice.",
)
