"""What these tests share: models and states of their courses, the original equations in 60 digits, two small readers."""

from __future__ import annotations

import ast
import csv
import importlib
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import mpmath
import numpy as np
from scipy.integrate import solve_ivp

import bitesim
from bitesim.derivation.plain_python import PlainPython
from bitesim.derivation.store import generated_source, load_module
from tests.problems.stiff_binding import STIFF_BINDING, stored_reference

MODELS = {**bitesim.MODELS, STIFF_BINDING.name: STIFF_BINDING}
DATA = Path(__file__).parents[1] / "data"
_TABLES = {"hosseini2020": "hosseini2020_all_trajectories.csv", "hosseini2020_nhl": "hosseini2020_nhl_trajectories.csv"}
_LIBRARIES = ("bitesim.numerics.elementary", "math", "numpy")


def course(name):
    """Return states along a treated patient's course, from stored solutions that bitesim did not compute."""
    model = MODELS[name]
    if name == STIFF_BINDING.name:
        return stored_reference()["states"][::6]
    if name == "leukaemia":
        return _leukaemia_course()
    if name not in _TABLES:
        return np.array([[0.0, 0.0], [1.0, 3.0], [20.0, 400.0]])
    with (DATA / _TABLES[name]).open() as opened:
        rows = list(csv.DictReader(opened))[::12]
    # What was eliminated is not in the table: nothing depends on it.
    return np.array([[float(row.get(each.symbol, 0.0)) for each in model.species.values()] for row in rows])


@cache
def _leukaemia_course():
    """Return the leukaemia model's states under 28 ug/day, by SciPy."""
    model = MODELS["leukaemia"]
    parameters, work = model.parameters.vector(), np.zeros(model.workspace_size)
    start = np.zeros(len(model.species))
    model.initial_kernel(parameters, start)

    def rate(_, state):
        result = np.empty(len(state))
        model.rhs(state, parameters, work, result)
        result[model.species.position("drug_ug")] += 28.0
        return result

    times = (0.0, 0.05, 0.3, 1.0, 3.0, 10.0, 20.0)
    return solve_ivp(rate, (0.0, 20.0), start, "LSODA", times, rtol=1e-6, atol=1e-6 * model.species.scales()).y.T


def _on_both_sides(state, rng):
    """Return a state with drug or less than none, adhesion above or below adaptation, T cells above or below the ceiling."""
    names = list(MODELS["leukaemia"].species)
    moved = state * np.exp(0.05 * rng.standard_normal(len(state)))
    moved[names.index("adapted_adhesion")] *= np.exp(rng.standard_normal())
    moved[names.index("drug_ug")] *= rng.choice([1.0, 1.0, -1.0])
    t_cells = [place for place, each in enumerate(names) if "_t_cells_" in each]
    moved[t_cells] *= rng.choice([1.0, 5.0])
    return moved


def cases(name, count, seed=1):
    """Yield (state, parameters) around a course; some states are at rest, nearly empty or negative: beyond the kinks."""
    model, rng = MODELS[name], np.random.default_rng(seed)
    # Never exactly at a kink, where differences see both sides.
    points, defaults = course(name) + 1e-3 * model.species.scales(), model.parameters.vector()
    for _ in range(count):
        state = points[rng.integers(len(points))]
        if name == STIFF_BINDING.name:
            # Fractions and logarithms stay what they are, and there are no kinks.
            state = state * np.exp(0.1 * rng.standard_normal(len(state)))
        elif name == "leukaemia":
            state = _on_both_sides(state, rng)
        else:
            rest = points[0] * rng.uniform(0.5, 1.5, len(state))
            empty = rng.choice([-1.0, 1.0], len(state)) * 10.0 ** rng.uniform(-2.0, 2.0, len(state))
            kind = rng.choice(3, len(state), p=[0.6, 0.2, 0.2])
            state = np.choose(kind, [state * np.exp(0.5 * rng.standard_normal(len(state))), rest, empty])
        parameters = defaults * np.exp(0.2 * rng.standard_normal(len(defaults)))
        # What is off by default is on here: its derivatives are not 0 then.
        is_off = defaults == 0.0
        parameters[is_off] = 0.3 * rng.random(np.count_nonzero(is_off))
        yield state, parameters


def _choose(left, right, then, otherwise):
    return then if left > right else otherwise


_FUNCTIONS = {"exp": mpmath.exp, "log": mpmath.log, "sqrt": mpmath.sqrt, "power": lambda x, n: x**n, "choose": _choose}


def in_digits(function):
    """Return a function of ordinary Python for numbers of 60 digits, elementary functions by mpmath."""
    table = {(library, name): each for library in _LIBRARIES for name, each in _FUNCTIONS.items()}
    return PlainPython(table).of(function)


class Original:
    """A model's equations as written, on flat vectors of numbers of 60 digits: no SymPy, nothing generated."""

    def __init__(self, model):
        self.model = model
        self._fluxes, self._start, self._read = map(in_digits, (model.fluxes, model.initial_state, model.read))

    def _records(self, state, parameters):
        s = SimpleNamespace(**dict(zip(self.model.species, state, strict=True)))
        return s, SimpleNamespace(**dict(zip(self.model.catalogue, parameters, strict=True)))

    def rates(self, state, parameters):
        flux = SimpleNamespace()
        self._fluxes(*self._records(state, parameters), flux)
        total = dict.fromkeys(self.model.species, mpmath.mpf(0))
        for process, changes in self.model.processes.items():
            for species, change in changes.items():
                total[species] += change * getattr(flux, process)
        return list(total.values())

    def readouts(self, state, parameters):
        read = SimpleNamespace()
        self._read(*self._records(state, parameters), read)
        return [getattr(read, each.name) for each in self.model.readouts]

    def initial_state(self, parameters):
        start, p = self._records([mpmath.mpf(0)] * len(self.model.species), parameters)
        self._start(p, start)
        return list(vars(start).values())


def _numbers(vector):
    return [mpmath.mpf(float(each)) for each in vector]


def along(function, *pairs):
    """Return d function(*points) / d e as floats, where each pair is (point, direction): central difference, exact."""
    with mpmath.workdps(60):
        step = mpmath.mpf("1e-20")

        def at(sign):
            moved = (zip(_numbers(point), _numbers(direction), strict=True) for point, direction in pairs)
            return function(*[[x + sign * step * d for x, d in pair] for pair in moved])

        return np.array([float((up - down) / (2 * step)) for up, down in zip(at(1), at(-1), strict=True)])


def columns_along(function, state, *pairs):
    """Return d^2 function(state, ...) / d state_j d e as a matrix, where the first pair moves the state as well."""
    with mpmath.workdps(120):
        step, columns = mpmath.mpf("1e-30"), []
        points = [_numbers(point) for point, _ in pairs]
        directions = [_numbers(direction) for _, direction in pairs]
        for j in range(len(state)):

            def at(own, other, j=j):
                moved = [
                    [x + other * step * d for x, d in zip(point, direction, strict=True)]
                    for point, direction in zip(points, directions, strict=True)
                ]
                moved[0][j] += own * step
                return function(*moved)

            corners = zip(at(1, 1), at(1, -1), at(-1, 1), at(-1, -1), strict=True)
            columns.append([float((a - b - c + d) / (4 * step**2)) for a, b, c, d in corners])
        return np.array(columns).T


def evaluate(expression, values):
    """Return the value of a SymPy expression for numbers of any kind, by the first rule of each kind of node."""
    if expression.is_Symbol:
        return values[expression]
    if expression.is_Integer or expression.is_Rational:
        return int(expression.p) / int(expression.q)
    if expression.is_number and not expression.args:
        return float(expression)
    parts = [evaluate(part, values) for part in expression.args]
    if expression.is_Add:
        return sum(parts)
    if expression.is_Mul:
        return np.prod(np.array(parts))
    if expression.is_Pow or expression.func.__name__ == "repeated":
        whole = expression.args[1].is_Integer
        return parts[0] ** int(expression.args[1]) if whole else parts[0] ** parts[1]
    if expression.func.__name__ == "choose":
        left, right, then, otherwise = parts
        return then if np.real(left) > np.real(right) else otherwise
    return {"exp": np.exp, "log": np.log}[expression.func.__name__](parts[0])


def run_lines(lines, arrays):
    """Run straight-line code: assignments only, each name written before it is read; `arrays` are written in place."""
    known = {}
    operations = {
        ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b, ast.Div: np.true_divide,
    }  # fmt: skip
    functions = {
        "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "power": np.power,
        "choose": lambda left, right, then, otherwise: then if left > right else otherwise,
    }  # fmt: skip

    def value(node):
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, float)
            return np.float64(node.value)
        if isinstance(node, ast.Name):
            return known[node.id]
        if isinstance(node, ast.Subscript):
            return arrays[node.value.id][node.slice.value]
        if isinstance(node, ast.UnaryOp):
            assert isinstance(node.op, ast.USub)
            return -value(node.operand)
        if isinstance(node, ast.BinOp):
            return operations[type(node.op)](value(node.left), value(node.right))
        return functions[node.func.id](*map(value, node.args))

    for line in lines:
        (statement,) = ast.parse(line).body
        (target,) = statement.targets
        result = value(statement.value)
        if isinstance(target, ast.Name):
            known[target.id] = result
        else:
            arrays[target.value.id][target.slice.value] = result
    return known


def generated(name, folder):
    """Return a model's straight-line functions: the checked-in ones, for other models made in `folder`."""
    model = MODELS[name]
    if model.derived is not None:
        return importlib.import_module(model.derived).DERIVED
    path = folder / f"{name}_derived.py"
    path.write_text(generated_source(model, "the tests"), encoding="utf-8")
    return load_module(path).DERIVED


def constants_of(derived, parameters):
    """Return the parameters and what depends on them alone."""
    constants = np.zeros(derived.n_constants)
    constants[: derived.n_parameters] = parameters
    derived.fill_constants(constants)
    return constants


def dense(derived, values, size):
    """Return values in the order of the pattern as a matrix, zero elsewhere."""
    matrix = np.zeros((size, size))
    for (row, column), value in zip(derived.pattern, values, strict=True):
        matrix[row, column] = value
    return matrix
