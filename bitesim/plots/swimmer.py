"""One lane a patient: infusions, what toxicity did to them, transplant, failure or relapse, death."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import BitesimError, BitesimWarning
from bitesim.plots.cohort_events import CAUSE_COLOURS, EVENT_FREE
from bitesim.plots.outputs import one_panel
from bitesim.population.clinical_result import ClinicalResult
from bitesim.population.events.course import CAUSES
from bitesim.treatment import Regimen

Rows = NDArray[np.int64]
Windows = list[tuple[float, float]]
_INFUSED, _AFTER, _DIED = "#1f5a99", "#f0dcd3", "black"
_DEATHS: Final = ("toxic death", "transplant-related death", "death in remission")
_LANE: Final = 0.62


def plot_swimmer(result: ClinicalResult, patients: int = 30, ax: Any = None) -> Any:
    """Draw one lane a patient, whoever is event-free longest on top; return the Axes.

    Infusions are the planned ones, cut where the pump was stopped for good or the patient's treatment was over; a hold is a
    mark. An arrow is a patient who is alive at the end of follow-up.

    Parameters
    ----------
    result : ClinicalResult
    patients : int
        The first ones that could be integrated.
    ax : matplotlib Axes, optional

    Raises
    ------
    ParameterError
        For fewer than one patient.
    """
    count = whole_number("patients", patients, (1, 1000), "A lane needs room: 30 fill a page.")
    kept = np.flatnonzero(~result.failed)
    rows = kept[:count]
    free = np.minimum(result["first_event_day"][rows], result.follow_up_days)
    ends = np.minimum(result["death_day"][rows], result.follow_up_days)
    rows = rows[np.lexsort((ends, free))]
    axes = one_panel(ax, (8.5, 1.8 + 0.17 * len(rows)))
    _lanes(axes, result, rows)
    _marks(axes, result, rows)
    axes.set_xlim(-0.012 * result.follow_up_days, 1.04 * result.follow_up_days)
    axes.set_ylim(-0.8, len(rows) - 0.2)
    axes.set_yticks(range(len(rows)), [str(number) for number in result.numbers[rows]], fontsize=min(8.0, 220 / len(rows)))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time [d]")
    axes.set_ylabel("patient")
    axes.set_title(f"{len(rows)} of {len(kept):,} patients", fontsize=9)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    return axes


def _lanes(axes: Any, result: ClinicalResult, rows: Rows) -> None:
    """Draw time without event, time after it, and infusions."""
    ends = np.minimum(result["death_day"][rows], result.follow_up_days)
    free = np.minimum(result["first_event_day"][rows], ends)
    lanes = np.arange(len(rows))
    axes.barh(lanes, free, _LANE, color=EVENT_FREE, label="event-free")
    if np.any(ends > free):
        axes.barh(lanes, ends - free, _LANE, free, color=_AFTER, label="after failure or relapse")
    stopped = np.where(_acted_on(result, rows) >= 4, result["label_action_day"][rows], np.inf)
    over = np.minimum(free, stopped)
    for place, (start, stop) in enumerate(planned_infusions(result.regimen)):
        width = np.clip(np.minimum(over, stop) - start, 0.0, None)
        label = "planned infusion" if place == 0 else None
        axes.barh(lanes[width > 0.0], width[width > 0.0], _LANE, start, color=_INFUSED, label=label)


def _marks(axes: Any, result: ClinicalResult, rows: Rows) -> None:
    lanes = np.arange(len(rows))
    action = result["label_action_day"][rows]
    severe = _acted_on(result, rows) >= 4
    style: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0.8, "clip_on": False, "zorder": 4}

    def mark(who: Any, days: Any, marker: str, label: str, colour: str, edge: str = "white", size: float = 7.0) -> None:
        if np.any(who):
            axes.plot(
                days[who], lanes[who], marker, color=colour, markeredgecolor=edge, markersize=size, label=label, **style
            )

    held = np.isfinite(action)
    mark(held & ~severe, action, "o", "pump held for toxicity", "white", "#1f1f1f", 5.0)
    mark(held & severe, action, "s", "pump stopped for toxicity", "white", "#1f1f1f", 5.0)
    transplant = result["transplant_day"][rows]
    mark(np.isfinite(transplant), transplant, "D", "transplant", "#2c7f5b", size=6.0)
    cause, day = result["first_event"][rows], result["first_event_day"][rows]
    for place, name in enumerate(CAUSES):
        if name not in _DEATHS:
            marker = "s" if name == "treatment failure" else "o"
            mark((cause == place) & np.isfinite(day), day, marker, name, CAUSE_COLOURS[name])
    death = result["death_day"][rows]
    at_once = np.isin(cause, [CAUSES.index(name) for name in _DEATHS])
    for name in _DEATHS:
        who = (cause == CAUSES.index(name)) & np.isfinite(death)
        mark(who, death, "X", name, CAUSE_COLOURS[name], size=8.0)
    mark(np.isfinite(death) & ~at_once, death, "x", "death after failure or relapse", _DIED, _DIED, 6.0)
    end = np.full(len(rows), result.follow_up_days)
    mark(~np.isfinite(death), end * 1.012, ">", "alive at the end of follow-up", _INFUSED, size=6.0)


def _acted_on(result: ClinicalResult, rows: Rows) -> Rows:
    """Return the grade of the toxicity to which the label's answer was, at most half a day before it."""
    action, neurologic = result["label_action_day"][rows], result["neurotoxicity_day"][rows]
    is_neurologic = (neurologic <= action) & (action <= neurologic + 0.5)
    return np.asarray(np.where(is_neurologic, result["neurotoxicity_grade"][rows], result["cytokine_release_grade"][rows]))


def planned_infusions(regimen: str) -> Windows:
    """Return (start, stop) of each infusion that a regimen's text plans; what else it says is no infusion."""
    parts = regimen.split("; ")
    for count in range(len(parts), 0, -1):
        try:
            with warnings.catch_warnings():
                # Its doses were warned of when it was run.
                warnings.simplefilter("ignore", BitesimWarning)
                segments = Regimen.parse("; ".join(parts[:count])).schedule(bsa_m2=1.0).infusions
        except BitesimError:
            continue
        found: Windows = []
        for segment in segments:
            if segment.compartment == "drug" and segment.rate > 0.0:
                # Steps of a dose, and bags, follow each other.
                if found and segment.start_days - found[-1][1] < 0.5:
                    found[-1] = (found[-1][0], segment.stop_days)
                else:
                    found.append((segment.start_days, segment.stop_days))
        return found
    return []
