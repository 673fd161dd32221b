"""How quantities vary between patients, and together: a distribution for each, and correlations by a Gaussian copula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bitesim.foundation.checks import shown
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.model import Model
from bitesim.parameters import Parameter
from bitesim.population.copula import Copula
from bitesim.population.distributions import (
    Constant,
    Distribution,
    LogitNormal,
    LogNormal,
    Normal,
    Quantiles,
    Uniform,
    distribution_of,
)
from bitesim.population.mixtures import Mixture
from bitesim.published import find_model

_KINDS: Final[Mapping[str, type[Distribution]]] = {
    each.kind: each for each in (Constant, Uniform, Normal, LogNormal, LogitNormal, Quantiles, Mixture)
}


def distribution_from_dict(description: Mapping[str, Any]) -> Distribution:
    """Return the distribution that `Distribution.as_dict` described."""
    arguments = dict(description)
    kind = arguments.pop("kind", None)
    if kind not in _KINDS:
        raise unknown_name("kind of distribution", kind, _KINDS)
    if kind == Mixture.kind:
        arguments["components"] = [distribution_from_dict(each) for each in arguments["components"]]
    return _KINDS[kind](**arguments)


def _of_row(row: Parameter, middle: float) -> Distribution:
    """Return the distribution of a catalogue's row around a value, cut to the row's bounds."""
    spread = row.between_patients
    assert spread is not None
    low, high = row.bounds
    if spread.distribution == "log-normal":
        return LogNormal(middle, spread.sd, max(low, 0.0), high)
    if spread.distribution == "logit-normal":
        return LogitNormal(middle, spread.sd, max(low, 0.0), min(high, 1.0))
    return Normal(middle, spread.sd, low, high)


@dataclass(frozen=True, eq=False)
class Variability:
    """Distributions between patients, with correlations.

    Parameters
    ----------
    distributions : mapping of str to Distribution or float
        Name of a model's parameter, or of a value of `Patient` such as ``mrd``, and how it varies; a number is the same for
        everybody.
    correlations : mapping of (str, str) to float
        Correlation of the normal scores of two quantities [-]; pairs left out are 0. They may also name the scores of a
        `Growth` (``age_years``, ``height_for_age``, ``weight_for_height``, ``cd8_for_age``). `Copula` says what such a
        correlation means for values; `spearman` returns what it implies for ranks.

    Raises
    ------
    ParameterError
        For what is no distribution, and correlations that no quantities can have together.
    """

    distributions: Mapping[str, Distribution]
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.distributions, Mapping):
            raise ParameterError(
                f"distributions = {shown(self.distributions)}: expected name -> distribution, e.g. "
                "{'mrd': LogNormal.of_log10(-3, 1)}"
            )
        if not isinstance(self.correlations, Mapping):
            raise ParameterError(f"correlations = {shown(self.correlations)}: expected {{('a', 'b'): 0.3}}")
        found = {name: distribution_of(name, each) for name, each in self.distributions.items()}
        object.__setattr__(self, "distributions", found)
        object.__setattr__(self, "correlations", dict(self.correlations))

    @classmethod
    def of_catalogue(cls, model: str | Model | None = None) -> Variability:
        """Return the spread of every parameter of a model whose catalogue says how it varies between patients.

        Parameters
        ----------
        model : str or Model, optional
            Default: the leukaemia model. Medians are the model's values; each distribution is cut to the row's bounds.
        """
        chosen = find_model(model)
        rows = {name: row for name, row in chosen.catalogue.items() if row.between_patients is not None}
        return cls({name: _of_row(row, chosen.parameters[name]) for name, row in rows.items()})

    def adding(
        self,
        distributions: Mapping[str, Distribution | float] | None = None,
        correlations: Mapping[tuple[str, str], float] | None = None,
    ) -> Variability:
        """Return this with more quantities, or other distributions of present ones; nobody's other draws change."""
        added: Mapping[str, Any] = distributions or {}
        return Variability({**self.distributions, **added}, {**self.correlations, **(correlations or {})})

    def without(self, *names: str) -> Variability:
        """Return this without some quantities and their correlations."""
        for name in names:
            if name not in self.distributions:
                raise unknown_name("quantity", name, self.distributions)
        kept = {name: each for name, each in self.distributions.items() if name not in names}
        return Variability(kept, {pair: rho for pair, rho in self.correlations.items() if not set(pair) & set(names)})

    def copula(self, before: tuple[str, ...] = ()) -> Copula:
        """Return the copula of what varies, after the names of other quantities `before` it."""
        varying = [name for name, each in self.distributions.items() if not isinstance(each, Constant)]
        return Copula([*before, *(name for name in varying if name not in before)], self.correlations)

    def spearman(self) -> dict[tuple[str, str], float]:
        """Return the rank correlation that each given correlation implies, ``6 / pi * asin(rho / 2)`` [-]."""
        names = dict.fromkeys([*self.distributions, *(name for pair in self.correlations for name in pair)])
        return Copula(tuple(names), self.correlations).spearman()

    def as_dict(self) -> dict[str, Any]:
        """Return a plain description that JSON can write and `from_dict` reads."""
        return {
            "distributions": {name: each.as_dict() for name, each in self.distributions.items()},
            "correlations": [[*pair, rho] for pair, rho in self.correlations.items()],
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Variability:
        """Return what `as_dict` described."""
        return cls(
            {name: distribution_from_dict(each) for name, each in description["distributions"].items()},
            {(first, second): rho for first, second, rho in description["correlations"]},
        )
