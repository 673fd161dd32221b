"""The likelihood of everything that was observed of one patient, given the model's outputs, with slopes by each output.

Amounts follow `bitesim.inference.amounts`; MRD with its cells follows the law of counts of its `MrdSample`, in which a
sample without a target, a positive below quantification and a value are outcomes of one distribution. How noisy a
patient's own values are is integrated out, once for each patient and assay. Blasts in the blood that dilutes an aspirate
count as none: no model here has them as an output.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.assays import MrdOutcome, MrdSample
from bitesim.foundation.errors import ParameterError
from bitesim.inference.amounts import Terms, amount_terms, noisy_terms
from bitesim.inference.observations import AmountObserved, MrdObserved, Observed

Vector = NDArray[np.float64]
_LN10: Final = math.log(10.0)
#: A group of rows: which ones they are, and what writes their terms and returns the ln likelihood of all of them.
_Terms = Callable[[Vector], tuple[float, Vector, Vector]]
_Group = tuple[NDArray[np.int64], _Terms]


@dataclass(frozen=True)
class RowTerms:
    """What observations say about the outputs that they look at.

    Parameters
    ----------
    log_likelihood : float
        Of all rows together.
    slope, weight : ndarray, shape (rows,)
        Derivative by ln(output) of each row, and the information on it that is to be expected.
    """

    log_likelihood: float
    slope: Vector
    weight: Vector


class ObservationModel:
    """The likelihood of one patient's observations.

    Parameters
    ----------
    observations : sequence of AmountObserved or MrdObserved

    Raises
    ------
    ParameterError
        Without observations, and for rows of one assay that disagree on how patients' own noise varies.
    """

    def __init__(self, observations: Sequence[Observed]) -> None:
        if not observations:
            raise ParameterError("there is nothing observed: give at least one observation")
        self.observations = tuple(observations)
        self._groups = [*_amount_groups(self.observations), *_mrd_groups(self.observations)]

    def terms(self, outputs: Vector) -> RowTerms:
        """Return the terms at the model's outputs, shape (rows,), in the order of the observations.

        An amount below 0 is the solver's rounding of none, and read as 0.
        """
        total, slope, weight = 0.0, np.empty(len(outputs)), np.empty(len(outputs))
        for rows, of_group in self._groups:
            log_p, slope[rows], weight[rows] = of_group(outputs[rows])
            total += log_p
        return RowTerms(total, slope, weight)

    def impossible(self, outputs: Vector) -> str:
        """Return a sentence on the first row that cannot be at these outputs; empty where all can."""
        for row, each in enumerate(self.observations):
            alone = ObservationModel([each]).terms(outputs[row : row + 1])
            if not math.isfinite(alone.log_likelihood):
                where = f"line {each.line}: " if each.line else ""
                return f"{where}{_told(each)} on day {each.time_days:g}, where the model has {outputs[row]:.3g}"
        return ""

    def method(self) -> str:
        """Return what is done with censored rows, as it is printed with every result."""
        sentences = []
        amounts = [each for each in self.observations if isinstance(each, AmountObserved)]
        if amounts:
            beyond = sum(each.censored and (each.lower == 0.0 or math.isinf(each.upper)) for each in amounts)
            inside = sum(each.censored for each in amounts) - beyond
            text = f"Censored rows: probability beyond the limit (M3); {beyond} of {len(amounts)}"
            sentences.append(text + (f"; between two limits (M4); {inside} of {len(amounts)}" if inside else ""))
        samples = [each for each in self.observations if isinstance(each, MrdObserved)]
        if samples:
            tally = Counter(each.outcome for each in samples)
            parts = ", ".join(f"{tally[each]} {each.name.lower().replace('_', ' ')}" for each in MrdOutcome if tally[each])
            sentences.append(f"MRD: law of the cells counted, nothing imputed; {parts} of {len(samples)}")
        noisy = sorted({each.assay for each in amounts if each.own_sd_ln > 0.0})
        if noisy:
            sentences.append(f"The patient's own noise is integrated out: {', '.join(name or 'unnamed' for name in noisy)}")
        return ". ".join(sentences) + "."


def _told(observed: Observed) -> str:
    """Return what a row says, in words."""
    if isinstance(observed, MrdObserved):
        value = "" if math.isnan(observed.value) else f" {observed.value:g}"
        return f"MRD {observed.outcome.name.lower().replace('_', ' ')}{value}"
    if not observed.censored:
        return f"{observed.output} = {observed.lower:g}"
    return f"{observed.output} between {observed.lower:g} and {observed.upper:g}"


def _amount_groups(observations: Sequence[Observed]) -> list[_Group]:
    groups: list[_Group] = []
    by_noise: dict[str | None, list[int]] = {}
    for row, each in enumerate(observations):
        if isinstance(each, AmountObserved):
            by_noise.setdefault(each.assay if each.own_sd_ln > 0.0 else None, []).append(row)
    for assay, rows in by_noise.items():
        chosen = [each for row in rows if isinstance(each := observations[row], AmountObserved)]
        lower, upper, sd = (np.array([getattr(each, name) for each in chosen]) for name in ("lower", "upper", "sd_ln"))
        spreads = {each.own_sd_ln for each in chosen}
        if assay is not None and len(spreads) > 1:
            raise ParameterError(
                f"assay {assay!r} has rows with own_sd_ln = {', '.join(f'{each:g}' for each in sorted(spreads))}: how much "
                "patients differ in their noise is one number for an assay"
            )
        own = spreads.pop() if assay is not None else 0.0
        groups.append((np.array(rows), _of_amounts(lower, upper, sd, own)))
    return groups


def _of_amounts(lower: Vector, upper: Vector, sd: Vector, own: float) -> _Terms:
    def terms(outputs: Vector) -> tuple[float, Vector, Vector]:
        if own > 0.0:
            return noisy_terms(lower, upper, sd, own, outputs)
        found: Terms = amount_terms(lower, upper, sd, outputs)
        return float(found.log_likelihood.sum()), found.slope, found.weight

    return terms


def _mrd_groups(observations: Sequence[Observed]) -> list[_Group]:
    by_sample: dict[MrdSample, list[int]] = {}
    for row, each in enumerate(observations):
        if isinstance(each, MrdObserved):
            by_sample.setdefault(each.sample, []).append(row)
    groups: list[_Group] = []
    for sample, rows in by_sample.items():
        chosen = [each for row in rows if isinstance(each := observations[row], MrdObserved)]
        outcomes = np.array([int(each.outcome) for each in chosen], np.int8)
        groups.append((np.array(rows), _of_samples(sample, outcomes, np.array([each.value for each in chosen]))))
    return groups


def _of_samples(sample: MrdSample, outcomes: NDArray[np.int8], values: Vector) -> _Terms:
    least = np.where(outcomes == MrdOutcome.QUANTIFIED, np.nan_to_num(values) * sample.cells, 0.0)
    least[outcomes == MrdOutcome.POSITIVE_NOT_QUANTIFIABLE] = sample.assay.minimum_targets_detected
    error = (sample.assay.sd_log10 * _LN10) ** 2

    def terms(outputs: Vector) -> tuple[float, Vector, Vector]:
        fractions = np.maximum(outputs, 0.0)
        log_p, slope = sample.likelihood_with_slope(outcomes, values, fractions)
        # The information of a count on ln(fraction), with a log-normal error on top; what was counted is evidence that
        # cells are to be expected, where the model has none.
        counted = sample.counted_fraction(fractions)
        cells = np.maximum(sample.cells * counted, least)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(counted > 0.0, (1.0 - sample.haemodilution) * fractions / counted, 0.0)
            weight = np.where(cells > 0.0, reach**2 / (error + 1.0 / cells), 0.0)
        return float(np.sum(log_p)), slope, weight

    return terms
