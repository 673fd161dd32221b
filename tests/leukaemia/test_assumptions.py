"""The register of assumptions: complete, of the model as it is, and with figures that the model still gives."""

import ast
import builtins
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bitesim
from bitesim.foundation.errors import DocstringError
from bitesim.leukaemia import assumptions as register_module
from bitesim.leukaemia.assumptions import LAYERS, AssumptionRegister, assumptions, assumptions_of
from tests.leukaemia.assumption_figures import FIGURES, quoted_in, tolerance

PACKAGE = Path(bitesim.__file__).parent
#: Mathematics that any choice could be written with.
NO_CHOICE = {"bitesim.mechanisms.kinks"}
GOOD = """A mechanism.

Assumption (short): it is so (Author 2020). Alternatives: it is
not. What it changes: 1.5 decades.
"""


def imported_mechanisms(path):
    """Names of the modules of bitesim.mechanisms that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "bitesim.mechanisms":
            found |= {f"bitesim.mechanisms.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bitesim.mechanisms."):
            found.add(node.module)
    return found


def mechanisms_of_the_model():
    """Mechanisms that the model's folder imports, and those that these import in turn."""
    waiting = set().union(*(imported_mechanisms(path) for path in (PACKAGE / "leukaemia").glob("*.py")))
    found = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= imported_mechanisms(PACKAGE / "mechanisms" / f"{name.rpartition('.')[2]}.py") - found
    return sorted(found - NO_CHOICE)


def module(doc, **functions):
    made = ModuleType("my_mechanism", doc)
    for name, text in functions.items():

        def function():
            return None

        function.__doc__, function.__module__ = text, "my_mechanism"
        setattr(made, name, function)
    return made


@pytest.fixture(scope="module")
def register():
    return assumptions()


def test_every_part_of_every_entry_says_something(register):
    assert len(register) >= 25
    for entry in register:
        for part in (entry.title, entry.statement, entry.alternatives, entry.changes):
            assert len(part) >= 8, entry
            assert "Alternatives:" not in part
            assert "What it changes:" not in part
        assert len(entry.statement.split()) >= 10, entry.title
        assert entry.layer in LAYERS


def test_titles_are_unique_and_places_exist(register):
    assert len(set(register.titles)) == len(register)
    for entry in register:
        name, _, function = entry.where, "", ""
        if entry.where not in sys.modules:
            name, _, function = entry.where.rpartition(".")
        assert not function or hasattr(importlib.import_module(name), function)


def test_every_mechanism_of_the_model_states_its_choices(register):
    mechanisms = mechanisms_of_the_model()
    assert len(mechanisms) >= 15, "the walk missed the imports"
    places = " ".join(f"{entry.where} " for entry in register)
    silent = [name for name in mechanisms if f"{name} " not in places and f"{name}." not in places]
    assert silent == [], "add an `Assumption (title): ...` to their docstrings, and the module to assumptions.LAYERS"


def test_no_paragraph_of_the_two_folders_is_left_out(register):
    files = [*(PACKAGE / "mechanisms").glob("*.py"), *(PACKAGE / "leukaemia").glob("*.py")]
    own = Path(register_module.__file__)
    written = sum(path.read_text(encoding="utf-8").count("\nAssumption (") for path in files if path != own)
    assert written == sum(entry.where.count(".") == 2 for entry in register), "add the module to assumptions.LAYERS"


def test_the_order_goes_from_the_molecule_to_the_patient(register):
    layers = list(LAYERS)
    places = [layers.index(entry.layer) for entry in register]
    assert places == sorted(places)
    assert set(places) == set(range(len(layers)))
    assert assumptions().titles == register.titles


def test_a_well_formed_paragraph_is_read_from_modules_and_functions():
    (first, second) = assumptions_of(module(GOOD, rate=GOOD.replace("short", "its own").replace("\n", "\n    ")), "cells")
    assert (first.title, first.where, first.layer) == ("Short", "my_mechanism", "cells")
    assert first.statement == "It is so (Author 2020)."
    assert first.alternatives == "it is not."
    assert first.changes == "1.5 decades."
    assert (second.title, second.where) == ("Its own", "my_mechanism.rate")


@pytest.mark.parametrize(
    ("doc", "words"),
    [
        (GOOD.replace("Alternatives: it is\nnot. ", ""), "lacks 'Alternatives:'"),
        (GOOD.replace("What it changes: 1.5 decades.", ""), "lacks 'What it changes:'"),
        (GOOD.replace("(short)", "short"), "lacks 'Assumption \\('"),
        (GOOD.replace("1.5 decades.", ""), "is not in order"),
        (GOOD.replace(" it is\nnot.", ""), "is not in order"),
        (GOOD.replace("short", ""), "is not in order"),
        (GOOD.replace("not.", "not. Alternatives: or so."), "is not in order"),
        ("A mechanism.", "states no assumption"),
        (None, "states no assumption"),
    ],
)
def test_a_malformed_docstring_is_refused_by_the_name_of_its_module(doc, words):
    with pytest.raises(DocstringError, match=f"my_mechanism.*{words}"):
        assumptions_of(module(doc))


def test_a_malformed_docstring_of_a_function_is_refused_by_its_name():
    with pytest.raises(DocstringError, match=r"my_mechanism\.rate.*lacks 'Alternatives:'"):
        assumptions_of(module(GOOD, rate="Assumption (short): so. What it changes: all."))


def test_a_title_may_not_stand_twice(monkeypatch):
    monkeypatch.setattr(register_module, "LAYERS", {"cells": ("one", "two")})
    monkeypatch.setattr(register_module, "import_module", lambda name: module(GOOD))
    with pytest.raises(DocstringError, match="'Short' stands in my_mechanism already"):
        assumptions()


def test_the_register_is_a_sequence_that_reads_well(register):
    first = register[0]
    assert register[first.title] is first
    assert first in register
    assert first.title in register
    assert isinstance(register[:3], AssumptionRegister)
    assert len(register[:3]) == 3
    assert repr(register) == f"<AssumptionRegister: {len(register)} assumptions>"
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'Closed synapse'"):
        register["Closed synapses"]
    text, page = str(register), register._repr_html_()
    assert all(len(line) <= 160 for line in text.splitlines())
    for entry in register:
        assert entry.title in text
        assert entry.where in page
    assert bitesim.assumptions().titles == register.titles


def test_it_becomes_a_table(register, monkeypatch):
    pandas = pytest.importorskip("pandas")
    table = register.to_dataframe()
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ["title", "statement", "alternatives", "changes", "where", "layer"]
    assert list(table["title"]) == list(register.titles)

    real = builtins.__import__

    def without_pandas(name, *rest, **more):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(bitesim.MissingExtraError, match="pip install 'bitesim\\[data\\]'"):
        register.to_dataframe()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure.title}: {figure.text[:25]}")
def test_figures_are_those_of_the_model(figure, register):
    quoted = quoted_in(figure, register[figure.title])
    assert quoted is not None, (
        f"{register[figure.title].where} says it in other words than tests/leukaemia/assumption_figures.py"
    )
    measured = figure.measure()
    assert len(measured) == len(quoted)
    wrong = [
        (text, round(float(value), 4))
        for text, value in zip(quoted, measured, strict=True)
        if abs(float(text) - value) > tolerance(text)
    ]
    assert wrong == [], "quoted and measured differ: `python -m tests.leukaemia.assumption_figures --write`, then read it"
