"""Elementary functions for straight-line code: as LLVM instructions of any width, and as NumPy for interpreted runs.

One algorithm for both widths, without calls and without branches, so that a patient's numbers do not depend on the
width. Errors are below 2 units in the last place for `exp` and `log`; for `power` the logarithm's error is multiplied
by |exponent * log(base)|. Results below 2.3e-308 become 0.

Sources: exp by Cody & Waite's reduction and the Taylor polynomial of degree 13; log by the rational reduction and the
minimax polynomial of fdlibm's e_log.c (Sun Microsystems 1993).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir

from bitesim.numerics.lanes import call, constant, value_type, word_type

_LOG2_E: Final = 1.4426950408889634
#: Adding it leaves the nearest integer in the last bits of the sum.
_ROUNDING: Final = 6755399441055744.0
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_EXP_SMALLEST: Final = -708.39
_EXP_LARGEST: Final = 709.782712893384
_EXP_TAYLOR: Final = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))
_LOG_EVEN: Final = (0.15313837699209373, 0.2222219843214978, 0.3999999999940942)
_LOG_ODD: Final = (0.14798198605116586, 0.1818357216161805, 0.2857142874366239, 0.6666666666666735)
_SMALLEST_NORMAL: Final = 2.2250738585072014e-308
_BITS_OF_SQRT_HALF: Final = 0x3FE6A09E667F3BCD
_MANTISSA_BITS: Final = 52


def _words(value: int, width: int) -> Any:
    single = ir.Constant(ir.IntType(64), value)
    return single if width == 1 else ir.Constant(word_type(width), [single] * width)


def _fma(builder: Any, width: int, a: Any, b: Any, c: Any) -> Any:
    return call(builder, "fma", [a, b, c], width)


def _polynomial(builder: Any, width: int, x: Any, coefficients: tuple[float, ...]) -> Any:
    """Return a polynomial, highest coefficient first, by Estrin's scheme: pairs at once, instead of one after the other."""
    terms = [constant(each, width) for each in reversed(coefficients)]
    while len(terms) > 1:
        pairs = [_fma(builder, width, high, x, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2 :]
        if len(terms) > 1:
            x = builder.fmul(x, x)
    return terms[0]


def _exp(builder: Any, width: int, x: Any) -> Any:
    low, high = constant(_EXP_SMALLEST, width), constant(_EXP_LARGEST, width)
    too_low, not_below = builder.fcmp_ordered("<", x, low), builder.fcmp_unordered(">", x, high)
    inside = builder.select(too_low, low, builder.select(not_below, high, x))
    shifted = _fma(builder, width, inside, constant(_LOG2_E, width), constant(_ROUNDING, width))
    whole = builder.fsub(shifted, constant(_ROUNDING, width))
    rest = _fma(builder, width, whole, constant(-_LN2_HIGH, width), inside)
    rest = _fma(builder, width, whole, constant(-_LN2_LOW, width), rest)
    # The last step apart from the pairs, so that rounding in the pairs is multiplied by the small rest.
    slope = _polynomial(builder, width, rest, _EXP_TAYLOR[:-1])
    mantissa = _fma(builder, width, slope, rest, constant(_EXP_TAYLOR[-1], width))
    # 2**1024 is not a number although exp(709.782) is: the power of 2 is added to the exponent, in the number's own bits.
    power = builder.shl(builder.bitcast(shifted, word_type(width)), _words(_MANTISSA_BITS, width))
    scaled = builder.bitcast(builder.add(builder.bitcast(mantissa, word_type(width)), power), value_type(width))
    result = builder.select(too_low, constant(0.0, width), scaled)
    # What is not a number stays what it is.
    return builder.select(not_below, builder.fmul(x, constant(math.inf, width)), result)


def _log(builder: Any, width: int, x: Any) -> Any:
    tiny = builder.fcmp_ordered("<", x, constant(_SMALLEST_NORMAL, width))
    normal = builder.select(tiny, builder.fmul(x, constant(2.0**54, width)), x)
    bits = builder.bitcast(normal, word_type(width))
    exponent = builder.ashr(builder.sub(bits, _words(_BITS_OF_SQRT_HALF, width)), _words(_MANTISSA_BITS, width))
    mantissa = builder.bitcast(builder.sub(bits, builder.shl(exponent, _words(_MANTISSA_BITS, width))), value_type(width))
    power = builder.sitofp(exponent, value_type(width))
    power = builder.select(tiny, builder.fsub(power, constant(54.0, width)), power)
    f = builder.fsub(mantissa, constant(1.0, width))
    s = builder.fdiv(f, builder.fadd(f, constant(2.0, width)))
    z = builder.fmul(s, s)
    w = builder.fmul(z, z)
    even = builder.fmul(w, _polynomial(builder, width, w, _LOG_EVEN))
    odd = _fma(builder, width, z, _polynomial(builder, width, w, _LOG_ODD), even)
    half_square = builder.fmul(builder.fmul(f, f), constant(0.5, width))
    correction = _fma(builder, width, power, constant(_LN2_LOW, width), builder.fmul(s, builder.fadd(half_square, odd)))
    result = builder.fsub(builder.fsub(half_square, correction), f)
    result = _fma(builder, width, power, constant(_LN2_HIGH, width), builder.fneg(result))
    infinite, zero = constant(math.inf, width), constant(0.0, width)
    special = builder.select(builder.fcmp_ordered("==", x, infinite), infinite, constant(math.nan, width))
    special = builder.select(builder.fcmp_ordered("==", x, zero), constant(-math.inf, width), special)
    usual = builder.and_(builder.fcmp_ordered(">", x, zero), builder.fcmp_ordered("<", x, infinite))
    return builder.select(usual, result, special)


def _power(builder: Any, width: int, base: Any, exponent: Any) -> Any:
    raised = _exp(builder, width, builder.fmul(exponent, _log(builder, width, base)))
    is_zero = builder.fcmp_ordered("==", exponent, constant(0.0, width))
    return builder.select(is_zero, constant(1.0, width), raised)


def _choose(builder: Any, width: int, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    chosen = builder.select(builder.fcmp_ordered(">", left, right), then, otherwise)
    # What cannot be compared is not a number, and must not become one.
    return builder.select(builder.fcmp_unordered("uno", left, right), builder.fadd(left, right), chosen)


#: name in straight-line code -> emit(builder, width, *values).
EMITTERS: Final[dict[str, Callable[..., Any]]] = {"exp": _exp, "log": _log, "power": _power, "choose": _choose}


def exp(x: Any) -> Any:
    """Return e**x; 0 where that is below 2.3e-308."""
    return np.exp(x)


def log(x: Any) -> Any:
    """Return the natural logarithm; -inf at 0, NaN below."""
    return np.log(x)


def sqrt(x: Any) -> Any:
    """Return the square root."""
    return np.sqrt(x)


def power(base: Any, exponent: Any) -> Any:
    """Return base**exponent for base >= 0; NaN below (an integer power is written as a product)."""
    return np.where(np.less(base, 0.0), np.where(np.equal(exponent, 0.0), 1.0, np.nan), np.power(np.abs(base), exponent))


def choose(left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` where left > right, else `otherwise`; NaN where one of the two is."""
    return np.where(np.greater(left, right), then, np.where(np.less_equal(left, right), otherwise, np.nan))
