"""Regimens as people write them: '9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off, x2'."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from bitesim.foundation.checks import shown
from bitesim.foundation.errors import ScenarioError
from bitesim.treatment.dose import DoseRate
from bitesim.treatment.regimen import LONGEST_DAYS, BagPlan, Cycle, DoseStep, Regimen

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXAMPLE: Final = "write e.g. '15 ug/m2/day for 28 d, 14 d off, x2'"
_MOST_CYCLES: Final = 1000
_LONGEST_TEXT: Final = 10_000
_DAYS_PER_UNIT: Final = {
    "d": Fraction(1),
    "day": Fraction(1),
    "h": Fraction(1, 24),
    "hour": Fraction(1, 24),
    "wk": Fraction(7),
    "week": Fraction(7),
}
_PLAIN_NUMBER: Final = r"\d+(?:\.\d*)?|\.\d+"
_DURATION: Final = re.compile(rf"({_PLAIN_NUMBER})\s*([a-z]+)")
_BAGS: Final = re.compile(rf"\s+in\s+({_PLAIN_NUMBER})\s*(h|d)\s+bags\s*$", re.IGNORECASE)
_GAPS: Final = re.compile(rf"\s+with\s+({_PLAIN_NUMBER})\s*min\s+gaps\s*$", re.IGNORECASE)


def parse_regimen(text: str) -> Regimen:
    """Return the regimen that `text` spells; see `Regimen.parse`."""
    if not isinstance(text, str):
        raise ScenarioError(f"regimen = {shown(text)} is not text: {_EXAMPLE}")
    if not text.strip():
        raise ScenarioError(f"regimen is empty: {_EXAMPLE}, or 'no drug'")
    if len(text) > _LONGEST_TEXT:
        raise ScenarioError(f"regimen has {len(text)} characters: at most {_LONGEST_TEXT} are read")
    if text.strip().lower() == "no drug":
        return Regimen.none()
    plan, gap_minutes = _taken(text, _GAPS)
    plan, bag = _taken(plan, _BAGS)
    if gap_minutes and not bag:
        raise ScenarioError(f"regimen {shown(text)} has gaps without bags: write '... in 48 h bags with 4 min gaps'")
    cycles: list[Cycle] = []
    for block in plan.split(";"):
        cycles += _block(block)
    if len(cycles) > _MOST_CYCLES:
        raise ScenarioError(f"regimen has {len(cycles)} cycles: at most {_MOST_CYCLES} are allowed")
    bags = None
    if bag:
        hours = float(bag[0]) * (24.0 if bag[1].lower() == "d" else 1.0)
        bags = BagPlan(hours, float(gap_minutes[0]) if gap_minutes else 0.0)
    regimen = Regimen(tuple(cycles), bags)
    if regimen.days > LONGEST_DAYS:
        raise ScenarioError(f"regimen lasts {regimen.days:g} days: at most {LONGEST_DAYS:g} (100 years) are allowed")
    return regimen


def _taken(text: str, pattern: re.Pattern[str]) -> tuple[str, tuple[str, ...]]:
    """Return `text` without the phrase at its end that matches `pattern`, and the phrase's parts."""
    match = pattern.search(text)
    return (text[: match.start()], match.groups()) if match else (text, ())


def _block(block: str) -> list[Cycle]:
    """Return the cycles of one block: phrases separated by commas, the last may be a repeat."""
    phrases = [phrase.strip() for phrase in block.split(",")]
    repeats = 1
    if re.fullmatch(r"[x*×].*", phrases[-1], re.IGNORECASE):
        repeats = _repeat(phrases.pop())
    cycles: list[Cycle] = []
    steps: list[DoseStep] = []
    for phrase in phrases:
        if not phrase:
            raise ScenarioError(f"regimen has an empty phrase in {shown(block)}: {_EXAMPLE}")
        if phrase.lower().endswith("off"):
            cycles.append(Cycle(tuple(steps), _days(phrase[:-3], phrase)))
            steps = []
        else:
            steps.append(_step(phrase))
    if steps:
        cycles.append(Cycle(tuple(steps)))
    if repeats * len(cycles) > _MOST_CYCLES:
        raise ScenarioError(f"{repeats} repeats of {shown(block)} are too many: at most {_MOST_CYCLES} cycles are allowed")
    return cycles * repeats


def _repeat(phrase: str) -> int:
    digits = phrase[1:].strip()
    if not re.fullmatch(r"[0-9]{1,6}", digits) or int(digits) < 1:
        raise ScenarioError(
            f"repeat {phrase!r} is not allowed: expected x1, x2, ... (whole cycles, at least one). "
            "To give part of a cycle write its days, to give none leave the block out."
        )
    return int(digits)


def _step(phrase: str) -> DoseStep:
    parts = re.split(r"\s+for\s+", phrase, flags=re.IGNORECASE)
    if len(parts) != 2:
        raise ScenarioError(f"phrase {phrase!r} is neither '<dose> for <days> d' nor '<days> d off': {_EXAMPLE}")
    return DoseStep(DoseRate.parse(parts[0]), _days(parts[1], phrase))


def _days(text: str, phrase: str) -> float:
    match = _DURATION.fullmatch(text.strip().lower())
    unit = match[2].rstrip("s") if match else ""
    if match is None or unit not in _DAYS_PER_UNIT:
        raise ScenarioError(
            f"duration {text.strip()!r} in {phrase!r} is not allowed: expected a positive number and d, h or wk, e.g. '28 d'"
        )
    digits = Fraction(match[1].rstrip(".") if match[1].endswith(".") else match[1])
    if digits > Fraction(10**9):
        raise ScenarioError(f"duration {text.strip()!r} in {phrase!r} is too long: at most {LONGEST_DAYS:g} days")
    return float(digits * _DAYS_PER_UNIT[unit])


def bag_hours(text: str) -> float:
    """Return the hours of a bag written as '48 h', '2 d' or '7 days'."""
    match = _DURATION.fullmatch(text.strip().lower())
    unit = match[2].rstrip("s") if match else ""
    if match is None or unit not in _DAYS_PER_UNIT:
        raise ScenarioError(f"bag of {text!r} is not allowed: expected 24, 48, 72, 96 or 168 h, e.g. '48 h' or '7 d'")
    return float(Fraction(match[1].rstrip(".")) * _DAYS_PER_UNIT[unit] * 24)


def regimen_text(regimen: Regimen) -> str:
    """Return the text that `parse_regimen` reads back to the same cycles and bags."""
    if not regimen.cycles:
        return "no drug"
    blocks: list[tuple[Cycle, int]] = []
    for cycle in regimen.cycles:
        if blocks and blocks[-1][0] == cycle:
            blocks[-1] = (cycle, blocks[-1][1] + 1)
        else:
            blocks.append((cycle, 1))
    text = "; ".join(_block_text(cycle, count) for cycle, count in blocks)
    if regimen.bags:
        text += f" in {regimen.bags.hours:g} h bags"
        if regimen.bags.change_gap_minutes:
            text += f" with {_digits(regimen.bags.change_gap_minutes)} min gaps"
    return text


def _block_text(cycle: Cycle, count: int) -> str:
    phrases: Iterable[str] = [f"{step.rate} for {_digits(step.days)} d" for step in cycle.steps]
    phrases = [*phrases, *([f"{_digits(cycle.days_off)} d off"] if cycle.days_off or not cycle.steps else [])]
    return ", ".join([*phrases, *([f"x{count}"] if count > 1 else [])])


def _digits(value: float) -> str:
    """Return every digit of `value` without an exponent, as the grammar reads it."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")
