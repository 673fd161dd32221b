"""What sensitivities are by, and the result: outputs of a run and their derivatives, by name."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import needs_extra, unknown_name

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ToInitialValue:
    """By the value of a state before treatment, apart from the parameters that set it."""

    species: str

    @property
    def name(self) -> str:
        """Label in results."""
        return f"initial {self.species}"


@dataclass(frozen=True)
class ToDose:
    """By the rate [ug/day] of every infusion of the drug that starts in the window [from_days, until_days)."""

    from_days: float = 0.0
    until_days: float = math.inf

    @property
    def name(self) -> str:
        """Label in results."""
        until = "" if math.isinf(self.until_days) else f" to {self.until_days:g}"
        return f"dose from day {self.from_days:g}{until}"


@dataclass(frozen=True)
class ToEventTime:
    """By the instant [d] of everything that happens at `time_days`: starts, stops, changes of rate, boluses, pulses.

    At the very start of the run it is the derivative towards later.
    """

    time_days: float

    @property
    def name(self) -> str:
        """Label in results."""
        return f"time of the event at day {self.time_days:g}"


Target = str | ToInitialValue | ToDose | ToEventTime


@dataclass(frozen=True, eq=False)
class SensitivityResult:
    """Outputs of one run and their derivatives: ``result["blood_b_cells_per_ul", "killing_max"]``, shape (times,).

    Parameters
    ----------
    model : str
    times_days : ndarray, shape (times,)
    outputs : tuple of str
        Readouts first, then states.
    targets : tuple of str
        Names of what the derivatives are by.
    units : mapping
        Output or target -> unit.
    values : ndarray, shape (times, outputs)
    derivatives : ndarray, shape (times, outputs, targets)
        In the unit of the output per unit of the target.
    target_values : mapping
        Target -> its value, where it has one (parameters).
    """

    model: str
    times_days: Vector
    outputs: tuple[str, ...]
    targets: tuple[str, ...]
    units: Mapping[str, str]
    values: Matrix
    derivatives: NDArray[np.float64]
    target_values: Mapping[str, float]

    def _output(self, name: str) -> int:
        if name not in self.outputs:
            raise unknown_name("output or state of this run", name, self.outputs)
        return self.outputs.index(name)

    def __getitem__(self, key: tuple[str, str]) -> Vector:
        output, target = key
        if target not in self.targets:
            raise unknown_name("target of these sensitivities", target, self.targets)
        return self.derivatives[:, self._output(output), self.targets.index(target)]

    def output(self, name: str) -> Vector:
        """Return an output itself, shape (times,)."""
        return self.values[:, self._output(name)]

    def elasticities(self) -> NDArray[np.float64]:
        """Return d ln output / d ln parameter, shape (times, outputs, targets); NaN for targets that are no parameters."""
        factors = np.array([self.target_values.get(name, math.nan) for name in self.targets])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.derivatives * factors / self.values[:, :, np.newaxis])

    def __repr__(self) -> str:
        return (
            f"<SensitivityResult {self.model}, {len(self.times_days)} times, {len(self.outputs)} outputs by "
            f"{', '.join(self.targets)}>"
        )

    def to_dataframe(self) -> Any:
        """Return a tidy pandas DataFrame: time_days, output, target, value, derivative, unit.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise needs_extra("pandas", "data", "to_dataframe") from problem
        times, outputs, targets = self.derivatives.shape
        return pd.DataFrame(
            {
                "time_days": np.repeat(self.times_days, outputs * targets),
                "output": np.tile(np.repeat(self.outputs, targets), times),
                "target": np.tile(self.targets, times * outputs),
                "value": np.repeat(self.values.reshape(-1), targets),
                "derivative": self.derivatives.reshape(-1),
                "unit": np.tile([f"{self.units[o]} / ({self.units[t]})" for o in self.outputs for t in self.targets], times),
            }
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("by", *self.outputs[:8]))
        rows = ""
        for column, target in enumerate(self.targets):
            cells = "".join(f"<td>{value:.4g}</td>" for value in self.derivatives[-1, :8, column])
            rows += f"<tr><td>{html.escape(target)} [{html.escape(self.units[target])}]</td>{cells}</tr>"
        caption = f"{self.model}: derivatives at day {self.times_days[-1]:g}"
        return f"<table><caption>{html.escape(caption)}</caption><tr>{head}</tr>{rows}</table>"
