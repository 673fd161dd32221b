"""Many patients: residual disease as a waterfall, single courses, bands, and the overview of a clinical cohort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.assays import MrdOutcome
from bitesim.engines.cohort_result import CohortResult
from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.leukaemia import LEUKAEMIA
from bitesim.plots.cohort_events import caption, plot_events, plot_survival
from bitesim.plots.outputs import LOGARITHMIC, logarithmic, one_panel, shade_below_one_cell, title
from bitesim.plots.swimmer import plot_swimmer
from bitesim.population.clinical_result import ClinicalResult, register_plot

Floats = NDArray[np.float64]
#: What a laboratory reports of a marrow sample, with its colour.
_REPORTED: Final = {
    int(MrdOutcome.NOT_DETECTED): ("not detected", "#2c7f5b"),
    int(MrdOutcome.POSITIVE_NOT_QUANTIFIABLE): ("positive, below quantification", "#e0b23c"),
    int(MrdOutcome.QUANTIFIED): ("quantified", "#a12a2a"),
    -1: ("no sample", "#a0a0a0"),
}
#: One cell among those of an adult's marrow, about: less is none.
_ONE_CELL: Final = 1e-12
#: More bars than this are thinner than a picture shows.
_MOST_BARS: Final = 400
_LINE: Final = "#1f5a99"


def plot_waterfall(result: ClinicalResult, visit: int = 1, ax: Any = None) -> Any:
    """Draw the change of the true MRD from the start to a visit, one bar a patient, best on the right; return the Axes.

    A bar's colour is what the laboratory reported; who died before has no bar. A bar ends where about one cell would be left
    in the marrow. Of a large cohort every n-th patient of the sorted row is drawn; counts are those of all.

    Parameters
    ----------
    result : ClinicalResult
    visit : int
        From 1.
    ax : matplotlib Axes, optional

    Raises
    ------
    ParameterError
        For a visit that was not made.
    """
    visit = whole_number("visit", visit, (1, len(result.visits_days)), "Visits are counted from 1.")
    before, after = result["mrd_0"], result[f"mrd_{visit}"]
    alive = result["death_day"] >= result.visits_days[visit - 1]
    rows = np.flatnonzero(~result.failed & alive & np.isfinite(after) & (before > 0.0))
    change = np.log10(np.maximum(after[rows], _ONE_CELL) / before[rows])
    order = np.argsort(-change, kind="stable")
    if len(order) > _MOST_BARS:
        order = order[np.linspace(0, len(order) - 1, _MOST_BARS).round().astype(int)]
    drawn, reported = change[order], result[f"mrd_outcome_{visit}"][rows]
    axes = one_panel(ax)
    place = np.linspace(0.0, 100.0, len(order), endpoint=False)
    width = 100.0 / max(1, len(order))
    for code, (name, colour) in _REPORTED.items():
        who = reported[order] == code
        count = int(np.sum(reported == code))
        if count:
            label = f"{name}: {count:,}"
            axes.bar(place[who], drawn[who], width, color=colour, align="edge", linewidth=0.0, label=label)
    axes.axhline(0.0, color="#1f1f1f", linewidth=0.8)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("patients, sorted [%]")
    axes.set_ylabel("change of true MRD [log10]")
    axes.set_title(f"MRD at day {result.visits_days[visit - 1]:g}, {caption(result)}", fontsize=9)
    axes.legend(loc="lower left", frameon=False, fontsize=8)
    return axes


def plot_spaghetti(result: ClinicalResult | CohortResult, name: str, patients: int = 50, ax: Any = None) -> Any:
    """Draw the course of an output in each of the first patients, and their median; return the Axes.

    Parameters
    ----------
    result : ClinicalResult or CohortResult
    name : str
        An output; of a clinical cohort one that was kept.
    patients : int
    ax : matplotlib Axes, optional

    Raises
    ------
    UnknownNameError
        For an output that was not kept.
    """
    values, units = _course(result, name)
    shown = values[: whole_number("patients", patients, (1, 10_000))]
    axes = one_panel(ax)
    axes.plot(result.times_days, shown.T, color=_LINE, linewidth=0.7, alpha=max(0.15, min(0.7, 20.0 / len(shown))))
    axes.plot(result.times_days, np.median(shown, axis=0), color="#1f1f1f", linewidth=1.8, label="median")
    _finish(axes, name, shown, units)
    axes.set_title(f"{len(shown)} of {len(values):,} patients", fontsize=9)
    return axes


def plot_bands(
    result: ClinicalResult | CohortResult, name: str, levels: Sequence[float] = (5, 25, 50, 75, 95), ax: Any = None
) -> Any:
    """Draw percentiles of an output over the patients: the middle as a line, those around it as bands; return the Axes.

    Parameters
    ----------
    result : ClinicalResult or CohortResult
    name : str
        An output; of a clinical cohort one that was kept.
    levels : sequence of float
        Increasing percentiles, an odd number of them [%].
    ax : matplotlib Axes, optional

    Raises
    ------
    ParameterError
        For levels that do not increase from 0 to 100, or are even in number.
    UnknownNameError
        For an output that was not kept.
    """
    asked = np.asarray(levels, float)
    if asked.ndim != 1 or len(asked) % 2 == 0 or np.any(np.diff(asked) <= 0.0) or asked[0] < 0.0 or asked[-1] > 100.0:
        raise ParameterError(f"levels = {levels!r}: expected an odd number of increasing percentiles, e.g. (5, 50, 95)")
    values, units = _course(result, name)
    found = np.percentile(values, asked, axis=0)
    axes = one_panel(ax)
    middle = len(asked) // 2
    for place in range(middle):
        label = f"{asked[place]:g} to {asked[-1 - place]:g} %"
        shade = 0.15 + 0.25 * place
        axes.fill_between(
            result.times_days, found[place], found[-1 - place], color=_LINE, alpha=shade, linewidth=0.0, label=label
        )
    label = "median" if asked[middle] == 50.0 else f"{asked[middle]:g} %"
    axes.plot(result.times_days, found[middle], color=_LINE, linewidth=1.8, label=label)
    _finish(axes, name, found, units)
    axes.set_title(f"{len(values):,} patients", fontsize=9)
    return axes


def _course(result: ClinicalResult | CohortResult, name: str) -> tuple[Floats, Mapping[str, str]]:
    """Return an output of everybody who could be integrated, shape (patients, times), and the units of all.

    Raises
    ------
    ParameterError
        Where nobody could be.
    UnknownNameError
        For an output that was not kept.
    """
    if isinstance(result, CohortResult):
        values, units = result[name][result.outcome == 0], result.units
    elif name in result.courses:
        values, units = result.courses[name][~result.failed], LEUKAEMIA.units
    else:
        raise unknown_name("course that was kept (keep=[...])", name, result.courses)
    if not len(values):
        raise ParameterError(f"{name}: there is nothing to draw: no patient could be integrated")
    return values, units


def _finish(axes: Any, name: str, values: Floats, units: Mapping[str, str]) -> None:
    """Name the axes; use a log axis for what spans decades, and shade less than one cell."""
    if name in LOGARITHMIC and np.max(values) > 0.0:
        logarithmic(axes, values, LOGARITHMIC[name])
    elif units[name] == "cells/uL":
        axes.set_ylim(0.0, 1.1 * float(np.max(values)) + 1e-9)
    clones = [readout.name for readout in LEUKAEMIA.readouts if readout.is_clone]
    if name in clones and np.min(values) < 1.0:
        shade_below_one_cell(axes)
    axes.set_xlim(left=0.0)
    axes.margins(x=0.0)
    axes.set_xlabel("time [d]")
    axes.set_ylabel(title(name, units))
    axes.legend(frameon=False, fontsize=8)


_PICTURES: Final[dict[str, Callable[..., Any]]] = {
    "waterfall": plot_waterfall,
    "swimmer": plot_swimmer,
    "events": plot_events,
    "survival": plot_survival,
}


def plot_clinical_cohort(result: ClinicalResult, what: str | None = None, ax: Any = None, **options: Any) -> Any:
    """Draw one picture of a cohort, or the four that show what became of it; return the Axes.

    Parameters
    ----------
    result : ClinicalResult
    what : str, optional
        "waterfall", "swimmer", "events", "survival", or an output that was kept, as bands. Default: the first four.
    ax : matplotlib Axes, optional
        For one picture.
    options
        Of that picture, e.g. ``visit=2``.

    Raises
    ------
    UnknownNameError
        For a picture that does not exist.
    """
    if what is not None:
        if what in result.courses:
            return plot_bands(result, what, ax=ax, **options)
        if what not in _PICTURES:
            raise unknown_name("picture or kept course of a cohort", what, [*_PICTURES, *result.courses])
        return _PICTURES[what](result, ax=ax, **options)
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(14.0, 9.5), layout="constrained", height_ratios=[1.0, 1.35])
    for panel, name in zip(axes.flat, ("waterfall", "events", "survival", "swimmer"), strict=True):
        panel.spines[["top", "right"]].set_visible(False)
        _PICTURES[name](result, ax=panel)
    figure.suptitle(result.regimen, fontsize=10)
    return axes


register_plot(plot_clinical_cohort)
