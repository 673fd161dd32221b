"""From one row of a table to one observation: CENS and LIMIT, the three outcomes of MRD, and what a number cannot mean.

CENS 0 is a value. CENS 1 says that the truth is below DV (or LLOQ where DV is missing) and above LIMIT, where there is one
(methods M3 and M4 of Beal 2001); CENS -1 that it is above DV and below LIMIT. MRD by a method that counts cells has three
outcomes: CENS 0 quantified; CENS 1 with LIMIT > 0 positive, not quantifiable, between the limits of detection (LIMIT) and
quantification (DV); CENS 1 without LIMIT not detected. A column OUTCOME says the same in words. Below the limit of
quantification alone is two of the outcomes, and is refused rather than guessed.
"""

from __future__ import annotations

import math
from typing import Final

from bitesim.assays import MrdAssay, MrdOutcome, MrdSample
from bitesim.foundation.errors import ParameterError, closest
from bitesim.foundation.table_rows import TableRow
from bitesim.inference.measurement_laws import AmountLaw, Law
from bitesim.inference.observations import AmountObserved, MrdObserved, Observed
from bitesim.inference.table_columns import MRD, OUTPUTS, UnitOfOutput

_OUTCOMES: Final = {
    **dict.fromkeys(("not detected", "not detectable", "undetectable", "nd", "negative", "neg"), MrdOutcome.NOT_DETECTED),
    **dict.fromkeys(
        ("positive, not quantifiable", "positive not quantifiable", "pnq", "<loq", "< loq"),
        MrdOutcome.POSITIVE_NOT_QUANTIFIABLE,
    ),
    **dict.fromkeys(("quantified", "quantifiable"), MrdOutcome.QUANTIFIED),
}
#: log10 of the fraction that is one cell of the body, about: nothing smaller is measured.
_SMALLEST_LOG10: Final = -9.0
#: Laboratories set their limits differently, but not by this factor.
_SAME_SCALE: Final = 30.0


class Readings:
    """The numbers of one row that say what was seen, in the output's own unit.

    Parameters
    ----------
    row : TableRow
    output : str
    unit : UnitOfOutput

    Raises
    ------
    ScenarioError
        For a number that cannot be what its unit says.
    """

    def __init__(self, row: TableRow, output: str, unit: UnitOfOutput) -> None:
        self.row, self.output, self.unit = row, output, unit
        cens = row.number_in("CENS")
        if cens not in (None, -1.0, 0.0, 1.0):
            raise row.problem("CENS", f"{cens:g} is not allowed: expected 0 a value, 1 below the limit, -1 above it")
        self.cens = int(cens or 0)
        for column in ("DV", "LIMIT", "LLOQ"):
            self._check_as_written(column)
        self.value, self.limit, self.lloq = (unit.value(row, column) for column in ("DV", "LIMIT", "LLOQ"))
        if OUTPUTS.get(output) == "-":
            for column, fraction in (("DV", self.value), ("LIMIT", self.limit), ("LLOQ", self.lloq)):
                self._check_fraction(column, fraction)

    def edge(self, of_the_method: float | None) -> float:
        """Return the limit beyond which a censored value lies."""
        both = self.cens == 1 and self.value is not None and self.lloq is not None
        if both and not math.isclose(self.value or 0.0, self.lloq or 0.0, rel_tol=1e-6):
            raise self.row.problem(
                "DV",
                f"{self.value:g} with CENS 1 is not LLOQ {self.lloq:g}: DV holds the limit, not half of it or a guess; "
                "leave it empty, or CENS 0 if it is a value",
            )
        given = self.value if self.value is not None else self.lloq if self.cens == 1 else None
        if given is None:
            given = of_the_method
        if given is None:
            raise self.row.problem("CENS", f"{self.cens} without a limit: give it in DV{' or LLOQ' * (self.cens == 1)}")
        if given <= 0.0:
            raise self.row.problem("DV", f"{given:g} with CENS {self.cens}: DV holds the limit, which is positive")
        return given

    def measured(self) -> float:
        """Return a value that is not censored."""
        row, value = self.row, self.value
        if value is None:
            raise row.problem("DV", "an observation without a value: CENS 1 for one below the limit, MDV 1 for none")
        if value <= 0.0:
            raise row.problem(
                "DV",
                f"{value:g} with CENS 0: what was not detected is CENS 1 with the limit in DV, and 0 has no logarithm",
            )
        if self.lloq is not None and value < self.lloq * (1.0 - 1e-9):
            raise row.problem("DV", f"{value:g} is below its own LLOQ {self.lloq:g}: CENS 1 with DV = LLOQ")
        if self.limit is not None and self.limit >= value:
            raise row.problem("LIMIT", f"{self.limit:g} is not below DV {value:g}")
        return value

    def _check_as_written(self, column: str) -> None:
        number = self.row.number_in(column)
        if number is None:
            return
        if self.unit.is_log:
            if OUTPUTS.get(self.output) == "-" and self.unit.name == "log10" and number < _SMALLEST_LOG10:
                raise self.row.problem(
                    column, f"{number:g} as log10 is less than one cell of a body: a natural logarithm? Say the unit 'ln'"
                )
        elif number < 0.0:
            raise self.row.problem(
                column,
                f"{number:g} is negative: a logarithm? Read as log10 it is {10.0 ** max(number, -300.0):.2g}. Say so in "
                f"UNIT, or with units={{{self.output!r}: 'log10'}} (or 'ln')",
            )

    def _check_fraction(self, column: str, fraction: float | None) -> None:
        if fraction is not None and fraction > 1.0:
            written = self.row.number_in(column)
            if self.unit.is_log:
                raise self.row.problem(column, f"{written:g} as {self.unit.name} is {fraction:.4g}, more than all cells")
            raise self.row.problem(
                column,
                f"{written:g} is no fraction: in per cent? {written:g} % is {fraction / 100.0:g}. Say so in UNIT, or with "
                f"units={{{self.output!r}: '%'}}",
            )


def observation(readings: Readings, time_days: float, law: Law) -> Observed:
    """Return what one row observed.

    Raises
    ------
    ScenarioError
        Naming the line, the column and the likely intent.
    """
    try:
        if isinstance(law, MrdAssay):
            return _counted(readings, time_days, law)
        return _amount(readings, time_days, law)
    except ParameterError as problem:
        raise readings.row.problem("DV", str(problem)) from None


def _amount(readings: Readings, time_days: float, law: AmountLaw) -> AmountObserved:
    row, cens = readings.row, readings.cens
    for column in ("NCELLS", "OUTCOME", "HAEMODILUTION"):
        if row.text(column):
            raise row.problem(
                column,
                f"{row.text(column)} belongs to MRD that was counted, and this row is an amount: it needs ASSAY, e.g. "
                f"'flow', 'PCR' or 'NGS', and no SD_LN{'' if readings.output == MRD else f'; {readings.output} is no MRD'}",
            )
    if cens == 0:
        lower = upper = readings.measured()
    elif cens == 1:
        lower, upper = max(readings.limit or 0.0, 0.0), readings.edge(law.lower)
    else:
        lower, upper = readings.edge(law.upper), math.inf if readings.limit is None else readings.limit
    if cens != 0 and not lower < upper:
        side = "below" if cens == 1 else "above"
        limit, edge = (lower, upper) if cens == 1 else (upper, lower)
        raise row.problem("LIMIT", f"{limit:g} is not {side} {edge:g}, the limit of CENS {cens}: swapped?")
    return AmountObserved(
        time_days, readings.output, lower, upper, law.sd_ln, law.own_sd_ln, assay=law.name, line=row.number
    )


def _counted(readings: Readings, time_days: float, assay: MrdAssay) -> MrdObserved:
    row = readings.row
    try:
        # A whole number that came through a table of floats.
        given = row.number_in("NCELLS")
        sample = MrdSample(assay, given, row.number_in("HAEMODILUTION") or 0.0)  # type: ignore[arg-type]
    except ParameterError as problem:
        raise row.problem("NCELLS" if "cells" in str(problem) else "HAEMODILUTION", str(problem)) from None
    if readings.lloq is not None:
        _refuse_other_scale(row, "LLOQ", readings.lloq, sample)
    outcome = _outcome(readings, sample)
    if outcome != MrdOutcome.QUANTIFIED:
        return MrdObserved(time_days, sample, outcome, line=row.number)
    value = readings.measured()
    least = (assay.minimum_targets_quantified - 0.5) / sample.cells
    if value < least:
        raise row.problem(
            "DV",
            f"{value:g} is below what {assay.name} quantifies in {sample.cells} cells, {sample.limit_of_quantification:g}: "
            f"CENS 1 with DV {sample.limit_of_quantification:g} and LIMIT {sample.limit_of_detection:g}, or check NCELLS",
        )
    return MrdObserved(time_days, sample, outcome, value, row.number)


def _refuse_other_scale(row: TableRow, column: str, limit: float, sample: MrdSample) -> None:
    """Refuse a limit of quantification that is not one of this sample, e.g. in per cent."""
    own = sample.limit_of_quantification
    if not own / _SAME_SCALE <= limit <= own * _SAME_SCALE:
        hint = f" In per cent? {limit:g} % is {limit / 100.0:g}." if limit > own else ""
        raise row.problem(
            column,
            f"{limit:g} is no limit of {sample.assay.name} of {sample.cells} cells, which quantifies from {own:g} on: check "
            f"NCELLS.{hint}",
        )


def _outcome(readings: Readings, sample: MrdSample) -> MrdOutcome:
    """Return the outcome of a count: in words where the row has them, else from CENS and LIMIT."""
    row, cens = readings.row, readings.cens
    if cens == -1:
        raise row.problem("CENS", "-1 of MRD that was counted: a count has no upper limit")
    said = row.text("OUTCOME").lower().replace("_", " ")
    if said:
        if said not in _OUTCOMES:
            raise row.problem(
                "OUTCOME", f"unknown outcome {said!r}.{closest(said, _OUTCOMES)} Known: {', '.join(_OUTCOMES)}."
            )
        outcome = _OUTCOMES[said]
        # A missing CENS contradicts no word.
        if row.text("CENS") and (outcome == MrdOutcome.QUANTIFIED) != (cens == 0):
            raise row.problem("OUTCOME", f"{said!r} with CENS {cens}: a quantified MRD is CENS 0, the others are CENS 1")
        if outcome != MrdOutcome.QUANTIFIED and cens == 0 and readings.value is not None:
            raise row.problem("DV", f"{readings.value:g} with the outcome {said!r}, which has no value")
        return outcome
    if cens == 0:
        return MrdOutcome.QUANTIFIED
    if readings.limit is not None and readings.limit > 0.0:
        edge = readings.edge(sample.limit_of_quantification)
        if readings.limit >= edge:
            raise row.problem(
                "LIMIT", f"{readings.limit:g} is not below DV: LIMIT is the limit of detection, DV of quantification"
            )
        _refuse_other_scale(row, "DV", edge, sample)
        return MrdOutcome.POSITIVE_NOT_QUANTIFIABLE
    edge, detection = readings.edge(sample.limit_of_detection), sample.limit_of_detection
    name, cells = sample.assay.name, sample.cells
    if edge > math.sqrt(detection * sample.limit_of_quantification) * (1.0 + 1e-9):
        raise row.problem(
            "DV",
            f"below {edge:g} by {name} of {cells} cells, which detects {detection:g}: not detected, or positive and not "
            "quantifiable? Say which in OUTCOME, or give LIMIT; without ASSAY it is read as any amount below DV"
            + (f". In per cent? {edge:g} % is {edge / 100.0:g}" if edge / 100.0 >= 0.5 * detection else ""),
        )
    if edge < 0.1 * detection:
        raise row.problem("DV", f"{name} of {cells} cells does not reach {edge:g}, it detects {detection:g}: check NCELLS")
    return MrdOutcome.NOT_DETECTED
