"""Ask the processor for a word of an array before it is needed: a walk's targets lie all over the lattice."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

_INT: Any = ir.IntType(32)
_BYTE_POINTER: Any = ir.IntType(8).as_pointer()


def _prefetch(typing_context: Any, words: Any, position: Any) -> Any:
    """Fetch words[position] for writing, into all caches."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, values[0]).data
        address = builder.bitcast(builder.gep(pointer, [values[1]], source_etype=ir.IntType(64)), _BYTE_POINTER)
        kind = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER, _INT, _INT, _INT])
        declared = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        for_writing, in_all_caches, data = (ir.Constant(_INT, value) for value in (1, 3, 1))
        builder.call(declared, [address, for_writing, in_all_caches, data])
        return context.get_dummy_value()

    return types.void(words, types.int64), generate


def _interpreted(words: Any, position: int) -> None:
    """Nothing to do."""


prefetch: Any = _interpreted if config.DISABLE_JIT else intrinsic(_prefetch)
