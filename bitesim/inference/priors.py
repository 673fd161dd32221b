"""What is known of a patient's parameters before anything was seen of the patient: a distribution for each, and why.

In the order in which they apply:

1. The prior that the user gives.
2. What the catalogue says of the spread between patients, around the model's value and cut to the row's bounds.
3. A value of the patient that a covariate set was measured, with an error: 0.3 log10 for a fraction of blasts, 20 % for a
   count. One that was not given is known as badly as it varies: a factor of ten for the fraction, of two for a count.
4. A row with neither says how well its value is known, and by that the prior is as wide as the table below. These widths
   are a choice of this package, not a finding.

A positive parameter's prior is log-normal, that of one between 0 and 1 logit-normal; all are cut to the bounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bitesim.foundation.errors import ParameterError
from bitesim.inference.transforms import Score
from bitesim.model import Model
from bitesim.parameters import Parameter, ParameterSet
from bitesim.population.distributions import Distribution, LogitNormal, LogNormal, Normal, distribution_of

#: SD of ln x (of the logit of a fraction) of a parameter whose spread nobody published, by how well its value is known.
WIDTHS: Final[Mapping[str, float]] = {"measured": 0.2, "fitted": 0.5, "derived": 0.5, "assumed": 1.0}
#: SD where a covariate sets the parameter: (given, not given), of a fraction and of anything else.
_FRACTION_WIDTHS: Final = (0.3 * math.log(10.0), math.log(10.0))
_COUNT_WIDTHS: Final = (0.2, math.log(2.0))


@dataclass(frozen=True)
class Prior:
    """The prior of one parameter.

    Parameters
    ----------
    name, unit : str
    score : Score
        Its distribution, and the way to the search space.
    reason : str
        Where it is from.
    """

    name: str
    unit: str
    score: Score
    reason: str

    @property
    def distribution(self) -> Distribution:
        """The distribution itself."""
        return self.score.distribution


def prior_of(model: Model, name: str, middle: float, *, is_covariate_given: bool = False) -> Prior:
    """Return the prior of one parameter around a value, by rules 2 to 4 of this module.

    Parameters
    ----------
    model : Model
    name : str
    middle : float
        The model's or the patient's value.
    is_covariate_given : bool
        Whether a covariate of the patient set it.
    """
    row = model.catalogue[name]
    linked = {link.parameter for link in model.covariates}
    if row.between_patients is not None and not is_covariate_given:
        spread = row.between_patients
        made = _distribution(row, middle, spread.sd, spread.distribution)
        return Prior(name, row.unit, Score(made), f"spread between patients: {spread.source}")
    if name in linked:
        widths = _FRACTION_WIDTHS if row.unit == "-" and row.bounds[1] <= 1.0 else _COUNT_WIDTHS
        width = widths[0] if is_covariate_given else widths[1]
        reason = "the patient's value, measured with an error" if is_covariate_given else "not measured in this patient"
        return Prior(name, row.unit, Score(_distribution(row, middle, width)), reason)
    reason = f"no published spread; the value is {row.knowledge}, so that SD {WIDTHS[row.knowledge]:g} is chosen"
    return Prior(name, row.unit, Score(_distribution(row, middle, WIDTHS[row.knowledge])), reason)


def _distribution(row: Parameter, middle: float, width: float, kind: str = "") -> Distribution:
    low, high = row.bounds
    if kind == "normal" or low < 0.0:
        # A parameter of either sign has no logarithm: its width is relative to its value, or to its bounds at 0.
        sd = width if kind == "normal" else width * (abs(middle) or 0.1 * (high - low))
        return Normal(middle, sd, low, high)
    if middle <= 0.0:
        raise ParameterError(
            f"{row.name} = {middle:g} has no logarithm to search along: give its prior, e.g. "
            f"priors={{{row.name!r}: Uniform({low:g}, {high:g})}}"
        )
    if kind == "logit-normal" or (not kind and high <= 1.0 and 0.01 < middle < 1.0):
        return LogitNormal(middle, width, max(low, 0.0), min(high, 1.0))
    return LogNormal(middle, width, max(low, 0.0), high)


def priors_of(
    model: Model,
    free: Sequence[str],
    parameters: ParameterSet,
    given: Sequence[str] = (),
    priors: Mapping[str, Distribution] | None = None,
) -> tuple[Prior, ...]:
    """Return the priors of the free parameters, in their order.

    Parameters
    ----------
    model : Model
    free : sequence of str
    parameters : ParameterSet
        The patient's: their middles.
    given : sequence of str
        Parameters that covariates of the patient set.
    priors : mapping, optional
        Name -> distribution, instead of those of this module.

    Raises
    ------
    ParameterError
        For a name that is no parameter, one that is free twice, and a prior of one that is not free.
    """
    chosen: Mapping[str, Distribution] = priors or {}
    if isinstance(free, str) or not free:
        raise ParameterError(f"free = {free!r}: give a list of parameters to estimate, e.g. ['clearance_l_per_h']")
    twice = [name for name in free if list(free).count(name) > 1]
    if twice:
        raise ParameterError(f"free names {twice[0]!r} twice")
    strangers = [name for name in chosen if name not in free]
    if strangers:
        raise ParameterError(f"priors names {strangers[0]!r}, which is not free: free = {', '.join(free)}")
    found = []
    for name in free:
        row = model.catalogue[name]
        if name in chosen:
            found.append(Prior(name, row.unit, Score(_inside(row, distribution_of(name, chosen[name]))), "given"))
        else:
            found.append(prior_of(model, name, parameters[name], is_covariate_given=name in given))
    return tuple(found)


def _inside(row: Parameter, given: Distribution) -> Distribution:
    """Refuse a prior that reaches beyond the bounds of its parameter."""
    low, high = given.range()
    if isinstance(given, (LogNormal, LogitNormal, Normal)):
        least, most = max(low, row.bounds[0]), min(high, row.bounds[1])
        if least < most:
            # What is open is cut where the parameter ends, as the catalogue's own spreads are.
            if isinstance(given, Normal):
                return Normal(given.mean, given.sd, least, most)
            return type(given)(given.median, given.sd, least, most)
    if not row.bounds[0] <= low <= high <= row.bounds[1]:
        raise ParameterError(
            f"the prior of {row.name} reaches from {low:g} to {high:g} {row.unit}: expected within {row.bounds[0]:g} to "
            f"{row.bounds[1]:g}"
        )
    return given
