"""What became of a cohort over time: competing first events, event-free and overall survival."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from bitesim.foundation.errors import ParameterError
from bitesim.plots.outputs import one_panel
from bitesim.population.clinical_result import ClinicalResult

#: First events in the order of their codes, with their colours in every picture of a cohort.
CAUSE_COLOURS: Final = {
    "treatment failure": "#a12a2a",
    "toxic death": "#1f1f1f",
    "marrow relapse": "#c46a1b",
    "CD19-negative relapse": "#8c3b6f",
    "extramedullary relapse": "#e0b23c",
    "transplant-related death": "#5b5b5b",
    "death in remission": "#a0a0a0",
}
EVENT_FREE: Final = "#dbe6f0"
_ARMS: Final = ("#1f5a99", "#c46a1b", "#2c7f5b", "#8c3b6f", "#5b5b5b", "#a12a2a")
_POINTS: Final = 501


def caption(result: ClinicalResult) -> str:
    """Return how many patients had what: the title of a picture."""
    failed = int(np.sum(result.failed))
    return f"{len(result) - failed:,} patients" + (f", {failed} more not integrated" if failed else "")


def percent(share: float) -> str:
    """Return a share [%] as text; one of less than 1 % is not written as none."""
    return f"{share:.1f} %" if 0.0 < share < 1.0 else f"{share:.0f} %"


def days_of(result: ClinicalResult) -> np.ndarray[Any, Any]:
    """Return the days at which curves are drawn: evenly, and wherever something happens in a small cohort."""
    end = result.follow_up_days
    happened = np.concatenate([result["first_event_day"], result["death_day"]])
    happened = np.unique(happened[np.isfinite(happened)])
    even = np.linspace(0.0, end, _POINTS)
    return np.union1d(even, happened) if len(happened) < _POINTS else even


def plot_events(result: ClinicalResult, ax: Any = None) -> Any:
    """Draw the cumulative incidence of each first event, stacked, with event-free patients on top; return the Axes.

    Together they are 100 % on every day. Causes that nobody had are left out.

    Parameters
    ----------
    result : ClinicalResult
    ax : matplotlib Axes, optional
    """
    axes = one_panel(ax)
    days = days_of(result)
    shares = {cause: result.cumulative_incidence(cause, days) for cause in CAUSE_COLOURS}
    shown = {cause: each for cause, each in shares.items() if each[-1] > 0.0}
    stack = [100.0 * each for each in (*shown.values(), result.event_free(days))]
    colours = [*(CAUSE_COLOURS[cause] for cause in shown), EVENT_FREE]
    labels = [f"{name} {percent(each[-1])}" for name, each in zip([*shown, "event-free"], stack, strict=True)]
    areas = axes.stackplot(days, stack, colors=colours, labels=labels, linewidth=0.0, step="post")
    axes.set_xlim(0.0, result.follow_up_days)
    axes.set_ylim(0.0, 100.0)
    axes.set_xlabel("time [d]")
    axes.set_ylabel("patients [%]")
    axes.set_title(f"first events, {caption(result)}", fontsize=9)
    # From top to bottom, as they are stacked.
    axes.legend(
        areas[::-1], labels[::-1], loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False, fontsize=8
    )
    return axes


def plot_survival(
    results: ClinicalResult | Sequence[ClinicalResult], labels: Sequence[str] | None = None, ax: Any = None
) -> Any:
    """Draw the share of patients without event, and alive, for one arm or several; return the Axes.

    Parameters
    ----------
    results : ClinicalResult or sequence of ClinicalResult
    labels : sequence of str, optional
        One an arm; default their regimens.
    ax : matplotlib Axes, optional

    Raises
    ------
    ParameterError
        Where there is not one label for each arm.
    """
    arms = [results] if isinstance(results, ClinicalResult) else list(results)
    names = [arm.regimen for arm in arms] if labels is None else list(labels)
    if not arms or len(names) != len(arms):
        raise ParameterError(f"labels holds {len(names)} names for {len(arms)} arms: give one an arm")
    axes = one_panel(ax)
    for place, (arm, name) in enumerate(zip(arms, names, strict=True)):
        colour, days = _ARMS[place % len(_ARMS)], days_of(arm)
        free, alive = 100.0 * arm.event_free(days), 100.0 * arm.alive(days)
        before, indent = (f"{_short(name)}: ", "    ") if len(arms) > 1 or labels is not None else ("", "")
        axes.step(days, free, where="post", color=colour, label=f"{before}event-free {percent(free[-1])}")
        label = f"{indent}alive {percent(alive[-1])}"
        axes.step(days, alive, where="post", color=colour, linestyle="--", linewidth=1.0, label=label)
    axes.set_xlim(0.0, max(arm.follow_up_days for arm in arms))
    axes.set_ylim(0.0, 103.0)
    axes.set_xlabel("time [d]")
    axes.set_ylabel("patients [%]")
    axes.set_title(f"survival, {caption(arms[0])}" + (" an arm" if len(arms) > 1 else ""), fontsize=9)
    axes.legend(loc="lower left", frameon=False, fontsize=8)
    return axes


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
