"""A published agent result as a scenario: drug with breaks against drug without, in a marrow niche.

Published (an abstract; agents of tumour and T cells, calibrated in vitro): intervals of 7 days without treatment are
ahead of continuous treatment at day 28 and no longer at day 42; shorter breaks and Monday to Friday do better. In vitro,
T cells lysed 88 % at day 7, 9 % at day 28 of continuous exposure, and 93 % at day 14 after a 7-day break (Philipp et
al. 2022, Blood 140:1104). Here nothing is tuned to it: what comes out is told as it is.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import Case
from bitesim.foundation.checks import increasing_times, number, whole_number
from bitesim.leukaemia import LEUKAEMIA
from bitesim.niche.body import design_of
from bitesim.niche.design import NicheDesign
from bitesim.niche.run import run_niche
from bitesim.niche.simulation import NicheOptions
from bitesim.parameters import ParameterSet
from bitesim.treatment import Regimen

#: Name -> regimen over six weeks.
SCHEDULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "continuous": "28 ug/day for 42 d",
        "7 d on, 7 d off": "28 ug/day for 7 d, 7 d off, x3",
        "Monday to Friday": "28 ug/day for 5 d, 2 d off, x6",
        "2 d on, 1 d off": "28 ug/day for 2 d, 1 d off, x14",
    }
)
#: Half of the marrow's cells are blasts: exhaustion matters where disease is overt.
_BLASTS: Final = 0.5
_BSA_M2: Final = 1.876


@dataclass(frozen=True, eq=False)
class BreaksExperiment:
    """Blasts under schedules with and without breaks.

    Parameters
    ----------
    days : tuple of float
        When blasts are counted.
    schedules : mapping
        Name -> regimen.
    blasts : mapping
        Name -> ndarray, shape (repeats, days): blasts relative to the start [-].
    exhausted : mapping
        Name -> ndarray, shape (repeats, days): exhausted ones among T cells [-].
    """

    days: tuple[float, ...]
    schedules: Mapping[str, str]
    blasts: Mapping[str, NDArray[np.float64]]
    exhausted: Mapping[str, NDArray[np.float64]]

    def against_continuous(self, name: str) -> NDArray[np.float64]:
        """Return the logarithm (base 10) of blasts over those under the first schedule: below 0 a schedule is ahead."""
        first = next(iter(self.schedules))
        return np.asarray(np.log10(self.blasts[name].mean(axis=0) / self.blasts[first].mean(axis=0)))

    def __repr__(self) -> str:
        lines = [f"blasts left, mean +- SE of {len(next(iter(self.blasts.values())))} niches"]
        for name, found in self.blasts.items():
            error = found.std(axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.full(len(self.days), np.nan)
            parts = [
                f"day {day:g}: {mean:.3g} +- {each:.1g}"
                for day, mean, each in zip(self.days, found.mean(axis=0), error, strict=True)
            ]
            lines.append(f"  {name}: {', '.join(parts)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def treatment_free_intervals(
    schedules: Mapping[str, str] = SCHEDULES,
    days: Sequence[float] = (14.0, 28.0, 42.0),
    repeats: int = 4,
    *,
    blast_fraction: float = _BLASTS,
    design: NicheDesign | None = None,
    parameters: ParameterSet | None = None,
    seed: int = 0,
) -> BreaksExperiment:
    """Run niches under several schedules; each repeat has the same luck under all of them.

    Parameters
    ----------
    schedules : mapping
        Name -> regimen; the first one is what others are compared with.
    days : sequence of float
        Increasing.
    repeats : int
    blast_fraction : float
        Of marrow cells, in the niche and in the body.
    design : NicheDesign, optional
        Its blasts and T cells are those of the patient.
    parameters : ParameterSet, optional
        Of the leukaemia model.
    seed : int

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used.
    """
    times = increasing_times("days", days)
    repeats = whole_number("repeats", repeats, (1, 1000))
    fraction = number("blast_fraction", blast_fraction, "-", (1e-6, 0.9), "50 % is 0.5.")
    chosen = (LEUKAEMIA.parameters if parameters is None else parameters).replace(baseline_blast_fraction=fraction)
    base = NicheDesign(32, 32, cells_per_site=0.85) if design is None else design
    placed = design_of(chosen, base)
    blasts, exhausted = {}, {}
    for name, text in schedules.items():
        runs = [_one(chosen, text, times, placed, seed + repeat) for repeat in range(repeats)]
        blasts[name], exhausted[name] = (np.array([each[column] for each in runs]) for column in range(2))
    return BreaksExperiment(tuple(times.tolist()), dict(schedules), blasts, exhausted)


def _one(
    parameters: ParameterSet, regimen: str, times: NDArray[np.float64], design: NicheDesign, seed: int
) -> tuple[Any, Any]:
    """Return blasts relative to the start, and the share of exhausted T cells, at some days of one niche."""
    case = Case(LEUKAEMIA, parameters, Regimen.parse(regimen), _BSA_M2, parameters["weight_kg"])
    run = run_niche(case, times, design, NicheOptions(), seed)
    at = np.searchsorted(run.times_days, times - 1e-9)
    tired = (run["walking_exhausted"] + run["bound_exhausted"])[at]
    return run["blasts"][at] / run["blasts"][0], tired / np.maximum(run["t_cells"][at], 1.0)
