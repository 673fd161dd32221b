"""Eight numbers side by side: the vector instructions that numba does not find by itself, as compiled functions.

A block is an array of shape (rows, 8). In a cohort its rows are states and its columns patients; in the run of one
patient each row holds eight of the states. Element by element both do the same operations in the same order, with
fused multiply-adds written out, so a patient's bytes do not depend on how it was run. On a processor without vectors
of eight, LLVM cuts them into what there is. Interpreted, the functions work on NumPy rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

#: Patients, or states, that one instruction treats.
LANES: Final = 8

_DOUBLE: Final = ir.DoubleType()
_WORD: Final = ir.IntType(64)
_ALIGNMENT: Final = 8


class LanesType(types.Type):  # type: ignore[misc]
    """numba's type of eight float64 side by side."""

    def __init__(self) -> None:
        super().__init__(name=f"lanes{LANES}")


LANES_TYPE: Final = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(_DOUBLE, LANES))


def has_fused_multiply_add() -> bool:
    """Return whether this processor multiplies and adds in one instruction; without it every such step is a call."""
    machine = llvm.get_host_cpu_name()
    features = llvm.get_host_cpu_features()
    return bool(features.get("fma", False)) or machine.startswith(("apple", "neoverse", "cortex")) or "neon" in features


def value_type(width: int) -> Any:
    """Return LLVM's type of one number, or of `width` of them."""
    return _DOUBLE if width == 1 else ir.VectorType(_DOUBLE, width)


def word_type(width: int) -> Any:
    """Return LLVM's 64-bit integers that go with `value_type`."""
    return _WORD if width == 1 else ir.VectorType(_WORD, width)


def splat(builder: Any, value: Any, width: int) -> Any:
    """Return a scalar LLVM value repeated `width` times."""
    if width == 1:
        return value
    empty = ir.Constant(value_type(width), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width))


def constant(value: float, width: int) -> Any:
    """Return a float as an LLVM constant of `width` equal numbers."""
    single = ir.Constant(_DOUBLE, value)
    return single if width == 1 else ir.Constant(value_type(width), [single] * width)


def call(builder: Any, name: str, arguments: list[Any], width: int) -> Any:
    """Return the value of an LLVM intrinsic (fma, sqrt, fabs) of `width` numbers."""
    kind = value_type(width)
    suffix = "f64" if width == 1 else f"v{width}f64"
    declared = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(arguments)), f"llvm.{name}.{suffix}"
    )
    return builder.call(declared, arguments)


def element(builder: Any, pointer: Any, index: Any, width: int) -> Any:
    """Return the address of block row `index` (or element, for width 1)."""
    rows = builder.bitcast(pointer, value_type(width).as_pointer())
    return builder.gep(rows, [index], source_etype=value_type(width))


def load_from(builder: Any, address: Any, width: int) -> Any:
    """Return what stands at an address of unknown alignment."""
    return builder.load(address, align=_ALIGNMENT, typ=value_type(width))


def load_word(builder: Any, pointer: Any, index: Any) -> Any:
    """Return element `index` of 64-bit integers."""
    return builder.load(builder.gep(pointer, [index], source_etype=_WORD), typ=_WORD)


def store_to(builder: Any, value: Any, address: Any) -> None:
    """Write to an address of unknown alignment."""
    builder.store(value, address, align=_ALIGNMENT)


def data_pointer(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Return the address of an array's first element; a pointer is one already."""
    if isinstance(kind, types.CPointer):
        return array
    return context.make_array(kind)(context, builder, array).data


def _widened(builder: Any, kind: Any, value: Any) -> Any:
    """Return a float64 repeated, lanes as they are."""
    return value if isinstance(kind, LanesType) else splat(builder, value, LANES)


def of_lanes(name: str, interpreted: Callable[..., Any], emit: Callable[..., Any], arguments: int) -> Any:
    """Return a function of lanes and floats that gives lanes; interpreted, `interpreted` itself."""
    if config.DISABLE_JIT:
        return interpreted

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        widened = [_widened(builder, kind, value) for kind, value in zip(signature.args, values, strict=True)]
        return emit(builder, *widened)

    def one(typing_context: Any, a: Any) -> Any:
        return LANES_TYPE(a), generate

    def two(typing_context: Any, a: Any, b: Any) -> Any:
        return LANES_TYPE(a, b), generate

    def three(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
        return LANES_TYPE(a, b, c), generate

    definition = {1: one, 2: two, 3: three}[arguments]
    definition.__name__ = name
    return intrinsic(definition)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return call(builder, "fma", [a, b, c], LANES)


def _larger(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _smaller(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def _pick(builder: Any, condition: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", condition, constant(0.0, LANES)), a, b)


fused: Any = of_lanes("fused", lambda a, b, c: a * b + c, _fma, 3)
plus: Any = of_lanes("plus", lambda a, b: a + b, lambda builder, a, b: builder.fadd(a, b), 2)
times: Any = of_lanes("times", lambda a, b: a * b, lambda builder, a, b: builder.fmul(a, b), 2)
over: Any = of_lanes("over", lambda a, b: a / b, lambda builder, a, b: builder.fdiv(a, b), 2)
size_of: Any = of_lanes("size_of", np.abs, lambda builder, a: call(builder, "fabs", [a], LANES), 1)
larger: Any = of_lanes("larger", lambda a, b: np.where(a > b, a, b), _larger, 2)
smaller: Any = of_lanes("smaller", lambda a, b: np.where(a < b, a, b), _smaller, 2)


def _at_most(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<=", a, b), constant(1.0, LANES), constant(0.0, LANES))


at_most: Any = of_lanes("at_most", lambda a, b: np.where(a <= b, 1.0, 0.0), _at_most, 2)
pick: Any = of_lanes("pick", lambda condition, a, b: np.where(condition > 0.0, a, b), _pick, 3)
"""fused(a, b, c) = a * b + c rounded once; larger(a, b) = a where a > b, else b; smaller(a, b) = a where a < b, else b;
at_most(a, b) = 1 where a <= b, else 0; pick(condition, a, b) = a where condition > 0, else b; all return lanes."""


def _interpreted_load(block: NDArray[np.float64], row: int) -> NDArray[np.float64]:
    return np.array(block.reshape(-1, LANES)[row])


def _interpreted_store(block: NDArray[np.float64], row: int, value: Any) -> None:
    block.reshape(-1, LANES)[row] = value


def _load(typing_context: Any, block: Any, row: Any) -> Any:
    """Return block[row] as lanes."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = data_pointer(context, builder, signature.args[0], values[0])
        return load_from(builder, element(builder, pointer, values[1], LANES), LANES)

    return LANES_TYPE(block, types.int64), generate


def _store(typing_context: Any, block: Any, row: Any, value: Any) -> Any:
    """Write lanes, or one float into all of them, to block[row]."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = data_pointer(context, builder, signature.args[0], values[0])
        widened = _widened(builder, signature.args[2], values[2])
        store_to(builder, widened, element(builder, pointer, values[1], LANES))
        return context.get_dummy_value()

    return types.void(block, types.int64, value), generate


def _interpreted_at(array: NDArray[np.float64], position: int) -> float:
    return float(array.reshape(-1)[position])


def _interpreted_put(array: NDArray[np.float64], position: int, value: float) -> None:
    array.reshape(-1)[position] = value


def _at(typing_context: Any, array: Any, position: Any) -> Any:
    """Return the element at a flat position, whatever the array's shape."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = data_pointer(context, builder, signature.args[0], values[0])
        return load_from(builder, element(builder, pointer, values[1], 1), 1)

    return types.float64(array, types.int64), generate


def _put(typing_context: Any, array: Any, position: Any, value: Any) -> Any:
    """Write one float to a flat position."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = data_pointer(context, builder, signature.args[0], values[0])
        store_to(builder, values[2], element(builder, pointer, values[1], 1))
        return context.get_dummy_value()

    return types.void(array, types.int64, types.float64), generate


def _fetch_ahead(typing_context: Any, array: Any, position: Any) -> Any:
    """Ask for the cache line of an element that will be written soon."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = element(builder, data_pointer(context, builder, signature.args[0], values[0]), values[1], 1)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        name = "llvm.prefetch.p0" if str(address.type) == "ptr" else "llvm.prefetch"
        declared = cgutils.get_or_insert_function(builder.module, kind, name)
        for_writing, in_all_levels, data = (ir.Constant(number, value) for value in (1, 3, 1))
        builder.call(declared, [address, for_writing, in_all_levels, data])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def _interpreted_fetch_ahead(array: NDArray[np.float64], position: int) -> None:
    """Do nothing: there is no cache to speak of."""


fetch_ahead: Any = _interpreted_fetch_ahead if config.DISABLE_JIT else intrinsic(_fetch_ahead)
at: Any = _interpreted_at if config.DISABLE_JIT else intrinsic(_at)
put: Any = _interpreted_put if config.DISABLE_JIT else intrinsic(_put)


def _added_up(typing_context: Any, lanes: Any) -> Any:
    """Return the sum of eight numbers: opposite halves first."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        numbers, width = values[0], LANES
        while width > 1:
            width //= 2
            halves = [
                builder.shuffle_vector(
                    numbers, numbers, ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(*ends)))
                )
                for ends in ((width,), (width, 2 * width))
            ]
            numbers = builder.fadd(*halves)
        return builder.extract_element(numbers, ir.Constant(ir.IntType(32), 0))

    return types.float64(lanes), generate


def _interpreted_added_up(lanes: NDArray[np.float64]) -> float:
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return float(lanes[0])


def _marked(typing_context: Any, block: Any, row: Any) -> Any:
    """Return a bit for each of the eight numbers of block[row] that is above 0."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = data_pointer(context, builder, signature.args[0], values[0])
        numbers = load_from(builder, element(builder, pointer, values[1], LANES), LANES)
        bits = builder.bitcast(builder.fcmp_ordered(">", numbers, constant(0.0, LANES)), ir.IntType(LANES))
        return builder.zext(bits, _WORD)

    return types.int64(block, types.int64), generate


def _interpreted_marked(block: NDArray[np.float64], row: int) -> int:
    return sum(1 << k for k in range(LANES) if block.reshape(-1, LANES)[row, k] > 0.0)


def _lowest(typing_context: Any, bits: Any) -> Any:
    """Return the number of the lowest bit that is set; there must be one."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


def _interpreted_lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


added_up: Any = _interpreted_added_up if config.DISABLE_JIT else intrinsic(_added_up)
marked: Any = _interpreted_marked if config.DISABLE_JIT else intrinsic(_marked)
lowest: Any = _interpreted_lowest if config.DISABLE_JIT else intrinsic(_lowest)
load: Any = _interpreted_load if config.DISABLE_JIT else intrinsic(_load)
store: Any = _interpreted_store if config.DISABLE_JIT else intrinsic(_store)


def rows_for(count: int) -> int:
    """Return how many block rows hold `count` numbers."""
    return -(-count // LANES)


def block(*shape: int) -> NDArray[np.float64]:
    """Return zeros of shape (*shape, 8) that start on a cache line, so that no row crosses one."""
    count = math.prod(shape) * LANES
    raw = np.zeros(count + LANES)
    offset = (-raw.ctypes.data // 8) % LANES
    return raw[offset : offset + count].reshape(*shape, LANES)
