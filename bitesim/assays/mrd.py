"""Minimal residual disease as a measurement: from the true marrow fraction to what the laboratory reports, and back.

Sampling and likelihood follow from the same law of counts (`bitesim.assays.mrd_counts`) and the same two thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitesim.assays.draws import luck as luck_of
from bitesim.assays.inputs import (
    FRACTION_HINT,
    Codes,
    Floats,
    cell_number,
    check_shapes,
    checked_fraction,
    outcome_codes,
    values_of_outcomes,
)
from bitesim.assays.mrd_counts import LARGEST_FRACTION, draw_counts, log_probability, log_probability_of_range
from bitesim.assays.mrd_methods import MrdAssay
from bitesim.assays.mrd_results import MrdOutcome, MrdProbabilities, MrdResults, written
from bitesim.foundation.checks import shown
from bitesim.foundation.errors import ParameterError


@dataclass(frozen=True)
class MrdSample:
    """One aspirate as an assay met it: its cells decide its limits.

    With a haemodilution h, marrow fraction m, blood fraction b and background g, the tube holds the fraction
    f = (1 - h) m + h b of targets, and f + (1 - f) g is counted.

    Parameters
    ----------
    assay : MrdAssay
    cells_analysed : int, optional
        Default: the assay's nominal number.
    haemodilution : float, default 0
        Share of the aspirate's cells that come from blood, 0 to 1.

    Raises
    ------
    ParameterError
        For values outside their range; fewer cells than the target cells needed to quantify.
    """

    assay: MrdAssay
    cells_analysed: int | None = None
    haemodilution: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.assay, MrdAssay):
            raise ParameterError(
                f"assay = {shown(self.assay)} is not an MrdAssay: expected e.g. MULTICOLOUR_FLOW, RQ_PCR, NGS."
            )
        given = self.assay.cells_analysed if self.cells_analysed is None else self.cells_analysed
        object.__setattr__(self, "cells_analysed", cell_number("cells_analysed", given))
        if self.cells < self.assay.minimum_targets_quantified:
            raise ParameterError(
                f"cells_analysed = {self.cells} are fewer than the {self.assay.minimum_targets_quantified} target cells "
                f"that {self.assay.name} needs to quantify: give all cells analysed, not the targets."
            )
        haemodilution = checked_fraction("haemodilution", self.haemodilution)
        if haemodilution.ndim:
            raise ParameterError(
                f"haemodilution has the shape {haemodilution.shape}: expected one number, one MrdSample each."
            )
        object.__setattr__(self, "haemodilution", float(haemodilution))

    @property
    def cells(self) -> int:
        """Cells analysed in this sample."""
        assert self.cells_analysed is not None
        return self.cells_analysed

    @property
    def limit_of_detection(self) -> float:
        """Fraction of the cells analysed that is the fewest target cells of a positive sample."""
        return self.assay.minimum_targets_detected / self.cells

    @property
    def limit_of_quantification(self) -> float:
        """Fraction of the cells analysed that is the fewest target cells of a value."""
        return self.assay.minimum_targets_quantified / self.cells

    def counted_fraction(self, mrd_fraction: Any, blood_blast_fraction: Any = 0.0) -> Floats:
        """Return the expected fraction counted as target, after haemodilution and with background.

        Parameters
        ----------
        mrd_fraction : float or ndarray
            True fraction of leukaemic cells among the marrow's nucleated cells, 0 to 1.
        blood_blast_fraction : float or ndarray, default 0
            The same in blood; broadcasts against `mrd_fraction`.
        """
        return self._counted(mrd_fraction, blood_blast_fraction)[0]

    def probabilities(self, mrd_fraction: Any, blood_blast_fraction: Any = 0.0) -> MrdProbabilities:
        """Return the probabilities of the three outcomes.

        Parameters
        ----------
        mrd_fraction, blood_blast_fraction : float or ndarray
            As in `counted_fraction`.

        Returns
        -------
        MrdProbabilities
            Arrays of the broadcast shape. The quantified part is what the other two leave: its error is 1e-11, absolute.
        """
        counted, _ = self._counted(mrd_fraction, blood_blast_fraction)
        not_detected = np.exp(self._range(MrdOutcome.NOT_DETECTED, counted)[0])
        positive = np.exp(self._range(MrdOutcome.POSITIVE_NOT_QUANTIFIABLE, counted)[0])
        return MrdProbabilities(not_detected, positive, np.maximum(0.0, 1.0 - not_detected - positive))

    def sample(self, mrd_fraction: Any, luck: Any, blood_blast_fraction: Any = 0.0) -> MrdResults:
        """Return what the laboratory reports for a true fraction.

        Parameters
        ----------
        mrd_fraction, blood_blast_fraction : float or ndarray
            As in `counted_fraction`.
        luck : DrawKey or ndarray, shape (..., 2)
            A key of (seed, patients, visits), or two uniform numbers per measurement: the first decides the measurement
            error, the second the count. The result depends on nothing else.

        Returns
        -------
        MrdResults
            Of the broadcast shape of fractions and luck.

        Raises
        ------
        ParameterError
            For a fraction outside 0 to 1 or unusable luck.
        """
        counted, _ = self._counted(mrd_fraction, blood_blast_fraction)
        uniforms = luck_of(self.assay.name, luck, 2)
        check_shapes(mrd_fraction=counted, luck=uniforms[..., 0])
        counts = draw_counts(counted, self.cells, self.assay.sd_log10, uniforms)
        outcomes = np.full(counts.shape, MrdOutcome.NOT_DETECTED, dtype=np.int8)
        outcomes[counts >= self.assay.minimum_targets_detected] = MrdOutcome.POSITIVE_NOT_QUANTIFIABLE
        quantified = counts >= self.assay.minimum_targets_quantified
        outcomes[quantified] = MrdOutcome.QUANTIFIED
        values = np.where(quantified, counts / self.cells, np.nan)
        limits = self.limit_of_detection, self.limit_of_quantification
        return MrdResults(self.assay.name, outcomes, values, self.cells, *limits)

    def log_likelihood(self, outcome: Any, value: Any, mrd_fraction: Any, blood_blast_fraction: Any = 0.0) -> Floats:
        """Return ln of the probability of a report, given the true fraction.

        Parameters
        ----------
        outcome : MrdOutcome, its name, or an array of them
        value : float, ndarray or None
            The value reported where quantified: read as the nearest whole count of target cells. None or nan elsewhere.
        mrd_fraction, blood_blast_fraction : float or ndarray
            As in `counted_fraction`.

        Returns
        -------
        ndarray
            Of the broadcast shape. Finite for every fraction above 0; at 0 without background 'not detected' is certain (0)
            and a positive impossible (-inf).

        Raises
        ------
        ParameterError
            For a value below the limit of quantification or above 1, a quantified outcome without a value, a value with
            another outcome.
        """
        return self._likelihood(outcome, value, mrd_fraction, blood_blast_fraction)[0]

    def log_likelihood_slope(self, outcome: Any, value: Any, mrd_fraction: Any, blood_blast_fraction: Any = 0.0) -> Floats:
        """Return the derivative of `log_likelihood` with respect to ln(mrd_fraction).

        At a fraction of 0 it is the limit from above: 0 for a report that is possible there; for a positive without
        background, the number of target cells that the outcome needs at least.
        """
        return self._likelihood(outcome, value, mrd_fraction, blood_blast_fraction)[1]

    def likelihood_with_slope(
        self, outcome: Any, value: Any, mrd_fraction: Any, blood_blast_fraction: Any = 0.0
    ) -> tuple[Floats, Floats]:
        """Return `log_likelihood` and `log_likelihood_slope` in one pass, which takes half of the time of both."""
        return self._likelihood(outcome, value, mrd_fraction, blood_blast_fraction)

    def _counted(self, mrd_fraction: Any, blood_blast_fraction: Any) -> tuple[Floats, Floats]:
        """Return the counted fraction, and the derivative of its logit with respect to ln(mrd_fraction)."""
        marrow = checked_fraction("mrd_fraction", mrd_fraction)
        blood = checked_fraction("blood_blast_fraction", blood_blast_fraction)
        check_shapes(mrd_fraction=marrow, blood_blast_fraction=blood)
        from_marrow = (1.0 - self.haemodilution) * marrow
        tube = from_marrow + self.haemodilution * blood
        counted = np.asarray(tube + (1.0 - tube) * self.assay.background_per_cell)
        change = from_marrow * (1.0 - self.assay.background_per_cell)
        # Above the largest fraction the law no longer changes.
        inside = (counted > 0.0) & (counted < LARGEST_FRACTION)
        slope = np.where(inside, change / np.where(inside, counted * (1.0 - counted), 1.0), 0.0)
        return counted, slope

    def _range(self, outcome: MrdOutcome, counted: Floats) -> tuple[Floats, Floats]:
        detected, quantified = self.assay.minimum_targets_detected, self.assay.minimum_targets_quantified
        first, last = (0, detected) if outcome == MrdOutcome.NOT_DETECTED else (detected, quantified)
        if first == last:
            return np.full(counted.shape, -np.inf), np.zeros(counted.shape)
        return log_probability_of_range(first, last, counted, self.cells, self.assay.sd_log10)

    def _likelihood(self, outcome: Any, value: Any, mrd_fraction: Any, blood_blast_fraction: Any) -> tuple[Floats, Floats]:
        codes, counts = self._counts(outcome, value)
        counted, chain = self._counted(mrd_fraction, blood_blast_fraction)
        check_shapes(outcome=codes, mrd_fraction=counted)
        codes, counts, counted, chain = np.broadcast_arrays(codes, counts, counted, chain)
        log_p, slope = np.empty(counted.shape), np.empty(counted.shape)
        for each in (MrdOutcome.NOT_DETECTED, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE):
            rows = codes == each
            if rows.any():
                log_p[rows], slope[rows] = self._range(each, counted[rows])
        rows = codes == MrdOutcome.QUANTIFIED
        log_p[rows], slope[rows] = log_probability(counts[rows], counted[rows], self.cells, self.assay.sd_log10)
        needed = np.where(codes == MrdOutcome.NOT_DETECTED, 0, self.assay.minimum_targets_detected)
        # Next to an impossible fraction of 0, the probability of K targets grows with its K-th power.
        at_zero = np.where(rows, counts, needed) * (self.haemodilution < 1.0)
        with np.errstate(invalid="ignore"):
            slope = np.where(counted == 0.0, at_zero, slope * chain)
        return log_p[()], slope[()]

    def _counts(self, outcome: Any, value: Any) -> tuple[Codes, Floats]:
        """Return outcomes and the counts behind the values reported, 0 where none is."""
        hint = f"{FRACTION_HINT} A positive below {written(self.limit_of_quantification)} has no value here."
        # A value is rounded to the nearest count, which may lie half a cell higher.
        allowed = ((self.assay.minimum_targets_quantified - 0.5) / self.cells, 1.0)
        codes = outcome_codes(MrdOutcome, outcome)
        codes, values = values_of_outcomes(codes, MrdOutcome.QUANTIFIED, value, "-", allowed, hint)
        quantified = codes == MrdOutcome.QUANTIFIED
        counts = np.maximum(np.rint(values * self.cells), self.assay.minimum_targets_quantified)
        return codes, np.where(quantified, counts, 0.0)
