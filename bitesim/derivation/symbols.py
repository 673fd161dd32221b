"""SymPy twins of what equations may use, and the tracing of a model: its equations as expressions of its names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import sympy

from bitesim.derivation.plain_python import PlainPython
from bitesim.derivation.traced import Traced, of_traced, plain
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.model import Model

Expression = Any


@cache
def choose_class() -> Any:
    """Return the SymPy function choose(left, right, then, otherwise): `then` where left > right, else `otherwise`.

    Its derivative is that of the branch taken; where left equals right, that of `otherwise`.
    """

    class choose(sympy.Function):  # type: ignore[misc]
        nargs = 4
        is_real = True

        def _eval_derivative(self, symbol: Any) -> Any:
            left, right, then, otherwise = self.args
            return choose(left, right, then.diff(symbol), otherwise.diff(symbol))

        @classmethod
        def eval(cls, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
            # Both branches may be the same, e.g. derivatives of 0.
            if then == otherwise:
                return then
            # Between numbers, the choice is made here.
            if left.is_number and right.is_number:
                return then if left > right else otherwise
            return None

    return choose


def _choose(left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    return choose_class()(*(sympy.sympify(each) for each in (left, right, then, otherwise)))


def positive_part(x: Any) -> Any:
    """Twin of `bitesim.mechanisms.kinks.positive_part`."""
    return _choose(x, 0, x, 0)


def at_least(x: Any, floor: Any) -> Any:
    """Twin of `bitesim.mechanisms.kinks.at_least`."""
    return _choose(x, floor, x, floor)


def positive_power(x: Any, exponent: Any) -> Any:
    """Twin of `bitesim.mechanisms.kinks.positive_power`."""
    return _choose(x, 0, sympy.sympify(x) ** exponent, 0)


def _square(x: Any) -> Any:
    return x * x


_ELEMENTARY: Final = ("exp", "log", "sqrt", "power", "choose")
#: Names that generated functions use themselves.
RESERVED: Final = frozenset(
    ("state", "constants", "rate", "diagonal", "largest", "factors", "vector", "values", "outputs", *_ELEMENTARY)
)
_KINKS: Final = "bitesim.mechanisms.kinks"


@cache
def _substitutes() -> Mapping[tuple[str, str], Callable[..., Any]]:
    elementary = {"exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt}
    table: dict[tuple[str, str], Callable[..., Any]] = {
        (_KINKS, "positive_part"): positive_part,
        (_KINKS, "at_least"): at_least,
        (_KINKS, "positive_power"): positive_power,
        ("numpy", "square"): _square,
        ("numpy", "power"): lambda base, exponent: sympy.sympify(base) ** exponent,
        ("math", "pow"): lambda base, exponent: sympy.sympify(base) ** exponent,
        ("numpy", "expm1"): lambda x: sympy.exp(x) - 1,
        ("numpy", "log1p"): lambda x: sympy.log(1 + x),
    }
    for module in ("math", "numpy", "cmath"):
        table |= {(module, name): function for name, function in elementary.items()}
    return {key: of_traced(function) for key, function in table.items()}


class _Values:
    """A record as a traced function sees it: values by name, and which of them were written."""

    def __init__(self, kind: str, values: Mapping[str, Any], writable: bool) -> None:
        object.__setattr__(self, "_kind", kind)
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_writable", writable)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._values:
            raise unknown_name(self._kind, name, self._values)
        return Traced(self._values[name])

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._writable:
            raise ParameterError(f"the equations write {name}, a {self._kind}: they may only read it")
        if name not in self._values:
            raise unknown_name(self._kind, name, self._values)
        self._values[name] = plain(value)


@dataclass(frozen=True)
class TracedModel:
    """A model's equations as SymPy expressions of `states` and `parameters`, each by name.

    Parameters
    ----------
    model : Model
    states, parameters : mapping
        Name -> SymPy symbol, in the order of the vectors.
    fluxes, rates, initial_state, readouts : mapping
        Process -> expression; species -> d/dt, without what is infused; species -> its start (of parameters only);
        readout -> expression.
    """

    model: Model
    states: Mapping[str, Any]
    parameters: Mapping[str, Any]
    fluxes: Mapping[str, Expression]
    rates: Mapping[str, Expression]
    initial_state: Mapping[str, Expression]
    readouts: Mapping[str, Expression]


def _run(function: Callable[..., None], model: Model, *records: _Values) -> None:
    try:
        PlainPython(_substitutes()).of(function)(*records)
    except TypeError as problem:
        if "truth value" in str(problem):
            raise ParameterError(
                f"model {model.name}: {function.__name__} branches on a state or parameter, which has no derivative: "
                "write the kink with positive_part, at_least or positive_power of bitesim.mechanisms.kinks"
            ) from problem
        raise ParameterError(
            f"model {model.name}: {function.__name__} cannot be traced: {problem}. Equations may use + - * / **, exp, log, "
            "sqrt, and the functions of bitesim.mechanisms.kinks"
        ) from problem


def trace(model: Model) -> TracedModel:
    """Run a model's plain Python equations on SymPy symbols.

    Raises
    ------
    ParameterError
        For equations that branch on values or use a function that has no symbolic twin.
    """
    taken: set[str] = set()
    parameters = {name: sympy.Symbol(_free_name(name, taken), real=True) for name in model.catalogue}
    states = {name: sympy.Symbol(_free_name(name, taken), real=True) for name in model.species}
    s, p = _Values("state", states, False), _Values("parameter", parameters, False)
    fluxes = _Values("process", dict.fromkeys(model.processes, sympy.Integer(0)), True)
    start = _Values("state", dict.fromkeys(model.species, sympy.Integer(0)), True)
    outputs = _Values("readout", dict.fromkeys([each.name for each in model.readouts], sympy.Integer(0)), True)
    _run(model.fluxes, model, s, p, fluxes)
    _run(model.initial_state, model, p, start)
    _run(model.read, model, s, p, outputs)
    return TracedModel(
        model=model,
        states=states,
        parameters=parameters,
        fluxes=_exact(fluxes),
        rates=_rates(model, _exact(fluxes)),
        initial_state=_exact(start),
        readouts=_exact(outputs),
    )


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name that generated code can use beside its own and those taken, with `_` behind it where needed."""
    while name in taken or name in RESERVED or re.fullmatch(r"[ctwx]\d+(_\d+)?|.*_dot", name):
        name += "_"
    taken.add(name)
    return name


def _exact(record: _Values) -> dict[str, Expression]:
    """Return a record's expressions with whole floats as integers, so that 1.0 * x is x."""
    result = {}
    for name, expression in record._values.items():
        whole = {each: sympy.Integer(int(each)) for each in expression.atoms(sympy.Float) if float(each).is_integer()}
        # SymPy writes sqrt(x**2) as |x|.
        result[name] = expression.xreplace(whole).replace(sympy.Abs, lambda x: _choose(x, 0, x, -x))
    return result


def _rates(model: Model, fluxes: Mapping[str, Expression]) -> dict[str, Expression]:
    rates: dict[str, Expression] = dict.fromkeys(model.species, sympy.Integer(0))
    for process, changes in model.processes.items():
        for species, change in changes.items():
            factor = sympy.Integer(int(change)) if float(change).is_integer() else sympy.Float(change)
            rates[species] += factor * fluxes[process]
    return rates
