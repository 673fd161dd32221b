"""Serum IL-6 of lymphoma patients under two regimens, digitised; points above the assay floor only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.datasets.package_files import read_columns

SOURCE: Final = "Hosseini et al. 2020, npj Syst Biol Appl 6:28, Fig. 4, doi:10.1038/s41540-020-00145-7 (CC BY 4.0)"


@dataclass(frozen=True, eq=False)
class Il6Points:
    """Single measurements of many patients; patients below the assay floor are not among them.

    Parameters
    ----------
    regimen : str
        As `Regimen.parse` reads it.
    times_days, il6_pg_per_ml : ndarray, shape (points,)
    """

    regimen: str
    times_days: NDArray[np.float64]
    il6_pg_per_ml: NDArray[np.float64]


def hosseini_2020_il6() -> list[Il6Points]:
    """Return IL-6 under flat 60 ug/m2/day and under the steps 5, 15, 60 ug/m2/day."""
    files = {
        "60 ug/m2/day for 21 d": "hosseini_2020_il6_flat_60.csv",
        "5 ug/m2/day for 7 d, 15 ug/m2/day for 7 d, 60 ug/m2/day for 7 d": "hosseini_2020_il6_step_5_15_60.csv",
    }
    points = []
    for regimen, file in files.items():
        columns = read_columns(file)
        points.append(Il6Points(regimen, columns["time_day"], columns["il6_pgmL"]))
    return points
