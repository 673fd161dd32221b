"""From a schedule to what an integrator sees: pieces of constant input, jumps and resets of one model."""

from __future__ import annotations

import math

import numpy as np

from bitesim.engines.trajectory import RunEvent
from bitesim.foundation.errors import ScenarioError
from bitesim.model import Model
from bitesim.numerics.pieces import Pieces, Vector
from bitesim.treatment import Schedule


def amount_per_state_unit(model: Model, compartment: str | int, bsa_m2: float | None) -> float:
    """Return what one unit of a dose into `compartment` adds to its species: 1, or 1/BSA for a per-m2 drug state.

    Raises
    ------
    ScenarioError
        When the model counts drug per m2 and the patient has no BSA.
    """
    if model.input_species(compartment) != model.drug.species or not model.drug.per_m2:
        return 1.0
    if bsa_m2 is None:
        raise ScenarioError(
            f"model {model.name} counts drug per m2 and the patient has no body surface area: "
            "give bsa_m2=, or height_cm= and weight_kg="
        )
    return 1.0 / bsa_m2


def input_windows(model: Model, schedule: Schedule) -> list[tuple[float, float]]:
    """Return the sorted (start, stop) of everything that goes into the model's drug input; a bolus has no length."""
    windows = [
        (infusion.start_days, infusion.stop_days)
        for infusion in schedule.infusions
        if model.input_species(infusion.compartment) == model.drug.species
    ]
    windows += [
        (bolus.time_days, bolus.time_days)
        for bolus in schedule.boluses
        if model.input_species(bolus.compartment) == model.drug.species
    ]
    return sorted(windows)


def pulse_times(model: Model, schedule: Schedule) -> list[tuple[float, int]]:
    """Return (time, index of the model's pulse) of every pulse that the schedule fires."""
    fired = []
    for index, pulse in enumerate(model.pulses):
        quiet_since = -math.inf
        for start, stop in input_windows(model, schedule):
            if start - quiet_since >= pulse.quiet_days:
                fired.append((start, index))
            quiet_since = max(quiet_since, stop)
    return sorted(fired)


def pulse_events(model: Model, schedule: Schedule) -> list[RunEvent]:
    """Return the pulses as events for the run's log."""
    return [
        RunEvent(time, "pulse", ", ".join(f"{name} +{jump:g}" for name, jump in model.pulses[index].jumps.items()))
        for time, index in pulse_times(model, schedule)
    ]


def delivered_until(model: Model, schedule: Schedule, times: Vector, bsa_m2: float | None) -> Vector:
    """Return what was given into the drug input up to each time, in the unit of its species."""
    total = np.zeros(len(times))
    for infusion in schedule.infusions:
        if model.input_species(infusion.compartment) == model.drug.species:
            factor = amount_per_state_unit(model, infusion.compartment, bsa_m2)
            elapsed = np.clip(times, infusion.start_days, infusion.stop_days) - infusion.start_days
            total += factor * infusion.rate * elapsed
    for bolus in schedule.boluses:
        if model.input_species(bolus.compartment) == model.drug.species:
            total += np.where(
                times >= bolus.time_days, bolus.amount * amount_per_state_unit(model, bolus.compartment, bsa_m2), 0.0
            )
    return total


def pieces_between(
    model: Model, schedule: Schedule, window: tuple[float, float], bsa_m2: float | None, reset_state: Vector
) -> Pieces:
    """Return the pieces of the half-open `window` [start, stop); what happens at `stop` is not in it.

    Parameters
    ----------
    model : Model
    schedule : Schedule
    window : (float, float)
        Days; the stop may be infinite.
    bsa_m2 : float or None
    reset_state : ndarray
        State to which a reset returns: the untreated patient.
    """
    start, stop = window
    pulses = pulse_times(model, schedule)
    changes = {infusion.start_days for infusion in schedule.infusions}
    changes |= {infusion.stop_days for infusion in schedule.infusions}
    if model.dexamethasone:
        changes |= {time for time, _ in schedule.premedication}
    changes |= {bolus.time_days for bolus in schedule.boluses} | set(schedule.resets) | {time for time, _ in pulses}
    starts = [start, *sorted(time for time in changes if start < time < stop)]
    position = {time: index for index, time in enumerate(starts)}

    n_states = len(model.species)
    rate, jump = np.zeros((len(starts), n_states)), np.zeros((len(starts), n_states))
    reset = np.zeros(len(starts), np.int64)
    for infusion in schedule.infusions:
        species = model.species.position(model.input_species(infusion.compartment))
        factor = amount_per_state_unit(model, infusion.compartment, bsa_m2)
        for index, time in enumerate(starts):
            if infusion.start_days <= time < infusion.stop_days:
                rate[index, species] += infusion.rate * factor
    for bolus in schedule.boluses:
        if bolus.time_days in position:
            species = model.species.position(model.input_species(bolus.compartment))
            jump[position[bolus.time_days], species] += bolus.amount * amount_per_state_unit(
                model, bolus.compartment, bsa_m2
            )
    if model.dexamethasone:
        for time, mg in schedule.premedication:
            if time in position:
                jump[position[time], model.species.position(model.dexamethasone)] += mg
    for time, index in pulses:
        if time in position:
            for name, size in model.pulses[index].jumps.items():
                jump[position[time], model.species.position(name)] += size
    for time in schedule.resets:
        if time in position:
            reset[position[time]] = 1
    return Pieces(np.array([*starts, stop]), rate, jump, reset, reset_state)
