"""What became of a cohort: one row a patient, with rates of each event over time."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitesim.assays import MrdOutcome
from bitesim.engines.cohort_result import Failure
from bitesim.foundation.errors import ParameterError, needs_extra, unknown_name
from bitesim.population.events.course import CAUSES

Floats = NDArray[np.float64]
#: Set by bitesim.plots when it is imported, so that no lower floor imports the plotting code.
_plot_hook: Callable[..., Any] | None = None


def register_plot(hook: Callable[..., Any]) -> None:
    """Let `hook` draw for `ClinicalResult.plot`."""
    global _plot_hook
    _plot_hook = hook


@dataclass(frozen=True, eq=False)
class ClinicalResult:
    """Courses of many patients, read by name: ``result["first_event_day"]`` has shape (patients,).

    Parameters
    ----------
    regimen : str
    seed : int
    follow_up_days : float
    visits_days : tuple of float
    numbers : ndarray of int
        Whose luck each row has.
    columns : mapping
        Name -> ndarray, shape (patients,). Days are infinite where nothing happened.
    failed : ndarray of bool
        Who could not be integrated; their other columns mean nothing.
    failures : tuple of Failure
    times_days : ndarray, shape (times,)
        Of `courses`.
    courses : mapping
        Name of an output that was kept -> ndarray, shape (patients, times), while treated.
    """

    regimen: str
    seed: int
    follow_up_days: float
    visits_days: tuple[float, ...]
    numbers: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    failed: NDArray[np.bool_]
    failures: tuple[Failure, ...]
    times_days: Floats
    courses: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.columns:
            raise unknown_name("column of this cohort", name, self.columns)
        return self.columns[name]

    def __repr__(self) -> str:
        return (
            f"<ClinicalResult {len(self)} patients, {self.regimen}, {self.follow_up_days:g} d; {len(self.failures)} failed>"
        )

    @staticmethod
    def joined(parts: Sequence[ClinicalResult]) -> ClinicalResult:
        """Return consecutive parts as one."""
        first = parts[0]
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns}
        courses = {name: np.concatenate([part.courses[name] for part in parts]) for name in first.courses}
        return ClinicalResult(
            first.regimen, first.seed, first.follow_up_days, first.visits_days,
            np.concatenate([part.numbers for part in parts]), columns, np.concatenate([part.failed for part in parts]),
            tuple(failure for part in parts for failure in part.failures), first.times_days, courses,
        )  # fmt: skip

    def digest(self) -> str:
        """Return the SHA-256 of every number in it."""
        digest = hashlib.sha256()
        for name, values in self.columns.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def cumulative_incidence(self, cause: str, days: ArrayLike) -> Floats:
        """Return the share of patients whose first event was this cause by each day.

        Raises
        ------
        UnknownNameError
            For a cause that is none of `CAUSES`.
        """
        if cause not in CAUSES:
            raise unknown_name("first event", cause, CAUSES)
        who = (self["first_event"] == CAUSES.index(cause)) & ~self.failed
        return self._share_by(np.where(who, self["first_event_day"], np.inf), days)

    def event_free(self, days: ArrayLike) -> Floats:
        """Return the share of patients alive without failure or relapse at each day."""
        return np.asarray(1.0 - self._share_by(self["first_event_day"], days))

    def alive(self, days: ArrayLike) -> Floats:
        """Return the share of patients alive at each day."""
        return np.asarray(1.0 - self._share_by(self["death_day"], days))

    def _share_by(self, when: Floats, days: ArrayLike) -> Floats:
        kept = np.sort(when[~self.failed])
        reached = np.searchsorted(kept, np.asarray(days, float), side="right")
        # Of nobody there is no share.
        return np.asarray(reached / len(kept) if len(kept) else np.full(np.shape(reached), np.nan))

    def mrd_negative(self, visit: int, of: str = "measured") -> tuple[int, int]:
        """Return (patients not detected, patients of the denominator) at a visit, from 1.

        Parameters
        ----------
        visit : int
        of : {"measured", "positive", "all"}
            Those with a sample at this visit; those of them whose true MRD was detectable at the start, 1e-4 or more; or
            all patients, where a missing sample counts as not negative.

        Raises
        ------
        ParameterError
            For a visit that was not made or an unknown denominator.
        """
        if not 1 <= visit <= len(self.visits_days):
            raise ParameterError(f"visit = {visit}: there were {len(self.visits_days)}, from 1")
        outcome = self[f"mrd_outcome_{visit}"]
        denominators = {
            "measured": (outcome >= 0) & ~self.failed,
            "positive": (outcome >= 0) & (self["mrd_0"] >= 1e-4) & ~self.failed,
            "all": ~self.failed,
        }
        if of not in denominators:
            raise unknown_name("denominator of MRD negativity", of, denominators)
        chosen = denominators[of]
        return int(np.sum(chosen & (outcome == int(MrdOutcome.NOT_DETECTED)))), int(np.sum(chosen))

    def summary(self) -> dict[str, float]:
        """Return shares of the patients by the end of follow-up: each first event, survival, transplants, toxicity."""
        end = self.follow_up_days
        kept = ~self.failed
        shares = {cause: float(self.cumulative_incidence(cause, [end])[0]) for cause in CAUSES}
        shares |= {"event-free": float(self.event_free([end])[0]), "alive": float(self.alive([end])[0])}
        happened = {
            "transplanted": np.isfinite(self["transplant_day"]),
            "severe cytokine release": self["cytokine_release_grade"] >= 3,
            "severe neurotoxicity": self["neurotoxicity_grade"] >= 3,
            "severe infection": np.isfinite(self["infection_day"]),
            "severe neutropenia": self["neutropenia_grade"] >= 3,
        }
        return shares | {name: float(np.mean(who[kept])) if kept.any() else np.nan for name, who in happened.items()}

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a patient; infinite days are missing values.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise needs_extra("pandas", "data", "to_dataframe") from problem
        table = pd.DataFrame({"patient": self.numbers, **self.columns, "failed": self.failed})
        names = pd.Series(dict(enumerate(CAUSES)))
        table["first_event"] = table["first_event"].map(names).fillna("none")
        days = [name for name in self.columns if name.endswith("_day")]
        table[days] = table[days].replace(np.inf, np.nan)
        return table

    def percentiles(self, name: str, levels: Sequence[float] = (5.0, 50.0, 95.0)) -> Floats:
        """Return percentiles of a kept course over the patients, shape (levels, times).

        Raises
        ------
        UnknownNameError
            For an output whose courses were not kept.
        """
        if name not in self.courses:
            raise unknown_name("course that was kept (keep=[...])", name, self.courses)
        return np.asarray(np.percentile(self.courses[name][~self.failed], levels, axis=0))

    def to_parquet(self, path: str | Path) -> Path:
        """Write the table of `to_dataframe` as Parquet.

        Raises
        ------
        MissingExtraError
            Without pandas or pyarrow.
        """
        table, file = self.to_dataframe(), Path(path)
        try:
            table.to_parquet(file)
        except ImportError as problem:
            raise needs_extra("pyarrow", "data", "to_parquet") from problem
        return file

    def to_csv(self, path: str | Path) -> Path:
        """Write one row a patient, every digit; infinite days are written as inf."""
        file = Path(path)
        names = list(self.columns)
        with file.open("w", encoding="utf-8") as opened:
            opened.write(",".join(["patient", *names, "failed"]) + "\n")
            for row in range(len(self)):
                cells = [repr(self.columns[name][row].item()) for name in names]
                opened.write(",".join([str(int(self.numbers[row])), *cells, str(bool(self.failed[row]))]) + "\n")
        return file

    def plot(self, what: str | None = None, ax: Any = None, **options: Any) -> Any:
        """Draw the cohort; see `bitesim.plots.plot_clinical_cohort`.

        Parameters
        ----------
        what : {"waterfall", "swimmer", "events", "survival"} or str, optional
            One picture, or an output that was kept, as bands. Default: these four.
        ax : matplotlib Axes, optional
            For one picture.
        options
            Of that picture.

        Returns
        -------
        Axes, or ndarray of Axes
        """
        if _plot_hook is None:
            raise ParameterError("plotting is not loaded: import bitesim.plots first (import bitesim does it)")
        return _plot_hook(self, what, ax, **options)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{share:.1%}</td></tr>" for name, share in self.summary().items()
        )
        caption = f"{len(self)} patients, {self.regimen}, to day {self.follow_up_days:g}; {len(self.failures)} failed"
        return f"<table><caption>{html.escape(caption)}</caption><tr><th>by then</th><th>share</th></tr>{rows}</table>"
