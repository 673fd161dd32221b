"""A forecast: bands of what the data leave possible, what was observed, and how soon a relapse is to be expected."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from bitesim.assays import MrdOutcome
from bitesim.inference.forecast_result import Forecast, register_forecast_plot
from bitesim.inference.observations import AmountObserved, MrdObserved
from bitesim.plots.outputs import LOGARITHMIC, title

_BAND: Final = "#9db7d5"
_LINE: Final = "#1f5a99"
_SEEN: Final = "#202020"
_RELAPSE: Final = "#a12a2a"
#: Decades of MRD below which nothing that is measured or drawn matters.
_LOWEST_MRD: Final = 1e-9


def plot_forecast(forecast: Forecast, names: list[str] | None = None) -> Any:
    """Draw outputs with 50 % and 90 % bands and the observations, and relapse over the follow-up; return the Axes.

    Parameters
    ----------
    forecast : Forecast
    names : list of str, optional
        Outputs. Default: MRD where the model has it, and what was observed.
    """
    from matplotlib import pyplot

    chosen = _default(forecast) if names is None else names
    count = len(chosen) + int(forecast.has_disease)
    figure, axes = pyplot.subplots(count, 1, figsize=(7.5, 2.3 * count + 0.5), layout="constrained", squeeze=False)
    panels = axes[:, 0]
    for panel, name in zip(panels, chosen, strict=False):
        _draw_output(panel, forecast, name)
    if forecast.has_disease:
        _draw_relapse(panels[-1], forecast)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    figure.suptitle(f"{forecast.patient}: {forecast.regimen} ({forecast.model})", fontsize=9)
    return panels


def _default(forecast: Forecast) -> list[str]:
    seen = [each.output for each in forecast.observations]
    wanted = ["mrd", *seen] if "mrd" in forecast.values else seen
    return [name for name in dict.fromkeys(wanted) if name in forecast.values]


def _draw_output(panel: Any, forecast: Forecast, name: str) -> None:
    wide, narrow = forecast.interval(name, 0.9), forecast.interval(name, 0.5)
    is_log = name in LOGARITHMIC
    floor = _LOWEST_MRD if is_log else 0.0
    wide, narrow = np.maximum(wide, floor), np.maximum(narrow, floor)
    panel.fill_between(forecast.times_days, wide[0], wide[2], color=_BAND, alpha=0.45, linewidth=0.0, label="90 %")
    panel.fill_between(forecast.times_days, narrow[0], narrow[2], color=_BAND, linewidth=0.0, label="50 %")
    panel.plot(forecast.times_days, wide[1], color=_LINE, linewidth=1.4, label="median")
    for each in forecast.observations:
        if each.output == name:
            _draw_observed(panel, each)
    last = max((each.time_days for each in forecast.observations), default=0.0)
    panel.axvline(last, color=_SEEN, linewidth=0.7, linestyle=":")
    panel.set_ylabel(title(name, forecast.units), fontsize=8)
    panel.set_xlabel("time [d]", fontsize=8)
    if is_log:
        panel.set_yscale("log")
    else:
        panel.set_ylim(bottom=0.0)
    panel.legend(frameon=False, fontsize=7, loc="upper right")


def _draw_observed(panel: Any, observed: AmountObserved | MrdObserved) -> None:
    """Draw a value as a point, a limit as a triangle that points to where the truth is, an interval as a bar."""
    day = observed.time_days
    if isinstance(observed, MrdObserved):
        sample = observed.sample
        if observed.outcome == MrdOutcome.QUANTIFIED:
            panel.plot(day, observed.value, "o", color=_SEEN, markersize=4)
        elif observed.outcome == MrdOutcome.NOT_DETECTED:
            panel.plot(day, sample.limit_of_detection, "v", color=_SEEN, markerfacecolor="white", markersize=6)
        else:
            ends = [sample.limit_of_detection, sample.limit_of_quantification]
            panel.plot([day, day], ends, color=_SEEN, linewidth=2.5)
        return
    if not observed.censored:
        panel.plot(day, observed.lower, "o", color=_SEEN, markersize=4)
    elif observed.lower == 0.0:
        panel.plot(day, observed.upper, "v", color=_SEEN, markerfacecolor="white", markersize=6)
    elif math.isinf(observed.upper):
        panel.plot(day, observed.lower, "^", color=_SEEN, markerfacecolor="white", markersize=6)
    else:
        panel.plot([day, day], [observed.lower, observed.upper], color=_SEEN, linewidth=2.5)


def _draw_relapse(panel: Any, forecast: Forecast) -> None:
    days = np.sort(forecast.relapse_days)
    share = np.arange(1, len(days) + 1) / len(days)
    inside = days <= forecast.follow_up_days
    steps = [0.0, *days[inside], forecast.follow_up_days]
    last = share[inside][-1] if inside.any() else 0.0
    panel.step(steps, [0.0, *share[inside], last], where="post", color=_RELAPSE, linewidth=1.4)
    panel.axvline(forecast.end_of_treatment_days, color=_SEEN, linewidth=0.7, linestyle=":")
    panel.set_ylim(-0.02, 1.02)
    panel.set_ylabel("relapsed by then\n(no transplant)", fontsize=8)
    panel.set_xlabel("time [d]", fontsize=8)
    low, high = forecast.cure_interval()
    text = f"cure by this treatment: {forecast.cure:.2f} (own probability {low:.2g} to {high:.2g})"
    panel.annotate(text, (0.01, 0.9), xycoords="axes fraction", fontsize=7)


register_forecast_plot(plot_forecast)
