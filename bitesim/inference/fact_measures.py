"""What the model says of each fact: one function a section, from the runs of the trials.

Shares of patients are mean probabilities: MRD measured below 1e-4 has that of the measurement's error, remission that of
at most 10 blasts among 200 cells of a smear. So a share moves smoothly with the parameters, without more patients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, expit, ndtr

from bitesim.assays import CD69_BIOASSAY, RQ_PCR
from bitesim.datasets import hosseini_2020_il6
from bitesim.inference.facts import facts
from bitesim.inference.free_parameters import Values
from bitesim.inference.transplant_outcomes import relapse_within, survival_at
from bitesim.inference.trial_patients import burden_third
from bitesim.inference.trial_runs import TrialRun, TrialRuns, weighted_median
from bitesim.leukaemia.exhaustion_experiment import exhaustion_experiment
from bitesim.population.events.toxicity import neurotoxicity_hazard, probability_of_severe_release

Floats = NDArray[np.float64]
_MRD_CUT: Final = 1e-4
#: Cells of a smear that are looked at, and blasts among them that are still a remission (5 %).
_SMEAR_CELLS, _SMEAR_BLASTS = 200, 10
#: Neutrophils of a partial recovery [cells/uL], and the width of that limit in ln units.
_RECOVERED_PER_UL, _RECOVERY_WIDTH = 500.0, 0.1
_B_CELL_FLOOR: Final = 1.0
#: Error of a blood count about 1 cell per uL, ln SD: a floor is where the laboratory sees none (assumed).
_B_CELL_ERROR: Final = 0.3
_IL6_FLOOR: Final = 10.0
#: Regulatory share of CD4 T cells that separates responders (Duell et al. 2017), and the error of its measurement (assumed).
_REGULATORY_CUT, _REGULATORY_ERROR = 0.08525, 0.1
_DAYS_PER_MONTH: Final = 30.44
_RISK_GROUPS: Final = ("good", "intermediate", "poor")
_CD8_DAYS: Final = MappingProxyType(
    {
        "1_h": 1 / 24, "2_h": 2 / 24, "6_h": 0.25, "12_h": 0.5, "1_d": 1.0, "2_d": 2.0, "7_d": 7.0, "14_d": 14.0,
        "21_d": 21.0, "28_d": 28.0, "35_d": 35.0,
    }
)  # fmt: skip


def measured(runs: TrialRuns, only: frozenset[str] | None = None) -> dict[str, float]:
    """Return fact -> the model's number, for all facts or some.

    Parameters
    ----------
    runs : TrialRuns
    only : frozenset of str, optional
        Names of sections.
    """
    found: dict[str, float] = {}
    for section, measure in SECTIONS.items():
        if only is None or section in only:
            found |= measure(runs)
    return {each.id: float(found[each.id]) for each in facts() if each.id in found}


def _drug(runs: TrialRuns) -> dict[str, float]:
    """Means of measured levels: the mean of a log-normal error is above 1."""
    error = float(np.exp(0.5 * CD69_BIOASSAY.sd_ln**2))
    adults, children = runs["adults, fixed dose"], runs["children, overt"]

    def level(run: TrialRun, day: float) -> float:
        # All bodies alike: the burden does not change the drug.
        return error * float(np.mean(run.at("serum_drug_pg_per_ml", day)))

    return {
        "css_9_ug_per_day": level(adults, 5.0),
        "css_28_ug_per_day": level(adults, 20.0),
        "css_5_ug_per_m2_day": level(children, 5.0),
        "css_15_ug_per_m2_day": level(children, 20.0),
    }


def _b_cells(runs: TrialRuns) -> dict[str, float]:
    run = runs["adults in remission"]

    def at_floor(counts: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(ndtr(np.log(_B_CELL_FLOOR / counts) / _B_CELL_ERROR))

    later = run.between("blood_b_cells_per_ul", 0.25, 35.0)
    return {
        "b_cells_at_floor_1_h": run.mean(at_floor(run.at("blood_b_cells_per_ul", 1 / 24))),
        "b_cells_at_floor_2_h": run.mean(at_floor(run.at("blood_b_cells_per_ul", 2 / 24))),
        "b_cells_at_floor_6_h_to_35_d": run.mean(at_floor(later.max(axis=1))),
    }


def _cd8(runs: TrialRuns) -> dict[str, float]:
    run = runs["adults in remission"]
    baseline = run.at("blood_cd8_t_cells_per_ul", 0.0)
    found = {
        f"cd8_ratio_{label}": run.median(run.at("blood_cd8_t_cells_per_ul", day) / baseline)
        for label, day in _CD8_DAYS.items()
    }
    found["cd69_baseline"] = run.mean(run.at("blood_cd69_fraction", 0.0))
    found["cd69_1_d"] = run.mean(run.at("blood_cd69_fraction", 1.0))
    return found


def _il6(runs: TrialRuns) -> dict[str, float]:
    flat, steps = runs["lymphoma, flat"], runs["lymphoma, steps"]
    points_flat, points_steps = hosseini_2020_il6()

    def above_floor(run: TrialRun, days: Floats, first: float, last: float) -> float:
        """Return the median of what patients show at the measured times, of the points that an assay can see."""
        at = days[(days >= first) & (days <= last)]
        # A blood sample at the very start is before any drug: the model's first hour stands for it.
        shown = np.concatenate([run.at("serum_il6_pg_per_ml", max(day, first + 0.04)) for day in at])
        weights = np.tile(run.weights, len(at)) * expit((np.log(shown) - np.log(_IL6_FLOOR)) / 0.05)
        return weighted_median(shown, weights)

    course = np.array([flat.median(each) for each in flat.between("serum_il6_pg_per_ml", 0.0, 1.0).T])
    return {
        "il6_first_day_60_ug_per_m2": above_floor(flat, points_flat.times_days, 0.0, 0.7),
        "il6_first_day_5_ug_per_m2": above_floor(steps, points_steps.times_days, 0.0, 0.7),
        "il6_step_to_15": above_floor(steps, points_steps.times_days, 7.0, 8.0),
        "il6_step_to_60": above_floor(steps, points_steps.times_days, 14.0, 15.0),
        "il6_day_2_60_ug_per_m2": above_floor(flat, points_flat.times_days, 1.9, 2.1),
        "il6_peak_hour": _peak(course),
    }


def _peak(course: Floats) -> float:
    """Return where a course with one value an hour is highest, by the parabola through the three highest values [h]."""
    top = int(np.argmax(course))
    if not 0 < top < len(course) - 1:
        return float(top)
    before, at, after = course[top - 1 : top + 2]
    return float(top + 0.5 * (before - after) / (before - 2.0 * at + after))


def _negative(run: TrialRun) -> float:
    """Return the share of patients whose MRD is measured below 1e-4 at the end of the course."""
    with np.errstate(divide="ignore"):
        decades = np.log10(_MRD_CUT / run.at("mrd", 29.0))
    return run.mean(ndtr(decades / RQ_PCR.sd_log10))


def _kill(run: TrialRun) -> float:
    return run.median(np.log10(run.at("mrd", 0.0) / run.at("mrd", 29.0)))


def _conversions(runs: TrialRuns) -> dict[str, float]:
    adults, children = runs["adults in remission"], runs["children in remission"]
    chemotherapy = runs["children on chemotherapy"]
    return {
        "mrd_conversion_blast": _negative(adults),
        "mrd_conversion_mt103_202": _negative(runs["adults, MRD from 1e-4"]),
        "mrd_conversion_children": _negative(children),
        "mrd_conversion_chemotherapy": _negative(chemotherapy),
        "kill_adults": _kill(adults),
        "kill_children": _kill(children),
        "kill_chemotherapy": _kill(chemotherapy),
    }


def _remission(run: TrialRun, *, recovered: bool) -> Floats:
    """Return each patient's probability of a remission at the end of cycle 1 or 2, whichever is likelier."""
    found = np.zeros(len(run.population))
    for day in (29.0, 71.0):
        chance = bdtr(_SMEAR_BLASTS, _SMEAR_CELLS, np.clip(run.at("marrow_blast_fraction", day), 0.0, 1.0))
        if recovered:
            counts = np.maximum(run.at("neutrophils_per_ul", day), 1e-3)
            chance = chance * expit(np.log(counts / _RECOVERED_PER_UL) / _RECOVERY_WIDTH)
        found = np.maximum(found, chance)
    return found


def _odds(runs: TrialRuns) -> dict[str, float]:
    """Ratios of odds over adults and children in the shares of the pooled trials (517 and 166)."""
    shares = []
    for name, weight in (("adults, fixed dose", 517 / 683), ("children, overt", 166 / 683)):
        run = runs[name]
        chance, burden = _remission(run, recovered=False), run.population["marrow_blast_fraction"]
        third = burden_third(burden)
        shares.append(weight * np.array([chance[third == place].mean() for place in range(3)]))
    share = np.clip(np.sum(shares, axis=0), 1e-6, 1.0 - 1e-6)
    odds = share / (1.0 - share)
    return {"cr_odds_25_to_50_blasts": odds[1] / odds[2], "cr_odds_5_to_25_blasts": odds[0] / odds[2]}


def _remissions(runs: TrialRuns) -> dict[str, float]:
    adults, per_m2, children = runs["adults, fixed dose"], runs["adults, dose per m2"], runs["children, overt"]
    return {
        "remission_mt103_211": adults.mean(_remission(adults, recovered=True)),
        "remission_mt103_206": per_m2.mean(_remission(per_m2, recovered=True)),
        "remission_mt103_205": children.mean(_remission(children, recovered=False)),
    }


def _regrowth(runs: TrialRuns) -> dict[str, float]:
    run = runs["regrowth"]
    months = [
        float(np.interp(np.log(0.05), np.log(course), run.days, right=np.inf)) / _DAYS_PER_MONTH
        for course in np.maximum.accumulate(run.outputs["mrd"], axis=1)
    ]
    # Medians of those who relapse; the others are not among the published.
    relapsed = np.isfinite(months)
    return {"regrowth_months": weighted_median(np.array(months)[relapsed], run.weights[relapsed])}


def _dish(runs: TrialRuns) -> dict[str, float]:
    rows = {(row.exposed_days, row.free_days): row.lysis for row in exhaustion_experiment(runs.values.parameters)}
    return {
        "lysis_7_d": rows[7.0, 0.0],
        "lysis_14_d": rows[14.0, 0.0],
        "lysis_28_d": rows[28.0, 0.0],
        "lysis_after_break": rows[7.0, 7.0],
    }


def _regulatory(runs: TrialRuns) -> dict[str, float]:
    run = runs["adults, fixed dose"]
    share, chance = run.population["regulatory_share"], _remission(run, recovered=True)
    responders, others = run.weights * chance, run.weights * (1.0 - chance)
    below = ndtr(np.log(_REGULATORY_CUT / share) / _REGULATORY_ERROR)
    return {
        "regulatory_share_responders": weighted_median(share, responders),
        "regulatory_share_others": weighted_median(share, others),
        "regulatory_cutoff_responders": float(responders @ below / responders.sum()),
        "regulatory_cutoff_others": float(others @ (1.0 - below) / others.sum()),
    }


def _toxicity(runs: TrialRuns) -> dict[str, float]:
    p, overt, remission = runs.values.events, runs["adults, fixed dose"], runs["adults in remission"]

    def release(run: TrialRun, start: float) -> Floats:
        peak = run.between("serum_il6_pg_per_ml", start + 0.1, start + 2.0).max(axis=1)
        burden = run.population["marrow_blast_fraction"]
        if start > 0.0:
            burden = run.at("marrow_blast_fraction", start - 2.0)
        return probability_of_severe_release(peak, burden, p)

    def neurologic(run: TrialRun, drug: Floats) -> Floats:
        starts, stops = (0.0, 42.0), (28.0, 70.0)
        return np.asarray(1.0 - np.exp(-neurotoxicity_hazard(starts, stops, drug, p).cumulative()[:, -1]))

    step = 1.0 - (1.0 - release(overt, 0.0)) * (1.0 - release(overt, 7.0))
    low, full = overt.at("serum_drug_pg_per_ml", 5.0), overt.at("serum_drug_pg_per_ml", 20.0)
    drug = np.stack([0.5 * (low + full), full], axis=1)
    same = np.repeat(remission.at("serum_drug_pg_per_ml", 21.0)[:, np.newaxis], 2, axis=1)
    return {
        "cytokine_release_tower": overt.mean(step),
        "cytokine_release_blast": remission.mean(release(remission, 0.0)),
        "neurologic_tower": overt.mean(neurologic(overt, drug)),
        "neurologic_blast": remission.mean(neurologic(remission, same)),
    }


def _transplant(runs: TrialRuns) -> dict[str, float]:
    values: Values = runs.values
    return {
        **{f"transplant_relapse_{group}": relapse_within(values, group, runs.seed) for group in _RISK_GROUPS},
        **{f"transplant_survival_mrd_{group}": survival_at(values, group, runs.seed) for group in ("negative", "positive")},
    }


#: Section of the file of facts -> its measure.
SECTIONS: Final[Mapping[str, Callable[[TrialRuns], dict[str, float]]]] = MappingProxyType(
    {
        "drug in serum": _drug,
        "blood B cells": _b_cells,
        "blood CD8 T cells": _cd8,
        "interleukin-6": _il6,
        "MRD conversion in one cycle": _conversions,
        "disease burden": _odds,
        "remission in two cycles": _remissions,
        "regrowth": _regrowth,
        "exhaustion in the dish": _dish,
        "regulatory T cells": _regulatory,
        "toxicity": _toxicity,
        "transplant": _transplant,
    }
)
