"""What every solver is given: a model, one patient under one regimen, output times, and how an error is measured."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

import bitesim
from benchmarks.right_hand_side import Equations, constants_of, fastest_equations
from bitesim.engines.deterministic import initial_state, read_outputs
from bitesim.engines.system import system_of
from bitesim.engines.timeline import pieces_between
from bitesim.foundation.errors import MissingExtraError
from bitesim.interchange import to_sbml
from bitesim.model import Model
from bitesim.numerics.pieces import Pieces
from bitesim.parameters import ParameterSet
from bitesim.treatment import Regimen

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Where the stiff test model is defined; without that module the stiff problem does not exist.
STIFF: Final = "tests.problems.stiff_binding"


class Stretch(NamedTuple):
    """One piece of constant input, cut at the last output: what a solver that restarts at every change is given.

    Parameters
    ----------
    piece : int
        Row of the problem's `pieces`.
    times_days : ndarray
        Start, outputs inside, stop: strictly increasing.
    rows : slice
        Rows of the output that this stretch fills; an output at its stop belongs to the next one, except the last.
    first : int
        Row of the states at `times_days` that goes into the first of `rows`.
    """

    piece: int
    times_days: Vector
    rows: slice
    first: int

    def outputs(self, found: Matrix) -> Matrix:
        """Return those of the states at `times_days` that are outputs."""
        return found[self.first : self.first + self.rows.stop - self.rows.start]


class SbmlText(NamedTuple):
    """A problem as SBML, for solvers that read it: species by the model's names, in amounts, without dosing.

    Parameters
    ----------
    text : str
    inputs : mapping
        Species -> the global parameter that holds the constant input into it.
    """

    text: str
    inputs: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Problem:
    """One initial value problem with a piecewise constant input.

    Parameters
    ----------
    name, title : str
    model : Model
    regimen : Regimen
        What `pieces` were made from, for the reference adult.
    parameters : ndarray
        Values in catalogue order.
    start : ndarray, shape (states,)
        State before the first piece's jump.
    pieces : Pieces
        What the clock does; the last boundary is infinite.
    times_days : ndarray
        Strictly increasing, from 0. An output at an instant of change is the state just after it.
    scale : ndarray, shape (states,)
        A state's absolute tolerance is the relative one times its scale.
    equations : Equations
        Compiled; every solver that can take a right-hand side and a Jacobian is given these.
    error : callable error(states, reference) -> float
        The largest relative error.
    metric : str
        What `error` measures, in a sentence.
    sbml : SbmlText, optional
    """

    name: str
    title: str
    model: Model
    regimen: Regimen
    parameters: Vector
    start: Vector
    pieces: Pieces
    times_days: Vector
    scale: Vector
    equations: Equations
    error: Callable[[Matrix, Matrix], float]
    metric: str
    sbml: SbmlText | None = None

    def of(self, parameters: Vector) -> Problem:
        """Return the problem of another patient: the same compiled equations, other parameters and start."""
        start = system_of(self.model).initial_state(parameters)
        return replace(
            self,
            parameters=parameters,
            start=start,
            pieces=self.pieces._replace(reset_state=start),
            equations=self.equations._replace(constants=constants_of(self.model, parameters)),
            sbml=None,
        )

    def stretches(self) -> Iterator[Stretch]:
        """Yield the pieces that hold output, cut at the last output time."""
        last = self.times_days[-1]
        boundaries = np.minimum(self.pieces.boundary, last)
        for piece, (start, stop) in enumerate(itertools.pairwise(boundaries)):
            if start < stop:
                row, end = map(int, np.searchsorted(self.times_days, (start, stop)))
                inside = self.times_days[row:end]
                times = np.unique(np.concatenate(([start], inside, [stop])))
                first = int(row == end or inside[0] > start)
                yield Stretch(piece, times, slice(row, end + int(stop == last)), first)

    def enter(self, piece: int, state: Vector) -> Vector:
        """Return the state at the start of a piece, after its reset and jump."""
        before = self.pieces.reset_state if self.pieces.reset[piece] else state
        return np.asarray(before + self.pieces.jump[piece])


def make_problem(model: Model, regimen: Regimen, times_days: Vector, **rest: Any) -> Problem:
    """Return the problem of a model's default parameters in the reference adult; `rest` are the remaining fields."""
    body = bitesim.Patient()
    adult = reference_adult(model)
    start = initial_state(model, adult)
    pieces = pieces_between(model, regimen.schedule(bsa_m2=body.bsa_m2), (0.0, np.inf), body.bsa_m2, start)
    parameters = adult.vector()
    return Problem(
        model=model,
        regimen=regimen,
        parameters=parameters,
        start=start,
        pieces=pieces,
        times_days=times_days,
        scale=model.species.scales(),
        equations=fastest_equations(model, parameters),
        **rest,
    )


def reference_adult(model: Model) -> ParameterSet:
    """Return the parameters that `bitesim.simulate` gives the reference adult."""
    return model.individual_parameters(model.parameters, bitesim.Patient().covariates())


def as_sbml(model: Model) -> SbmlText | None:
    """Return the untreated patient as SBML, what is infused as one parameter; None where SymPy is not installed."""
    drug = model.drug.species
    try:
        return SbmlText(to_sbml(model, parameters=reference_adult(model)), {drug: f"infused_{drug}_per_day"})
    except MissingExtraError:
        return None


def published() -> Problem:
    """Return the published model hosseini2020 under two cycles of 15 ug/m2/day, daily to day 84."""
    return _two_cycles("published", "hosseini2020")


def leukaemia() -> Problem:
    """Return bitesim's own model, an adult with residual disease, under the same two cycles."""
    return _two_cycles("leukaemia", "leukaemia")


def _two_cycles(name: str, model_name: str) -> Problem:
    model = bitesim.MODELS[model_name]
    regimen, times = Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2"), np.arange(0.0, 85.0)
    scale = model.species.scales()
    rows = np.isin(times, (0.0, 28.0, 42.0, 70.0), invert=True)

    def error(states: Matrix, reference: Matrix) -> float:
        # Below its scale a state does not matter, e.g. a stress signal that has halved twenty times.
        return float(np.max((np.abs(states - reference) / (np.abs(reference) + scale))[rows]))

    return make_problem(
        model,
        regimen,
        times,
        name=name,
        title=f"{model_name}, {len(model.species)} states, {regimen}, daily outputs to day 84",
        error=error,
        metric="largest |x - reference| / (|reference| + scale) over all states and days, without the days of a change",
        sbml=as_sbml(model),
    )


def has_stiff() -> bool:
    """Return whether the stiff test model is there."""
    try:
        return importlib.util.find_spec(STIFF) is not None
    except ModuleNotFoundError:
        return False


def stiff() -> Problem:
    """Return the stiff test problem: kinetic binding with trimers, daily to day 84."""
    module = importlib.import_module(STIFF)
    model, parameters = bitesim.derive(module.STIFF_BINDING), module.STIFF_BINDING.parameters

    def error(states: Matrix, reference: Matrix) -> float:
        return float(module.error(read_outputs(model, parameters, states), read_outputs(model, parameters, reference)))

    return make_problem(
        model,
        module.REGIMEN,
        np.asarray(module.TIMES, float),
        name="stiff",
        title=f"kinetic binding with trimers, {len(model.species)} states, {module.REGIMEN}, daily outputs to day 84",
        error=error,
        metric="largest relative error over all days of both clones of blasts, T cells in blood and marrow, drug in blood",
        sbml=as_sbml(model),
    )


def problems() -> tuple[Problem, ...]:
    """Return every problem that this checkout holds."""
    return (published(), leukaemia(), stiff()) if has_stiff() else (published(), leukaemia())
