"""What an MRD laboratory reports: one of three outcomes, a value where it is quantified, and the sample's limits."""

from __future__ import annotations

import html
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from bitesim.assays.inputs import Codes, Floats

_SHOWN: Final = 10


class MrdOutcome(IntEnum):
    """The three outcomes of an MRD measurement, as in Brueggemann et al. 2010, Leukemia 24:521."""

    NOT_DETECTED = 0
    POSITIVE_NOT_QUANTIFIABLE = 1
    QUANTIFIED = 2


def written(value: float) -> str:
    """Return a fraction as a laboratory writes it: '3.1e-4'."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


@dataclass(frozen=True, eq=False)
class MrdProbabilities:
    """Probabilities of the three outcomes; arrays of the shape of the fractions, which sum to one."""

    not_detected: Floats
    positive_not_quantifiable: Floats
    quantified: Floats

    @property
    def detected(self) -> Floats:
        """Probability of a positive result, quantifiable or not."""
        return np.asarray(self.positive_not_quantifiable + self.quantified)


@dataclass(frozen=True, eq=False)
class MrdResults:
    """Results of one assay on samples with the same limits.

    Parameters
    ----------
    assay : str
        Name of the assay.
    outcomes : ndarray of int8
        `MrdOutcome` of each sample.
    values : ndarray
        Target cells per cell analysed where the outcome is QUANTIFIED, nan elsewhere.
    cells_analysed : int
        Cells analysed in each sample.
    limit_of_detection, limit_of_quantification : float
        Fractions of the cells analysed.
    """

    assay: str
    outcomes: Codes
    values: Floats
    cells_analysed: int
    limit_of_detection: float
    limit_of_quantification: float

    @property
    def texts(self) -> list[str]:
        """Each result as a laboratory writes it, in the order of the flattened arrays."""
        return [self._text(int(code), value) for code, value in zip(self.outcomes.flat, self.values.flat, strict=True)]

    def counts(self) -> dict[str, int]:
        """Return outcome -> number of samples."""
        return {member.name.lower(): int(np.sum(self.outcomes == member)) for member in MrdOutcome}

    def _text(self, code: int, value: float) -> str:
        if code == MrdOutcome.NOT_DETECTED:
            return f"not detected (< {written(self.limit_of_detection)})"
        if code == MrdOutcome.POSITIVE_NOT_QUANTIFIABLE:
            return f"positive, not quantifiable (< {written(self.limit_of_quantification)})"
        return written(value)

    def _title(self) -> str:
        size = self.outcomes.size
        plural = "" if size == 1 else "s"
        return f"{self.assay}: {size} sample{plural}, {self.cells_analysed} cells each, MRD as fraction of cells"

    def __len__(self) -> int:
        return self.outcomes.size

    def __repr__(self) -> str:
        texts = self.texts
        lines = [f"  {text}" for text in texts[:_SHOWN]]
        if len(texts) > _SHOWN:
            tally = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in self.counts().items())
            lines.append(f"  ... {len(texts) - _SHOWN} more; in all {tally}")
        return "\n".join([self._title(), *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{position}</td><td>{html.escape(text)}</td></tr>" for position, text in enumerate(self.texts[:_SHOWN])
        )
        tally = "".join(
            f"<tr><td>{name.replace('_', ' ')}</td><td>{number}</td></tr>" for name, number in self.counts().items()
        )
        return (
            f"<table><caption>{html.escape(self._title())}</caption><tr><th>outcome</th><th>samples</th></tr>{tally}"
            f"<tr><th>sample</th><th>result</th></tr>{rows}</table>"
        )
