"""Cells per microlitre of blood as a laboratory counts them: a floor below which nothing is seen, and a log-normal error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bitesim.assays.censored import CensoredLogNormal, CensoredResults
from bitesim.assays.draws import luck as luck_of
from bitesim.assays.inputs import Floats
from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError

_LARGEST_PER_UL: Final = 1e7
_HINT: Final = "Counts are cells per microlitre: 0.2e9/L and 2e5/mL are 200 per uL."


@dataclass(frozen=True)
class CountAssay:
    """A count of one kind of cell in blood, censored below its floor.

    Parameters
    ----------
    name : str
        Stands in results, and is the stream of the assay's luck: give each kind of cell its own, e.g. 'blood B cells'.
    sd_ln : float
        SD of ln(measured count), 0.001 to 3. No default: it belongs to the laboratory and its data.
    floor_per_ul : float, default 1
        Lowest count reported [cells/uL]. The default is the floor of B cells in Klinger et al. 2012, Blood 119:6226.
    source : str
        Where the figures are from.

    Raises
    ------
    ParameterError
        For values outside their range.
    """

    name: str
    sd_ln: float
    floor_per_ul: float = 1.0
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ParameterError(f"name = {shown(self.name)} is not a name: expected text, e.g. 'blood B cells'.")
        hint = "The SD is in ln units: 0.2 is about 20 %; multiply an SD in log10 units by 2.303."
        object.__setattr__(self, "sd_ln", number("sd_ln", self.sd_ln, "ln", (1e-3, 3.0), hint))
        floor = number("floor_per_ul", self.floor_per_ul, "cells/uL", (1e-6, 1e5), _HINT)
        object.__setattr__(self, "floor_per_ul", floor)

    def sample(self, count_per_ul: Any, luck: Any) -> CensoredResults:
        """Return what the laboratory reports for a true count.

        Parameters
        ----------
        count_per_ul : float or ndarray
            True cells per microlitre, 0 to 1e7; 0 is always below the floor.
        luck : DrawKey or ndarray, shape (..., 1)
            A key of (seed, patients, visits), or one uniform number per measurement. The result depends on nothing else.

        Raises
        ------
        ParameterError
            For a count outside its range or unusable luck.
        """
        return self._law().sample(count_per_ul, np.asarray(self.sd_ln), luck_of(self.name, luck, 1)[..., 0])

    def log_likelihood(self, outcome: Any, value_per_ul: Any, count_per_ul: Any) -> Floats:
        """Return ln likelihood of reports: the density of ln(value), or the probability below the floor.

        Parameters
        ----------
        outcome : Censoring, its name, or an array of them
            'below' or 'measured'.
        value_per_ul : float, ndarray or None
            Measured counts [cells/uL]; None or nan where below.
        count_per_ul : float or ndarray
            True counts [cells/uL]. At 0 'below' is certain and a value impossible (-inf).

        Raises
        ------
        ParameterError
            For a value below the floor, a missing value, or a value with a censored outcome.
        """
        return self._law().log_likelihood(outcome, value_per_ul, count_per_ul, np.asarray(self.sd_ln))[0]

    def log_likelihood_slope(self, outcome: Any, value_per_ul: Any, count_per_ul: Any) -> Floats:
        """Return the derivative of `log_likelihood` with respect to ln(count_per_ul)."""
        return self._law().log_likelihood(outcome, value_per_ul, count_per_ul, np.asarray(self.sd_ln))[1]

    def _law(self) -> CensoredLogNormal:
        return CensoredLogNormal(self.name, "count_per_ul", "cells/uL", self.floor_per_ul, math.inf, _LARGEST_PER_UL, _HINT)
