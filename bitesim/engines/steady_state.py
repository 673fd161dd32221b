"""The state after endless doses: repeat the interval until the state repeats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from bitesim.engines.timeline import pieces_between
from bitesim.foundation.errors import SolverError
from bitesim.model import Model
from bitesim.numerics.pieces import Pieces, Vector
from bitesim.treatment import Bolus, RateSegment, Schedule, SteadyState

#: A constant infusion is followed in windows of this length.
_WINDOW_DAYS: Final = 10.0
_MOST_INTERVALS: Final = 5000


def steady_state(
    model: Model,
    dosing: SteadyState,
    start: Vector,
    bsa_m2: float | None,
    advance: Callable[[Vector, Pieces], None],
    rtol: float,
) -> Vector:
    """Return the state just before the next dose of an endless series.

    Parameters
    ----------
    model : Model
    dosing : SteadyState
    start : ndarray
        The untreated patient, from whom the series begins.
    bsa_m2 : float or None
    advance : callable
        Integrates a state in place through pieces.
    rtol : float
        The state repeats when the distance to its limit is below this, relative to its size and scale.

    Raises
    ------
    SolverError
        When the state does not settle, e.g. because a tumour grows.
    """
    window = dosing.interval_days or _WINDOW_DAYS
    pieces = pieces_between(model, _one_interval(dosing, window), (0.0, window), bsa_m2, start)
    if window - (dosing.duration_days if dosing.interval_days else window) < min(
        (pulse.quiet_days for pulse in model.pulses), default=0.0
    ):
        # Doses follow each other too closely for a new first exposure.
        pieces.jump[0, [model.species.position(name) for pulse in model.pulses for name in pulse.jumps]] = 0.0
    books = [model.species.position(name) for balance in model.balances for name in balance.weights]
    kept = [
        column for column in range(len(start)) if column not in books or column == model.species.position(model.drug.species)
    ]
    state, step_before = start.copy(), np.inf
    for _ in range(_MOST_INTERVALS):
        before = state.copy()
        advance(state, pieces)
        size = model.species.scales() + np.abs(state)
        step = float(np.max((np.abs(state - before) / size)[kept]))
        ratio = min(step / step_before, 0.999999) if step_before > 0.0 else 0.0
        # The steps shrink like a geometric series, whose rest is what is still missing.
        if step * max(ratio, 0.5) / (1.0 - ratio) < rtol and step < step_before:
            return state
        step_before = step
    raise SolverError(
        f"no steady state of model {model.name} within {_MOST_INTERVALS} intervals of {window:g} d (last relative change "
        f"{step_before:.2g}): does something grow without limit? Write the doses out instead of SS."
    )


def _one_interval(dosing: SteadyState, window: float) -> Schedule:
    """Return one interval as a schedule that starts at time 0."""
    infusions: tuple[RateSegment, ...] = ()
    boluses: tuple[Bolus, ...] = ()
    if not dosing.interval_days:
        infusions = (RateSegment(0.0, window, dosing.amount, dosing.compartment),)
    elif dosing.duration_days:
        infusions = (RateSegment(0.0, dosing.duration_days, dosing.amount / dosing.duration_days, dosing.compartment),)
    else:
        boluses = (Bolus(0.0, dosing.amount, dosing.compartment),)
    return Schedule(infusions, boluses, (), (), (), (), window)
