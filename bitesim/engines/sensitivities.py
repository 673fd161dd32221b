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
from bitesim.engines.system import system_of
from bitesim.engines.timeline import amount_per_state_unit, pieces_between
from bitesim.foundation.checks import number
from bitesim.foundation.compiled import kernel, prepare
from bitesim.foundation.errors import ParameterError, ScenarioError, SolverError
from bitesim.model import Model
from bitesim.model.derived import Derived
from bitesim.numerics.entries import invoke2, invoke3, sparse_product_entry, straight_line_entry
from bitesim.numerics.lanes import LANES, block, rows_for
from bitesim.numerics.outcomes import Outcome
from bitesim.numerics.pieces import ACCEPTED, Control, Matrix, Pieces, Vector, output_at
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
_FILL_SIGNATURE: Final = types.void(types.int64, _BLOCK, _BLOCK)
_START_SIGNATURE: Final = types.void(types.int64, _BLOCK, _BLOCK, _BLOCK)


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
    prepared = PreparedSensitivities(case, times_days, to, settings)
    values, derivatives = prepared.at(case.parameters.vector())
    model, labels = case.model, prepared.labels
    return SensitivityResult(
        model=model.name,
        times_days=times_days,
        outputs=prepared.outputs,
        targets=tuple(name for name, _, _ in labels),
        units={**model.units, **{name: unit for name, unit, _ in labels}},
        values=values,
        derivatives=derivatives,
        target_values={name: value for name, _, value in labels if value is not None},
    )


class PreparedSensitivities:
    """Sensitivities of one patient under one regimen, run again and again with other values of the parameters.

    What does not depend on the values is worked out once, and memory is kept from run to run: an instance belongs to one
    thread at a time. The patient's body, on which doses may depend, stays that of the case.

    Parameters
    ----------
    case : Case
    times_days : ndarray
        Strictly increasing output times [d].
    to : sequence
        Targets, as in `run_sensitivities`.
    settings : Settings, optional

    Raises
    ------
    ParameterError, ScenarioError
        As `run_sensitivities`.
    """

    def __init__(self, case: Case, times_days: Vector, to: Sequence[Target], settings: Settings | None = None) -> None:
        model, derived = case.model, case.model.derivatives
        if derived is None:
            raise ParameterError(
                f"model {model.name} has no derived code for sensitivities: run bitesim.derive(model) first"
            )
        self.settings = settings or Settings()
        self.case = replace(case, regimen=with_drug_by_name(model, case.regimen))
        self.schedule = self.case.schedule()
        if self.schedule.decisions or self.schedule.steady_states:
            raise ScenarioError("sensitivities need a fixed regimen: it has decision points or steady-state records")
        self.outputs = (*(readout.name for readout in model.readouts), *model.species)
        self.times_days, self._derived, self._system = times_days, derived, system_of(model)
        n, m, times = len(model.species), len(model.readouts), len(times_days)
        self.pieces = pieces_between(model, self.schedule, (0.0, math.inf), case.bsa_m2, np.zeros(n))
        self._directions, self.labels, self._initial = _directions(self.case, derived, self.schedule, self.pieces, to)
        self._blocks = blocks = len(self._directions.start) // n
        self._entries = _entries_of(model, derived)
        self._work = work_for(rows_for(n), rows_for(derived.n_factors))
        self._dots, self._state = work_for(blocks * n, 1), block(rows_for(n))
        pattern = blocks * len(derived.pattern)
        rows = [block(size) for size in (blocks * n, pattern, blocks * n, rows_for(n), rows_for(n))]
        self._moving = TangentState(*rows)
        self._record = output_at(times_days, n, record=(_FIRST_RECORD, (1 + STAGES) * rows_for(n)))
        shapes = ((times, n), (times, m), (times, blocks * n, LANES), (times, blocks * m, LANES))
        self._output = TangentOutput(times_days, *(np.full(shape, np.nan) for shape in shapes))

    def at(self, parameters: Vector) -> tuple[Matrix, NDArray[np.float64]]:
        """Return outputs, shape (times, outputs), and their derivatives, shape (times, outputs, targets).

        Parameters
        ----------
        parameters : ndarray
            In the order of the catalogue.

        Raises
        ------
        SolverError
            As `run_ode`.
        """
        start = self._system.initial_state(parameters)
        self.pieces.reset_state[:] = start
        self._run(parameters, start)
        model, given = self.case.model, self._directions
        _follow_parameters(self._entries, self._derived, self._system.constants(parameters), given)
        for place, species, lane in self._initial:
            given.start[place * len(start) + species, lane] = 1.0
        self._state.reshape(-1)[:] = 0.0
        self._state.reshape(-1)[: len(start)] = start
        self._moving.state_dot[:] = given.start
        follow = prepare(follow_tangents, TANGENT_SIGNATURE)
        with np.errstate(all="ignore"):
            taken = follow(
                self._system.system, self._entries.steps, self._system.constants(parameters), self._state, self.pieces,
                self._record, given, (len(start), len(self._derived.pattern)), self._moving, self._output, self._work,
                self._dots,
            )  # fmt: skip
        if taken != len(self.times_days):
            count = len(self.times_days)
            raise SolverError(f"only {taken} of {count} outputs of {self.case.patient} were reached; please report this")
        return self._values(len(model.readouts), len(start))

    def _run(self, parameters: Vector, start: Vector) -> None:
        """Run the state alone and keep the record of its steps."""
        control = Control(self.settings.rtol, self.case.model.species.scales(), self.settings.max_steps)
        while True:
            record = self._record
            record.states.fill(np.nan)
            record.counters[:], record.progress[:] = 0, 0.0
            code = self._system.integrate(parameters, start.copy(), self.pieces, control, record)
            if code != Outcome.OK:
                changed = dict(zip(self.case.model.catalogue, map(float, parameters), strict=True))
                case = replace(self.case, parameters=self.case.parameters.replace(**changed))
                raise SolverError(failure_message(case, Outcome(code), record, self.schedule, self.settings))
            room = int(record.counters[ACCEPTED])
            if room <= len(record.record):
                return
            # With some to spare: the next run may take a few steps more.
            rows = (1 + STAGES) * rows_for(len(start))
            self._record = output_at(self.times_days, len(start), record=(room + room // 4, rows))

    def _values(self, n_readouts: int, n_states: int) -> tuple[Matrix, NDArray[np.float64]]:
        output, count, times = self._output, len(self.labels), len(self.times_days)

        def apart(dots: NDArray[np.float64], width: int) -> NDArray[np.float64]:
            """Return (times, width, directions) from (times, blocks * width, 8)."""
            parted = dots.reshape(times, self._blocks, width, LANES).transpose(0, 2, 1, 3)
            return parted.reshape(times, width, self._blocks * LANES)[:, :, :count]

        parts = [apart(output.readouts_dot, n_readouts), apart(output.states_dot, n_states)]
        return np.hstack([output.readouts, output.states]), np.concatenate(parts, axis=1)


def _directions(
    case: Case, derived: Derived, schedule: Schedule, pieces: Pieces, to: Sequence[Target]
) -> tuple[Directions, list[tuple[str, str, float | None]], list[tuple[int, int, int]]]:
    """Return the directions of the targets, (name, unit, value) of each, and (block, species, lane) of initial values.

    How derived constants and the start follow from the parameters is left to `_follow_parameters`.
    """
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
    return Directions(constants, start, boundary, input_rate, jump), labels, initial


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


def _follow_parameters(entries: _Entries, derived: Derived, constants: Matrix, given: Directions) -> None:
    """Fill in how derived constants and the start follow from the directions of the parameters."""
    filled = prepare(_fill_directions, _FILL_SIGNATURE)
    started = prepare(_start_directions, _START_SIGNATURE)
    given.start[:] = 0.0
    blocks = len(given.constants) // derived.n_constants
    size, n = derived.n_constants, len(given.start) // blocks
    for b in range(blocks):
        along = given.constants[b * size : (b + 1) * size]
        filled(entries.constants, constants, along)
        started(entries.start, constants, along, given.start[b * n : (b + 1) * n])


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
