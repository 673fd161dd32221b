"""Schedules of exposure in a dish as people write them: '7 d on, 7 d off, x2'."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError

#: Stretches of (days, stimulus): 1 is full exposure, 0 a break.
Stretches = tuple[tuple[float, float], ...]
#: As text or as pairs of (days, stimulus).
Schedule = str | Sequence[tuple[float, float]]

_EXAMPLE: Final = "write e.g. '7 d on, 7 d off, x2', or '14 d at 0.5' for half the stimulus"
_STRETCH: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)\s+(?:(on|off)|at\s+(\d+(?:\.\d*)?|\.\d+))")
_DAYS_PER_UNIT: Final = {
    "d": Fraction(1),
    "day": Fraction(1),
    "h": Fraction(1, 24),
    "hour": Fraction(1, 24),
    "wk": Fraction(7),
    "week": Fraction(7),
}
_MOST_STRETCHES: Final = 200
_LONGEST_DAYS: Final = 365.0


def stretches(name: str, schedule: Schedule) -> Stretches:
    """Return a schedule as stretches that last; neighbours of one stimulus are joined.

    Parameters
    ----------
    name : str
        Of the schedule, for errors.
    schedule : str or sequence of (days, stimulus)

    Raises
    ------
    ParameterError
        For text that is no schedule, a stimulus outside 0 to 1, or more than 365 days or 200 stretches.
    """
    found = _parsed(schedule) if isinstance(schedule, str) else _pairs(name, schedule)
    joined: list[tuple[float, float]] = []
    for days, stimulus in found:
        if days == 0.0:
            continue
        if joined and joined[-1][1] == stimulus:
            joined[-1] = (joined[-1][0] + days, stimulus)
        else:
            joined.append((days, stimulus))
    if not joined:
        raise ParameterError(f"schedule {shown(name)} lasts no time: {_EXAMPLE}")
    if len(joined) > _MOST_STRETCHES:
        raise ParameterError(f"schedule {shown(name)} has {len(joined)} stretches: at most {_MOST_STRETCHES} are allowed")
    total = sum(days for days, _ in joined)
    number(f"days of schedule {shown(name)}", total, "d", (0.0, _LONGEST_DAYS), "A dish of months is none.")
    return tuple(joined)


def named_schedules(schedules: Schedule | Sequence[str] | Mapping[str, Schedule]) -> dict[str, Stretches]:
    """Return name -> stretches: a text is its own name, pairs need one.

    Raises
    ------
    ParameterError
        For what is neither text, texts nor names with schedules.
    """
    if isinstance(schedules, str):
        schedules = [schedules]
    if isinstance(schedules, Mapping):
        return {str(name): stretches(str(name), each) for name, each in schedules.items()}
    if not isinstance(schedules, Sequence) or not all(isinstance(each, str) for each in schedules):
        raise ParameterError(
            f"schedules = {shown(schedules)} are not texts: {_EXAMPLE}, or name them: {{'mine': [(7, 1), (7, 0)]}}"
        )
    return {str(each): stretches(str(each), str(each)) for each in schedules}


def text_of(found: Stretches) -> str:
    """Return stretches as text that `stretches` reads back."""
    words = {1.0: "on", 0.0: "off"}
    return ", ".join(f"{days:g} d {words.get(stimulus, f'at {stimulus:g}')}" for days, stimulus in found)


def _parsed(text: str) -> list[tuple[float, float]]:
    phrases = [phrase.strip().lower() for phrase in text.split(",")]
    repeats = 1
    if len(phrases) > 1 and re.fullmatch(r"[x×]\s*[1-9][0-9]{0,2}", phrases[-1]):
        repeats = int(phrases.pop()[1:])
    return [_stretch(phrase, text) for phrase in phrases] * repeats


def _stretch(phrase: str, text: str) -> tuple[float, float]:
    match = _STRETCH.fullmatch(phrase)
    unit = match[2].rstrip("s") if match else ""
    if match is None or unit not in _DAYS_PER_UNIT:
        raise ParameterError(
            f"phrase {phrase!r} of schedule {shown(text)} is no stretch in days (d), hours (h) or weeks (wk): {_EXAMPLE}"
        )
    stimulus = {"on": 1.0, "off": 0.0}.get(match[3] or "", float(match[4] or 0.0))
    return _checked(float(Fraction(match[1].rstrip(".")) * _DAYS_PER_UNIT[unit]), stimulus, text)


def _pairs(name: str, schedule: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    try:
        pairs = [(days, stimulus) for days, stimulus in schedule]
    except (TypeError, ValueError):
        raise ParameterError(
            f"schedule {shown(name)} = {shown(schedule)} is no list of (days, stimulus), e.g. [(7, 1), (7, 0)]"
        ) from None
    return [_checked(days, stimulus, name) for days, stimulus in pairs]


def _checked(days: float, stimulus: float, name: str) -> tuple[float, float]:
    return (
        number(f"days in schedule {shown(name)}", days, "d", (0.0, _LONGEST_DAYS), "672 h are 28 d: give days."),
        number(f"stimulus in schedule {shown(name)}", stimulus, "-", (0.0, 1.0), "1 is full exposure, 0 a break: no level."),
    )
