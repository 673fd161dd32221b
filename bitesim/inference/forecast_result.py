"""A forecast: courses that the data leave possible, relapse and cure, with intervals."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.assays import MrdProbabilities, MrdSample
from bitesim.engines.hybrid_result import Share
from bitesim.foundation.checks import number
from bitesim.foundation.errors import ParameterError, needs_extra, unknown_name
from bitesim.inference.observations import Observed

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
LEVEL: Final = 0.9
_SHOWN: Final = ("mrd", "blood_cd8_t_cells_per_ul", "blood_b_cells_per_ul", "serum_drug_pg_per_ml")
_LANDMARKS: Final = (365.0, 730.0, 1095.0, 1825.0)


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is to be expected of one patient, read by name: ``forecast["mrd"]`` has shape (draws, times).

    Parameters
    ----------
    patient, model, regimen : str
    times_days : ndarray
    values : mapping
        Output -> ndarray, shape (draws, times).
    units : mapping
    relapse_days : ndarray, shape (draws,)
        Day of the first relapse of each draw; infinite without one by the end of follow-up, NaN for a model without disease.
    cure_probability : ndarray, shape (draws,)
        Probability that the lines of all blasts left after treatment die out.
    end_of_treatment_days, follow_up_days : float
    failed_draws : int
        Draws that could not be integrated: they are in none of the arrays.
    seed : int
    observations : tuple
        What was seen of the patient.
    notes : tuple of str
        How rows entered, and what the data do not tell.
    effective_draws : float
        How many independent draws they are worth.
    """

    patient: str
    model: str
    regimen: str
    times_days: Vector
    values: Mapping[str, Matrix]
    units: Mapping[str, str]
    relapse_days: Vector
    cure_probability: Vector
    end_of_treatment_days: float
    follow_up_days: float
    failed_draws: int
    seed: int
    observations: tuple[Observed, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    effective_draws: float = np.nan

    def __len__(self) -> int:
        return len(self.relapse_days)

    def __getitem__(self, name: str) -> Matrix:
        if name not in self.values:
            raise unknown_name(f"output of this forecast of {self.model}", name, self.values)
        return self.values[name]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.values)

    @property
    def has_disease(self) -> bool:
        """Whether the model has blasts, so that relapse and cure mean something."""
        return not bool(np.isnan(self.cure_probability).any())

    def interval(self, name: str, level: float = LEVEL) -> Matrix:
        """Return lower end, median and upper end of an output at each time, shape (3, times).

        It is of the truth: what an assay would report is wider (`mrd_report`).
        """
        return np.asarray(np.quantile(self[name], _ends(level), axis=0))

    @property
    def cure(self) -> float:
        """Probability of cure by this treatment alone: the mean over the draws."""
        return float(self.cure_probability.mean())

    def cure_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the interval of the patient's own probability of cure, of which only chance would be left."""
        low, _, high = np.quantile(self.cure_probability, _ends(level))
        return float(low), float(high)

    def relapse_by(self, day: float) -> Share:
        """Return the probability of a relapse by a day, without transplant; its interval is that of so many draws.

        Raises
        ------
        ParameterError
            For a day after the end of follow-up, and for a model without disease.
        """
        hint = "Ask forecast() for a longer follow_up_days."
        day = number("day", day, "days", (0.0, self.follow_up_days), hint)
        if not self.has_disease:
            raise ParameterError(f"model {self.model} has no blasts that could relapse")
        return Share.of(int(np.sum(self.relapse_days <= day)), len(self))

    def mrd_report(self, day: float, sample: MrdSample) -> MrdProbabilities:
        """Return how likely each outcome of an MRD sample on a day is.

        Raises
        ------
        ParameterError
            For a day that is not among the times.
        """
        place = self._place(day)
        # The solver's rounding of no blasts may lie below 0.
        each = sample.probabilities(np.clip(self["mrd"][:, place], 0.0, 1.0))
        return MrdProbabilities(
            *(np.asarray(np.mean(part)) for part in (each.not_detected, each.positive_not_quantifiable, each.quantified))
        )

    def _place(self, day: float) -> int:
        found = np.flatnonzero(self.times_days == day)
        if not len(found):
            raise ParameterError(f"day {day:g} is not among the times of this forecast: ask forecast() for it")
        return int(found[0])

    def to_dataframe(self, level: float = LEVEL) -> Any:
        """Return a tidy pandas DataFrame: patient, time_days, name, low, median, high, unit.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise needs_extra("pandas", "data", "to_dataframe()") from None
        frames = []
        for name in self.values:
            low, middle, high = self.interval(name, level)
            columns = {"patient": self.patient, "time_days": self.times_days, "name": name, "low": low, "median": middle}
            frames.append(pandas.DataFrame({**columns, "high": high, "unit": self.units[name]}))
        return pandas.concat(frames, ignore_index=True)

    def as_dict(self, level: float = LEVEL) -> dict[str, Any]:
        """Return a plain description that JSON can write."""
        courses = {name: self.interval(name, level).tolist() for name in self.values}
        found: dict[str, Any] = {
            "patient": self.patient, "model": self.model, "regimen": self.regimen, "draws": len(self),
            "failed_draws": self.failed_draws, "seed": self.seed, "level": level, "times_days": self.times_days.tolist(),
            "effective_draws": None if np.isnan(self.effective_draws) else self.effective_draws,
            "low_median_high": courses, "end_of_treatment_days": self.end_of_treatment_days, "notes": list(self.notes),
        }  # fmt: skip
        if self.has_disease:
            found["cure"] = {"probability": self.cure, "interval": list(self.cure_interval(level))}
            found["relapse_by"] = {f"{day:g}": self.relapse_by(day).value for day in self.landmarks()}
        return found

    def landmarks(self) -> list[float]:
        """Return the days at which relapse is reported: whole years of the follow-up, or its end."""
        return [day for day in _LANDMARKS if day <= self.follow_up_days] or [self.follow_up_days]

    def plot(self, names: list[str] | None = None) -> Any:
        """Draw outputs with their intervals and what was observed, and relapse; return the Axes."""
        if _plot_hook is None:
            raise ParameterError("plotting is not loaded: import bitesim.plots first (import bitesim does it)")
        return _plot_hook(self, names)

    def _days(self) -> list[float]:
        """Return the days that a report shows: the last observation, the middle and the end of treatment, the last."""
        last = max(each.time_days for each in self.observations)
        wanted = [last, 0.5 * (last + self.end_of_treatment_days), self.end_of_treatment_days, float(self.times_days[-1])]
        inside = [int(np.argmin(np.abs(self.times_days - day))) for day in wanted]
        return [float(self.times_days[place]) for place in sorted(set(inside))]

    def _rows(self) -> list[list[str]]:
        rows = [["output", "unit", *(f"day {day:g}" for day in self._days())]]
        for name in [name for name in _SHOWN if name in self.values] or list(self.values)[:4]:
            low, middle, high = self.interval(name)
            places = [self._place(day) for day in self._days()]
            noise = 1e-12 * float(np.max(np.abs(high)))
            cells = [_shown([middle[place], low[place], high[place]], noise) for place in places]
            rows.append([name, self.units[name], *cells])
        return rows

    def _sentences(self) -> list[str]:
        worth = "" if np.isnan(self.effective_draws) else f" (worth {self.effective_draws:.0f})"
        failed = f", {self.failed_draws} more could not be integrated" if self.failed_draws else ""
        found = [f"median (90 % interval) of {len(self)} draws from the posterior{worth}{failed}; seed {self.seed}"]
        if self.has_disease:
            low, high = self.cure_interval()
            found.append(
                f"cure by this treatment alone: {self.cure:.2f}; the patient's own probability is between {low:.2g} and "
                f"{high:.2g} (90 %)"
            )
            by = ", ".join(f"{self.relapse_by(day).value:.2f} by day {day:g}" for day in self.landmarks())
            found.append(f"relapse without transplant: {by}")
        return [*found, *self.notes]

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [f"Forecast {self.patient}, model {self.model}: {self.regimen}"]
        padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
        lines += [f"  {'  '.join(cells)}".rstrip() for cells in padded]
        return "\n".join([*lines, *(f"  {sentence}" for sentence in self._sentences())])

    def _repr_html_(self) -> str:
        head, *body = self._rows()
        cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        table = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
        notes = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self._sentences())
        caption = html.escape(f"{self.patient}, {self.model}: {self.regimen}")
        return f"<table><caption>{caption}</caption><tr>{cells}</tr>{table}</table><ul>{notes}</ul>"


def _shown(median_and_ends: list[float], noise: float) -> str:
    """Return a median with its interval; the solver's rounding of nothing is shown as ~0."""
    middle, low, high = ("~0" if 0.0 < abs(value) < noise else f"{value:.2g}" for value in median_and_ends)
    return f"{middle} ({low} to {high})"


def _ends(level: float) -> list[float]:
    level = number("level", level, "-", (1e-6, 1.0 - 1e-6), "It is a probability: 90 % is 0.9.")
    return [0.5 - 0.5 * level, 0.5, 0.5 + 0.5 * level]


_plot_hook: Callable[..., Any] | None = None


def register_forecast_plot(function: Callable[..., Any]) -> None:
    """Let `Forecast.plot` draw; the floor of plots calls it when it is imported."""
    global _plot_hook
    _plot_hook = function
