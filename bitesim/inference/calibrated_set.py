"""The calibrated set: values with their uncertainty, which facts and sources they came from, and a hash over all of it."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import ParameterError
from bitesim.foundation.provenance import digest_of, installed_versions, source_digest
from bitesim.inference.calibration import Calibration
from bitesim.inference.facts import facts_digest
from bitesim.inference.free_parameters import FreeParameter, Values, distributions_of, with_free
from bitesim.parameters import ParameterSet
from bitesim.population.events.luck import Luck
from bitesim.population.variability import Variability
from bitesim.version import __version__

_FILE: Final = "calibrated_leukaemia.json"
_ABOUT: Final = "calibrated leukaemia model of bitesim"


@dataclass(frozen=True)
class CalibratedParameter:
    """One parameter after the calibration.

    Parameters
    ----------
    free : FreeParameter
    value : float
    sd_ln : float
        SD of its logarithm: the prior's where it is not identified [-].
    identified : bool
        Whether the facts say more of it than its prior.
    """

    free: FreeParameter
    value: float
    sd_ln: float
    identified: bool

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval, by Laplace's approximation."""
        half = 1.96 * self.sd_ln
        return self.value * math.exp(-half), self.value * math.exp(half)


@dataclass(frozen=True, eq=False)
class CalibratedSet:
    """Calibrated values and where they came from.

    Parameters
    ----------
    rows : tuple of CalibratedParameter
        Identified ones first.
    covariance : ndarray
        Of the logarithms of the identified ones, in their order.
    seed : int
        Of the virtual patients.
    provenance : mapping
        Version, digests of the sources and of the facts, packages.
    """

    rows: tuple[CalibratedParameter, ...]
    covariance: NDArray[np.float64]
    seed: int
    provenance: Mapping[str, Any]

    @classmethod
    def of(cls, found: Calibration) -> CalibratedSet:
        """Return what a calibration found."""
        known = [
            CalibratedParameter(each, float(value), float(sd), True)
            for each, value, sd in zip(found.fit.free, np.exp(found.fit.logs), found.fit.sd_ln, strict=True)
        ]
        kept = [CalibratedParameter(each, each.default, each.prior_sd_ln, False) for each, _ in found.unidentified]
        provenance = {
            "bitesim_version": __version__,
            "sources_sha256": source_digest(),
            "facts_sha256": facts_digest(),
            "versions": dict(installed_versions()),
        }
        return cls((*known, *kept), found.fit.covariance, found.seed, provenance)

    @property
    def values(self) -> Values:
        """What virtual patients are drawn with."""
        return with_free([row.free for row in self.rows], np.log([row.value for row in self.rows]))

    @property
    def parameters(self) -> ParameterSet:
        """Typical values, for `bitesim.simulate` and every other engine as ``parameters=``."""
        chosen = self.values.parameters
        return ParameterSet(chosen.catalogue, chosen.as_dict(), f"calibrated, {self.digest()[:12]}")

    @property
    def events(self) -> ParameterSet:
        """Parameters of clinical events, for `bitesim.simulate_clinical_cohort` as ``events=``."""
        return self.values.events

    def variability(self) -> Variability:
        """Return how patients vary, for `VirtualPopulation.sample`: spreads about calibrated values, and these for all."""
        return Variability(distributions_of(self.values))

    def drawn(self, draws: int, seed: int = 0) -> list[Values]:
        """Return values drawn from the posterior, what is not identified from its prior; cut to the allowed ranges."""
        whole_number("draws", draws, (1, 10**6))
        free = [row.free for row in self.rows]
        known = sum(row.identified for row in self.rows)
        root = np.linalg.cholesky(self.covariance)
        luck = Luck(seed, np.arange(draws))
        scores = np.array([luck.normal(f"calibrated {each.kind} {each.parameter}") for each in free])
        logs = np.log([row.value for row in self.rows])[:, np.newaxis] + np.concatenate(
            [root @ scores[:known], np.array([row.sd_ln for row in self.rows[known:]])[:, np.newaxis] * scores[known:]]
        )
        ends = np.log([each.bounds for each in free])
        return [with_free(free, np.clip(column, ends[:, 0], ends[:, 1])) for column in logs.T]

    def as_dict(self) -> dict[str, Any]:
        """Return a plain description with its own hash, that JSON can write and `from_dict` reads."""
        content = {
            "about": _ABOUT,
            "seed": self.seed,
            "provenance": dict(self.provenance),
            "parameters": [
                {
                    "parameter": row.free.parameter,
                    "kind": row.free.kind,
                    "unit": row.free.unit,
                    "catalogue": row.free.default,
                    "value": row.value,
                    "sd_ln": row.sd_ln,
                    "prior_sd_ln": row.free.prior_sd_ln,
                    "identified": row.identified,
                }
                for row in self.rows
            ],
            "covariance": self.covariance.tolist(),
        }
        return {**content, "sha256": digest_of(content)}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> CalibratedSet:
        """Return what `as_dict` described.

        Raises
        ------
        ParameterError
            For something else, and for numbers that were changed since.
        """
        content = {name: value for name, value in description.items() if name != "sha256"}
        if content.get("about") != _ABOUT:
            raise ParameterError("this is not a calibrated set: expected what `bitesim calibrate` wrote")
        if digest_of(content) != description.get("sha256"):
            raise ParameterError("the hash of this calibrated set is not that of its numbers: was the file edited?")
        rows = tuple(
            CalibratedParameter(
                FreeParameter(row["parameter"], row["kind"], row["prior_sd_ln"]),
                row["value"],
                row["sd_ln"],
                row["identified"],
            )
            for row in content["parameters"]
        )
        return cls(rows, np.array(content["covariance"]), content["seed"], content["provenance"])

    def plot(self, ax: Any = None) -> Any:
        """Draw it; return the Axes."""
        if _plot_hook is None:
            raise ParameterError("plotting is not loaded: import bitesim.plots first (import bitesim does it)")
        return _plot_hook(self, ax)

    def digest(self) -> str:
        """Return the SHA-256 over values, uncertainty and provenance."""
        return str(self.as_dict()["sha256"])

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as JSON."""
        Path(path).write_text(json.dumps(self.as_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> CalibratedSet:
        """Read what `save` wrote."""
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError) as problem:
            raise ParameterError(f"{path} cannot be read as a calibrated set: {problem}") from None

    def __repr__(self) -> str:
        known = sum(row.identified for row in self.rows)
        return (
            f"<CalibratedSet {self.digest()[:12]}: {known} parameters identified, {len(self.rows) - known} at their priors>"
        )

    def __str__(self) -> str:
        head = f"{'parameter':44s}{'catalogue':>11s}{'value':>11s}{'95 % interval':>26s}  unit"
        lines = []
        for row in self.rows:
            low, high = row.interval
            shown = f"{low:.3g} to {high:.3g}" if row.identified else "not identified: prior kept"
            lines.append(f"{row.free.name:44s}{row.free.default:>11.4g}{row.value:>11.4g}{shown:>26s}  {row.free.unit}")
        return "\n".join([repr(self)[1:-1], head, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(row.free.name)}</td><td>{row.free.default:.4g}</td><td>{row.value:.4g}</td>"
            f"<td>{row.interval[0]:.3g} to {row.interval[1]:.3g}</td><td>{html.escape(row.free.unit)}</td>"
            f"<td>{'facts' if row.identified else 'prior kept'}</td></tr>"
            for row in self.rows
        )
        titles = ("parameter", "catalogue", "value", "95 % interval", "unit", "known by")
        head = "".join(f"<th>{title}</th>" for title in titles)
        return f"<table><caption>{html.escape(repr(self)[1:-1])}</caption><tr>{head}</tr>{rows}</table>"


_plot_hook: Callable[..., Any] | None = None


def register_set_plot(function: Callable[..., Any]) -> None:
    """Let `CalibratedSet.plot` draw; the floor of plots calls it when it is imported."""
    global _plot_hook
    _plot_hook = function


@cache
def calibrated() -> CalibratedSet:
    """Return the calibrated set that ships with bitesim; `bitesim calibrate` made it."""
    text = files("bitesim.inference").joinpath(_FILE).read_text(encoding="utf-8")
    return CalibratedSet.from_dict(json.loads(text))
