"""The digest of what functions say: blind to comments and layout, awake to every callee and constant, everywhere equal."""

import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError
from bitesim.foundation.source_digest import plain_source, source_digest_of

ROOT = Path(__file__).parents[2]
RATES = """
import numpy as np
from bitesim.foundation.compiled import kernel

RATE = 2.0


@kernel
def hazard(x):
    return RATE * np.exp(x)
"""
MODEL = """
import RATES_NAME as rates
from RATES_NAME import hazard as imported


def fluxes(s, p, f):
    f.one = rates.hazard(s.x)
    f.two = imported(s.x) + p.k
"""


@pytest.fixture
def digest_of_files(tmp_path, monkeypatch):
    """Return a function: text of two files, one of which imports the other -> digest of `fluxes`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    count = 0

    def digest(rates=RATES, model=MODEL):
        nonlocal count
        count += 1
        # New names each time: Python keeps modules and source lines by name.
        folder = tmp_path / f"case_{count}"
        folder.mkdir()
        names = {"RATES_NAME": f"rates_{tmp_path.name}_{count}", "MODEL_NAME": f"model_{tmp_path.name}_{count}"}
        (folder / f"{names['RATES_NAME']}.py").write_text(rates)
        (folder / f"{names['MODEL_NAME']}.py").write_text(model.replace("RATES_NAME", names["RATES_NAME"]))
        sys.path.insert(0, str(folder))
        try:
            importlib.invalidate_caches()
            return source_digest_of([importlib.import_module(names["MODEL_NAME"]).fluxes])
        finally:
            sys.path.remove(str(folder))

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    f.one =", "    # A comment.\n    f.one ="),
        ("    f.one =", '    """A docstring."""\n    f.one ='),
        ("fluxes(s, p, f):", "fluxes(s: float, p: 'Parameters', f) -> None:"),
        ("    f.two =", "\n\n    f.two ="),
        ("imported(s.x) + p.k", "(\n        imported(s.x)  # first\n        + (p.k)\n    )"),
        ("def fluxes", "\n\n\n\ndef fluxes"),
        ("    f.one = rates.hazard(s.x)", "    f.one = ( rates . hazard( s.x ) )"),
    ],
)
def test_prose_and_layout_do_not_count(digest_of_files, old, new):
    assert MODEL.count(old) == 1
    assert digest_of_files(model=MODEL.replace(old, new)) == digest_of_files()


@pytest.mark.parametrize(
    ("old", "new"), [("    f.one =", "    one: float = 1.0\n    f.one ="), ("(s, p, f):", "(s, p, f, *more: float):")]
)
def test_no_annotation_counts(digest_of_files, old, new):
    assert MODEL.count(old) == 1
    annotated = MODEL.replace(old, new)
    assert digest_of_files(model=annotated) == digest_of_files(model=annotated.replace(": float", ""))


def test_prose_of_a_callee_does_not_count(digest_of_files):
    edited = RATES.replace("    return", '    """Return a hazard."""\n    # It grows.\n    return').replace(
        "(x):", "(x: float):"
    )
    assert edited != RATES
    assert digest_of_files(rates=edited) == digest_of_files()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE * np.exp(x)", "RATE * np.exp(2.0 * x)"),
        ("RATE * np.exp(x)", "RATE * np.log(x)"),
        ("RATE = 2.0", "RATE = 2.5"),
        ("RATE = 2.0", "RATE = 2"),
        ("RATE = 2.0", "RATE = (2.0,)"),
    ],
)
def test_an_edit_in_another_module_counts(digest_of_files, old, new):
    assert RATES.count(old) == 1
    assert digest_of_files(rates=RATES.replace(old, new)) != digest_of_files()


@pytest.mark.parametrize(
    ("old", "new"), [("imported(s.x) + p.k", "imported(s.x) - p.k"), ("f.one", "f.uno"), ("s.x) +", "s.y) +")]
)
def test_an_edit_of_the_function_counts(digest_of_files, old, new):
    assert MODEL.count(old) == 1
    assert digest_of_files(model=MODEL.replace(old, new)) != digest_of_files()


CONSTANT = 1.0


def reads_a_constant(x):
    return CONSTANT * x


def rebuilt(function, **names):
    """Return a function with other globals."""
    return types.FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1.0, 2.0),
        (1, 2),
        (1.0, 1),
        (True, 1),
        ((1.0, 2.0), (1.0, 3.0)),
        (1j, 2j),
        (np.float64(1.0), np.float64(2.0)),
        (np.int64(1), np.int64(2)),
        (np.array([1.0, 2.0]), np.array([1.0, 3.0])),
        (np.arange(5000.0), np.append(np.arange(4999.0), 7.0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_changed_constant_counts(first, second):
    digests = [source_digest_of([rebuilt(reads_a_constant, CONSTANT=value)]) for value in (first, second, first)]
    assert digests[0] == digests[2] != digests[1]


def test_closures_count():
    def made(factor, callee):
        def scaled(x):
            return factor * callee(x)

        return source_digest_of([scaled])

    def one(x):
        return x + 1.0

    def two(x):
        return x + 2.0

    assert made(2.0, one) == made(2.0, one)
    assert len({made(2.0, one), made(3.0, one), made(2.0, two)}) == 3


def test_a_default_counts_by_its_value():
    def made(value):
        def scaled(x, factor=value):
            return factor * x

        return source_digest_of([scaled])

    assert made(2.0) == made(2.0) != made(3.0)


def test_a_kernel_counts_as_the_function_it_compiles():
    assert source_digest_of([kernel(reads_a_constant)]) == source_digest_of([reads_a_constant])


def test_other_facts_count():
    digests = {
        source_digest_of([reads_a_constant], facts) for facts in (None, [], ["a"], ["a", "b"], ["b", "a"], {"a": 1.0})
    }
    assert len(digests) == 6


def test_the_order_of_functions_counts():
    def other(x):
        return x

    assert source_digest_of([reads_a_constant, other]) != source_digest_of([other, reads_a_constant])


def test_recursion_ends():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert len(source_digest_of([even, odd])) == 64


def module(name, **members):
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


def test_modules_that_import_each_other_end():
    first, second = module("first"), module("second", rate=2.0)
    first.second, second.first = second, first

    def reads(x):
        return first.second.rate * second.first.second.rate * x

    assert len(source_digest_of([reads])) == 64


def test_only_what_is_used_of_a_module_counts():
    def digest(**members):
        rates = module("rates", **members)

        def reads(x):
            return rates.rate * x

        return source_digest_of([reads])

    assert digest(rate=1.0) == digest(rate=1.0, unused=2.0)
    assert digest(rate=1.0) != digest(rate=2.0)


def test_another_process_says_the_same():
    code = (
        "import bitesim; from bitesim.foundation.source_digest import source_digest_of; "
        "print(*[source_digest_of([model.fluxes, model.read]) for model in bitesim.MODELS.values()])"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    models = importlib.import_module("bitesim").MODELS
    assert done.stdout.split() == [source_digest_of([model.fluxes, model.read]) for model in models.values()]


def test_a_source_that_cannot_be_read_is_named():
    typed = types.FunctionType(reads_a_constant.__code__.replace(co_filename="<stdin>"), {}, "typed_into_a_prompt")
    with pytest.raises(ParameterError, match="source of reads_a_constant cannot be read: write it to a file"):
        source_digest_of([typed])


def test_a_source_holds_what_is_computed_and_nothing_else():
    @kernel
    def decorated(x: float, y: "int" = 2) -> float:
        """Prose."""

        def inner(z: float) -> float:
            """Prose."""
            return z

        return inner(x) * y  # prose

    expected = "def decorated(x, y=2): def inner(z): return z return inner(x) * y"
    assert " ".join(plain_source(decorated.py_func).split()) == expected


def test_a_function_of_prose_alone_has_a_source():
    def nothing(p, s):
        """Write nothing."""

    assert plain_source(nothing).split() == ["def", "nothing(p,", "s):", "pass"]


LAMBDAS = {
    "one": (lambda x: x + 1.0, 0),
    "two": (lambda x: x + 2.0, 0),
}


def test_a_lambda_is_read_or_named():
    # Its source begins in the middle of a line.
    try:
        digests = [source_digest_of([function]) for function, _ in LAMBDAS.values()]
    except ParameterError as problem:
        assert "cannot be read" in str(problem)  # noqa: PT017
    else:
        assert digests[0] != digests[1]
