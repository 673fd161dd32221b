"""Straight-line functions compiled for one number or for eight side by side.

A straight-line function is plain Python that a model's derivation generated: assignments of +, -, *, /, `exp`, `log`,
`sqrt`, `power` and `choose` to names and array elements, nothing else. Thousands of such lines take numba long to
type, and LLVM does not see that they could run on eight patients at once; so they are turned into LLVM instructions
directly, for either width, with the same operations in the same order. Interpreted, they are called as they are.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.numerics import elementary
from bitesim.numerics.lanes import (
    LANES,
    call,
    constant,
    data_pointer,
    element,
    load_from,
    rows_for,
    splat,
    store_to,
)
from bitesim.numerics.value_graph import COSTLY, NotStraightLine, Value, ValueGraph

#: Kind of value -> LLVM's instruction, and LLVM's intrinsic.
_INSTRUCTIONS: Final = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv", "negate": "fneg"}
_INTRINSICS: Final = {"fuse": "fma", "sqrt": "sqrt"}
#: Fewer plain numbers than this are done before they are gathered.
_WORTH_GATHERING: Final = 2


def straight_line(function: Callable[..., None], lanes: tuple[bool, ...], *, padded: bool = False) -> Any:
    """Return `function` as something that kernels can call with arrays, and with where in the last one to begin.

    The last argument, added to those of `function`, is the flat position in the last array that its ``[0]`` means: the
    stages of a step lie in one array, and cutting views out of it would cost more than the arithmetic.

    Parameters
    ----------
    function : callable
        Its arguments are arrays, indexed with literal integers.
    lanes : tuple of bool
        For each argument: True for a block, whose row i is meant by ``[i]`` (eight numbers side by side); False for
        plain numbers in a row, whatever the array's shape. An operation on both repeats the plain number.
    padded : bool
        True where the last array is one of plain numbers that fills whole rows of a block, with zeros behind the last
        number: its rows are then written at once, so that what reads them as rows need not wait for eight writes.

    Raises
    ------
    NotStraightLine
        Naming the line that is not understood.
    """
    if padded and lanes[-1]:
        raise NotStraightLine(f"{function.__name__}: a padded last array holds plain numbers, but lanes says it is wide")
    if config.DISABLE_JIT:

        def interpreted(*arguments: Any) -> None:
            *arrays, start = arguments
            views = [array.reshape(-1) for array in arrays]
            views[-1] = views[-1][start:]
            views = [Rows(view) if wide else view for view, wide in zip(views, lanes, strict=True)]
            with np.errstate(all="ignore"):
                function(*views)

        return interpreted
    text = textwrap.dedent(inspect.getsource(function))
    return straight_line_text(function.__name__, text, tuple(inspect.signature(function).parameters), lanes, padded=padded)


def straight_line_text(
    name: str, text: str, names: tuple[str, ...], lanes: tuple[bool, ...], *, padded: bool = False
) -> Any:
    """Return the same for a function that is given as text, with the names of its arguments; compiled only."""
    if len(names) != len(lanes):
        raise NotStraightLine(f"{name} has the arguments {names}, but lanes says {len(lanes)}")
    # Refused here, by name, and not in the middle of a compilation.
    ValueGraph(names).read(text)
    return _compiled(name, text, names, lanes, padded)


@cache
def _graph_of(function: Callable[..., None]) -> ValueGraph:
    graph = ValueGraph(tuple(inspect.signature(function).parameters))
    graph.read(textwrap.dedent(inspect.getsource(function)))
    return graph


def reads_of(function: Callable[..., None], results: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return the (array, index) that some results (array, index) of a straight-line function are computed from."""
    graph = _graph_of(function)
    asked = [graph.writes[result] for result in results]
    needed = {*asked, *graph.needed_for(asked, ())}
    return {graph.values[position].place for position in needed if graph.values[position].kind == "load"}


def body_with(function: Callable[..., None], names: tuple[str, ...]) -> list[str]:
    """Return the lines of a straight-line function's body, with its arrays under other names."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    renamed = dict(zip(inspect.signature(function).parameters, names, strict=True))
    for node in ast.walk(definition):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            node.value.id = renamed.get(node.value.id, node.value.id)
    return [f"    {ast.unparse(statement)}" for statement in definition.body]


class Rows:
    """A flat array as rows of eight, for interpreted runs: what is read is a copy, as a compiled value is."""

    def __init__(self, flat: NDArray[np.float64]) -> None:
        self._rows = flat[: len(flat) // LANES * LANES].reshape(-1, LANES)

    def __getitem__(self, row: int) -> NDArray[np.float64]:
        return np.array(self._rows[row])

    def __setitem__(self, row: int, value: Any) -> None:
        self._rows[row] = value


def _compiled(name: str, text: str, names: tuple[str, ...], lanes: tuple[bool, ...], padded: bool) -> Any:
    """Return numba's intrinsic for one function; its content is `text`, which the kernel cache watches."""
    symbol = f"bitesim_{name}_{hashlib.sha256(f'{text}{lanes}{padded}'.encode()).hexdigest()[:20]}"

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        *kinds, _ = signature.args
        *arrays, start = values
        pointers = [data_pointer(context, builder, kind, value) for kind, value in zip(kinds, arrays, strict=True)]
        pointers[-1] = element(builder, pointers[-1], start, 1)
        body = builder.module.globals.get(symbol)
        if body is None:
            body = _function(builder.module, symbol, text, names, lanes, padded)
        builder.call(body, pointers)
        return context.get_dummy_value()

    def one(typing_context: Any, a: Any, start: Any) -> Any:
        return types.void(a, types.int64), generate

    def two(typing_context: Any, a: Any, b: Any, start: Any) -> Any:
        return types.void(a, b, types.int64), generate

    def three(typing_context: Any, a: Any, b: Any, c: Any, start: Any) -> Any:
        return types.void(a, b, c, types.int64), generate

    def four(typing_context: Any, a: Any, b: Any, c: Any, d: Any, start: Any) -> Any:
        return types.void(a, b, c, d, types.int64), generate

    def five(typing_context: Any, a: Any, b: Any, c: Any, d: Any, e: Any, start: Any) -> Any:
        return types.void(a, b, c, d, e, types.int64), generate

    definition = (one, two, three, four, five)[len(names) - 1]
    definition.__name__ = name
    return intrinsic(definition)


def _function(module: Any, symbol: str, text: str, names: tuple[str, ...], lanes: tuple[bool, ...], padded: bool) -> Any:
    """Write one straight-line function into an LLVM module; its arrays do not overlap."""
    pointer = ir.PointerType()
    body = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer] * len(names)), symbol)
    body.linkage = "internal"
    body.attributes.add("nounwind")
    if any(lanes):
        # What does not fit into registers goes to the stack: a row that crosses a cache line takes twice as long.
        body.attributes.add("noinline")
        body.attributes.alignstack = 8 * LANES
    for argument in body.args:
        argument.add_attribute("noalias")
    builder = ir.IRBuilder(body.append_basic_block("entry"))
    arrays = {name: (body.args[i], LANES if wide else 1) for i, (name, wide) in enumerate(zip(names, lanes, strict=True))}
    graph = ValueGraph(names)
    graph.read(text)
    _Emitter(builder, graph, arrays, names[-1] if padded else None).write_all()
    builder.ret_void()
    return body


class _Emitter:
    """Writes a graph of values; each becomes a pair (LLVM value, width)."""

    def __init__(self, builder: Any, graph: ValueGraph, arrays: dict[str, tuple[Any, int]], padded: str | None) -> None:
        self.builder = builder
        self.graph = graph
        self.arrays = arrays
        self.padded = padded
        self.groups = graph.groups()
        self.done: dict[int, tuple[Any, int]] = {}

    def write_all(self) -> None:
        """Write every value in the order of the source, and each result as soon as it is there."""
        places: dict[int, list[tuple[str, int]]] = {}
        late: dict[int, Any] = {}
        for place, position in self.graph.writes.items():
            places.setdefault(position, []).append(place)
        # What is overwritten is read before that.
        for position, value in enumerate(self.graph.values):
            if value.kind == "load" and value.place in self.graph.writes:
                self.value(position)
        for position in range(len(self.graph.values)):
            result = self.value(position)
            for array, index in places.get(position, []):
                if array == self.padded:
                    late[index] = self.widened(result, 1)
                else:
                    address, width = self.address(array, index)
                    store_to(self.builder, self.widened(result, width), address)
        if late:
            self.write_rows(late)

    def write_rows(self, numbers: dict[int, Any]) -> None:
        """Write the padded array, row by row."""
        assert self.padded is not None
        pointer, _ = self.arrays[self.padded]
        for row in range(rows_for(max(numbers) + 1)):
            gathered = self.gathered([numbers.get(row * LANES + lane) for lane in range(LANES)], 0.0)
            store_to(self.builder, gathered, element(self.builder, pointer, ir.Constant(ir.IntType(64), row), LANES))

    def gathered(self, numbers: list[Any], filling: float) -> Any:
        """Return plain numbers side by side; None stands for the filling."""
        result = constant(filling, LANES)
        for lane, number in enumerate(numbers):
            if number is not None:
                result = self.builder.insert_element(result, number, ir.Constant(ir.IntType(32), lane))
        return result

    def address(self, array: str, index: int) -> tuple[Any, int]:
        pointer, width = self.arrays[array]
        return element(self.builder, pointer, ir.Constant(ir.IntType(64), index), width), width

    def widened(self, value: tuple[Any, int], width: int) -> Any:
        if value[1] == width:
            return value[0]
        if value[1] != 1:
            raise NotStraightLine("eight numbers cannot be written where one belongs")
        return splat(self.builder, value[0], width)

    def value(self, position: int) -> tuple[Any, int]:
        """Return a value, after writing what it is computed from."""
        if position not in self.done:
            self.done[position] = self.written(self.graph.values[position], position)
        return self.done[position]

    def written(self, value: Value, position: int) -> tuple[Any, int]:
        if value.kind == "number":
            return constant(value.number, 1), 1
        if value.kind == "load":
            address, width = self.address(*value.place)
            return load_from(self.builder, address, width), width
        if value.kind in COSTLY and len(self.groups[position]) >= _WORTH_GATHERING:
            self.at_once(value.kind, self.groups[position])
            if position in self.done:
                return self.done[position]
        operands, width = self.together(value.operands)
        return self.operation(value.kind, operands, width), width

    def together(self, positions: tuple[int, ...]) -> tuple[list[Any], int]:
        """Return several values, all of the widest width among them."""
        values = [self.value(position) for position in positions]
        width = max(each[1] for each in values)
        return [self.widened(each, width) for each in values], width

    def operation(self, kind: str, operands: list[Any], width: int) -> Any:
        if kind in _INSTRUCTIONS:
            return getattr(self.builder, _INSTRUCTIONS[kind])(*operands)
        if kind in _INTRINSICS:
            return call(self.builder, _INTRINSICS[kind], operands, width)
        return elementary.EMITTERS[kind](self.builder, width, *operands)

    def at_once(self, kind: str, positions: tuple[int, ...]) -> None:
        """Write the plain ones of several costly values eight at a time: one takes as long as eight side by side."""
        for position in self.graph.needed_for(positions, self.done):
            self.value(position)
        operands = {position: self.together(self.graph.values[position].operands) for position in positions}
        plain = [position for position in positions if operands[position][1] == 1 and position not in self.done]
        for first in range(0, len(plain), LANES):
            chunk = plain[first : first + LANES]
            if len(chunk) < _WORTH_GATHERING:
                continue
            columns = zip(*[operands[position][0] for position in chunk], strict=True)
            values = self.operation(kind, [self.gathered(list(column), 1.0) for column in columns], LANES)
            for lane, position in enumerate(chunk):
                self.done[position] = self.builder.extract_element(values, ir.Constant(ir.IntType(32), lane)), 1
