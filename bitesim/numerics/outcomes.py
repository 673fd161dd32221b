"""What a solver kernel returns: an integer outcome, and the sentence with advice that a user reads for each."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Outcome(IntEnum):
    """Outcome codes of a run; kernels return the integer."""

    OK = 0
    TOO_MANY_STEPS = 1
    STEP_TOO_SMALL = 2
    NOT_FINITE = 3
    NEGATIVE_RATE = 4


#: What happened and what to try, for each outcome.
ADVICE: Final = MappingProxyType(
    {
        Outcome.OK: "the run reached its end",
        Outcome.TOO_MANY_STEPS: (
            "the step limit was reached: loosen rtol, raise max_steps=, or look for a parameter that makes a rate extreme"
        ),
        Outcome.STEP_TOO_SMALL: (
            "the step size fell below what the clock resolves: the equations blow up or are discontinuous there; "
            "check the parameters that differ from their defaults"
        ),
        Outcome.NOT_FINITE: (
            "the starting values or the rates are not finite: check the initial state, the doses and the parameters "
            "(a division by a zero volume?)"
        ),
        Outcome.NEGATIVE_RATE: (
            "a process had a negative rate, and nothing happens less than never: write what goes both ways as two "
            "processes, each with a rate of at least 0"
        ),
    }
)
