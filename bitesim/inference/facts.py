"""The facts that the model is calibrated to: published numbers of groups of patients, with their intervals and weights.

They stand in ``facts.csv`` beside this module, which was fixed before anything was calibrated. An interval follows from the
rule that its row names: that of Wilson for k of n patients, mean +- 1.96 SD / sqrt(n), a bootstrap of the measurements
that ship with `bitesim.datasets`, or as published. Facts that follow from others are shown and do not count.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.inference.grouped_evidence import GroupedEvidence

_FILE: Final = "facts.csv"
#: Facts of patients who became MRD-negative in one course.
CONVERSIONS: Final = (
    "mrd_conversion_blast",
    "mrd_conversion_mt103_202",
    "mrd_conversion_children",
    "mrd_conversion_chemotherapy",
)


@dataclass(frozen=True)
class Fact:
    """One published number.

    Parameters
    ----------
    id, section, quantity, unit : str
    evidence : GroupedEvidence
    rule : str
        How its interval was made.
    weight : float
        Of its log-likelihood in the calibration.
    counted : bool
        Whether it counts in the share of facts that are met.
    source, note : str
    """

    id: str
    section: str
    quantity: str
    unit: str
    evidence: GroupedEvidence
    rule: str
    weight: float
    counted: bool
    source: str
    note: str


@cache
def facts() -> tuple[Fact, ...]:
    """Return all facts, in the order of the file."""
    text = files("bitesim.inference").joinpath(_FILE).read_text(encoding="utf-8")
    return tuple(_fact(row) for row in csv.DictReader(text.splitlines()))


def fact(name: str) -> Fact:
    """Return one fact by its id; an unknown one is answered with the closest."""
    found = {each.id: each for each in facts()}
    if name not in found:
        raise unknown_name("fact", name, found)
    return found[name]


def facts_digest() -> str:
    """Return the SHA-256 of the file of facts."""
    return hashlib.sha256(files("bitesim.inference").joinpath(_FILE).read_bytes()).hexdigest()


def _fact(row: dict[str, str]) -> Fact:
    numbers = [float(row[name]) for name in ("published", "low", "high")]
    counts = [int(row[name] or 0) for name in ("k", "n")]
    try:
        # A share is stored to four digits: its own k of n is exact.
        if row["kind"] == "proportion":
            numbers[0] = counts[0] / counts[1]
        evidence = GroupedEvidence(row["kind"], *numbers, *counts)  # type: ignore[arg-type]
    except ParameterError as problem:
        raise ParameterError(f"fact {row['id']}: {problem}") from None
    return Fact(
        id=row["id"],
        section=row["section"],
        quantity=row["quantity"],
        unit=row["unit"],
        evidence=evidence,
        rule=row["rule"],
        weight=float(row["weight"]),
        counted=row["counted"] == "yes",
        source=row["source"],
        note=row["note"],
    )
