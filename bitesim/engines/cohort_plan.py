"""What a cohort run is asked for, checked: patients in any form become rows of parameters, each with its own clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import with_drug_by_name
from bitesim.engines.lanes_engine import Chunk
from bitesim.engines.timeline import pieces_between
from bitesim.foundation.checks import number, shown, whole_number
from bitesim.foundation.errors import ParameterError, ScenarioError, unknown_name
from bitesim.model import Model
from bitesim.numerics.pieces import Matrix, Pieces, Vector
from bitesim.parameters import ParameterSet
from bitesim.treatment import Regimen, Schedule
from bitesim.treatment.schedule import for_another_body

#: Rows of parameters [first, stop) of a cohort, made when they are needed.
ParameterRows = Callable[[int, int], Matrix]
#: Bodies whose clocks are kept at a time.
_MOST_CLOCKS: Final = 4096


@dataclass(frozen=True)
class CohortPlan:
    """A checked cohort run.

    Parameters
    ----------
    model : Model
    regimen : Regimen
    rows : callable
    patients : int
    bsa_m2, weight_kg : ndarray, float or None
    times_days : ndarray
    outputs : tuple of str
    rtol : float
    max_steps : int
    """

    model: Model
    regimen: Regimen
    rows: ParameterRows
    patients: int
    bsa_m2: NDArray[np.float64] | float | None
    weight_kg: NDArray[np.float64] | float | None
    times_days: Vector
    outputs: tuple[str, ...]
    rtol: float
    max_steps: int

    def body(self, patient: int) -> tuple[float | None, float | None]:
        """Return a patient's body surface area and weight."""
        return _of_patient(self.bsa_m2, patient), _of_patient(self.weight_kg, patient)

    def columns(self) -> NDArray[np.int64]:
        """Return the place of each output among readouts and states."""
        names = [*(readout.name for readout in self.model.readouts), *self.model.species]
        return np.array([names.index(name) for name in self.outputs], np.int64)

    def parameters(self, first: int, stop: int) -> Matrix:
        """Return rows of parameters, with what the bodies set in them."""
        table = np.array(self.rows(first, stop), dtype=np.float64)
        for link in self.model.covariates:
            values = {"bsa_m2": self.bsa_m2, "weight_kg": self.weight_kg}.get(link.covariate)
            if values is not None:
                column = list(self.model.catalogue).index(link.parameter)
                table[:, column] = (values[first:stop] if isinstance(values, np.ndarray) else values) * link.factor
        return table


def _of_patient(value: NDArray[np.float64] | float | None, patient: int) -> float | None:
    return float(value[patient]) if isinstance(value, np.ndarray) else value


def check_bodies_suffice(model: Model, parameters: Any, given: Mapping[str, Any]) -> None:
    """Refuse patients of whom one measure of the body is known but not one that the model needs beside it.

    Parameters
    ----------
    model : Model
    parameters
        As handed in; only names can say that a parameter is set there.
    given : mapping
        Covariate -> its values, or None.
    """
    named = set(parameters) if isinstance(parameters, Mapping) else set()
    for link in model.covariates:
        lacks = given.get(link.needed_with) is not None and given.get(link.covariate) is None
        if lacks and link.parameter not in named:
            raise ParameterError(
                f"model {model.name} needs {link.covariate}= of patients with {link.needed_with}=: it is the "
                f"{model.catalogue[link.parameter].meaning}"
            )


class Clocks:
    """The clocks of a cohort: one for each body that makes a difference."""

    def __init__(self, plan: CohortPlan) -> None:
        self.plan = plan
        self.regimen = with_drug_by_name(plan.model, plan.regimen)
        #: The schedule of one body, from which others follow, and its surface.
        self.first: tuple[Schedule, float | None] | None = None
        self.of_body: OrderedDict[tuple[float | None, float | None], Pieces] = OrderedDict()

    def clock(self, patient: int) -> Pieces:
        """Return one patient's clock."""
        body = self.plan.body(patient)
        if body not in self.of_body:
            schedule = self._schedule(*body)
            if schedule.decisions or schedule.steady_states:
                raise ScenarioError(
                    "the regimen has decision points or steady-state records, which look at one patient: run these with "
                    "simulate"
                )
            if len(self.of_body) >= _MOST_CLOCKS:
                self.of_body.popitem(last=False)
            # The reset state is each patient's own; the integrator knows it.
            untreated = np.zeros(len(self.plan.model.species))
            self.of_body[body] = pieces_between(self.plan.model, schedule, (0.0, np.inf), body[0], untreated)
        return self.of_body[body]

    def _schedule(self, bsa_m2: float | None, weight_kg: float | None) -> Schedule:
        if self.first is not None:
            other = for_another_body(self.first[0], self.regimen, self.first[1], bsa_m2, weight_kg)
            if other is not None:
                return other
        schedule = self.regimen.schedule(bsa_m2=bsa_m2, weight_kg=weight_kg)
        if self.first is None:
            self.first = schedule, bsa_m2
        return schedule

    def chunk(self, first: int, stop: int) -> Chunk:
        """Return the patients [first, stop) with their clocks."""
        places: dict[int, int] = {}
        clocks: list[Pieces] = []
        timetable = np.zeros(stop - first, np.int64)
        for row in range(stop - first):
            clock = self.clock(first + row)
            if id(clock) not in places:
                places[id(clock)] = len(clocks)
                clocks.append(clock)
            timetable[row] = places[id(clock)]
        plan = self.plan
        return Chunk(
            plan.parameters(first, stop),
            timetable,
            tuple(clocks),
            plan.times_days,
            plan.columns(),
            plan.rtol,
            plan.max_steps,
        )


def checked_outputs(model: Model, outputs: Any) -> tuple[str, ...]:
    """Return the names of the outputs asked for: readouts and states, also by the symbols of the paper."""
    if outputs is None:
        return tuple(readout.name for readout in model.readouts)
    if isinstance(outputs, str):
        raise ParameterError(f"outputs = {outputs!r} is one text: write [{outputs!r}]")
    if not isinstance(outputs, Sequence):
        raise ParameterError(f"outputs = {shown(outputs)} is no list of names: write e.g. ['{next(iter(model.units))}']")
    if not outputs:
        raise ParameterError("outputs is empty: name at least one readout or state, or leave it out for all readouts")
    chosen = [str(model.symbols.get(name, name)) for name in outputs]
    for name in chosen:
        if name not in model.units:
            raise unknown_name(f"output or state of {model.name}", name, model.units)
    return tuple(chosen)


def checked_bodies(
    name: str, value: Any, unit: str, allowed: tuple[float, float], patients: int
) -> NDArray[np.float64] | float | None:
    """Return one value for all, or one a patient, inside the allowed range."""
    if value is None:
        return None
    if np.ndim(value) == 0:
        return number(name, value, unit, allowed)
    if len(value) != patients:
        raise ParameterError(f"{name} has {len(value)} values for {patients} patients: give one value, or one a patient")
    return np.array([number(f"{name}[{row}]", each, unit, allowed) for row, each in enumerate(value)])


def parameter_rows(model: Model, parameters: Any, patients: int | None) -> tuple[ParameterRows, int]:
    """Return rows(first, stop) and the number of patients, whatever form the parameters have."""
    count = None if patients is None else whole_number("patients", patients, (1, 10**9))
    if isinstance(parameters, ParameterSet):
        parameters = [parameters] * (count or 1)
    if callable(parameters):
        if count is None:
            raise ParameterError("parameters is a function of (first, stop): say how many there are with patients=")
        # A copy, since the function may use one array again and again.
        return lambda first, stop: _checked(model, _numbers(parameters(first, stop)), first, stop), count
    if isinstance(parameters, Mapping):
        table = _table_of_names(model, parameters, count)
    elif isinstance(parameters, np.ndarray):
        table = _numbers(parameters)
    else:
        table = _table_of_sets(model, parameters)
    if table.ndim != 2 or not len(table):
        raise ParameterError(f"parameters has shape {table.shape}: expected (patients, {len(model.catalogue)})")
    if count is not None and count != len(table):
        raise ParameterError(f"patients = {count}, but parameters has {len(table)} rows: leave patients out")
    _checked(model, table, 0, len(table))
    return lambda first, stop: table[first:stop], len(table)


def _numbers(table: Any, name: str = "parameters") -> Matrix:
    try:
        return np.array(table, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise ParameterError(f"{name} = {shown(table)} are not numbers: {problem}") from None


def _table_of_sets(model: Model, sets: Any) -> Matrix:
    try:
        listed = list(sets)
    except TypeError:
        raise ParameterError(
            f"parameters = {shown(sets)}: give an array, a mapping of names, or a list of parameter sets"
        ) from None
    for row, each in enumerate(listed):
        if not isinstance(each, ParameterSet) or each.catalogue is not model.catalogue:
            raise ParameterError(
                f"parameters[{row}] = {shown(each)} does not belong to model {model.name}: "
                "start from model.parameters.replace(...)"
            )
    return np.array([each.vector() for each in listed])


def _table_of_names(model: Model, values: Mapping[str, Any], count: int | None) -> Matrix:
    columns = {model.catalogue[name].name: _numbers(value, name) for name, value in values.items()}
    for name, column in columns.items():
        if column.ndim > 1:
            raise ParameterError(f"parameters[{name!r}] has shape {column.shape}: give one value, or one a patient")
    lengths = {name: len(column) for name, column in columns.items() if column.ndim == 1}
    sizes = {*lengths.values(), *([] if count is None else [count])}
    if len(sizes) != 1:
        given = ", ".join(f"{name}: {length}" for name, length in lengths.items()) or "single values only"
        raise ParameterError(f"parameters do not say how many patients there are ({given}): give lists of one length")
    table = np.tile(model.parameters.vector(), (sizes.pop(), 1))
    for name, column in columns.items():
        table[:, list(model.catalogue).index(name)] = column
    return table


def _checked(model: Model, table: Matrix, first: int, stop: int) -> Matrix:
    """Return `table` if every value is finite and inside its bounds."""
    if table.shape != (stop - first, len(model.catalogue)):
        raise ParameterError(
            f"parameters of patients {first} to {stop - 1} have shape {table.shape}: expected "
            f"({stop - first}, {len(model.catalogue)}), one column for each parameter of {model.name}"
        )
    bounds = np.array([row.bounds for row in model.catalogue.values()])
    # Written so that NaN is refused too.
    bad = np.argwhere(~((table >= bounds[:, 0]) & (table <= bounds[:, 1]) & np.isfinite(table)))
    if len(bad):
        row, column = bad[0]
        parameter = list(model.catalogue.values())[column]
        try:
            parameter.checked(table[row, column])
        except ParameterError as problem:
            raise ParameterError(f"patient {first + row}: {problem} ({len(bad)} values of this table are refused)") from None
    return table
