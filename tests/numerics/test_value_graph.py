"""The graph of values: what is computed once, what can be computed side by side, and that it means what Python does."""

import math
import textwrap

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.straight_line import straight_line
from bitesim.numerics.value_graph import COSTLY, FUNCTIONS, NotStraightLine, ValueGraph

MEANING = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "fuse": lambda a, b, c: a * b + c,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "power": math.pow,
    "choose": lambda left, right, then, otherwise: then if left > right else otherwise,
}


def graph_of(body, arrays=("a", "b")):
    graph = ValueGraph(arrays)
    graph.read(f"def f({', '.join(arrays)}):\n{textwrap.indent(body, '    ')}\n")
    return graph


def evaluated(graph, **arrays):
    """Return the arrays after what the graph says, computed with Python's floats."""
    found = []
    for value in graph.values:
        if value.kind == "number":
            found.append(value.number)
        elif value.kind == "load":
            found.append(arrays[value.place[0]][value.place[1]])
        else:
            found.append(MEANING[value.kind](*[found[operand] for operand in value.operands]))
    after = {name: list(array) for name, array in arrays.items()}
    for (name, index), position in graph.writes.items():
        after[name][index] = found[position]
    return after


def kinds(graph):
    return [value.kind for value in graph.values]


def test_what_is_computed_twice_is_one_value():
    graph = graph_of("x = exp(a[0] * a[1])\nb[0] = x + 1.0\nb[1] = exp(a[0] * a[1]) + 1\nb[2] = a[0] * a[1]")
    assert kinds(graph) == ["load", "load", "multiply", "exp", "number", "add"]
    assert graph.writes == {("b", 0): 5, ("b", 1): 5, ("b", 2): 2}


def test_what_differs_is_not_one_value():
    graph = graph_of("b[0] = a[0] - a[1]\nb[1] = a[1] - a[0]\nb[2] = power(a[0], a[1])\nb[3] = power(a[1], a[0])")
    assert len(set(graph.writes.values())) == 4
    # A place that was written is another value from then on, and is itself when it was only read.
    graph = graph_of("x = a[0]\na[0] = x + 1.0\ny = a[0]\na[0] = y + 1.0\nb[0] = a[0] - x")
    assert evaluated(graph, a=[5.0], b=[0.0]) == {"a": [7.0], "b": [2.0]}


def test_only_the_last_of_several_writes_counts():
    graph = graph_of("b[0] = 1.0\nb[1] = b[0]\nb[0] = a[0]\nb[2] = b[0]")
    assert evaluated(graph, a=[5.0], b=[0.0, 0.0, 0.0])["b"] == [5.0, 1.0, 5.0]


def test_operands_come_before_what_is_made_of_them():
    graph = graph_of("x = exp(a[0]) + log(a[1]) * sqrt(a[2])\nb[0] = choose(x, 1.0, -x, x / power(x, 2.0)) - x * x")
    for position, value in enumerate(graph.values):
        assert all(operand < position for operand in value.operands)
    assert set(kinds(graph)) >= {*FUNCTIONS, "fuse", "negate", "divide"}


def test_costly_functions_of_one_kind_and_depth_are_grouped():
    body = """
        p = exp(a[0])
        q = exp(a[1]) + log(a[2])
        r = exp(p)
        s = exp(q * r)
        t = exp(a[3] + 2.0)
        u = sqrt(p) + sqrt(q)
        b[0] = s + t + u + exp(log(a[4]))
    """
    graph = graph_of(textwrap.dedent(body).strip())
    groups = graph.groups()
    assert all(graph.values[position].kind in COSTLY for position in groups)
    assert sorted(groups) == [place for place, value in enumerate(graph.values) if value.kind in COSTLY]
    found = {(graph.values[group[0]].kind, graph.values[group[0]].depth): len(group) for group in groups.values()}
    # exp of what was given three times; of one exp and of log(a[4]); of what was an exp of an exp.
    assert found == {("exp", 1): 3, ("log", 1): 2, ("exp", 2): 2, ("exp", 3): 1}
    for position, group in groups.items():
        assert position in group
        # None of a group may need another one.
        behind = {position}
        for later in range(position + 1, len(graph.values)):
            if behind & set(graph.values[later].operands):
                behind.add(later)
        assert behind & set(group) == {position}


@pytest.mark.parametrize(
    "body", ["b[0] = a[True]", "b[0] = True", "b[0] = exp(a[0], a[1])", "b[0] = exp()", "b[0] = exp(*a)"]
)
def test_what_looks_like_arithmetic_but_is_not_is_refused(body):
    with pytest.raises(NotStraightLine):
        graph_of(body)


def random_program(generator, length):
    """Return statements on positive numbers, which read and overwrite two arrays of twelve, and names."""
    names = []

    def atom():
        chosen = generator.integers(4)
        if chosen == 0 and names:
            return str(generator.choice(names))
        if chosen == 1:
            return f"{generator.uniform(0.5, 2.0):.3f}"
        return f"{generator.choice(['a', 'b'])}[{generator.integers(12)}]"

    def expression():
        x, y, z, w = (atom() for _ in range(4))
        forms = [
            *(x, f"{x} + {y}", f"{x} * {y} + {z}", f"{x} + {y} * {z}", f"{x} / ({y} + {z})", f"sqrt({x} * {y})"),
            *(f"exp({x} / (1.0 + {x}))", f"log(2.0 + {x})", f"power({x}, 0.3)", f"choose({x}, {y}, {z}, {w})"),
        ]
        return str(generator.choice(forms))

    lines = []
    for _ in range(length):
        value = expression()
        if generator.random() < 0.5:
            names.append(f"x{generator.integers(8)}")
            lines.append(f"{names[-1]} = {value}")
        else:
            lines.append(f"{generator.choice(['a', 'b'])}[{generator.integers(12)}] = {value}")
    return "\n".join(lines)


def by_python(body, **arrays):
    """Return the arrays after Python itself has run the statements."""
    after = {name: list(array) for name, array in arrays.items()}
    known = {name: MEANING[name] for name in FUNCTIONS}
    exec(body, known, after)
    return {name: after[name] for name in arrays}


@pytest.mark.parametrize("seed", range(200))
def test_random_programs_mean_what_python_does(seed):
    generator = np.random.default_rng(seed)
    body = random_program(generator, 40)
    arrays = {name: generator.uniform(0.5, 2.0, 12).tolist() for name in ("a", "b")}
    found, expected = evaluated(graph_of(body), **arrays), by_python(body, **arrays)
    for name in arrays:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_random_programs_are_compiled_to_the_same(seed, tmp_path):
    generator = np.random.default_rng(1000 + seed)
    body = random_program(generator, 40)
    arrays = {name: generator.uniform(0.5, 2.0, 12).tolist() for name in ("a", "b")}
    path = tmp_path / "program.py"
    path.write_text(f"def f(a, b):\n{textwrap.indent(body, '    ')}\n")
    space = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    plain, wide = straight_line(space["f"], (False, False)), straight_line(space["f"], (True, True))

    @kernel
    def caller(a, b, wide_a, wide_b):
        plain(a, b, 0)
        wide(wide_a, wide_b, 0)

    found = [np.array(arrays[name]) for name in ("a", "b")]
    rows = [np.repeat(each[:, None], 8, axis=1) for each in found]
    caller(*found, *rows)
    for name, each, row in zip(("a", "b"), found, rows, strict=True):
        np.testing.assert_allclose(each, by_python(body, **arrays)[name], rtol=1e-12)
        assert np.array_equal(row, np.repeat(each[:, None], 8, axis=1))


def test_long_chains_between_costly_functions_are_compiled(tmp_path):
    # exp at both ends is computed at once, so that the whole chain is wanted where the first one stands.
    lines = ["x = exp(a[0])", "y = a[1]", *(["y = y + a[2]"] * 3000), "b[0] = x + exp(y)"]
    path = tmp_path / "chain.py"
    path.write_text("def f(a, b):\n" + textwrap.indent("\n".join(lines), "    ") + "\n")
    space = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    code = straight_line(space["f"], (False, False))

    @kernel
    def caller(a, b):
        code(a, b, 0)

    caller(np.array([1.0, 0.5, 0.0001]), found := np.zeros(1))
    assert found[0] == pytest.approx(math.exp(1.0) + math.exp(0.8), rel=1e-12)
