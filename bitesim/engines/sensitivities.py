"""Forward sensitivities: exact derivatives of a run's outputs by parameters, initial values, doses and event times."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from bitesim.engines.deterministic import Case, Settings, failure_message, with_drug_by_name
from bitesim.engines.sensitivity_result import SensitivityResult, Target, ToDose, ToEventTime, ToInitialValue
from bitesim.engines.system import OneSystem, system_of
from bitesim.engines.timeline import amount_per_state_unit, pieces_between
from bitesim.foundation.checks import number
from bitesim.foundation.compiled import kernel, prepare
from bitesim.foundation.errors import ParameterError, ScenarioError, SolverError
from bitesim.model import Model
from bitesim.model.derived import Derived
from bitesim.numerics.entries import invoke2, invoke3, sparse_product_entry, straight_line_entry
from bitesim.numerics.integrate_one import start_block
from bitesim.numerics.lanes import LANES, block, rows_for
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import ACCEPTED, Control, Matrix, Output, Pieces, Vector, output_at
from bitesim.numerics.rosenbrock import STAGES, work_for
from bitesim.numerics.tangents import (
    TANGENT_SIGNATURE,
    Directions,
    TangentEntries,
    TangentOutput,
    TangentState,
    follow_tangents,
)
from bitesim.treatment import Schedule

_FIRST_RECORD: Final = 1024
_BLOCK: Final = types.Array(types.float64, 2, "C")


def run_sensitivities(
    case: Case, times_days: Vector, to: Sequence[Target], settings: Settings | None = None
) -> SensitivityResult:
    """Integrate one case and differentiate every readout and state by each of the targets `to`.

    The steps of the run are taken again with their exact tangents: the derivatives are those of the computed numbers at
    the steps that the run chose, and as accurate as its tolerance. At a kink of the equations they are one-sided.

    Raises
    ------
    ParameterError, ScenarioError
        For a model without derived code, and for targets that do not exist, by name.
    SolverError
        As `run_ode`.
    """
    settings = settings or Settings()
    model = case.model
    derived = model.derivatives
    if derived is None:
        raise ParameterError(f"model {model.name} has no derived code for sensitivities: run bitesim.derive(model) first")
    system = system_of(model)
    case = replace(case, regimen=with_drug_by_name(model, case.regimen))
    schedule = case.schedule()
    if schedule.decisions or schedule.steady_states:
        raise ScenarioError("sensitivities need a fixed regimen: it has decision points or steady-state records")
    parameters = case.parameters.vector()
    start = system.initial_state(parameters)
    pieces = pieces_between(model, schedule, (0.0, math.inf), case.bsa_m2, start)
    directions, labels = _directions(case, derived, schedule, pieces, to)
    recorded = _recorded(case, system, start, pieces, times_days, settings)

    n, m = len(model.species), len(model.readouts)
    n_blocks = len(directions.start) // n
    work, dots = work_for(rows_for(n), rows_for(derived.n_factors)), work_for(n_blocks * n, 1)
    state = start_block(start)
    moving = TangentState(
        directions.start.copy(),
        block(n_blocks * len(derived.pattern)),
        block(n_blocks * n),
        block(rows_for(n)),
        block(rows_for(n)),
    )
    output = TangentOutput(
        times_days,
        np.full((len(times_days), n), np.nan),
        np.full((len(times_days), m), np.nan),
        np.full((len(times_days), n_blocks * n, LANES), np.nan),
        np.full((len(times_days), n_blocks * m, LANES), np.nan),
    )
    follow = prepare(follow_tangents, TANGENT_SIGNATURE)
    with np.errstate(all="ignore"):
        taken = follow(
            system.system, _entries_of(model, derived).steps, system.constants(parameters), state, pieces, recorded,
            directions, (n, len(derived.pattern)), moving, output, work, dots,
        )  # fmt: skip
    if taken != len(times_days):
        raise SolverError(f"only {taken} of {len(times_days)} outputs of {case.patient} were reached; please report this")
    return _result(case, labels, output, n_blocks, times_days)


def _recorded(
    case: Case, system: OneSystem, start: Vector, pieces: Pieces, times_days: Vector, settings: Settings
) -> Output:
    """Run the case and return its output with the record of its steps."""
    control = Control(settings.rtol, case.model.species.scales(), settings.max_steps)
    room, rows = _FIRST_RECORD, (1 + STAGES) * rows_for(len(start))
    while True:
        output = output_at(times_days, len(start), record=(room, rows))
        code = system.integrate(case.parameters.vector(), start.copy(), pieces, control, output)
        if code != Outcome.OK:
            raise SolverError(failure_message(case, Outcome(code), output, case.schedule(), settings))
        if output.counters[ACCEPTED] <= room:
            return output
        room = int(output.counters[ACCEPTED])


def _directions(
    case: Case, derived: Derived, schedule: Schedule, pieces: Pieces, to: Sequence[Target]
) -> tuple[Directions, list[tuple[str, str, float | None]]]:
    """Return the directions of the targets, and (name, unit, value) of each."""
    if isinstance(to, (str, ToInitialValue, ToDose, ToEventTime)) or not to:
        raise ParameterError(f"to = {to!r}: give a list of targets, e.g. ['clearance_l_per_h', bitesim.ToDose()]")
    model, n = case.model, len(case.model.species)
    n_blocks = rows_for(len(to))
    constants = block(n_blocks * derived.n_constants)
    start = block(n_blocks * n)
    boundary = np.zeros((len(pieces.reset), n_blocks, LANES))
    input_rate = np.zeros((len(pieces.reset), n_blocks * n, LANES))
    jump = np.zeros_like(input_rate)
    labels: list[tuple[str, str, float | None]] = []
    initial: list[tuple[int, int, int]] = []
    for direction, target in enumerate(to):
        b, lane = divmod(direction, LANES)
        if isinstance(target, str):
            place = list(model.catalogue).index(model.catalogue[target].name)
            constants[b * derived.n_constants + place, lane] = 1.0
            labels.append((target, model.catalogue[target].unit, case.parameters[target]))
        elif isinstance(target, ToInitialValue):
            initial.append((b, model.species.position(target.species), lane))
            labels.append((target.name, model.species[target.species].unit, None))
        elif isinstance(target, ToDose):
            species = b * n + model.species.position(model.drug.species)
            input_rate[:, species, lane] = _dosed(case, schedule, pieces, target)
            labels.append((target.name, "ug/day", None))
        elif isinstance(target, ToEventTime):
            boundary[_event(pieces, target), b, lane] = 1.0
            labels.append((target.name, "d", None))
        else:
            raise ParameterError(f"to[{direction}] = {target!r} is no target: a parameter's name, ToInitialValue, ToDose, "
                                 "or ToEventTime")  # fmt: skip
    repeated = [name for name, _, _ in labels if [label[0] for label in labels].count(name) > 1]
    if repeated:
        raise ParameterError(f"to names {repeated[0]!r} twice")
    _follow_parameters(model, derived, case.parameters.vector(), constants, start, n_blocks)
    for b, species, lane in initial:
        start[b * n + species, lane] = 1.0
    return Directions(constants, start, boundary, input_rate, jump), labels


def _dosed(case: Case, schedule: Schedule, pieces: Pieces, target: ToDose) -> Vector:
    """Return what each piece's input gains per ug/day of the infusions in a window."""
    since = number("from_days", target.from_days, "days", (0.0, 36525.0))
    chosen = [
        infusion
        for infusion in schedule.infusions
        if infusion.compartment == "drug" and since <= infusion.start_days < target.until_days
    ]
    if not chosen:
        known = ", ".join(f"{infusion.start_days:g}" for infusion in schedule.infusions) or "none"
        raise ScenarioError(f"no infusion of the drug starts in {target.name}; infusions start at day: {known}")
    factor = amount_per_state_unit(case.model, "drug", case.bsa_m2)
    begins = pieces.boundary[:-1]
    return np.array([factor * sum(i.start_days <= time < i.stop_days for i in chosen) for time in begins], float)


def _event(pieces: Pieces, target: ToEventTime) -> int:
    times = pieces.boundary[:-1]
    found = np.nonzero(times == target.time_days)[0]
    if not len(found):
        known = ", ".join(f"{time:g}" for time in times)
        raise ScenarioError(f"nothing happens at day {target.time_days!r}; something changes at day: {known}")
    return int(found[0])


@kernel
def _fill_directions(fill: Any, constants: Matrix, constants_dot: Matrix) -> None:
    invoke2(fill, constants, constants_dot, 0)


@kernel
def _start_directions(start: Any, constants: Matrix, constants_dot: Matrix, state_dot: Matrix) -> None:
    invoke3(start, constants, constants_dot, state_dot, 0)


def _follow_parameters(
    model: Model, derived: Derived, parameters: Vector, constants_dot: Matrix, start_dot: Matrix, n_blocks: int
) -> None:
    """Fill in how constants and the start follow from the directions of the parameters."""
    constants = system_of(model).constants(parameters)
    along_parameters = _entries_of(model, derived)
    filled = prepare(_fill_directions, types.void(types.int64, _BLOCK, _BLOCK))
    started = prepare(_start_directions, types.void(types.int64, _BLOCK, _BLOCK, _BLOCK))
    n, size = len(model.species), derived.n_constants
    for b in range(n_blocks):
        along = constants_dot[b * size : (b + 1) * size]
        filled(along_parameters.constants, constants, along)
        started(along_parameters.start, constants, along, start_dot[b * n : (b + 1) * n])


class _Entries(NamedTuple):
    """Entry points of one model's tangents."""

    steps: TangentEntries
    constants: Any
    start: Any


_entries: weakref.WeakKeyDictionary[Model, _Entries] = weakref.WeakKeyDictionary()


def _entries_of(model: Model, derived: Derived) -> _Entries:
    """Return the entry points of a model's tangents; compiled or loaded when first asked for."""
    if model not in _entries:
        mixed, tangents = (False, False, True, True, True), derived.tangents
        steps = TangentEntries(
            rate=straight_line_entry(tangents.rate, mixed),
            jacobian=straight_line_entry(tangents.jacobian, mixed),
            readouts=straight_line_entry(tangents.readouts, mixed),
            solve=straight_line_entry(derived.solve, (False, True)),
            values=straight_line_entry(derived.readouts, (False, False, False)),
            product=sparse_product_entry(derived.pattern),
        )
        _entries[model] = _Entries(
            steps,
            straight_line_entry(tangents.constants, (False, True)),
            straight_line_entry(tangents.initial_state, (False, True, True)),
        )
    return _entries[model]


def _result(
    case: Case, labels: list[tuple[str, str, float | None]], output: TangentOutput, n_blocks: int, times_days: Vector
) -> SensitivityResult:
    model, count = case.model, len(labels)

    def apart(dots: NDArray[np.float64], width: int) -> NDArray[np.float64]:
        """Return (times, width, directions) from (times, blocks * width, 8)."""
        parted = dots.reshape(len(times_days), n_blocks, width, LANES).transpose(0, 2, 1, 3)
        return parted.reshape(len(times_days), width, n_blocks * LANES)[:, :, :count]

    names = (*(readout.name for readout in model.readouts), *model.species)
    derivatives = np.concatenate(
        [apart(output.readouts_dot, len(model.readouts)), apart(output.states_dot, len(model.species))], axis=1
    )
    return SensitivityResult(
        model=model.name,
        times_days=times_days,
        outputs=names,
        targets=tuple(name for name, _, _ in labels),
        units={**model.units, **{name: unit for name, unit, _ in labels}},
        values=np.hstack([output.readouts, output.states]),
        derivatives=derivatives,
        target_values={name: value for name, _, value in labels if value is not None},
    )
