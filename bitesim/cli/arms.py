"""Arms of a cohort as they are written on the command line: a name, a regimen or the label's, blocks of chemotherapy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.cli.simulate import as_number
from bitesim.foundation.errors import ParameterError
from bitesim.population import Patient, VirtualPopulation
from bitesim.population.clinical_cohort import stream_clinical_cohort
from bitesim.population.clinical_result import ClinicalResult
from bitesim.treatment import Regimen
from bitesim.treatment.label import FIXED_DOSE_FROM_KG

_BLOCKS: Final = re.compile(r"\s*\+\s*chemotherapy\b", re.IGNORECASE)
_SIZES: Final = ("weight_kg", "bsa_m2")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Arm:
    """What one arm gets.

    Parameters
    ----------
    name : str
        Also of its files; empty for the only arm.
    regimens : tuple of Regimen
        One for all; or, by the label, of those below 45 kg and of the others.
    """

    name: str
    regimens: tuple[Regimen, ...]

    def __str__(self) -> str:
        if len(self.regimens) == 1:
            return str(self.regimens[0])
        light, heavy = self.regimens
        return f"by the label; below {FIXED_DOSE_FROM_KG:g} kg {light}; from {FIXED_DOSE_FROM_KG:g} kg on {heavy}"


def arm_of(name: str, text: str, blocks: Sequence[tuple[float, float]], population: VirtualPopulation) -> Arm:
    """Return an arm from its text: 'label', 'none' or a regimen, and '+ chemotherapy 0,35:0.5' behind it.

    Parameters
    ----------
    name, text : str
    blocks : sequence of (float, float)
        Day and number of further blocks of chemotherapy.
    population : VirtualPopulation
        The label's dexamethasone below 45 kg is that of their median body.

    Raises
    ------
    ParameterError, ScenarioError
        For text that cannot be read.
    """
    if name and not _NAME.fullmatch(name):
        raise ParameterError(f"arm name {name!r} names files too: use letters, digits, '-', '_' and '.'")
    drug, *given = _BLOCKS.split(text)
    all_blocks = [*blocks, *(block for each in given for block in blocks_of(f"arm {name or text!r}", each))]
    return Arm(name, tuple(_with_blocks(each, all_blocks) for each in _regimens(drug.strip(), population)))


def blocks_of(option: str, text: str) -> list[tuple[float, float]]:
    """Return (day, blocks) of text such as '0,35:0.5': a block is full unless said otherwise."""
    found = []
    for each in text.split(","):
        day, separator, blocks = each.strip().partition(":")
        found.append((as_number(option, day), as_number(option, blocks) if separator else 1.0))
    return found


def _with_blocks(regimen: Regimen, blocks: Sequence[tuple[float, float]]) -> Regimen:
    for day, amount in sorted(blocks):
        regimen = regimen.with_chemotherapy(day, amount)
    return regimen


def _regimens(text: str, population: VirtualPopulation) -> tuple[Regimen, ...]:
    if text == "none":
        return (Regimen.none(),)
    if text != "label":
        return (Regimen.parse(text),)
    first, _ = population.patient(0)
    weight, bsa = (np.broadcast_to(population.columns.get(each, getattr(first, each)), len(population)) for each in _SIZES)
    light = weight < FIXED_DOSE_FROM_KG
    child = Patient(weight_kg=30.0, bsa_m2=float(np.median(bsa[light])) if np.any(light) else 1.0, age_years=9.0)
    return Regimen.label(child), Regimen.label(Patient())


def stream_arm(population: VirtualPopulation, arm: Arm, chunk: int, options: Mapping[str, Any]) -> Iterator[ClinicalResult]:
    """Yield an arm's patients in order, chunk by chunk; each is treated by the label where the arm is."""
    if len(arm.regimens) == 1:
        yield from stream_clinical_cohort(population, arm.regimens[0], chunk=chunk, **options)
        return
    first, _ = population.patient(0)
    weight = np.broadcast_to(population.columns.get("weight_kg", first.weight_kg), len(population))
    for start in range(0, len(population), chunk):
        rows = np.arange(start, min(start + chunk, len(population)))
        heavy = weight[rows] >= FIXED_DOSE_FROM_KG
        groups = [(regimen, rows[heavy == kind]) for kind, regimen in zip((False, True), arm.regimens, strict=True)]
        parts = [
            (next(stream_clinical_cohort(population.subset(who), regimen, chunk=len(who), **options)), who)
            for regimen, who in groups
            if len(who)
        ]
        yield _in_order(parts)


def _in_order(parts: Sequence[tuple[ClinicalResult, NDArray[np.int64]]]) -> ClinicalResult:
    """Return results of groups of patients as one, by their rows; failures are named by them."""
    rows = np.concatenate([who for _, who in parts])
    order = np.argsort(rows)
    whole = ClinicalResult.joined([result for result, _ in parts])
    failures = [replace(each, patient=int(who[each.patient])) for result, who in parts for each in result.failures]
    # The larger group's text stands for both.
    regimen = max(parts, key=lambda part: len(part[1]))[0].regimen
    return replace(
        whole,
        regimen=f"{regimen}; by weight",
        numbers=whole.numbers[order],
        columns={name: values[order] for name, values in whole.columns.items()},
        failed=whole.failed[order],
        failures=tuple(sorted(failures, key=lambda each: each.patient)),
        courses={name: values[order] for name, values in whole.courses.items()},
    )
