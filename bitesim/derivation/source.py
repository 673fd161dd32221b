"""The generated module of a model: its straight-line functions as text, the same for every run and platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sympy

from bitesim.derivation.elimination import Elimination
from bitesim.derivation.printing import Printer
from bitesim.derivation.program import Program
from bitesim.derivation.symbols import TracedModel
from bitesim.model.derived import equations_digest

_HEADER: Final = '''"""Straight-line code of model {name}.

{states} states; {entries} entries of the Jacobian may differ from 0, {factors} with fill-in.
Generated from the model's equations by `{command}`; do not edit.
Equations: {digest}
"""

from bitesim.model.derived import Derived, Tangents
{imports}
# ruff: noqa: E501
# fmt: off
'''
_ELEMENTARY: Final = ("choose", "exp", "log", "power", "sqrt")


class _Derivation:
    """The programs of one model, and where their inputs stand in the arrays."""

    def __init__(self, traced: TracedModel) -> None:
        self.states = list(traced.states.values())
        self.parameters = list(traced.parameters.values())
        self.constants = Program(self.parameters, "c")
        self.start = Program([], "t", self.constants)
        self.start_atoms = self.constants.add(traced.initial_state)
        self.rates = Program(self.states, "t", self.constants)
        self.rate_atoms = self.rates.add(traced.rates)
        self.readouts = Program(self.states, "t", self.constants)
        self.readout_atoms = self.readouts.add(traced.readouts)
        self.slopes = Program(self.states, "t", self.constants)
        self.entries = self._jacobian(self.slopes.add(traced.rates))
        self.pattern = sorted(self.entries)
        self.exported = self._exported()
        self.elimination = Elimination(len(self.states), self.pattern)

    def _jacobian(self, rates: Mapping[str, Any]) -> dict[tuple[int, int], Any]:
        seeds = {symbol: {column: sympy.Integer(1)} for column, symbol in enumerate(self.states)}
        # A rate that is a state itself, e.g. dy/dt = x, is an atom whose derivative is its seed.
        gradients = self.slopes.gradients(seeds, rates.values())
        return {
            (row, column): derivative
            for row, atom in enumerate(rates.values())
            for column, derivative in gradients[atom].items()
            if derivative != 0
        }

    def _exported(self) -> list[Any]:
        """Return the constants that are read by the other programs, in the order of their computation."""
        # Steps of different programs may have the same name, so each is asked for its own outputs.
        asked = (
            (self.start, self.start_atoms.values()),
            (self.rates, self.rate_atoms.values()),
            (self.readouts, self.readout_atoms.values()),
            (self.slopes, self.entries.values()),
        )
        read: set[Any] = set()
        for program, atoms in asked:
            for symbol in program.needed(atoms):
                read |= program.steps[symbol].free_symbols
            read |= {atom for atom in atoms if atom.is_Symbol}
        return [symbol for symbol in self.constants.steps if symbol in read]

    @property
    def all_constants(self) -> list[Any]:
        """Every constant in its place in the array: parameters first."""
        return [*self.parameters, *self.exported]

    def constant_sources(self) -> dict[Any, str]:
        return {symbol: f"constants[{place}]" for place, symbol in enumerate(self.all_constants)}

    def sources(self) -> dict[Any, str]:
        return {symbol: f"state[{place}]" for place, symbol in enumerate(self.states)} | self.constant_sources()


def _function(name: str, arguments: str, says: str, lines: Iterable[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f'\n\ndef {name}({arguments}):\n    """{says}"""\n{body}'


def _targets(array: str, atoms: Iterable[Any]) -> list[tuple[str, Any]]:
    return [(f"{array}[{place}]", atom) for place, atom in enumerate(atoms)]


def _rates(made: _Derivation) -> str:
    sources, printed = made.sources(), []
    parameters = {symbol: made.constant_sources()[symbol] for symbol in made.parameters}
    kept = [(f"constants[{place}]", symbol) for place, symbol in enumerate(made.all_constants) if symbol in made.exported]
    printed.append(
        _function(
            "fill_constants",
            "constants",
            "What depends on parameters alone.",
            Printer(made.constants, parameters, kept).lines(),
        )
    )
    start = Printer(made.start, made.constant_sources(), _targets("state", made.start_atoms.values()))
    printed.append(_function("initial_state", "constants, state", "The untreated patient.", start.lines()))
    rates = Printer(made.rates, sources, _targets("rate", made.rate_atoms.values()))
    printed.append(_function("rate_of_change", "state, constants, rate", "d state / dt without infusion.", rates.lines()))
    values = [made.entries[entry] for entry in made.pattern]
    jacobian = Printer(made.slopes, sources, _targets("values", values))
    says = "d rate / d state, in the order of PATTERN."
    printed.append(_function("jacobian", "state, constants, values", says, jacobian.lines()))
    factorise = Printer(
        made.slopes, sources, [(f"w{row}_{column}", made.entries[row, column]) for row, column in made.pattern]
    )
    lines = [*factorise.lines(), *_diagonal(made), *made.elimination.factor_lines]
    says = "LU factors of diagonal[0] * identity - jacobian."
    printed.append(_function("factorise", "state, constants, diagonal, factors", says, lines))
    printed.append(_function("solve", "factors, vector", "Solve in place.", made.elimination.solve_lines))
    readouts = Printer(made.readouts, sources, _targets("outputs", made.readout_atoms.values()))
    printed.append(_function("readouts", "state, constants, outputs", "What a laboratory reports.", readouts.lines()))
    return "".join(printed)


def _diagonal(made: _Derivation) -> list[str]:
    """Return the lines from the Jacobian's entries to those of diagonal * identity - Jacobian."""
    lines = ["largest = diagonal[0]"]
    for i in range(len(made.states)):
        lines.append(f"w{i}_{i} = largest - w{i}_{i}" if (i, i) in made.entries else f"w{i}_{i} = largest")
    lines += [f"w{row}_{column} = -w{row}_{column}" for row, column in made.pattern if row != column]
    return lines


def _tangent(
    made: _Derivation, program: Program, wanted: Sequence[Any], constants: Sequence[Any], states: Sequence[Any]
) -> list[str]:
    """Return the lines that write the derivative of each wanted atom along a direction."""
    dots = {symbol: sympy.Symbol(f"{symbol.name}_dot", real=True) for symbol in [*states, *constants]}
    program = program.extended([*constants, *dots.values()])
    gradients = program.gradients({symbol: {0: dot} for symbol, dot in dots.items()}, wanted)
    sources = {symbol: text for symbol, text in made.sources().items() if symbol in [*states, *constants]}
    sources |= {dots[symbol]: f"state_dot[{place}]" for place, symbol in enumerate(states)}
    places = {symbol: place for place, symbol in enumerate(made.all_constants)}
    sources |= {dots[symbol]: f"constants_dot[{places[symbol]}]" for symbol in constants}
    outputs = [(f"result_dot[{n}]", gradients[atom].get(0, sympy.Integer(0))) for n, atom in enumerate(wanted)]
    return Printer(program, sources, outputs).lines()


def _tangents(made: _Derivation) -> str:
    both, all_constants, printed = "state, constants, state_dot, constants_dot, result_dot", made.all_constants, []
    exported = _tangent(made, made.constants, made.exported, made.parameters, [])
    shift = len(made.parameters)
    exported = [_moved(line, shift) for line in exported]
    says = "Directions of the parameters to those of all constants."
    printed.append(_function("tangent_constants", "constants, constants_dot", says, exported))
    start = _tangent(made, made.start, list(made.start_atoms.values()), all_constants, [])
    printed.append(
        _function("tangent_initial_state", "constants, constants_dot, result_dot", "Of the untreated patient.", start)
    )
    rows = [made.entries[entry] for entry in made.pattern]
    for name, program, atoms, says in (
        ("tangent_rate", made.rates, list(made.rate_atoms.values()), "Of rate_of_change."),
        ("tangent_jacobian", made.slopes, rows, "Of jacobian."),
        ("tangent_readouts", made.readouts, list(made.readout_atoms.values()), "Of readouts."),
    ):
        lines = _tangent(made, program, atoms, all_constants, made.states)
        printed.append(_function(name, both, says, lines))
    return "".join(printed)


def _moved(line: str, shift: int) -> str:
    """Return a line that writes result_dot[n] as one that writes constants_dot[shift + n]."""
    if not line.startswith("result_dot["):
        return line
    place, rest = line.removeprefix("result_dot[").split("]", 1)
    return f"constants_dot[{shift + int(place)}]{rest}"


def generate(traced: TracedModel, command: str) -> str:
    """Return the source of the generated module.

    Parameters
    ----------
    traced : TracedModel
    command : str
        What a reader runs to make the file anew; stands in its header.
    """
    made, digest = _Derivation(traced), equations_digest(traced.model)
    body = _rates(made) + _tangents(made)
    used = ", ".join(name for name in _ELEMENTARY if f"{name}(" in body)
    header = _HEADER.format(
        name=traced.model.name,
        states=len(made.states),
        entries=len(made.pattern),
        factors=made.elimination.count,
        command=command,
        digest=digest,
        imports=f"from bitesim.numerics.elementary import {used}\n" if used else "",
    )
    tail = _DERIVED.format(
        digest=digest,
        n_parameters=len(made.parameters),
        n_constants=len(made.all_constants),
        n_factors=made.elimination.count,
        pattern=_wrapped(made.pattern),
    )
    return header + body + tail


def _wrapped(pattern: Sequence[tuple[int, int]]) -> str:
    rows = [pattern[start : start + 12] for start in range(0, len(pattern), 12)]
    return "(\n" + "".join(f"    {', '.join(f'({i}, {j})' for i, j in row)},\n" for row in rows) + ")"


_DERIVED: Final = """

PATTERN = {pattern}

DERIVED = Derived(
    digest="{digest}",
    n_parameters={n_parameters},
    n_constants={n_constants},
    n_factors={n_factors},
    pattern=PATTERN,
    fill_constants=fill_constants,
    initial_state=initial_state,
    rate_of_change=rate_of_change,
    jacobian=jacobian,
    factorise=factorise,
    solve=solve,
    readouts=readouts,
    tangents=Tangents(
        constants=tangent_constants,
        initial_state=tangent_initial_state,
        rate=tangent_rate,
        jacobian=tangent_jacobian,
        readouts=tangent_readouts,
    ),
)
"""
