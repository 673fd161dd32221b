"""Blood counts of 13 adults under 15 ug/m2/day, digitised; 1 /uL is the B cells' detection floor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.datasets.package_files import read_columns

SOURCE: Final = (
    "Klinger et al. 2012, Blood 119:6226, as digitised for Hosseini et al. 2020, npj Syst Biol Appl 6:28, "
    "doi:10.1038/s41540-020-00145-7 (CC BY 4.0)"
)
REGIMEN: Final = "15 ug/m2/day for 28 d, 14 d off"
B_CELL_FLOOR_PER_UL: Final = 1.0


@dataclass(frozen=True, eq=False)
class BloodCourse:
    """Counts of one patient in the first cycle.

    Parameters
    ----------
    patient : str
    times_days : ndarray, shape (times,)
    b_cells_per_ul, cd8_t_cells_per_ul : ndarray
        Where `b_cells_below_floor`, the true B-cell count is at most the value given.
    b_cells_below_floor : ndarray of bool
    """

    patient: str
    times_days: NDArray[np.float64]
    b_cells_per_ul: NDArray[np.float64]
    b_cells_below_floor: NDArray[np.bool_]
    cd8_t_cells_per_ul: NDArray[np.float64]


def klinger_2012() -> list[BloodCourse]:
    """Return the blood courses of the 13 patients, baseline first."""
    return list(_courses())


def _courses() -> Iterator[BloodCourse]:
    columns = read_columns("klinger_2012_blood_kinetics.csv")
    for patient in dict.fromkeys(columns["patient_id"].tolist()):
        rows = columns["patient_id"] == patient
        yield BloodCourse(
            patient=f"{int(patient)}",
            times_days=columns["time_day"][rows],
            b_cells_per_ul=columns["b_cells_per_ul"][rows],
            b_cells_below_floor=columns["b_cells_censored_at_1"][rows] == 1.0,
            cd8_t_cells_per_ul=columns["cd8_t_cells_per_ul"][rows],
        )
