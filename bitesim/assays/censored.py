"""A positive amount measured with a log-normal error between two limits: what is drawn, and how likely a report is.

ln(measured) ~ Normal(ln(true), sd); a result under the lower or over the upper limit is reported as that alone. The
likelihood of a value is the density of ln(value); of a censored report, the probability beyond the limit (method M3 of Beal
2001, J Pharmacokinet Pharmacodyn 28:481), by ln of the normal distribution function, which stays finite in the far tail.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtri

from bitesim.assays.inputs import Codes, Floats, check_shapes, checked_numbers, outcome_codes, values_of_outcomes
from bitesim.foundation.errors import ParameterError

_SHOWN: Final = 10
_LN_SQRT_2PI: Final = 0.5 * math.log(2.0 * math.pi)


class Censoring(IntEnum):
    """Where a result lies: under the lower limit, between the limits, over the upper limit."""

    BELOW = -1
    MEASURED = 0
    ABOVE = 1


@dataclass(frozen=True, eq=False)
class CensoredResults:
    """Results of one assay with limits.

    Parameters
    ----------
    assay : str
        Name of the assay.
    unit : str
        Unit of values and limits.
    outcomes : ndarray of int8
        `Censoring` of each result.
    values : ndarray
        Measured values, nan where censored.
    lower_limit, upper_limit : float
        The upper one can be infinite.
    """

    assay: str
    unit: str
    outcomes: Codes
    values: Floats
    lower_limit: float
    upper_limit: float

    @property
    def texts(self) -> list[str]:
        """Each result as a laboratory writes it, in the order of the flattened arrays."""
        return [self._text(int(code), value) for code, value in zip(self.outcomes.flat, self.values.flat, strict=True)]

    def counts(self) -> dict[str, int]:
        """Return outcome -> number of results."""
        return {member.name.lower(): int(np.sum(self.outcomes == member)) for member in Censoring}

    def _text(self, code: int, value: float) -> str:
        if code == Censoring.BELOW:
            return f"< {self.lower_limit:g} {self.unit}"
        return f"> {self.upper_limit:g} {self.unit}" if code == Censoring.ABOVE else f"{value:.3g} {self.unit}"

    def _title(self) -> str:
        size = self.outcomes.size
        return f"{self.assay}: {size} result{'' if size == 1 else 's'} in {self.unit}"

    def __len__(self) -> int:
        return self.outcomes.size

    def __repr__(self) -> str:
        texts = self.texts
        lines = [f"  {text}" for text in texts[:_SHOWN]]
        if len(texts) > _SHOWN:
            tally = ", ".join(f"{number} {name}" for name, number in self.counts().items())
            lines.append(f"  ... {len(texts) - _SHOWN} more; in all {tally}")
        return "\n".join([self._title(), *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{position}</td><td>{html.escape(text)}</td></tr>" for position, text in enumerate(self.texts[:_SHOWN])
        )
        tally = "".join(f"<tr><td>{name}</td><td>{number}</td></tr>" for name, number in self.counts().items())
        return (
            f"<table><caption>{html.escape(self._title())}</caption><tr><th>outcome</th><th>results</th></tr>{tally}"
            f"<tr><th>number</th><th>result</th></tr>{rows}</table>"
        )


@dataclass(frozen=True)
class CensoredLogNormal:
    """The law of one assay: names for its messages, its limits and the largest amount that makes sense.

    Parameters
    ----------
    assay, quantity, unit : str
        The assay's name; the argument's name of the true amount; the unit of all amounts.
    lower_limit, upper_limit : float
        Of what can be measured; the upper one can be infinite.
    largest : float
        Largest true amount that is accepted.
    hint : str
        What an amount outside the range probably meant.
    """

    assay: str
    quantity: str
    unit: str
    lower_limit: float
    upper_limit: float
    largest: float
    hint: str

    def sample(self, true: Any, sd: Floats, uniform: Floats) -> CensoredResults:
        """Return results by the inverse distribution function; `sd` and `uniform` broadcast against the true amounts."""
        amounts = self._true(true)
        check_shapes(**{self.quantity: amounts, "sd": sd, "luck": uniform})
        amounts = np.asarray(amounts * np.exp(sd * ndtri(uniform)))
        outcomes = np.zeros(amounts.shape, dtype=np.int8)
        outcomes[amounts <= self.lower_limit] = Censoring.BELOW
        outcomes[amounts >= self.upper_limit] = Censoring.ABOVE
        values = np.where(outcomes == Censoring.MEASURED, amounts, np.nan)
        return CensoredResults(self.assay, self.unit, outcomes, values, self.lower_limit, self.upper_limit)

    def log_likelihood(self, outcome: Any, value: Any, true: Any, sd: Floats) -> tuple[Floats, Floats]:
        """Return ln likelihood of reports and its derivative with respect to ln(true).

        A true amount of 0 is certainly below (0, slope 0); a value is impossible there (-inf, slope inf).
        """
        codes, values = self._values(outcome, value)
        amounts = self._true(true)
        check_shapes(**{"outcome": codes, self.quantity: amounts, "sd": sd})
        codes, values, amounts, sd = np.broadcast_arrays(codes, values, amounts, sd)
        limits = np.where(
            codes == Censoring.BELOW, self.lower_limit, np.where(codes == Censoring.ABOVE, self.upper_limit, values)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            # Standard errors by which the truth lies under the limit or value.
            under = (np.log(limits) - np.log(amounts)) / sd
            beyond = np.where(codes == Censoring.ABOVE, -under, under)
            density = -0.5 * under**2 - _LN_SQRT_2PI - np.log(sd)
            log_p = np.where(codes == Censoring.MEASURED, density, log_ndtr(beyond))
            # Above a limit the probability rises with the truth.
            tail_slope = np.where(codes == Censoring.ABOVE, 1.0, -1.0) * _inverse_mills(beyond) / sd
            slope = np.where(codes == Censoring.MEASURED, under / sd, tail_slope)
        return log_p[()], slope[()]

    def _true(self, true: Any) -> Floats:
        return checked_numbers(self.quantity, true, self.unit, (0.0, self.largest), self.hint)

    def _values(self, outcome: Any, value: Any) -> tuple[Codes, Floats]:
        codes = outcome_codes(Censoring, outcome)
        if math.isinf(self.upper_limit) and np.any(codes == Censoring.ABOVE):
            raise ParameterError(
                f"outcome 'above' does not exist: {self.assay} has no upper limit. Expected below or measured."
            )
        hint = "A result outside the limits is reported as outcome 'below' or 'above', without a value."
        allowed = (self.lower_limit, self.upper_limit)
        return values_of_outcomes(codes, Censoring.MEASURED, value, self.unit, allowed, hint)


def _inverse_mills(z: Floats) -> Floats:
    """Return the normal density over its distribution function, without cancellation in the far tail."""
    return np.asarray(math.sqrt(2.0 / math.pi) / erfcx(-z / math.sqrt(2.0)))
