"""T cells in a dish under continuous exposure or with a break: how much they lyse afterwards.

Philipp et al. 2022, Blood 140:1104: T cells stood over targets and a CD19/CD3 bispecific of long half-life (AMG 562, not
blinatumomab) for 28 days, or had every second week off; fresh targets were then added and their lysis measured.

Assumption (the dish stimulates fully): the stimulus is 1 all the time that drug is there, division has room, no
regulatory cells brake it, targets are lysed independently, at a speed that the lysis of day 7 sets, and blinatumomab
exhausts as AMG 562 does. Alternatives: a stimulus that falls as targets are lysed; an explicit ratio of effectors to
targets; exhaustion by the drug's own stimulus. What it changes: the rate of exhaustion, which is fitted here and
carried over to the patient, where the stimulus is weaker: at half of the stimulus a T cell keeps 68 % of its competence
after 28 days, at the full one 1.3 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError
from bitesim.leukaemia.catalogue import CATALOGUE
from bitesim.leukaemia.processes import T_CELL_STEPS, T_STATES
from bitesim.mechanisms.t_cell_dynamics import t_cell_turnover
from bitesim.parameters import ParameterSet

#: (days exposed, days free of treatment): lysis of the targets [-].
PHILIPP_2022: Final = {(7.0, 0.0): 0.884, (14.0, 0.0): 0.349, (28.0, 0.0): 0.086, (7.0, 7.0): 0.934}
#: The schedule whose lysis sets how much one competent T cell per cell lyses.
_ANCHOR: Final = (7.0, 0.0)
_CHANGES: Final = np.array([[changes.get(state, 0) for changes in T_CELL_STEPS.values()] for state in T_STATES], float)


@dataclass(frozen=True)
class LysisRow:
    """One schedule: days exposed and then free, lysis by the model and as published [-]."""

    exposed_days: float
    free_days: float
    lysis: float
    published: float


def _cells_during(start: NDArray[np.float64], stimulated: float, days: NDArray[np.float64], p: Any) -> NDArray[np.float64]:
    """Return the cells at increasing days of one stretch, the last of them above 0; shape (states, days)."""
    # A model of patients needs none of it, and the import takes a third of a second.
    from scipy.integrate import solve_ivp

    division = p.t_cell_division_per_day * stimulated

    def rate(_: float, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        fluxes = t_cell_turnover(cells[0], cells[1], cells[2], cells[3], stimulated, division, p)
        return np.asarray(_CHANGES @ np.array(fluxes), np.float64)

    found = solve_ivp(rate, (0.0, float(days[-1])), start, "LSODA", t_eval=days, rtol=1e-9, atol=1e-9)
    return np.asarray(found.y, np.float64)


def competence(schedule: Sequence[tuple[float, float]], parameters: ParameterSet | None = None) -> float:
    """Return how much a T cell can lyse after a schedule, relative to a fresh one [-].

    Parameters
    ----------
    schedule : sequence of (days, stimulus)
        Stretches with the stimulus [-], 1 for full exposure and 0 for a break.
    parameters : ParameterSet, optional
        Of the leukaemia model.

    Raises
    ------
    ParameterError
        For days that are negative or above 365, or a stimulus outside 0 to 1.
    """
    return float(competence_course(schedule, parameters)[1][-1])


def competence_course(
    schedule: Sequence[tuple[float, float]], parameters: ParameterSet | None = None, points: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return day 0 and `points` evenly spaced days of every stretch, and the competence then; see `competence`.

    Returns
    -------
    days, competence : array (1 + stretches x points,)
        Stretches of no days are left out.
    """
    values = ParameterSet(CATALOGUE) if parameters is None else parameters
    if values.catalogue is not CATALOGUE:
        raise ParameterError(f"parameters = {parameters!r} are not the leukaemia model's")
    p = np.rec.array(np.array([tuple(values.vector())], CATALOGUE.record_type))[0]
    cells = np.array([[1.0], [0.0], [0.0], [0.0]])
    times, exhausted = [np.zeros(1)], [np.zeros(1)]
    for days, stimulated in schedule:
        days = number("days", days, "d", (0.0, 365.0), "A stretch of the schedule is in days.")
        stimulated = number("stimulus", stimulated, "-", (0.0, 1.0), "1 is full exposure, 0 a break.")
        if days == 0.0:
            continue
        within = np.linspace(0.0, days, points + 1)[1:]
        # Counts grow without bound in a dish that is split; only shares matter.
        cells = _cells_during(cells[:, -1] / cells[:, -1].sum(), stimulated, within, p)
        times.append(times[-1][-1] + within)
        exhausted.append(cells[3] / cells.sum(axis=0))
    share = np.concatenate(exhausted)
    return np.concatenate(times), 1.0 - share + p.exhausted_killing_share * share


def lysis_from(competences: NDArray[np.float64], parameters: ParameterSet | None = None) -> NDArray[np.float64]:
    """Return the lysis [-] that T cells of a competence [-] reach, scaled so that that of day 7 is the measured one.

    Lysis is 1 - exp(-k * competence): targets are lysed independently while the assay lasts.
    """
    per_competence = -np.log1p(-PHILIPP_2022[_ANCHOR]) / competence([(_ANCHOR[0], 1.0)], parameters)
    return np.asarray(-np.expm1(-per_competence * competences))


def exhaustion_experiment(parameters: ParameterSet | None = None) -> list[LysisRow]:
    """Return the lysis after each published schedule, by `lysis_from`."""
    found = np.array([competence([(exposed, 1.0), (free, 0.0)], parameters) for exposed, free in PHILIPP_2022])
    lysis = lysis_from(found, parameters)
    return [
        LysisRow(*schedule, float(each), published)
        for (schedule, published), each in zip(PHILIPP_2022.items(), lysis, strict=True)
    ]
