"""How an output is shown: its title, a log axis where it spans decades, grey where a clone is less than one cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

TITLES: Final = {
    "serum_drug_pg_per_ml": "drug in serum [pg/mL]",
    "blood_b_cells_per_ul": "B cells in blood [/µL]",
    "blood_cd8_t_cells_per_ul": "CD8 T cells in blood [/µL]",
    "blood_cd69_fraction": "CD69+ of CD8 [-]",
    "serum_il6_pg_per_ml": "IL-6 in serum [pg/mL]",
    "marrow_blast_fraction": "blasts in marrow [fraction]",
    "mrd": "true MRD [fraction]",
    "blasts": "blasts [cells]",
    "low_blasts": "CD19-low blasts [cells]",
    "sanctuary_blasts": "blasts outside marrow [cells]",
    "serum_il10_pg_per_ml": "IL-10 in serum [pg/mL]",
    "neutrophils_per_ul": "neutrophils in blood [/µL]",
    "extinction_probability": "P(no line survives) [-]",
}
#: Outputs that span decades, and how many of them mean something in a picture.
LOGARITHMIC: Final = {
    "blood_b_cells_per_ul": 6,
    "serum_il6_pg_per_ml": 6,
    "serum_il10_pg_per_ml": 6,
    "marrow_blast_fraction": 12,
    "mrd": 12,
    "blasts": 14,
    "low_blasts": 14,
    "sanctuary_blasts": 14,
}


def title(name: str, units: Mapping[str, str]) -> str:
    """Return what stands at the axis of an output."""
    return TITLES.get(name, f"{name} [{units[name]}]")


def logarithmic(panel: Any, values: np.ndarray[Any, Any], decades: int) -> None:
    """Use a log axis some decades down from the maximum: what lies below has no meaning in a picture."""
    top = float(np.max(values))
    positive = values[values > 0.0]
    panel.set_yscale("log")
    bottom = max(float(np.min(positive)), top * 10.0**-decades)
    panel.set_ylim(bottom * 0.6, top * 2.0)
    from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter

    if top < 30.0 * bottom:
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.yaxis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(10, 10)))
    panel.yaxis.set_minor_formatter(NullFormatter())


def shade_below_one_cell(axes: Any) -> None:
    """Shade what is less than one cell: there is no such cell."""
    axes.axhspan(1e-12, 1.0, color="#eeeeee", zorder=0)
    axes.annotate("< 1 cell", (0.99, 0.04), xycoords="axes fraction", ha="right", fontsize=7, color="#5b5b5b")


def one_panel(ax: Any, size: tuple[float, float] = (6.5, 4.2)) -> Any:
    """Return the Axes given, or new ones of a size in inches."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    _, axes = pyplot.subplots(figsize=size, layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
