"""What is usual at an age, for patients of whom only the age is known.

Assumption (children's T cells by age alone): a child without a count has an adult's CD8 T cells times the ratio of healthy
T-cell counts at that age. Alternatives: counts after chemotherapy, which depend on it more than on age; B cells by age too,
which stay an adult's here. What it changes: a child of 4 years has twice an adult's T cells, 360 per uL.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Age [years] and T cells per uL relative to an adult's: CD3 2.4, 1.8, 1.5 and 1.2 per nL at 2-6, 6-12, 12-18 years and in
#: adults (healthy, from memory); 1.9 at 5 years is also the ratio of 350 to 180 CD8 cells of treated children and adults.
_T_CELLS_BY_AGE: Final = ((4.0, 2.0), (9.0, 1.5), (15.0, 1.25), (18.0, 1.0))


def t_cells_relative_to_adult(age_years: float) -> float:
    """Return T cells per uL of blood at an age relative to an adult's [-]; 2 at 4 years and below, 1 from 18."""
    return float(t_cells_relative_to_adult_at(np.float64(age_years)))


def t_cells_relative_to_adult_at(ages_years: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Return the same for many ages, shape (patients,)."""
    ages, ratios = zip(*_T_CELLS_BY_AGE, strict=True)
    return np.asarray(np.interp(ages_years, ages, ratios))
