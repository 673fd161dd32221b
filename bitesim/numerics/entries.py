"""Functions that integrators call by address: one integrator, compiled once, serves every model.

An entry point is the address of a compiled function of pointers to float64; interpreted, it is the function itself,
which is then called with NumPy arrays. `invoke` calls it with arrays of any shape; the last of them may be entered in
the middle, since the stages of a step lie in one array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core import config
from numba.extending import intrinsic
from numpy.typing import NDArray

from bitesim.foundation.compiled import entry_point, kernel
from bitesim.numerics.lanes import data_pointer, element
from bitesim.numerics.straight_line import Rows, straight_line, straight_line_text

_POINTER: Final = types.CPointer(types.float64)


def straight_line_entry(function: Callable[..., None], lanes: tuple[bool, ...], *, padded: bool = False) -> Any:
    """Return the entry point of a straight-line function of up to five arrays; see `straight_line`."""
    if config.DISABLE_JIT:

        def interpreted(*arrays: Any) -> None:
            with np.errstate(all="ignore"):
                function(*[Rows(array) if wide else array for array, wide in zip(arrays, lanes, strict=True)])

        return interpreted
    body = straight_line(function, lanes, padded=padded)

    def one(a: Any) -> None:
        body(a, 0)

    def two(a: Any, b: Any) -> None:
        body(a, b, 0)

    def three(a: Any, b: Any, c: Any) -> None:
        body(a, b, c, 0)

    def four(a: Any, b: Any, c: Any, d: Any) -> None:
        body(a, b, c, d, 0)

    def five(a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
        body(a, b, c, d, e, 0)

    chosen = (one, two, three, four, five)[len(lanes) - 1]
    chosen.__name__ = function.__name__
    return kernel_entry(kernel(chosen), len(lanes))


def sparse_product_entry(pattern: Sequence[tuple[int, int]]) -> Any:
    """Return the entry point of add(matrix, vector, result): a sparse matrix in lanes times a plain vector, added in lanes.

    `pattern` holds (row, column) of each entry of the matrix, row by row.
    """
    if config.DISABLE_JIT:

        def interpreted(matrix: Any, vector: Any, result: Any) -> None:
            wide, target = Rows(matrix), Rows(result)
            for entry, (row, column) in enumerate(pattern):
                target[row] = target[row] + wide[entry] * vector[column]

        return interpreted
    lines = ["def add_product(matrix, vector, result):"]
    for row in sorted({row for row, _ in pattern}):
        entries = [(entry, column) for entry, (each, column) in enumerate(pattern) if each == row]
        lines.append(f"    total = result[{row}]")
        lines += [f"    total = total + matrix[{entry}] * vector[{column}]" for entry, column in entries]
        lines.append(f"    result[{row}] = total")
    if not pattern:
        # Rates that no state changes: a function must have a line.
        lines.append("    result[0] = result[0]")
    names, lanes = ("matrix", "vector", "result"), (True, False, True)
    body = straight_line_text("add_product", "\n".join(lines), names, lanes)

    def add_product(matrix: Any, vector: Any, result: Any) -> None:
        body(matrix, vector, result, 0)

    return kernel_entry(kernel(add_product), 3)


def text_entry(name: str, text: str, names: tuple[str, str, str], lanes: tuple[bool, bool, bool]) -> Any:
    """Return the entry point of a straight-line function of three arrays that is given as text; compiled only."""
    body = straight_line_text(name, text, names, lanes)

    def from_text(a: Any, b: Any, c: Any) -> None:
        body(a, b, c, 0)

    from_text.__name__ = name
    return kernel_entry(kernel(from_text), 3)


def kernel_entry(function: Callable[..., None], count: int) -> Any:
    """Return the entry point of a kernel that takes `count` pointers; it makes arrays of them with `as_array`."""
    return entry_point(function, types.void(*[_POINTER] * count))


def _first(flat: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    return flat[:count]


as_array: Any = _first if config.DISABLE_JIT else carray
"""as_array(pointer, count) is the array of the `count` numbers behind a pointer."""


def _interpreted_invoke(function: Callable[..., None], *arguments: Any) -> None:
    *arrays, start = arguments
    views = [array.reshape(-1) for array in arrays]
    views[-1] = views[-1][start:]
    function(*views)


def _generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    address, *arrays, start = values
    pointers = [
        data_pointer(context, builder, kind, value) for kind, value in zip(signature.args[1:-1], arrays, strict=True)
    ]
    pointers[-1] = element(builder, pointers[-1], start, 1)
    kind = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in pointers])
    builder.call(builder.inttoptr(address, kind.as_pointer()), pointers)
    return context.get_dummy_value()


def _invoke1(typing_context: Any, entry: Any, a: Any, start: Any) -> Any:
    return types.void(types.int64, a, types.int64), _generate


def _invoke2(typing_context: Any, entry: Any, a: Any, b: Any, start: Any) -> Any:
    return types.void(types.int64, a, b, types.int64), _generate


def _invoke3(typing_context: Any, entry: Any, a: Any, b: Any, c: Any, start: Any) -> Any:
    return types.void(types.int64, a, b, c, types.int64), _generate


def _invoke4(typing_context: Any, entry: Any, a: Any, b: Any, c: Any, d: Any, start: Any) -> Any:
    return types.void(types.int64, a, b, c, d, types.int64), _generate


def _invoke_along(
    typing_context: Any, entry: Any, a: Any, b: Any, c: Any, c_start: Any, d: Any, d_start: Any, e: Any, e_start: Any
) -> Any:
    place = types.int64

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        pointers = [data_pointer(context, builder, kinds[i], values[i]) for i in (1, 2, 3, 5, 7)]
        for position, start in ((2, values[4]), (3, values[6]), (4, values[8])):
            pointers[position] = element(builder, pointers[position], start, 1)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in pointers])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), pointers)
        return context.get_dummy_value()

    return types.void(types.int64, a, b, c, place, d, place, e, place), generate


def _invoke3_within(
    typing_context: Any, entry: Any, a: Any, a_start: Any, b: Any, b_start: Any, c: Any, c_start: Any
) -> Any:
    place = types.int64

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointers = []
        for position in (1, 3, 5):
            first = data_pointer(context, builder, signature.args[position], values[position])
            pointers.append(element(builder, first, values[position + 1], 1))
        kind = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in pointers])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), pointers)
        return context.get_dummy_value()

    return types.void(types.int64, a, place, b, place, c, place), generate


def _interpreted_within(function: Callable[..., None], *placed: Any) -> None:
    function(*[array.reshape(-1)[start:] for array, start in zip(placed[::2], placed[1::2], strict=True)])


def _interpreted_along(function: Callable[..., None], a: Any, b: Any, *placed: Any) -> None:
    views = [array.reshape(-1)[start:] for array, start in zip(placed[::2], placed[1::2], strict=True)]
    function(a.reshape(-1), b.reshape(-1), *views)


def _compiled(definition: Callable[..., Any]) -> Any:
    return _interpreted_invoke if config.DISABLE_JIT else intrinsic(definition)


#: invoke_n(entry, n arrays, start): call an entry point; `start` is the flat position at which the last array is entered.
invoke1: Any = _compiled(_invoke1)
invoke2: Any = _compiled(_invoke2)
invoke3: Any = _compiled(_invoke3)
invoke4: Any = _compiled(_invoke4)
#: invoke_along(entry, a, b, c, start in c, d, start in d, e, start in e): five arrays, of which the last three lie in
#: larger ones.
invoke_along: Any = _interpreted_along if config.DISABLE_JIT else intrinsic(_invoke_along)
#: invoke3_within(entry, a, start in a, b, start in b, c, start in c): three arrays that lie in larger ones.
invoke3_within: Any = _interpreted_within if config.DISABLE_JIT else intrinsic(_invoke3_within)
