"""Toxicity of treatment: cytokine release by IL-6, neurotoxicity by exposure and time, infections by neutrophils.

Cytokine release follows the peak of IL-6 in the two days after a start or a step, so that a first exposure with many
targets is worst. Neurologic events follow the drug in serum and fade over a cycle. Grades are those that change
treatment: 1 (any), 3 (severe) and 4 (life-threatening).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.population.events.hazards import Hazard
from bitesim.population.events.luck import Luck

Floats = NDArray[np.float64]


def cytokine_release_grades(
    peak_il6_pg_per_ml: Floats, blast_fraction: Floats, luck: Luck, exposure: int, p: Any
) -> NDArray[np.int64]:
    """Return the grade of cytokine release after one start or step: 0, 1, 3 or 4.

    A patient's threshold is logistic in log10 of the peak, to which blasts in marrow add; that of any release is lower by a
    constant.

    Parameters
    ----------
    peak_il6_pg_per_ml : ndarray, shape (patients,)
    blast_fraction : ndarray, shape (patients,)
        Of the marrow before it.
    luck : Luck
    exposure : int
        Which start or step; each is another occasion.
    p : record
        Of the events catalogue.
    """
    uniform = luck.uniform("cytokine release", exposure)
    threshold = p.crs_midpoint_log10_il6 + p.crs_spread_log10_il6 * np.log(uniform / (1.0 - uniform))
    size = _size_of_release(peak_il6_pg_per_ml, blast_fraction, p)
    grades = np.where(size >= threshold, 3, np.where(size >= threshold - p.crs_any_shift_log10_il6, 1, 0))
    worse = luck.uniform("cytokine release grade 4", exposure) < p.crs_grade_4_share
    return np.where((grades == 3) & worse, 4, grades)


def _size_of_release(peak_il6_pg_per_ml: Floats, blast_fraction: Floats, p: Any) -> Floats:
    # Without any IL-6 the size is minus infinity: no release, whatever the threshold.
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(peak_il6_pg_per_ml) + p.crs_burden_log10_il6 * blast_fraction)


def probability_of_severe_release(peak_il6_pg_per_ml: Floats, blast_fraction: Floats, p: Any) -> Floats:
    """Return the probability of a grade of 3 or more at a peak of IL-6 and a blast fraction."""
    size = _size_of_release(peak_il6_pg_per_ml, blast_fraction, p)
    score = (size - p.crs_midpoint_log10_il6) / p.crs_spread_log10_il6
    return np.asarray(1.0 / (1.0 + np.exp(-score)))


def neurotoxicity_hazard(
    starts_days: Sequence[float], stops_days: Sequence[float], drug_pg_per_ml: Floats, p: Any
) -> Hazard:
    """Return the hazard of a severe neurologic event over some cycles.

    Parameters
    ----------
    starts_days, stops_days : sequence of float
        When each cycle's infusion begins and ends.
    drug_pg_per_ml : ndarray, shape (patients, cycles)
        Drug in serum of each cycle.
    p : record
        Of the events catalogue.

    Notes
    -----
    At the reference exposure the cumulative hazard of a first cycle of 28 days is that of the catalogue's probability; it
    is proportional to the drug and fades exponentially within a cycle, cut into days.
    """
    edges: list[float] = []
    rates: list[Floats] = []
    fading = p.neurotoxicity_fading_days
    total = -np.log1p(-p.neurotoxicity_first_cycle) / -np.expm1(-28.0 / fading)
    for cycle, (start, stop) in enumerate(zip(starts_days, stops_days, strict=True)):
        days = np.append(np.arange(start, stop), stop)
        if edges and edges[-1] < days[0]:
            rates.append(np.zeros((len(drug_pg_per_ml), 1)))
        lost = np.exp(-(days[:-1] - start) / fading) - np.exp(-(days[1:] - start) / fading)
        later = 1.0 if cycle == 0 else p.neurotoxicity_later_cycles
        exposure = drug_pg_per_ml[:, cycle : cycle + 1] / p.neurotoxicity_reference_pg_per_ml
        rates.append(later * total * exposure * lost / np.diff(days))
        edges += list(days if not edges or edges[-1] < days[0] else days[1:])
    return Hazard("neurotoxicity", np.array(edges), np.concatenate(rates, axis=1))


def infection_hazard(days: Floats, neutrophils_per_ul: Floats, p: Any) -> Hazard:
    """Return the hazard of a severe infection while neutrophils are known.

    Parameters
    ----------
    days : ndarray, shape (times,)
        Increasing.
    neutrophils_per_ul : ndarray, shape (patients, times)
        Each holds until the next time.
    p : record
        Of the events catalogue.
    """
    few = neutrophils_per_ul[:, :-1] < p.neutropenia_per_ul
    return Hazard("infection", days, np.where(few, p.infection_per_neutropenic_day, p.infection_per_day))


def neutropenia_grades(lowest_per_ul: Floats) -> NDArray[np.int64]:
    """Return the grade of the lowest count [cells/uL]: 4 below 500, 3 below 1000, 2 below 1500, else 0 (CTCAE 5)."""
    return np.select([lowest_per_ul < 500.0, lowest_per_ul < 1000.0, lowest_per_ul < 1500.0], [4, 3, 2], 0)


@dataclass(frozen=True)
class LabelAction:
    """What the label asks for after a toxicity.

    Parameters
    ----------
    kind : {"hold", "stop"}
    days : float
        Length of a hold; treatment then starts again at the first step's dose.
    """

    kind: str
    days: float = 0.0


def label_action(event: str, grade: int, p: Any) -> LabelAction | None:
    """Return the label's answer to a toxicity: a hold for grade 3, the end of treatment for grade 4, else None."""
    if grade >= 4:
        return LabelAction("stop")
    if grade == 3:
        return LabelAction(
            "hold", p.toxicity_recovery_days if event == "cytokine release" else p.neurotoxicity_recovery_days
        )
    return None
