"""Serum concentrations of blinatumomab as a laboratory measures them: log-normal error, censored at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import ndtri

from bitesim.assays.censored import CensoredLogNormal, CensoredResults
from bitesim.assays.draws import DrawKey
from bitesim.assays.draws import luck as luck_of
from bitesim.assays.inputs import Floats, checked_numbers
from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError

_LARGEST_PG_PER_ML: Final = 1e9
_HINT: Final = "Concentrations are in pg/mL: 0.6 ng/mL is 600 pg/mL; 1 pM of blinatumomab is 54 pg/mL."
_SD_HINT: Final = "The SD is in ln units: multiply an SD in log10 units by 2.303."
_SD_RANGE: Final = (1e-3, 20.0)


@dataclass(frozen=True)
class DrugLevelAssay:
    """A concentration assay with a lower and an upper limit of quantification.

    Parameters
    ----------
    name : str
        Stands in results, and is the stream of the assay's luck.
    lower_limit_pg_per_ml, upper_limit_pg_per_ml : float
        Limits of quantification [pg/mL].
    sd_ln : float
        SD of ln(measured) about ln(true) in the typical patient, 0.001 to 3.
    sd_variance_between_patients : float, default 0
        Variance of ln of a patient's own SD about `sd_ln`, 0 to 4: patients differ in how noisy their levels are.
    source : str
        Where the figures are from.

    Raises
    ------
    ParameterError
        For values outside their range, and limits in the wrong order.
    """

    name: str
    lower_limit_pg_per_ml: float
    upper_limit_pg_per_ml: float
    sd_ln: float
    sd_variance_between_patients: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ParameterError(f"name = {shown(self.name)} is not a name: expected text, e.g. 'CD69 bioassay'.")
        for field in ("lower_limit_pg_per_ml", "upper_limit_pg_per_ml"):
            object.__setattr__(self, field, number(field, getattr(self, field), "pg/mL", (1e-6, _LARGEST_PG_PER_ML), _HINT))
        if not self.lower_limit_pg_per_ml < self.upper_limit_pg_per_ml:
            raise ParameterError(
                f"lower_limit_pg_per_ml = {self.lower_limit_pg_per_ml:g} is not below upper_limit_pg_per_ml = "
                f"{self.upper_limit_pg_per_ml:g}: expected less than {self.upper_limit_pg_per_ml:g}. Did you swap them?"
            )
        object.__setattr__(self, "sd_ln", number("sd_ln", self.sd_ln, "ln", (1e-3, 3.0), _SD_HINT))
        variance = number("sd_variance_between_patients", self.sd_variance_between_patients, "-", (0.0, 4.0))
        object.__setattr__(self, "sd_variance_between_patients", variance)

    def sd_of_patients(self, luck: Any) -> Floats:
        """Return each patient's own SD of ln(measured), log-normal about `sd_ln`; a patient keeps it at every visit.

        Parameters
        ----------
        luck : DrawKey or ndarray, shape (..., 1)
            A key, of which seed and patients count, or one uniform number per patient.
        """
        uniform = luck.lasting_uniforms(self.name) if isinstance(luck, DrawKey) else luck_of(self.name, luck, 1)
        spread = np.sqrt(self.sd_variance_between_patients)
        return np.asarray(self.sd_ln * np.exp(spread * ndtri(uniform[..., 0])))

    def sample(self, level_pg_per_ml: Any, luck: Any, sd_ln: Any = None) -> CensoredResults:
        """Return what the laboratory reports for a true level.

        Parameters
        ----------
        level_pg_per_ml : float or ndarray
            True serum concentration [pg/mL], 0 to 1e9; 0 is always below the lower limit.
        luck : DrawKey or ndarray, shape (..., 1)
            A key of (seed, patients, visits), or one uniform number per measurement. The result depends on nothing else.
        sd_ln : float or ndarray, optional
            Each patient's own SD. Default: from `sd_of_patients` with a key, the typical patient's with numbers given.

        Raises
        ------
        ParameterError
            For a level outside its range or unusable luck.
        """
        uniform = luck_of(self.name, luck, 1)[..., 0]
        sd = self.sd_of_patients(luck) if sd_ln is None and isinstance(luck, DrawKey) else self._sd(sd_ln)
        return self._law().sample(level_pg_per_ml, sd, uniform)

    def log_likelihood(self, outcome: Any, value_pg_per_ml: Any, level_pg_per_ml: Any, sd_ln: Any = None) -> Floats:
        """Return ln likelihood of reports: the density of ln(value), or the probability beyond a limit.

        Parameters
        ----------
        outcome : Censoring, its name, or an array of them
            'below', 'measured' or 'above'.
        value_pg_per_ml : float, ndarray or None
            Measured levels [pg/mL]; None or nan where censored.
        level_pg_per_ml : float or ndarray
            True levels [pg/mL]. At 0 'below' is certain and everything else impossible (-inf).
        sd_ln : float or ndarray, optional
            Each patient's own SD; default: the typical patient's. A patient's SD is unknown but common to all of the
            patient's levels: who fits integrates over it once per patient, not here.

        Raises
        ------
        ParameterError
            For a value outside the limits, a missing value, or a value with a censored outcome.
        """
        return self._law().log_likelihood(outcome, value_pg_per_ml, level_pg_per_ml, self._sd(sd_ln))[0]

    def log_likelihood_slope(self, outcome: Any, value_pg_per_ml: Any, level_pg_per_ml: Any, sd_ln: Any = None) -> Floats:
        """Return the derivative of `log_likelihood` with respect to ln(level_pg_per_ml)."""
        return self._law().log_likelihood(outcome, value_pg_per_ml, level_pg_per_ml, self._sd(sd_ln))[1]

    def _sd(self, sd_ln: Any) -> Floats:
        return np.asarray(self.sd_ln) if sd_ln is None else checked_numbers("sd_ln", sd_ln, "ln", _SD_RANGE, _SD_HINT)

    def _law(self) -> CensoredLogNormal:
        limits = self.lower_limit_pg_per_ml, self.upper_limit_pg_per_ml
        return CensoredLogNormal(self.name, "level_pg_per_ml", "pg/mL", *limits, _LARGEST_PG_PER_ML, _HINT)


CD69_BIOASSAY: Final = DrugLevelAssay(
    "CD69 bioassay",
    lower_limit_pg_per_ml=50.0,
    upper_limit_pg_per_ml=1000.0,
    sd_ln=0.559,
    sd_variance_between_patients=0.4134,
    source="Clements et al. 2020, Clin Pharmacokinet, doi:10.1007/s40262-019-00823-8: residual of the population model, "
    "which holds the model's misfit too; lower limit 50 to 100 pg/mL by study.",
)
