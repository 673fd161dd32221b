"""What a stochastic run gives back: labelled outputs of every replicate, and how each one ended."""

from __future__ import annotations

import hashlib
import html
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import needs_extra, unknown_name
from bitesim.foundation.provenance import Provenance
from bitesim.numerics.direct_method import PATH_COUNTERS
from bitesim.numerics.outcomes import ADVICE, Outcome

#: What happened and what to try, where that is another thing than for an integrator.
STOCHASTIC_ADVICE: Final = MappingProxyType(
    {
        **ADVICE,
        Outcome.TOO_MANY_STEPS: (
            "the limit of events was reached: raise max_events=, ask for an earlier end, or use method='tau'"
        ),
    }
)


@dataclass(frozen=True)
class FailedReplicate:
    """A replicate that did not reach its end.

    Parameters
    ----------
    replicate : int
        Its number, which is that of its luck.
    outcome : Outcome
    time_days : float
        Time reached.
    reason : str
        What happened and what to try.
    reproducer : str
        One line of Python that runs this replicate alone.
    """

    replicate: int
    outcome: Outcome
    time_days: float
    reason: str
    reproducer: str

    def __str__(self) -> str:
        return (
            f"replicate {self.replicate}: {self.outcome.name.lower().replace('_', ' ')} at day {self.time_days:.6g}: "
            f"{self.reason}; reproduce it with {self.reproducer}"
        )


@dataclass(frozen=True, eq=False)
class StochasticResult:
    """Outputs of many replicates, read by name: ``result["blasts"]`` has shape (replicates, times).

    Parameters
    ----------
    model, method : str
    seed : int
    first_replicate : int
        Number of the first replicate.
    times_days : ndarray, shape (times,)
    outputs : tuple of str
    units : mapping
        Name -> unit.
    values : ndarray, shape (replicates, times, outputs)
        NaN where a failed replicate did not get to.
    outcome : ndarray of int, shape (replicates,)
        Code of `Outcome`; 0 is OK.
    time_reached_days : ndarray, shape (replicates,)
    counts : ndarray of int, shape (replicates, counters)
        In the order of `counters`.
    failures : tuple of FailedReplicate
    provenance : Provenance
    """

    model: str
    method: str
    seed: int
    first_replicate: int
    times_days: NDArray[np.float64]
    outputs: tuple[str, ...]
    units: Mapping[str, str]
    values: NDArray[np.float64]
    outcome: NDArray[np.int64]
    time_reached_days: NDArray[np.float64]
    counts: NDArray[np.int64]
    failures: tuple[FailedReplicate, ...]
    provenance: Provenance

    #: What `counts` counts.
    counters = PATH_COUNTERS

    def __len__(self) -> int:
        return len(self.outcome)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self.outputs:
            raise unknown_name("output of this run", name, self.outputs)
        return self.values[:, :, self.outputs.index(name)]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.outputs)

    def __repr__(self) -> str:
        return (
            f"<StochasticResult {self.model}, {self.method}, {len(self)} replicates, {len(self.times_days)} times: "
            f"{', '.join(self.outputs)}; {len(self.failures)} failed>"
        )

    def counted(self, name: str) -> NDArray[np.int64]:
        """Return one counter of every replicate: events, leaps, rejected_leaps or continuous_steps."""
        if name not in self.counters:
            raise unknown_name("counter", name, self.counters)
        return self.counts[:, self.counters.index(name)]

    def digest(self) -> str:
        """Return the SHA-256 of every number in it."""
        digest = hashlib.sha256()
        for array in (self.times_days, self.values, self.outcome, self.time_reached_days, self.counts):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def percentiles(self, name: str, levels: Sequence[float] = (5.0, 50.0, 95.0)) -> NDArray[np.float64]:
        """Return percentiles of an output over the replicates that reached each time, shape (levels, times)."""
        with warnings.catch_warnings():
            # Where none got to, there is no percentile: NaN says so.
            warnings.filterwarnings("ignore", "All-NaN slice")
            return np.asarray(np.nanpercentile(self[name], levels, axis=0))

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a replicate and time: replicate, outcome, time_days, then the outputs.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise needs_extra("pandas", "data", "to_dataframe") from problem
        columns: dict[str, Any] = {
            "replicate": np.repeat(np.arange(len(self)) + self.first_replicate, len(self.times_days)),
            "outcome": np.repeat([Outcome(code).name for code in self.outcome], len(self.times_days)),
            "time_days": np.tile(self.times_days, len(self)),
        }
        columns |= {name: self.values[:, :, column].reshape(-1) for column, name in enumerate(self.outputs)}
        return pd.DataFrame(columns)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in ("output", "unit", "last: 5 %", "median", "95 %"))
        rows = ""
        for name in self.outputs:
            cells = (name, self.units[name], *(f"{value:.4g}" for value in self.percentiles(name)[:, -1]))
            rows += "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"
        caption = f"{self.model}, {self.method}, {len(self)} replicates, {len(self.failures)} failed"
        return f"<table><caption>{html.escape(caption)}</caption><tr>{head}</tr>{rows}</table>"
