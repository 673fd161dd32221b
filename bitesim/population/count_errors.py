"""How well CD8 counts of measured patients are predicted from their baselines alone: models beside two empirical curves.

A comparison in sample: both models were fitted to medians of these very patients. The curves leave out the patient whom
they predict, and are the least that a mechanistic model has to match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.datasets import BloodCourse
from bitesim.datasets.blood_counts import REGIMEN
from bitesim.engines.trajectory import Trajectory
from bitesim.population.patient import Patient
from bitesim.population.simulate import simulate

_BOOTSTRAPS: Final = 2000
_SEED: Final = 1
_FINE_TIMES: Final = np.concatenate([[0.0], np.geomspace(1e-3, 2.0, 120), np.arange(2.25, 42.0, 0.25)])


@dataclass(frozen=True)
class CountError:
    """Median |log10(predicted / measured)| of the CD8 counts after baseline, and its 95 % interval over patients [-]."""

    predictor: str
    median: float
    low: float
    high: float
    counts: int


def simulate_course(course: BloodCourse, model: str) -> Trajectory:
    """Return a model's run for a measured patient, who is known by the baseline counts only."""
    patient = Patient(
        blood_b_cells_per_ul=course.b_cells_per_ul[0],
        blood_cd8_t_cells_per_ul=course.cd8_t_cells_per_ul[0],
        name=f"patient {course.patient}",
    )
    return simulate(patient, REGIMEN, model, np.union1d(_FINE_TIMES, course.times_days))


def left_out_median(courses: Sequence[BloodCourse], left_out: int, *, of_ratios: bool) -> NDArray[np.float64]:
    """Return the counts that the others' median gives one patient after baseline, shape (times - 1,) [cells/uL].

    Parameters
    ----------
    courses : sequence of BloodCourse
        All measured at the same times.
    left_out : int
    of_ratios : bool
        True for the median of the ratios to baseline, times the patient's own baseline; else of the counts themselves.

    Raises
    ------
    ValueError
        When the patients were measured at different times.
    """
    own = courses[left_out]
    others = [course for place, course in enumerate(courses) if place != left_out]
    if any(not np.array_equal(course.times_days, own.times_days) for course in others):
        raise ValueError("the patients were measured at different times: a median at one time needs all of them")
    counts = np.array([course.cd8_t_cells_per_ul for course in others])
    if of_ratios:
        return np.asarray(np.median(counts / counts[:, :1], axis=0)[1:] * own.cd8_t_cells_per_ul[0])
    return np.asarray(np.median(counts, axis=0)[1:])


def _summary(predictor: str, errors: NDArray[np.float64]) -> CountError:
    """Return the median over all counts, with patients drawn anew for its interval; `errors` has a row a patient."""
    rng = np.random.default_rng(_SEED)
    drawn = rng.integers(0, len(errors), (_BOOTSTRAPS, len(errors)))
    medians = np.median(errors[drawn].reshape(_BOOTSTRAPS, -1), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return CountError(predictor, float(np.median(errors)), float(low), float(high), errors.size)


def cd8_errors(courses: Sequence[BloodCourse], runs: dict[str, list[Trajectory]]) -> list[CountError]:
    """Return the errors of models, by the name of their runs, and of the two curves, on the same rows."""
    measured = np.array([course.cd8_t_cells_per_ul[1:] for course in courses])
    predicted = {
        name: np.array(
            [
                np.interp(course.times_days[1:], run.times_days, run["blood_cd8_t_cells_per_ul"])
                for course, run in zip(courses, those, strict=True)
            ]
        )
        for name, those in runs.items()
    }
    for name, of_ratios in (("median ratio of the other patients", True), ("median count of the other patients", False)):
        predicted[name] = np.array([left_out_median(courses, k, of_ratios=of_ratios) for k in range(len(courses))])
    return [_summary(name, np.abs(np.log10(each / measured))) for name, each in predicted.items()]


def b_cells_at_floor(courses: Sequence[BloodCourse], runs: Sequence[Trajectory]) -> tuple[int, int]:
    """Return how many B-cell counts were censored, and for how many of them the model is at the floor too."""
    censored = agreed = 0
    for course, result in zip(courses, runs, strict=True):
        predicted = np.interp(course.times_days, result.times_days, result["blood_b_cells_per_ul"])
        censored += int(course.b_cells_below_floor.sum())
        agreed += int((predicted[course.b_cells_below_floor] <= 1.0).sum())
    return censored, agreed
