"""T cells under a bispecific for weeks, with or without breaks: how much they lyse afterwards (Philipp et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.dish.schedules import Schedule, Stretches, named_schedules, text_of
from bitesim.dish.table import DishTable
from bitesim.foundation.checks import shown
from bitesim.foundation.errors import ParameterError
from bitesim.leukaemia.catalogue import CATALOGUE
from bitesim.leukaemia.exhaustion_experiment import PHILIPP_2022, competence_course, lysis_from
from bitesim.parameters import ParameterSet

SOURCE: Final = "Philipp et al. 2022, Blood 140:1104"
#: Published schedules as stretches -> lysis [-].
_PUBLISHED: Final[dict[Stretches, float]] = {
    tuple((days, stimulus) for days, stimulus in ((exposed, 1.0), (free, 0.0)) if days > 0.0): lysis
    for (exposed, free), lysis in PHILIPP_2022.items()
}
_UNITS: Final = {
    "schedule": "",
    "days": "d",
    "exposed_days": "d",
    "free_days": "d",
    "competence": "-",
    "lysis": "-",
    "published_lysis": "-",
    "off_by": "-",
}
_GUESSED: Final = "No published schedule has a stimulus between 0 and 1: what it does is the model's guess."
#: Days of every stretch on which the courses are known.
POINTS: Final = 60


@dataclass(frozen=True, eq=False, repr=False)
class ExhaustionExperiment(DishTable):
    """Lysis after each schedule, beside the published figures where there are any.

    Columns: `schedule`, `days` (its length) with `exposed_days` (at any stimulus) and `free_days`; `competence`, what a T
    cell can lyse relative to a fresh one; `lysis` of fresh targets added at the end; `published_lysis`; `off_by`, their
    difference. Shares are fractions, printed as percent.

    Parameters
    ----------
    schedules : mapping
        Name -> stretches of (days, stimulus).
    courses : mapping
        Name -> (days, lysis [-] if the targets were added then): day 0 and 60 days of every stretch.
    """

    schedules: Mapping[str, Stretches]
    courses: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    def plot(self, ax: Any = None) -> Any:
        """Draw lysis by the day on which targets are added, breaks dotted, published figures as points; return the Axes."""
        return self.drawn(ax)


def exhaustion_experiment(
    schedules: Schedule | Sequence[str] | Mapping[str, Schedule] = (), parameters: ParameterSet | None = None
) -> ExhaustionExperiment:
    """Return the lysis after the published schedules, and after your own beside them.

    Parameters
    ----------
    schedules : str, sequence of str, or mapping
        As text, '7 d on, 7 d off, x2' or '14 d at 0.5', or name -> text or pairs of (days, stimulus). A stimulus of 1 is
        full exposure, 0 a break; it is no drug level.
    parameters : ParameterSet, optional
        Of the leukaemia model, e.g. ``bitesim.find_model("leukaemia").parameters.replace(recovery_per_day=0.1)``.

    Returns
    -------
    ExhaustionExperiment

    Raises
    ------
    ParameterError
        For a schedule that cannot be read, a stimulus outside 0 to 1, more than 365 days, or the parameters of another
        model.
    """
    values = ParameterSet(CATALOGUE) if parameters is None else parameters
    chosen = {text_of(each): each for each in _PUBLISHED}
    for name, each in named_schedules(schedules).items():
        if chosen.get(name, each) != each:
            raise ParameterError(f"schedule {shown(name)} has the name of a published one, but is another: rename it")
        chosen[name] = each
    rows, courses = [], {}
    for name, each in chosen.items():
        days, competence = competence_course(each, values, POINTS)
        lysis = lysis_from(competence, values)
        courses[name] = (days, lysis)
        exposed = sum(length for length, stimulus in each if stimulus > 0.0)
        published = _PUBLISHED.get(each, np.nan)
        rows.append(
            (name, days[-1], exposed, days[-1] - exposed, competence[-1], lysis[-1], published, lysis[-1] - published)
        )
    guessed = any(0.0 < stimulus < 1.0 for each in chosen.values() for _, stimulus in each)
    columns: dict[str, NDArray[Any]] = {
        name: np.array(column, dtype=object if name == "schedule" else float)
        for name, column in zip(_UNITS, zip(*rows, strict=True), strict=True)
    }
    return ExhaustionExperiment(
        title="T cells after exposure in a dish: lysis of fresh targets",
        columns=columns,
        units=_UNITS,
        shown=("schedule", "days", "competence", "lysis", "published_lysis", "off_by"),
        notes=(
            f"Published: {SOURCE}, with AMG 562, a CD19/CD3 bispecific of long half-life (n = 6).",
            "The lysis of day 7 is set to the published one, and the rates were tuned to these figures: none is predicted.",
            *([_GUESSED] if guessed else []),
        ),
        parameters=values.as_dict(),
        schedules=chosen,
        courses=courses,
    )
