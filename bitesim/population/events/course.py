"""One clinical course for each patient: toxicity while treated, visits, transplant, relapse and death, as competing events.

What comes from cells and drug is read from a cohort's outputs; what is chance is drawn, each kind by its own name. The
order of the decisions is that of the clinic: toxicity and failure while treated, then the transplant, then what is left of
the disease against the causes of death without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.assays import DrawKey, MrdOutcome, MrdSample
from bitesim.population.events import toxicity, transplantation
from bitesim.population.events.clone_courses import TURNOVER, CloneCourse, clone_course, mean_between
from bitesim.population.events.hazards import Hazard, compete, first_events
from bitesim.population.events.luck import Luck
from bitesim.population.events.relapse import Relapses, Remaining, draw_relapses
from bitesim.population.events.visits import Timetable

Floats = NDArray[np.float64]
#: What a course reads of a cohort.
OUTPUTS: Final = (
    "serum_drug_pg_per_ml", "serum_il6_pg_per_ml", "neutrophils_per_ul", "mrd", "blasts", "low_blasts", "sanctuary_blasts",
)  # fmt: skip
#: Events that end disease-free survival, in the order of `first_event`'s codes.
CAUSES: Final = (
    "treatment failure", "toxic death", "marrow relapse", "CD19-negative relapse", "extramedullary relapse",
    "transplant-related death", "death in remission",
)  # fmt: skip
#: Parameters of the model that a course reads beside the outputs.
PARAMETERS: Final = (*TURNOVER, "antigen_loss_per_day", "marrow_cells_per_kg", "weight_kg")
_DEATHS: Final = ("toxic death", "transplant-related death", "death in remission")


@dataclass(frozen=True, eq=False)
class Treated:
    """What a cohort's run says of some patients.

    Parameters
    ----------
    timetable : Timetable
    outputs : mapping
        Name of `OUTPUTS` -> ndarray, shape (patients, times), all finite.
    parameters : mapping
        Name of a model parameter -> ndarray, shape (patients,).
    age_years : ndarray
    """

    timetable: Timetable
    outputs: Mapping[str, Floats]
    parameters: Mapping[str, Floats]
    age_years: Floats

    def __len__(self) -> int:
        return len(self.age_years)


@dataclass(frozen=True, eq=False)
class FollowUp:
    """How patients are looked at and for how long.

    Parameters
    ----------
    days : float
        Length of follow-up from day 0 [d].
    sample : MrdSample
        How MRD is measured at visits.
    missing_visits : float
        Share of visits without a sample [-].
    """

    days: float
    sample: MrdSample
    missing_visits: float


def clinical_course(treated: Treated, follow_up: FollowUp, luck: Luck, p: Any) -> dict[str, NDArray[Any]]:
    """Return the course of each patient, column -> ndarray of shape (patients,); days are infinite where nothing happens.

    Parameters
    ----------
    treated : Treated
    follow_up : FollowUp
    luck : Luck
    p : record
        Of the events catalogue.
    """
    failure = _failure_day(treated, p)
    found = _toxicities(treated, failure, luck, p)
    toxic = found["toxic_death_day"]
    found |= _visits(treated, np.minimum(failure, toxic), follow_up, luck)
    transplants = _transplants(treated, found, np.minimum(failure, toxic), luck, p)
    relapses = draw_relapses(remaining(treated, luck, p), transplants, follow_up.days, luck)
    later = compete(_deaths(treated, transplants, follow_up, p), luck)
    times = {"treatment failure": failure, "toxic death": toxic, **_relapse_days(treated, relapses, p), **later.times_days}
    firsts = first_events({cause: times[cause] for cause in CAUSES})
    day = np.where(firsts.day <= follow_up.days, firsts.day, np.inf)
    cause = np.where(np.isfinite(day), firsts.cause, -1)
    # A transplant that came too late is none.
    found["transplant_day"] = np.where(transplants.day < day, transplants.day, np.inf)
    found |= {"failure_day": failure, "first_event": cause, "first_event_day": day}
    found["cured"] = relapses.cured & (cause == -1)
    return found | _death(firsts.causes, cause, day, follow_up, luck, p)


def _toxicities(treated: Treated, failure: Floats, luck: Luck, p: Any) -> dict[str, NDArray[Any]]:
    """Return the toxicity of each patient until treatment fails or kills: nothing happens of a treatment that is over."""
    table, outputs = treated.timetable, treated.outputs
    release = _releases(treated, luck, p)
    neurologic = np.full(len(treated), np.inf)
    if table.cycles:
        drug = [np.median(outputs["serum_drug_pg_per_ml"][:, table.during(*cycle)], axis=1) for cycle in table.cycles]
        starts, stops = zip(*table.cycles, strict=True)
        neurologic = toxicity.neurotoxicity_hazard(starts, stops, np.stack(drug, axis=1), p).times(luck)
    infection = toxicity.infection_hazard(table.times, outputs["neutrophils_per_ul"], p).times(luck)
    worst, first_severe = _worst(release, failure)
    fatal_release = (worst == 4) & (luck.uniform("cytokine release death") < p.crs_grade_4_mortality)
    fatal_infection = (luck.uniform("infection death") < p.infection_mortality) & (infection < failure)
    death = np.minimum(np.where(fatal_release, first_severe, np.inf), np.where(fatal_infection, infection, np.inf))
    over = np.minimum(failure, death)
    grade, release_day = _worst(release, over)
    neurologic = np.where(neurologic <= over, neurologic, np.inf)
    severe = luck.uniform("neurotoxicity grade 4") < p.neurotoxicity_grade_4_share
    until = table.times <= over[:, np.newaxis]
    lowest = np.where(until, outputs["neutrophils_per_ul"], np.inf).min(axis=1)
    return {
        "cytokine_release_grade": grade,
        "cytokine_release_day": release_day,
        "neurotoxicity_grade": np.where(np.isfinite(neurologic), np.where(severe, 4, 3), 0),
        "neurotoxicity_day": neurologic,
        "infection_day": np.where(infection <= over, infection, np.inf),
        "lowest_neutrophils_per_ul": lowest,
        "neutropenia_grade": toxicity.neutropenia_grades(lowest),
        "toxic_death_day": death,
    }


def _releases(treated: Treated, luck: Luck, p: Any) -> list[tuple[float, NDArray[np.int64]]]:
    """Return the day after each start or step, when the peak has been, and the grade of every patient's release."""
    table, outputs = treated.timetable, treated.outputs
    found = []
    for occasion, step in table.exposures:
        peak = outputs["serum_il6_pg_per_ml"][:, table.after(step)].max(axis=1)
        burden = outputs["mrd"][:, table.place(step)]
        found.append((step + 1.0, toxicity.cytokine_release_grades(peak, burden, luck, occasion, p)))
    return found


def _worst(release: list[tuple[float, NDArray[np.int64]]], over: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the worst grade of each patient until treatment is over, and the day of the first severe release."""
    grade, day = np.zeros(len(over), np.int64), np.full(len(over), np.inf)
    for when, grades in release:
        real = np.where(when <= over, grades, 0)
        day = np.where((real >= 3) & np.isinf(day), when, day)
        grade = np.maximum(grade, real)
    return grade, day


def _visits(treated: Treated, over: Floats, follow_up: FollowUp, luck: Luck) -> dict[str, NDArray[Any]]:
    """Return, for each visit, the true MRD and its report; there is no sample of who failed or died before."""
    found: dict[str, NDArray[Any]] = {"mrd_0": treated.outputs["mrd"][:, 0]}
    for number, day in enumerate(treated.timetable.visits, start=1):
        truth = treated.outputs["mrd"][:, treated.timetable.place(day)]
        report = follow_up.sample.sample(truth, DrawKey(luck.seed, luck.patients, number))
        missing = (luck.uniform("missing visit", number) < follow_up.missing_visits) | (over < day)
        found[f"mrd_{number}"] = truth
        found[f"reported_mrd_{number}"] = np.where(missing, np.nan, report.values)
        found[f"mrd_outcome_{number}"] = np.where(missing, -1, report.outcomes).astype(np.int64)
    return found


def _failure_day(treated: Treated, p: Any) -> Floats:
    """Return the first visit with too many blasts in marrow."""
    day = np.full(len(treated), np.inf)
    for visit in reversed(treated.timetable.visits):
        blasts = treated.outputs["mrd"][:, treated.timetable.place(visit)]
        day = np.where(blasts >= p.failure_blast_fraction, visit, day)
    return day


def _transplants(
    treated: Treated, found: Mapping[str, NDArray[Any]], out: Floats, luck: Luck, p: Any
) -> transplantation.Transplants:
    """Decide at the last visit, by its sample or else by the last that there is; without any as if MRD were positive."""
    outcome, value = found["mrd_outcome_1"], found["reported_mrd_1"]
    for number in range(2, len(treated.timetable.visits) + 1):
        has = found[f"mrd_outcome_{number}"] >= 0
        outcome = np.where(has, found[f"mrd_outcome_{number}"], outcome)
        value = np.where(has, found[f"reported_mrd_{number}"], value)
    # Positive below the limit of quantification is far below what forbids a transplant.
    negative = outcome == int(MrdOutcome.NOT_DETECTED)
    return transplantation.decide(treated.timetable.visits[-1], np.nan_to_num(value), negative, ~np.isfinite(out), luck, p)


def remaining(treated: Treated, luck: Luck, p: Any) -> Remaining:
    """Return what is left of every clone, and what its cells do after treatment."""
    model = treated.parameters
    # A frail patient's blasts do everything faster, so that as many lines last.
    frailty = np.exp(p.growth_frailty_ln_sd * luck.normal("growth frailty"))
    marrow = model["marrow_cells_per_kg"] * model["weight_kg"]
    in_marrow = p.relapse_blast_fraction * marrow
    outside = np.full(len(treated), float(p.extramedullary_relapse_cells))
    limits = {"marrow": in_marrow, "low": in_marrow, "sanctuary": outside, "reservoir": in_marrow}
    held = luck.uniform("reservoir") < p.reservoir_probability
    size = 10.0 ** (p.reservoir_log10_cells + p.reservoir_log10_cells_sd * luck.normal("reservoir size"))
    reservoir = np.where(held, size, 0.0)
    return Remaining(treated.timetable.end, lambda rows: courses_of(treated, reservoir, rows), model, frailty, limits)


def courses_of(treated: Treated, reservoir: Floats, rows: slice) -> Iterator[tuple[str, CloneCourse]]:
    """Yield the clones of some patients and their courses.

    CD19+ and CD19-low blasts in marrow and those outside are the model's; the reservoir is there or not when treatment ends.
    """
    model = {name: values[rows] for name, values in treated.parameters.items()}
    blasts, low, sanctuary, mrd = (
        treated.outputs[name][rows] for name in ("blasts", "low_blasts", "sanctuary_blasts", "mrd")
    )
    days, marrow = treated.timetable.times, np.maximum(blasts - low, 0.0)
    turning = (model["antigen_loss_per_day"] * model["cycling_share"])[:, np.newaxis]
    yield "marrow", clone_course(days, marrow, model, mrd)
    yield "low", clone_course(days, low, model, mrd, turning * mean_between(marrow) * np.diff(days))
    yield "sanctuary", clone_course(days, sanctuary, model)
    yield "reservoir", clone_course(np.zeros(1), reservoir[rows, np.newaxis], model)


def _relapse_days(treated: Treated, relapses: Relapses, p: Any) -> dict[str, Floats]:
    """Return the day of each kind of relapse; the reservoir's is one of marrow."""
    days = relapses.days
    marrow = np.minimum(days["marrow"], days["reservoir"])
    return {
        "marrow relapse": marrow,
        "CD19-negative relapse": days["low"],
        "extramedullary relapse": days["sanctuary"],
    }


def _deaths(treated: Treated, transplants: transplantation.Transplants, follow_up: FollowUp, p: Any) -> list[Hazard]:
    """Return the hazards of death without relapse after treatment."""
    start, until = treated.timetable.end, np.where(transplants.has, transplants.day, follow_up.days)
    remission = Hazard.constant(
        "death in remission", p.remission_death_per_day, start, np.maximum(start, np.minimum(until, follow_up.days))
    )
    return [transplantation.mortality(transplants, treated.age_years, p), remission]


def _death(
    causes: tuple[str, ...], cause: NDArray[np.int64], day: Floats, follow_up: FollowUp, luck: Luck, p: Any
) -> dict[str, NDArray[Any]]:
    """Return the day of death: at once for causes that are deaths, later after a failure or relapse unless rescued."""
    at_once = np.isin(cause, [causes.index(name) for name in _DEATHS])
    rescued = luck.uniform("rescue") < p.rescued_share
    later = day + luck.exponential("death after relapse") * p.survival_after_relapse_days / np.log(2.0)
    died = np.where(at_once, day, np.where((cause >= 0) & ~rescued, later, np.inf))
    return {"death_day": np.where(died <= follow_up.days, died, np.inf)}
