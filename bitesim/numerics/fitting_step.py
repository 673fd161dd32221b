"""The step-size controller's power, x**-0.1, to the three digits that a step's size is worth.

An exact power takes as long as a tenth of a step of one patient, most of it waiting. Here the logarithm and the
exponential are polynomials of degree 2 and 3, by which the result is off by less than 6 parts in 10,000; at x = 1 it is 1.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir

from bitesim.numerics.lanes import LANES, call, constant, of_lanes, value_type, word_type

_BITS_OF_SQRT_HALF: Final = 0x3FE6A09E667F3BCD
_MANTISSA_BITS: Final = 52
#: Adding it leaves the nearest integer in the last bits of the sum.
_ROUNDING: Final = 6755399441055744.0
#: log2(1 + t) = t * (_LOG[0] + _LOG[1] * t) for 1 + t between the roots of 1/2 and 2: smallest largest error.
_LOG: Final = (1.48312232, -0.69915057)
#: 2**r = 1 + r * (_EXP[0] + r * (_EXP[1] + r * _EXP[2])) for r between -1/2 and 1/2: smallest largest error.
_EXP: Final = (0.69328286, 0.2422112, 0.05500979)
_EXPONENT: Final = -0.1


def _words(value: int) -> Any:
    return ir.Constant(word_type(LANES), [ir.Constant(ir.IntType(64), value)] * LANES)


def _emit(builder: Any, x: Any) -> Any:
    def fma(a: Any, b: Any, c: Any) -> Any:
        return call(builder, "fma", [a, b, c], LANES)

    def number(value: float) -> Any:
        return constant(value, LANES)

    bits = builder.bitcast(x, word_type(LANES))
    whole = builder.ashr(builder.sub(bits, _words(_BITS_OF_SQRT_HALF)), _words(_MANTISSA_BITS))
    mantissa = builder.bitcast(builder.sub(bits, builder.shl(whole, _words(_MANTISSA_BITS))), value_type(LANES))
    t = builder.fadd(mantissa, number(-1.0))
    logarithm = fma(t, fma(t, number(_LOG[1]), number(_LOG[0])), builder.sitofp(whole, value_type(LANES)))
    rounded = fma(logarithm, number(_EXPONENT), number(_ROUNDING))
    rest = fma(logarithm, number(_EXPONENT), builder.fsub(number(_ROUNDING), rounded))
    power = fma(rest, fma(rest, fma(rest, number(_EXP[2]), number(_EXP[1])), number(_EXP[0])), number(1.0))
    scaling = builder.shl(builder.bitcast(rounded, word_type(LANES)), _words(_MANTISSA_BITS))
    return builder.bitcast(builder.add(builder.bitcast(power, word_type(LANES)), scaling), value_type(LANES))


def _interpreted(x: Any) -> Any:
    bits = np.asarray(x, float).view(np.int64)
    whole = (bits - _BITS_OF_SQRT_HALF) >> _MANTISSA_BITS
    t = (bits - (whole << _MANTISSA_BITS)).view(np.float64) - 1.0
    logarithm = t * (t * _LOG[1] + _LOG[0]) + whole
    rounded = np.rint(logarithm * _EXPONENT)
    rest = logarithm * _EXPONENT - rounded
    power = rest * (rest * (rest * _EXP[2] + _EXP[1]) + _EXP[0]) + 1.0
    return np.ldexp(power, rounded.astype(np.int64))


minus_tenth_power: Any = of_lanes("minus_tenth_power", _interpreted, _emit, 1)
"""minus_tenth_power(x) = x**-0.1, roughly, for lanes x from 2.3e-308 to infinity; any other x gives any number."""
