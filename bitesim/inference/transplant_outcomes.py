"""Relapse and survival after a transplant, by MRD before it: probabilities of the laws that clinical events are drawn from.

A patient's clone after conditioning has a Poisson number of cells; each cell's line is alive and geometric after the graft's
effect and after the time without it (`bitesim.numerics.lines`), so that relapse by a day has a closed form. Death of the
transplant competes with it. Nothing is drawn but who the patients are: the numbers move smoothly with every parameter.

Risk groups of Bader et al. 2019 hold more than MRD; here they stand for MRD before the transplant alone: not detectable
below 1e-4, from 1e-4 to 1e-3, and above (an assumption). Children of 30 kg, in remission, with one type of blast that always
cycles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, ndtr, pdtr

from bitesim.foundation.compiled import kernel
from bitesim.inference.free_parameters import Values
from bitesim.leukaemia import LEUKAEMIA
from bitesim.numerics.lines import line_probabilities
from bitesim.population.distributions import LogNormal
from bitesim.population.events.luck import Luck
from bitesim.population.events.transplantation import Transplants, decide, mortality

Floats = NDArray[np.float64]
_PATIENTS: Final = 800
WEIGHT_KG, AGE_YEARS = 30.0, 9.0
_YEAR: Final = 365.25
#: Days from the transplant at which relapse is looked at; between them it is spread evenly.
_LOOKS: Final = np.concatenate([np.linspace(0.0, 2.0, 13), np.linspace(2.25, 5.0, 12)]) * _YEAR
#: Lines that are added one by one; more are nearly normal.
_MOST_LINES: Final = 60
#: Group -> MRD before the transplant [-].
BEFORE: Final = {
    "good": LogNormal.of_log10(-5.3, 0.8, -8.0, -4.0),
    "intermediate": LogNormal.of_log10(-3.5, 0.5, -4.0, -3.0),
    "poor": LogNormal.of_log10(-2.4, 0.5, -3.0, -1.3),
    "negative": LogNormal.of_log10(-5.3, 0.8, -8.0, -4.0),
    "positive": LogNormal.of_log10(-3.0, 0.8, -4.0, -1.3),
}


@dataclass(frozen=True, eq=False)
class Grafted:
    """Patients at the transplant.

    Parameters
    ----------
    luck : Luck
    transplants : Transplants
        At day 0.
    births, deaths : ndarray, shape (patients,)
        Of one blast [1/d].
    before, limit : ndarray
        Blasts before conditioning, and those that are a relapse [cells].
    """

    luck: Luck
    transplants: Transplants
    births: Floats
    deaths: Floats
    before: Floats
    limit: Floats


def relapse_within(values: Values, group: str, seed: int, years: float = 2.0) -> float:
    """Return the probability of a relapse within some years of the transplant, before death of it."""
    relapse, alive = _probabilities(_key(values), group, seed)
    inside = years * _YEAR + 1e-6 >= _LOOKS[1:]
    return float(np.mean(np.sum((np.diff(relapse, axis=1) * _middle(alive))[:, inside], axis=1)))


def survival_at(values: Values, group: str, seed: int, years: float = 5.0) -> float:
    """Return the probability to be alive some years after the transplant."""
    relapse, alive = _probabilities(_key(values), group, seed)
    p, end = values.events, years * _YEAR
    inside = end + 1e-6 >= _LOOKS[1:]
    fresh = np.diff(relapse, axis=1) * _middle(alive)
    since = np.maximum(end - _middle(_LOOKS), 0.0)
    died_after = (1.0 - p["rescued_share"]) * (1.0 - 0.5 ** (since / p["survival_after_relapse_days"]))
    dead = np.sum((fresh * died_after)[:, inside], axis=1)
    dead += np.sum((-np.diff(alive, axis=1) * (1.0 - _middle(relapse)))[:, inside], axis=1)
    return float(1.0 - np.mean(dead))


def grafted(values: Values, group: str, seed: int, patients: int = _PATIENTS) -> Grafted:
    """Return patients of a group at the transplant."""
    luck, ones = Luck(seed, np.arange(patients)), np.ones(patients)
    fraction = BEFORE[group].at_score(luck.normal("MRD before transplant"))
    everybody = {"transplant_after_negative_mrd": 1.0, "transplant_after_positive_mrd": 1.0, "transplant_most_mrd": 1.0}
    made = decide(0.0, fraction, ones > 0.0, ones > 0.0, luck, values.events.replace(**everybody))
    # Time runs from the transplant, without a wait for it.
    transplants = Transplants(0.0 * ones, made.kept, made.graft_kill_per_day, made.graft_kill_days)
    row = LEUKAEMIA.catalogue["blast_birth_per_day"]
    births = LogNormal(
        values.parameters["blast_birth_per_day"],
        values.spreads["blast_birth_per_day"],
        max(row.bounds[0], 1e-6),
        row.bounds[1],
    ).at_score(luck.normal("birth"))
    marrow = values.parameters["marrow_cells_per_kg"] * WEIGHT_KG
    limit = values.events["relapse_blast_fraction"] * marrow
    deaths = values.parameters["blast_death_per_day"] * ones
    return Grafted(luck, transplants, births, deaths, fraction * marrow, limit * ones)


def relapse_probability(patients: Grafted, days: Floats) -> Floats:
    """Return the probability that the clone has reached the size of a relapse, shape (patients, days)."""
    transplants = patients.transplants
    alive, size = np.empty((2, len(patients.births), len(days)))
    _fill_lines(
        days, patients.births, patients.deaths, transplants.graft_kill_per_day, transplants.graft_kill_days, alive, size
    )
    lines = (patients.before * transplants.kept)[:, np.newaxis] * alive
    needed = patients.limit[:, np.newaxis] / size
    with np.errstate(divide="ignore", invalid="ignore"):
        many = ndtr((lines - needed) / np.sqrt(2.0 * lines))
    found = np.where(lines > 0.0, many, 0.0)
    few = (lines < 0.5 * _MOST_LINES) & (lines > 0.0)
    found[few] = _few_lines(lines[few], needed[few])
    # Who has relapsed once has relapsed.
    return np.maximum.accumulate(found, axis=1)


def _few_lines(lines: Floats, needed: Floats) -> Floats:
    """Return the probability that a Poisson number of exponential sizes of mean 1 sums to what is needed."""
    found = np.zeros(len(lines))
    near = needed < 4.0 * _MOST_LINES
    expected, wanted = lines[near], needed[near]
    for number in range(1, _MOST_LINES + 1):
        chance = pdtr(number, expected) - pdtr(number - 1, expected)
        found[near] += chance * gammaincc(number, wanted)
    return found


@kernel
def _fill_lines(days: Any, births: Any, deaths: Any, graft: Any, graft_days: float, alive: Any, size: Any) -> None:
    """Write the probability that a line is alive at each day, and its mean size then."""
    for row in range(len(births)):
        for place in range(len(days)):
            first = min(days[place], graft_days)
            held, ends = line_probabilities(births[row], deaths[row] + graft[row], first)
            after, ends_after = line_probabilities(births[row], deaths[row], days[place] - first)
            # One of a geometric number of cells at the end of the graft's effect has to have a line that lasts.
            lasting = after / (1.0 - (1.0 - ends) * (1.0 - after))
            alive[row, place] = held * lasting
            size[row, place] = after / (ends * ends_after * lasting)


def _key(values: Values) -> tuple[Any, ...]:
    """Return what the courses depend on."""
    names = ("blast_birth_per_day", "blast_death_per_day", "marrow_cells_per_kg")
    return (*((name, values.parameters[name]) for name in names), values.spreads["blast_birth_per_day"], values.events)


@lru_cache(maxsize=64)
def _probabilities(key: tuple[Any, ...], group: str, seed: int) -> tuple[Floats, Floats]:
    """Return relapse by each look without death of the transplant, and survival of it without relapse."""
    *rates, spread, events = key
    values = Values(LEUKAEMIA.parameters.replace(**dict(rates)), {"blast_birth_per_day": spread}, events)
    patients = grafted(values, group, seed)
    hazard = mortality(patients.transplants, np.full(len(patients.births), AGE_YEARS), events)
    lasts = np.minimum(_LOOKS, hazard.days[:, 1:] - hazard.days[:, :1])
    return relapse_probability(patients, _LOOKS), np.exp(-hazard.per_day * lasts)


def _middle(course: Floats) -> Floats:
    return np.asarray(0.5 * (course[..., 1:] + course[..., :-1]))
