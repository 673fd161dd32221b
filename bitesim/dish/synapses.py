"""T cells and targets in a dish with drug for an hour: how many pair (Liu et al. 2023), over drug, cells, E:T and CD19."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.dish.swept import (
    COPIES_HINT,
    DRUG_HINT,
    SWEPT,
    Values,
    cells_of_dishes,
    changed_figures,
    rows_with,
    several,
)
from bitesim.dish.table import PRINTED, DishTable
from bitesim.foundation.checks import whole_number
from bitesim.mechanisms.synapse_formation import LIU_2023_BASE, MEMBERS, SynapseCourse, synapse_course, synapse_parameters

SOURCE: Final = "Liu et al. 2023, eLife 12:e83659"
#: (drug [ng/mL], T cells and targets [each /mL]) -> T cells in clusters at 60 min [-]; published for both kinds of cells
#: together, 1 and 8e6 per mL (text and Figure 3f; 0.65 ng/mL: 2e6 per mL, Figure 3, supplement 2), Jurkat of low CD3.
LIU_2023_ENGAGED: Final = {
    (0.65, 1e6): 0.0041,
    (20.0, 0.5e6): 0.031,
    (20.0, 4e6): 0.153,
    (100.0, 0.5e6): 0.039,
    (100.0, 4e6): 0.278,
}
PUBLISHED_DRUG_NG_PER_ML: Final = (0.65, 1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000)
PUBLISHED_CELLS_PER_ML: Final = (0.5e6, 1e6, 2e6, 4e6)
_SHARES: Final = ("single", *MEMBERS)
_UNITS: Final = {
    "cd19_copies": "1/cell",
    "effectors_per_ml": "1/mL",
    "targets_per_ml": "1/mL",
    "effectors_per_target": "E:T",
    "drug_ng_per_ml": "ng/mL",
    "minutes": "min",
    "engaged_effectors": "-",
    "engaged_targets": "-",
    **{f"effectors_{kind}": "-" for kind in _SHARES},
    "cells_in_larger": "-",
    "three_of_larger": "-",
    "adhesion": "-",
    "published_engaged": "-",
    "times_published": "x",
}


@dataclass(frozen=True, eq=False, repr=False)
class SynapseExperiment(DishTable):
    """T cells (E) and targets (T) in clusters at the end, one row a dish; shares are fractions, printed as percent.

    Columns: what was swept (`cd19_copies`, `effectors_per_ml`, `targets_per_ml`, `effectors_per_target`,
    `drug_ng_per_ml`) and `minutes`; `engaged_effectors` and `engaged_targets`, the shares in any cluster;
    `effectors_single`, `effectors_ET`, `effectors_ETE`, ..., which add up to 1; `cells_in_larger`, of all cells in clusters
    those in clusters of more than two; `three_of_larger`, of these clusters those of three; `adhesion`, the mean probability
    that a touch holds; `published_engaged` of the same dish and `times_published`, how often too many.

    Parameters
    ----------
    courses : tuple of SynapseCourse
        Minute by minute, one a row.
    """

    courses: tuple[SynapseCourse, ...]

    def _printed(self) -> list[int]:
        """Return the rows with a published figure, and others evenly to the most that are printed."""
        known = np.flatnonzero(np.isfinite(self["published_engaged"]))
        others = np.setdiff1d(np.arange(len(self)), known)
        count = max(0, min(len(others), PRINTED - len(known)))
        places = np.linspace(0, len(others) - 1, count).round().astype(int)
        return sorted([*known.tolist(), *others[places].tolist()])

    def select(self, **values: float | Sequence[float]) -> SynapseExperiment:
        """Return the rows with some values of what was swept, e.g. ``select(drug_ng_per_ml=[20, 100])``.

        Raises
        ------
        UnknownNameError
            For a name that is not swept.
        ParameterError
            For a value that was not: the message lists those that were.
        """
        kept = rows_with(self.columns, values, SWEPT)
        columns = {name: each[kept] for name, each in self.columns.items()}
        courses = tuple(course for course, keep in zip(self.courses, kept, strict=True) if keep)
        return SynapseExperiment(
            self.title, columns, self.units, self.shown, _notes(columns["times_published"]), self.parameters, courses
        )

    def plot(self, against: str = "drug_ng_per_ml", share: str = "engaged_effectors", ax: Any = None) -> Any:
        """Draw a share of cells, one line for each dish that differs otherwise; published figures as points.

        Many lines tell little: `select` first.

        Parameters
        ----------
        against : str
            'drug_ng_per_ml', 'effectors_per_target', 'effectors_per_ml', 'targets_per_ml', 'cd19_copies' (on a log axis,
            without drug 0), or 'minutes'.
        share : str
            A column that is a share. Against minutes: `engaged_effectors` or `effectors_...`.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
        """
        return self.drawn(against, share, ax)


def synapse_experiment(
    drug_ng_per_ml: Values = PUBLISHED_DRUG_NG_PER_ML,
    effectors_per_ml: Values = PUBLISHED_CELLS_PER_ML,
    targets_per_ml: Values | None = None,
    minutes: int = 60,
    *,
    effectors_per_target: Values | None = None,
    cd19_copies: Values = LIU_2023_BASE["cd19_mean_copies"],
    parameters: Mapping[str, float] | None = None,
) -> SynapseExperiment:
    """Return how T cells pair in every dish of a sweep: each value of one argument with each of the others.

    Without arguments it is the published sweep over drug and density, as many targets as T cells.

    Parameters
    ----------
    drug_ng_per_ml : float or sequence of float
        Total drug [ng/mL], 0 to 1e4.
    effectors_per_ml : float or sequence of float
        T cells (E) per mL, 1e4 to 1e8. The publication counts both kinds together: its 2e6 are 1e6 of each.
    targets_per_ml : float or sequence of float, optional
        Targets (T) per mL, 1e4 to 1e8. In place of `effectors_per_target`.
    minutes : int
        1 to 600; the published model is meant for 60.
    effectors_per_target : float or sequence of float, optional
        E:T, so that targets are T cells divided by it (published 0.05 to 6). Default 1.
    cd19_copies : float or sequence of float
        Mean CD19 per target; the spread between cells stays. By default that of Raji sorted for medium CD19.
    parameters : mapping, optional
        Name -> value of `bitesim.mechanisms.synapse_formation.LIU_2023_BASE`, e.g. ``{"cd3_down_modulation": 0.0}``.

    Returns
    -------
    SynapseExperiment

    Raises
    ------
    UnknownNameError
        For a parameter that is not in the table.
    ParameterError
        For a value outside its range (the message says what was probably meant), an empty or repeated value, or both
        `targets_per_ml` and `effectors_per_target`.
    """
    drug = several("drug_ng_per_ml", drug_ng_per_ml, "ng/mL", (0.0, 1e4), DRUG_HINT)
    copies = several("cd19_copies", cd19_copies, "copies/cell", (1.0, 1e8), COPIES_HINT)
    whole_minutes = whole_number("minutes", minutes, (1, 600), "Time is in whole minutes.")
    cells = cells_of_dishes(effectors_per_ml, targets_per_ml, effectors_per_target)
    figures = changed_figures(parameters)
    rows, courses = [], []
    for mean_copies, (e, t) in product(copies, cells):
        # The ratio of the two means is the spread between cells.
        scale = mean_copies / LIU_2023_BASE["cd19_mean_copies"]
        geometric = LIU_2023_BASE["cd19_geometric_mean"] * scale
        p = synapse_parameters(cd19_mean_copies=mean_copies, cd19_geometric_mean=geometric, **figures)
        for level in drug:
            course = synapse_course(e, t, level, whole_minutes, p)
            courses.append(course)
            rows.append(_row(mean_copies, level, course))
    columns = {name: np.array([row[name] for row in rows]) for name in _UNITS}
    return SynapseExperiment(
        title=f"T cells (E) and targets (T) with drug in a dish, after {whole_minutes} min",
        columns=columns,
        units=_UNITS,
        shown=(
            *(("cd19_copies",) if len(copies) > 1 else ()),
            *("effectors_per_ml", "targets_per_ml", "drug_ng_per_ml", "engaged_effectors", "engaged_targets"),
            *(("published_engaged", "times_published") if np.isfinite(columns["published_engaged"]).any() else ()),
        ),
        notes=_notes(columns["times_published"]),
        parameters={name: float(figures.get(name, value)) for name, value in LIU_2023_BASE.items()},
        courses=tuple(courses),
    )


def _row(cd19_copies: float, drug: float, course: SynapseCourse) -> dict[str, float]:
    e, t = course.effectors_per_ml, course.targets_per_ml
    engaged = float(course.engaged()[-1])
    published = published_engaged(cd19_copies, e, t, drug, float(course.minutes[-1]))
    return {
        "cd19_copies": cd19_copies,
        "effectors_per_ml": e,
        "targets_per_ml": t,
        "effectors_per_target": e / t,
        "drug_ng_per_ml": drug,
        "minutes": float(course.minutes[-1]),
        "engaged_effectors": engaged,
        "engaged_targets": float(1.0 - course.single_targets[-1] / t),
        **{f"effectors_{kind}": float(share[-1]) for kind, share in course.effectors().items()},
        "cells_in_larger": float(course.cells_in_larger()[-1]),
        "three_of_larger": float(course.three_of_larger()[-1]),
        "adhesion": float(course.adhesion[-1]),
        "published_engaged": published,
        "times_published": engaged / published,
    }


def published_engaged(cd19_copies: float, effectors: float, targets: float, drug: float, minutes: float) -> float:
    """Return the published share of T cells in clusters of such a dish (cells per mL), NaN where there is none."""
    if effectors != targets or minutes != 60.0 or cd19_copies != LIU_2023_BASE["cd19_mean_copies"]:
        return np.nan
    return LIU_2023_ENGAGED.get((drug, effectors), np.nan)


def _notes(times: NDArray[np.float64]) -> tuple[str, ...]:
    known = times[np.isfinite(times)]
    if not len(known):
        return (f"Equations and parameters: {SOURCE}, mean-field form. None of these dishes has a published figure here.",)
    return (
        f"Published: {SOURCE}, Jurkat and Raji cells; its densities are those of both kinds of cells together.",
        f"Shares are {np.min(known):.2g} to {np.max(known):.2g} times the published ones; nothing was tuned to them.",
    )
