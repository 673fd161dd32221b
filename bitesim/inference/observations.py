"""What was observed of patients: the form between a table of data and the likelihood.

An observation names the output of the model that it looks at, and carries the law of its measurement. Everything measured
as an amount (counts, drug levels, MRD whose cells were not counted) is an interval [lower, upper]: a value where both are
the same, censored where they differ. MRD with its cells analysed is a count of cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

from bitesim.assays import MrdOutcome, MrdSample
from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError
from bitesim.population import Patient
from bitesim.treatment import Regimen


@dataclass(frozen=True)
class AmountObserved:
    """An amount between two limits, with a log-normal error of the measurement.

    Parameters
    ----------
    time_days : float
    output : str
        Output of the model, in its unit, e.g. 'blood_cd8_t_cells_per_ul'.
    lower, upper : float
        The same number for a measured value; 0 and the limit of quantification for one below it; the limit and infinity
        for one above; two limits for an interval.
    sd_ln : float
        SD of ln(measured) about ln(true), in the typical patient.
    own_sd_ln : float, default 0
        SD between patients of ln of their own `sd_ln`: patients differ in how noisy their values are, and keep it.
    assay : str
        Name of the method; what one patient's `own_sd_ln` is common to.
    line : int, default 0
        Of the table it came from; 0 where there is none.

    Raises
    ------
    ParameterError
        For limits in the wrong order, a value of 0, and an interval from 0 to infinity, which says nothing.
    """

    time_days: float
    output: str
    lower: float
    upper: float
    sd_ln: float
    own_sd_ln: float = 0.0
    assay: str = ""
    line: int = 0

    def __post_init__(self) -> None:
        number("time_days", self.time_days, "days", (0.0, 36525.0), "Times are in days: 48 hours are 2.")
        number("sd_ln", self.sd_ln, "ln", (1e-3, 20.0), "The SD is in ln units: multiply an SD in log10 by 2.303.")
        number("own_sd_ln", self.own_sd_ln, "ln", (0.0, 2.0))
        number("lower", self.lower, self.output, (0.0, 1e15))
        if math.isnan(self.upper) or self.upper < self.lower:
            raise ParameterError(f"upper = {self.upper!r} of {self.output} is below lower = {self.lower:g}: swapped?")
        if self.upper == 0.0 or (self.lower == 0.0 and math.isinf(self.upper)):
            raise ParameterError(
                f"{self.output} between {self.lower:g} and {self.upper:g} is no measurement: a value below the limit is "
                "lower=0, upper=<the limit>"
            )

    @property
    def censored(self) -> bool:
        """Whether only an interval is known."""
        return self.lower != self.upper


@dataclass(frozen=True)
class MrdObserved:
    """One aspirate as the laboratory reported it.

    Parameters
    ----------
    time_days : float
    sample : MrdSample
        Method, cells analysed and haemodilution: its law of counts is the likelihood.
    outcome : MrdOutcome
    value : float, default nan
        Fraction of the cells analysed, where quantified.
    line : int, default 0
        Of the table it came from.

    Raises
    ------
    ParameterError
        For a quantified result without a value, and a value with another outcome.
    """

    time_days: float
    sample: MrdSample
    outcome: MrdOutcome
    value: float = math.nan
    line: int = 0
    output: str = field(default="mrd", init=False)

    def __post_init__(self) -> None:
        number("time_days", self.time_days, "days", (0.0, 36525.0), "Times are in days: 48 hours are 2.")
        object.__setattr__(self, "outcome", MrdOutcome(self.outcome))
        if (self.outcome == MrdOutcome.QUANTIFIED) == math.isnan(self.value):
            raise ParameterError(
                f"value = {self.value:g} with the outcome {self.outcome.name.lower()}: a value is what was quantified, "
                "as a fraction of cells, and nothing else has one"
            )


Observed: TypeAlias = AmountObserved | MrdObserved


@dataclass(frozen=True)
class PatientData:
    """One patient: who, what was given, what was seen.

    Parameters
    ----------
    patient : Patient
        Covariates; its name is the ID of the table.
    regimen : Regimen
    observations : tuple of AmountObserved or MrdObserved
        In the order of time.
    """

    patient: Patient
    regimen: Regimen
    observations: tuple[Observed, ...]

    def until(self, time_days: float) -> PatientData:
        """Return the same patient with what was seen by a day, inclusive."""
        return PatientData(
            self.patient, self.regimen, tuple(each for each in self.observations if each.time_days <= time_days)
        )

    def after(self, time_days: float) -> PatientData:
        """Return the same patient with what was seen after a day."""
        return PatientData(
            self.patient, self.regimen, tuple(each for each in self.observations if each.time_days > time_days)
        )
