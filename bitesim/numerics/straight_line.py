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
    value_type,
)

_OPERATIONS: Final = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}


class NotStraightLine(ValueError):
    """A function holds something else than assignments of arithmetic."""


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
    if config.DISABLE_JIT:

        def interpreted(*arguments: Any) -> None:
            *arrays, start = arguments
            views = [array.reshape(-1) for array in arrays]
            views[-1] = views[-1][start:]
            views = [_rows(view) if wide else view for view, wide in zip(views, lanes, strict=True)]
            with np.errstate(all="ignore"):
                function(*views)

        return interpreted
    text = textwrap.dedent(inspect.getsource(function))
    names = tuple(inspect.signature(function).parameters)
    if len(names) != len(lanes):
        raise NotStraightLine(f"{function.__name__} has the arguments {names}, but lanes says {len(lanes)}")
    return _compiled(function.__name__, text, names, lanes, padded)


def _rows(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    return flat[: len(flat) // LANES * LANES].reshape(-1, LANES)


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
    for argument in body.args:
        argument.add_attribute("noalias")
    builder = ir.IRBuilder(body.append_basic_block("entry"))
    arrays = {name: (body.args[i], LANES if wide else 1) for i, (name, wide) in enumerate(zip(names, lanes, strict=True))}
    emitter = _Emitter(builder, arrays, names[-1] if padded else None)
    emitter.statements(text)
    emitter.write_rows()
    builder.ret_void()
    return body


class _Emitter:
    """Walks the statements of one function; each value is a pair (LLVM value, width)."""

    def __init__(self, builder: Any, arrays: dict[str, tuple[Any, int]], padded: str | None) -> None:
        self.builder = builder
        self.arrays = arrays
        self.padded = padded
        self.late: dict[int, Any] = {}
        self.known: dict[str, tuple[Any, int]] = {}

    def statements(self, text: str) -> None:
        definition = ast.parse(text).body[0]
        if not isinstance(definition, ast.FunctionDef):
            raise NotStraightLine(f"expected a function, found: {ast.unparse(definition)}")
        for statement in definition.body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
                raise NotStraightLine(f"expected an assignment, found: {ast.unparse(statement)}")
            target, value = statement.targets[0], self.value(statement.value)
            if isinstance(target, ast.Name):
                self.known[target.id] = value
            elif isinstance(target, ast.Subscript) and getattr(target.value, "id", None) == self.padded:
                self.address(target)
                self.late[ast.literal_eval(target.slice)] = self.widened(value, 1)
            else:
                address, width = self.address(target)
                store_to(self.builder, self.widened(value, width), address)

    def write_rows(self) -> None:
        """Write the padded array, row by row."""
        if self.padded is None or not self.late:
            return
        pointer, _ = self.arrays[self.padded]
        zero = ir.Constant(ir.DoubleType(), 0.0)
        for row in range(rows_for(max(self.late) + 1)):
            gathered = ir.Constant(value_type(LANES), ir.Undefined)
            for lane in range(LANES):
                number = self.late.get(row * LANES + lane, zero)
                gathered = self.builder.insert_element(gathered, number, ir.Constant(ir.IntType(32), lane))
            store_to(self.builder, gathered, element(self.builder, pointer, ir.Constant(ir.IntType(64), row), LANES))

    def address(self, node: ast.expr) -> tuple[Any, int]:
        if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in self.arrays):
            raise NotStraightLine(f"expected an argument's element, found: {ast.unparse(node)}")
        if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int)):
            raise NotStraightLine(f"expected a literal index, found: {ast.unparse(node)}")
        pointer, width = self.arrays[node.value.id]
        return element(self.builder, pointer, ir.Constant(ir.IntType(64), node.slice.value), width), width

    def widened(self, value: tuple[Any, int], width: int) -> Any:
        if value[1] == width:
            return value[0]
        if value[1] != 1:
            raise NotStraightLine("eight numbers cannot be written where one belongs")
        return splat(self.builder, value[0], width)

    def together(self, *nodes: ast.expr) -> tuple[list[Any], int]:
        """Return the values of several expressions, all of the widest width among them."""
        values = [self.value(node) for node in nodes]
        width = max(each[1] for each in values)
        return [self.widened(each, width) for each in values], width

    def value(self, node: ast.expr) -> tuple[Any, int]:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return constant(float(node.value), 1), 1
        if isinstance(node, ast.Name) and node.id in self.known:
            return self.known[node.id]
        if isinstance(node, ast.Subscript):
            address, width = self.address(node)
            return load_from(self.builder, address, width), width
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner, width = self.value(node.operand)
            return self.builder.fneg(inner), width
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            return self.binary(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self.call(node)
        raise NotStraightLine(f"not understood: {ast.unparse(node)}")

    def binary(self, node: ast.BinOp) -> tuple[Any, int]:
        """Emit one operation; a product that is added or subtracted is fused with it."""
        if isinstance(node.op, (ast.Add, ast.Sub)):
            minus = isinstance(node.op, ast.Sub)
            if _is_product(node.right):
                return self.fused(node.right, node.left, minus, False)
            if _is_product(node.left):
                return self.fused(node.left, node.right, False, minus)
        (left, right), width = self.together(node.left, node.right)
        return getattr(self.builder, _OPERATIONS[type(node.op)])(left, right), width

    def fused(self, product: Any, rest: ast.expr, minus_product: bool, minus_rest: bool) -> tuple[Any, int]:
        (a, b, c), width = self.together(product.left, product.right, rest)
        if minus_product:
            a = self.builder.fneg(a)
        if minus_rest:
            c = self.builder.fneg(c)
        return call(self.builder, "fma", [a, b, c], width), width

    def call(self, node: ast.Call) -> tuple[Any, int]:
        assert isinstance(node.func, ast.Name)
        values, width = self.together(*node.args)
        if node.func.id == "sqrt":
            return call(self.builder, "sqrt", values, width), width
        emit = elementary.EMITTERS.get(node.func.id)
        if emit is None:
            raise NotStraightLine(f"not understood: {ast.unparse(node)}")
        return emit(self.builder, width, *values), width


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


__all__ = ["NotStraightLine", "straight_line", "value_type"]
