"""The course of many patients: outputs at common times, and how each one ended."""

from __future__ import annotations

import hashlib
import html
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import needs_extra, unknown_name
from bitesim.numerics.outcomes import ADVICE, Outcome


@dataclass(frozen=True)
class Failure:
    """A patient whose course could not be integrated to the end.

    Parameters
    ----------
    patient : int
        Row in the cohort.
    outcome : Outcome
    time_days, step_days : float
        Time reached and step tried there.
    reason : str
        What happened and what to try.
    reproducer : str
        One line of Python that runs this patient alone.
    """

    patient: int
    outcome: Outcome
    time_days: float
    step_days: float
    reason: str
    reproducer: str

    def __str__(self) -> str:
        return (
            f"patient {self.patient}: {self.outcome.name.lower().replace('_', ' ')} at day {self.time_days:.6g} "
            f"(step {self.step_days:.2g} d): {self.reason}; reproduce it with {self.reproducer}"
        )


@dataclass(frozen=True, eq=False)
class CohortResult:
    """Outputs of many patients, read by name: ``result["blood_b_cells_per_ul"]`` has shape (patients, times).

    Parameters
    ----------
    model : str
    first_patient : int
        Row of the first patient in the whole cohort; 0 unless this is one chunk of a stream.
    times_days : ndarray, shape (times,)
    outputs : tuple of str
    units : mapping
        Name -> unit.
    values : ndarray, shape (patients, times, outputs)
        NaN where a failed patient did not get to.
    outcome : ndarray of int, shape (patients,)
        Code of `Outcome`; 0 is OK.
    time_reached_days : ndarray, shape (patients,)
    steps : ndarray of int, shape (patients, 3)
        Accepted and rejected steps, restarts.
    failures : tuple of Failure
    """

    model: str
    first_patient: int
    times_days: NDArray[np.float64]
    outputs: tuple[str, ...]
    units: Mapping[str, str]
    values: NDArray[np.float64]
    outcome: NDArray[np.int64]
    time_reached_days: NDArray[np.float64]
    steps: NDArray[np.int64]
    failures: tuple[Failure, ...]

    def __len__(self) -> int:
        return len(self.outcome)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self.outputs:
            raise unknown_name("output of this cohort", name, self.outputs)
        return self.values[:, :, self.outputs.index(name)]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.outputs)

    def __repr__(self) -> str:
        return (
            f"<CohortResult {self.model}, {len(self)} patients, {len(self.times_days)} times: {', '.join(self.outputs)}; "
            f"{len(self.failures)} failed>"
        )

    def digest(self) -> str:
        """Return the SHA-256 of every number in it."""
        digest = hashlib.sha256()
        for array in (self.times_days, self.values, self.outcome, self.time_reached_days, self.steps):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def percentiles(self, name: str, levels: Sequence[float] = (5.0, 50.0, 95.0)) -> NDArray[np.float64]:
        """Return percentiles of an output over the patients who reached each time, shape (levels, times)."""
        with warnings.catch_warnings():
            # Where nobody got to, there is no percentile: NaN says so.
            warnings.filterwarnings("ignore", "All-NaN slice")
            return np.asarray(np.nanpercentile(self[name], levels, axis=0))

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a patient and time: patient, outcome, time_days, then the outputs.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise needs_extra("pandas", "data", "to_dataframe") from problem
        patients = np.arange(len(self)) + self.first_patient
        columns: dict[str, Any] = {
            "patient": np.repeat(patients, len(self.times_days)),
            "outcome": np.repeat([Outcome(code).name for code in self.outcome], len(self.times_days)),
            "time_days": np.tile(self.times_days, len(self)),
        }
        columns |= {name: self.values[:, :, column].reshape(-1) for column, name in enumerate(self.outputs)}
        return pd.DataFrame(columns)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in ("output", "unit", "first", "last: 5 %", "median", "95 %"))
        rows = ""
        for name in self.outputs:
            first, last = self.percentiles(name, (50.0,))[0, 0], self.percentiles(name)[:, -1]
            cells = (name, self.units[name], f"{first:.4g}", *(f"{value:.4g}" for value in last))
            rows += "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"
        caption = f"{self.model}, {len(self)} patients, {len(self.failures)} failed"
        return f"<table><caption>{html.escape(caption)}</caption><tr>{head}</tr>{rows}</table>"


def joined(chunks: Sequence[CohortResult]) -> CohortResult:
    """Return the chunks of one stream, in order and at least one, as one result."""
    first = chunks[0]
    return CohortResult(
        first.model,
        first.first_patient,
        first.times_days,
        first.outputs,
        first.units,
        np.concatenate([chunk.values for chunk in chunks]),
        np.concatenate([chunk.outcome for chunk in chunks]),
        np.concatenate([chunk.time_reached_days for chunk in chunks]),
        np.concatenate([chunk.steps for chunk in chunks]),
        tuple(failure for chunk in chunks for failure in chunk.failures),
    )


def failure_of(patient: int, code: int, progress: NDArray[np.float64], reproducer: str) -> Failure:
    """Return the row of a patient who ended with another outcome than OK."""
    outcome = Outcome(code)
    return Failure(patient, outcome, float(progress[0]), float(progress[1]), ADVICE[outcome], reproducer)
