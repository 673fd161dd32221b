"""A straight-line function read as a graph of values: what each is computed from, and where it is written."""

from __future__ import annotations

import ast
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Final

_OPERATIONS: Final = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
#: Function -> number of arguments.
FUNCTIONS: Final = {"exp": 1, "log": 1, "sqrt": 1, "power": 2, "choose": 4}
#: Functions that take so long that several of them are computed side by side.
COSTLY: Final = ("exp", "log", "power")


class NotStraightLine(ValueError):
    """A function holds something else than assignments of arithmetic."""


@dataclass(frozen=True)
class Value:
    """One node.

    Parameters
    ----------
    kind : str
        "number", "load", "negate", "fuse" (a * b + c), an operation, or one of `FUNCTIONS`.
    operands : tuple of int
        Positions of the values it reads.
    number : float
        Of a number.
    place : (str, int)
        Array and index of a load.
    depth : int
        How many costly functions lie on the longest way to it, itself included.
    """

    kind: str
    operands: tuple[int, ...] = ()
    number: float = 0.0
    place: tuple[str, int] = ("", 0)
    depth: int = 0


@dataclass
class ValueGraph:
    """Values in the order of the source, and what is written: (array, index) -> value, in the order of the source.

    Parameters
    ----------
    arrays : sequence of str
        Names of the function's arguments.
    """

    arrays: Sequence[str]
    values: list[Value] = field(default_factory=list)
    writes: dict[tuple[str, int], int] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)
    _known: dict[Value, int] = field(default_factory=dict)

    def add(self, value: Value) -> int:
        """Return the position of a value; one that is there already is used again."""
        if value not in self._known:
            self._known[value] = len(self.values)
            self.values.append(value)
        return self._known[value]

    def combine(self, kind: str, *operands: int) -> int:
        """Return the position of an operation or function on values."""
        depth = max(self.values[operand].depth for operand in operands)
        return self.add(Value(kind, operands, depth=depth + (kind in COSTLY)))

    def read(self, text: str) -> None:
        """Read the source of a function.

        Raises
        ------
        NotStraightLine
            Quoting what is not understood.
        """
        definition = ast.parse(text).body[0]
        if not isinstance(definition, ast.FunctionDef):
            raise NotStraightLine(f"expected a function, found: {ast.unparse(definition)}")
        for statement in definition.body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
                raise NotStraightLine(f"expected an assignment, found: {ast.unparse(statement)}")
            target, value = statement.targets[0], self._value(statement.value)
            if isinstance(target, ast.Name):
                self._names[target.id] = value
            else:
                self.writes[self._place(target)] = value

    def _place(self, node: ast.expr) -> tuple[str, int]:
        if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in self.arrays):
            raise NotStraightLine(f"expected an argument's element, found: {ast.unparse(node)}")
        index = node.slice
        if not (isinstance(index, ast.Constant) and type(index.value) is int):
            raise NotStraightLine(f"expected a literal index, found: {ast.unparse(node)}")
        return node.value.id, index.value

    def _value(self, node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return self.add(Value("number", number=float(node.value)))  # type: ignore[arg-type]
        if isinstance(node, ast.Name) and node.id in self._names:
            return self._names[node.id]
        if isinstance(node, ast.Subscript):
            place = self._place(node)
            # What was written is what is read back.
            return self.writes[place] if place in self.writes else self.add(Value("load", place=place))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.combine("negate", self._value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            return self._operation(node)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and not node.keywords
            and FUNCTIONS.get(node.func.id) == len(node.args)
        ):
            return self.combine(node.func.id, *[self._value(argument) for argument in node.args])
        raise NotStraightLine(f"not understood: {ast.unparse(node)}")

    def _operation(self, node: ast.BinOp) -> int:
        """Add one operation; a product that is added or subtracted is fused with it."""
        if isinstance(node.op, (ast.Add, ast.Sub)):
            minus = isinstance(node.op, ast.Sub)
            if _is_product(node.right):
                rest = self._value(node.left)
                return self._fuse(node.right, rest, minus_product=minus)
            if _is_product(node.left):
                product = node.left
                rest = self._value(node.right)
                return self._fuse(product, self.combine("negate", rest) if minus else rest, minus_product=False)
        left = self._value(node.left)
        return self.combine(_OPERATIONS[type(node.op)], left, self._value(node.right))

    def _fuse(self, product: ast.expr, rest: int, *, minus_product: bool) -> int:
        assert isinstance(product, ast.BinOp)
        a, b = self._value(product.left), self._value(product.right)
        return self.combine("fuse", self.combine("negate", a) if minus_product else a, b, rest)

    def needed_for(self, positions: Sequence[int], done: Container[int]) -> list[int]:
        """Return what the operands of some values are computed from and is not done, in the order of the source."""
        found: set[int] = set()
        pending = [operand for position in positions for operand in self.values[position].operands]
        while pending:
            position = pending.pop()
            if position not in found and position not in done:
                found.add(position)
                pending += self.values[position].operands
        return sorted(found)

    def groups(self) -> dict[int, tuple[int, ...]]:
        """Return, for each costly value, those of its kind and depth that can be computed at once, itself included."""
        together: dict[tuple[str, int], list[int]] = {}
        for position, value in enumerate(self.values):
            if value.kind in COSTLY:
                together.setdefault((value.kind, value.depth), []).append(position)
        return {position: tuple(group) for group in together.values() for position in group}


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
