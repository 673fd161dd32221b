"""What a calibration may change: typical values, spreads between patients and parameters of events, each with its prior.

A prior is log-normal about the catalogue's value. Its width says how well the value is known by itself: 0.15 for what was
measured, 0.3 for what was derived, 0.5 to 0.7 for what was tuned or assumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.errors import ParameterError
from bitesim.leukaemia import LEUKAEMIA
from bitesim.parameters import ParameterSet
from bitesim.population.distributions import LogNormal
from bitesim.population.events.catalogue import EVENTS

Kind = Literal["typical", "spread", "event"]
#: Quantities that vary between patients beside those of the catalogue, and the SD of their logarithm [-]: priors.
FURTHER_SPREADS: Final[Mapping[str, float]] = MappingProxyType({"t_cell_fitness": 0.5, "blast_cd19_copies": 0.5})
_SPREADS: Final = (0.02, 3.0)


@dataclass(frozen=True)
class Values:
    """What virtual patients of a trial are drawn with.

    Parameters
    ----------
    parameters : ParameterSet
        Typical values of the leukaemia model.
    spreads : mapping
        Name of a parameter -> SD between patients, of its logarithm [-].
    events : ParameterSet
        Of clinical events.
    """

    parameters: ParameterSet = LEUKAEMIA.parameters
    spreads: Mapping[str, float] = field(default_factory=lambda: default_spreads())
    events: ParameterSet = field(default_factory=lambda: ParameterSet(EVENTS))


@dataclass(frozen=True)
class FreeParameter:
    """One parameter that a calibration may change.

    Parameters
    ----------
    parameter : str
        Name in the catalogue of the model or of events.
    kind : {"typical", "spread", "event"}
        Its typical value, its SD between patients, or a value of events.
    prior_sd_ln : float
        SD of the logarithm about the catalogue's value [-].
    """

    parameter: str
    kind: Kind
    prior_sd_ln: float

    @property
    def name(self) -> str:
        """Name in reports."""
        return f"spread of {self.parameter}" if self.kind == "spread" else self.parameter

    @property
    def default(self) -> float:
        """The catalogue's value."""
        return self.of(Values())

    @property
    def unit(self) -> str:
        """Unit of the value."""
        if self.kind == "spread":
            return "-"
        return (EVENTS if self.kind == "event" else LEUKAEMIA.catalogue)[self.parameter].unit

    @property
    def bounds(self) -> tuple[float, float]:
        """Allowed values."""
        if self.kind == "spread":
            return _SPREADS
        low, high = (EVENTS if self.kind == "event" else LEUKAEMIA.catalogue)[self.parameter].bounds
        # On the scale of logarithms 0 lies at minus infinity.
        return max(low, 1e-9 * self.default), high

    def of(self, values: Values) -> float:
        """Return its value among `values`."""
        if self.kind == "spread":
            return values.spreads[self.parameter]
        return (values.events if self.kind == "event" else values.parameters)[self.parameter]


def default_spreads() -> Mapping[str, float]:
    """Return parameter -> SD of its logarithm between patients, of the catalogue and `FURTHER_SPREADS`."""
    rows = {name: row.between_patients for name, row in LEUKAEMIA.catalogue.items() if row.between_patients is not None}
    unusual = [name for name, spread in rows.items() if spread.distribution != "log-normal"]
    if unusual:
        raise ParameterError(f"{', '.join(unusual)}: a calibration takes log-normal spreads only")
    return MappingProxyType({name: spread.sd for name, spread in rows.items()} | dict(FURTHER_SPREADS))


def distributions_of(values: Values) -> dict[str, Any]:
    """Return how patients vary: spreads about typical values, then what is the same for all but not the catalogue's.

    What a patient's covariates set is left to them.
    """
    covariates = {link.parameter for link in LEUKAEMIA.covariates}
    found: dict[str, Any] = {
        name: LogNormal(values.parameters[name], sd, *LEUKAEMIA.catalogue[name].bounds)
        for name, sd in values.spreads.items()
    }
    changed = values.parameters.changed()
    return found | {name: value for name, value in changed.items() if name not in found and name not in covariates}


def with_free(free: Sequence[FreeParameter], logs: NDArray[np.float64], base: Values | None = None) -> Values:
    """Return values with the free parameters at the given logarithms, shape (free,).

    Raises
    ------
    ParameterError
        For a value outside its bounds.
    """
    start = Values() if base is None else base
    chosen: dict[str, dict[str, float]] = {"typical": {}, "spread": {}, "event": {}}
    for each, log in zip(free, logs.tolist(), strict=True):
        low, high = each.bounds
        # exp(log(bound)) can miss the bound by rounding.
        chosen[each.kind][each.parameter] = min(max(math.exp(log), low), high) if _at(log, low, high) else math.exp(log)
    typical = chosen["typical"]
    if "tonic_priming_per_day" not in typical:
        typical["tonic_priming_per_day"] = _tonic(start.parameters.replace(**typical))
    return Values(
        start.parameters.replace(**typical),
        MappingProxyType({**start.spreads, **chosen["spread"]}),
        start.events.replace(**chosen["event"]),
    )


def _at(log: float, low: float, high: float) -> bool:
    return abs(log - math.log(low)) < 1e-9 or abs(log - math.log(high)) < 1e-9


def _tonic(parameters: ParameterSet) -> float:
    """Return the rate of tonic priming that keeps the CD69+ share at rest, whatever the other rates are."""
    ratio = LEUKAEMIA.parameters["tonic_priming_per_day"] / _falling_back(LEUKAEMIA.parameters)
    return ratio * _falling_back(parameters)


def _falling_back(parameters: ParameterSet) -> float:
    return parameters["deactivation_per_day"] + parameters["resting_renewal_per_day"]


def _typical(prior_sd_ln: float, *names: str) -> tuple[FreeParameter, ...]:
    return tuple(FreeParameter(name, "typical", prior_sd_ln) for name in names)


def _spread(prior_sd_ln: float, *names: str) -> tuple[FreeParameter, ...]:
    return tuple(FreeParameter(name, "spread", prior_sd_ln) for name in names)


def _event(prior_sd_ln: float, *names: str) -> tuple[FreeParameter, ...]:
    return tuple(FreeParameter(name, "event", prior_sd_ln) for name in names)


#: From the drug to the clinic; the prior of CL is its published standard error, that of births a quarter of Hirt's spread.
FREE: Final = (
    *_typical(0.03, "clearance_l_per_h"),
    *_typical(
        0.5, "margination_gain", "margination_adaptation_per_day", "adhesion_half_bridges", "sinus_exit_per_day",
        "lymphoid_exit_per_day", "b_cell_margination_per_day", "t_cell_activation_per_day", "deactivation_per_day",
        "t_cell_division_per_day", "t_cell_ceiling", "activated_death_per_day", "exhaustion_per_day", "recovery_per_day",
    ),
    *_typical(0.7, "killing_search_share", "resting_killing_share", "exhausted_killing_share", "stimulus_search_share"),
    *_typical(0.5, "target_loss_per_day", "kills_per_day", "blast_cd19_copies", "marrow_t_cells_per_blood"),
    *_typical(0.3, "regulatory_half_share", "regulatory_share", "blast_log10_kill_per_block"),
    *_typical(0.15, "blast_birth_per_day"),
    *_typical(
        0.5, "il6_pg_per_ml_per_t_cell_per_ul", "il6_elimination_per_day", "il6_attenuation_per_day",
        "il6_attenuation_half_stimulus",
    ),
    *_spread(
        0.5, "t_cell_fitness", "blast_cd19_copies", "killing_search_share", "regulatory_share", "margination_gain",
        "margination_adaptation_per_day", "b_cell_margination_per_day", "t_cell_division_per_day",
        "activated_death_per_day", "il6_pg_per_ml_per_t_cell_per_ul", "blast_log10_kill_per_block", "blast_birth_per_day",
    ),
    *_event(0.1, "crs_midpoint_log10_il6"),
    *_event(0.5, "crs_burden_log10_il6", "neurotoxicity_first_cycle", "graft_kill_per_day", "transplant_mortality",
            "survival_after_relapse_days", "rescued_share", "conditioning_log10_kill_sd"),
    *_event(0.3, "conditioning_log10_kill"),
)  # fmt: skip
