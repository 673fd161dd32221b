"""Random expressions of what equations may hold, for property tests: real everywhere, and of moderate size."""

from __future__ import annotations

import sympy
from hypothesis import strategies as st

from bitesim.derivation.symbols import choose_class

#: Inputs, and inputs that are constant.
X, Y, Z = sympy.symbols("x y z", real=True)
A, B = sympy.symbols("a b", real=True)
STATES, PARAMETERS = (X, Y, Z), (A, B)


def with_symbols(strategy):
    """Return only expressions that are no number."""
    return strategy.filter(lambda e: bool(e.free_symbols))


def _larger(children):
    """Return the expressions one level up: each stays real and smooth on both sides of a kink."""

    def positive(e):
        return 1 + e**2

    whole = st.sampled_from([-3, -2, -1, 2, 3, 4, 5, 8])
    half = st.sampled_from([sympy.Rational(n, 2) for n in (-3, -1, 1, 3)])
    choose = choose_class()
    return st.one_of(
        st.builds(sympy.Add, children, children),
        st.builds(sympy.Add, children, children, children),
        st.builds(lambda a, b: a - b, children, children),
        st.builds(sympy.Mul, children, children),
        st.builds(lambda a, b: -a * b, children, children),
        st.builds(lambda a, b: a / positive(b), children, children),
        st.builds(lambda e, n: positive(e) ** n, children, whole),
        st.builds(lambda e, n: positive(e) ** n, children, half),
        st.builds(lambda e: e**2, children),
        st.builds(lambda e: e**3, children),
        st.builds(lambda e, n: positive(e) ** sympy.exp(-(n**2)), children, children),
        st.builds(lambda e, n: positive(e) ** (2 * n / positive(n)), children, children),
        st.builds(lambda e: sympy.exp(-(e**2)), children),
        st.builds(lambda e: sympy.log(positive(e)), children),
        st.builds(lambda *e: choose(*e), with_symbols(children), children, children, children),
    )


_leaves = st.one_of(
    st.sampled_from([*STATES, *PARAMETERS]),
    st.sampled_from([sympy.Integer(n) for n in (-2, -1, 1, 3)]),
    st.sampled_from([sympy.Float(f) for f in (0.1, -2.5, 1e-3)]),
)
expressions = with_symbols(st.recursive(_leaves, _larger, max_leaves=8))
_numbers = st.floats(-2.0, 2.0).map(lambda x: round(x, 3) + 0.0005)
#: Symbol -> number, never 0.
points = st.fixed_dictionaries(dict.fromkeys((*STATES, *PARAMETERS), _numbers))
