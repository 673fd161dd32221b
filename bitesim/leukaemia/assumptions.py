"""The register of assumptions of the leukaemia model, read from the docstrings of the modules that make them.

An assumption is a paragraph of a module's docstring, or of a function's where the choice is that function's alone:

    Assumption (short title): what is assumed and why, with its source. Alternatives: what else could have been
    chosen. What it changes: which results depend on it, and by how much where that was measured.

All three parts are required: the register is refused, by the name of the module, where one is missing.
"""

from __future__ import annotations

import html
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any, Final, overload

from bitesim.foundation.errors import DocstringError, needs_extra, unknown_name

#: From the molecule to the patient: the modules that make choices, in the order of the register.
LAYERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "molecule": (
            "bitesim.mechanisms.pharmacokinetics",
            "bitesim.leukaemia.quantities",
            "bitesim.mechanisms.surface_loading",
            "bitesim.mechanisms.surface_turnover",
        ),
        "synapse": (
            "bitesim.mechanisms.bridging",
            "bitesim.mechanisms.antigen_density",
            "bitesim.mechanisms.conjugates",
            "bitesim.mechanisms.killing",
        ),
        "cells": (
            "bitesim.mechanisms.t_cell_dynamics",
            "bitesim.leukaemia.exhaustion_experiment",
            "bitesim.leukaemia.fluxes",
            "bitesim.mechanisms.trafficking",
            "bitesim.mechanisms.margination",
            "bitesim.mechanisms.suppression",
            "bitesim.mechanisms.b_lineage",
            "bitesim.mechanisms.leukaemia_growth",
            "bitesim.mechanisms.cytokine_release",
            "bitesim.mechanisms.corticosteroid",
            "bitesim.mechanisms.chemotherapy",
            "bitesim.mechanisms.myelopoiesis",
        ),
        "patient": (
            "bitesim.leukaemia.processes",
            "bitesim.leukaemia.readouts",
            "bitesim.leukaemia.ages",
            "bitesim.mechanisms.extinction",
        ),
    }
)
#: How the figures of the register were measured, unless an entry says otherwise.
CONVENTION: Final = (
    "Figures are of the default adult (70 kg, MRD 1e-3) under 15 ug/m2/day, run with `bitesim.simulate(..., "
    'model="leukaemia")`. The kill is the fall of the blasts in marrow by day 28, in decades; "at 25 % blasts" is the same '
    "adult with a quarter of the marrow to start with. The lymphoma setting, for cytokines, has 70 B cells per uL of blood, "
    "500 in lymphoid tissue for each of them and hardly a blast. Priors are values that no data here identify."
)
_START: Final = re.compile(r"Assumption\b")
_PARTS: Final = re.compile(
    r"Assumption \((?P<title>[^()]+)\): (?P<statement>.+?) "
    r"Alternatives: (?P<alternatives>.+?) What it changes: (?P<changes>.+)"
)
_HEADINGS: Final = ("Assumption (", "Alternatives:", "What it changes:")
_FORM: Final = "write 'Assumption (title): ... Alternatives: ... What it changes: ...', each once and none empty"
_WIDTH: Final = 100


@dataclass(frozen=True)
class Assumption:
    """One structural choice of the model.

    Parameters
    ----------
    title : str
        What is chosen, in a few words.
    statement : str
        What is assumed and why, with its source.
    alternatives : str
        What else could have been chosen.
    changes : str
        What the choice changes in results.
    where : str
        Dotted name of the module or function that makes it.
    layer : str
        'molecule', 'synapse', 'cells' or 'patient'.
    """

    title: str
    statement: str
    alternatives: str
    changes: str
    where: str
    layer: str = ""


class AssumptionRegister(Sequence[Assumption]):
    """Assumptions in the order of the model's layers; prints as text, in a notebook as a table.

    Read one by position or by title: ``register["Closed synapse"]``; ``register.titles`` lists them.
    """

    def __init__(self, entries: Sequence[Assumption]) -> None:
        self._entries = tuple(entries)

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles in order."""
        return tuple(entry.title for entry in self._entries)

    @overload
    def __getitem__(self, key: int | str) -> Assumption: ...
    @overload
    def __getitem__(self, key: slice) -> AssumptionRegister: ...
    def __getitem__(self, key: int | str | slice) -> Assumption | AssumptionRegister:
        if isinstance(key, slice):
            return AssumptionRegister(self._entries[key])
        if isinstance(key, str):
            if key not in self.titles:
                raise unknown_name("assumption", key, self.titles)
            return self._entries[self.titles.index(key)]
        return self._entries[key]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Assumption]:
        return iter(self._entries)

    def __contains__(self, item: object) -> bool:
        return item in self._entries or item in self.titles

    def __repr__(self) -> str:
        return f"<AssumptionRegister: {len(self)} assumptions>"

    def __str__(self) -> str:
        lines = textwrap.wrap(CONVENTION, _WIDTH)
        for layer, entries in self._by_layer().items():
            lines += ["", layer.upper()]
            for entry in entries:
                lines += ["", f"{entry.title}  [{entry.where}]", *_indented(entry.statement)]
                lines += _indented(f"Alternatives: {entry.alternatives}") + _indented(f"What it changes: {entry.changes}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        names = ("layer", "title", "statement", "alternatives", "changes", "where")
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(getattr(entry, name))}</td>" for name in names) + "</tr>"
            for entry in self._entries
        )
        head = "".join(f"<th>{name}</th>" for name in names)
        return f"<table><caption>{html.escape(CONVENTION)}</caption><tr>{head}</tr>{rows}</table>"

    def to_markdown(self) -> str:
        """Return the register as a Markdown document."""
        parts = ["# Assumptions of the leukaemia model", CONVENTION]
        for layer, entries in self._by_layer().items():
            parts.append(f"## {layer.capitalize()}")
            for entry in entries:
                parts += [
                    f"### {entry.title}",
                    entry.statement,
                    f"**Alternatives.** {_capitalised(entry.alternatives)}",
                    f"**What it changes.** {_capitalised(entry.changes)}",
                    f"From `{entry.where}`.",
                ]
        return "\n\n".join(parts) + "\n"

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row an assumption.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise needs_extra("pandas", "data", "to_dataframe()") from None
        columns = [field.name for field in fields(Assumption)]
        return pandas.DataFrame([asdict(entry) for entry in self._entries], columns=columns)

    def _by_layer(self) -> dict[str, list[Assumption]]:
        found: dict[str, list[Assumption]] = {}
        for entry in self._entries:
            found.setdefault(entry.layer, []).append(entry)
        return found


def assumptions() -> AssumptionRegister:
    """Return the structural choices of the leukaemia model, from the molecule to the patient.

    They are read from the docstrings of the modules that make them, so that none outlives its equation.

    Raises
    ------
    DocstringError
        Where a paragraph lacks a part, a title stands twice or a module states no assumption.
    """
    entries = [
        entry for layer, names in LAYERS.items() for name in names for entry in assumptions_of(import_module(name), layer)
    ]
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.title in seen:
            raise DocstringError(f"{entry.where}: the assumption {entry.title!r} stands in {seen[entry.title]} already")
        seen[entry.title] = entry.where
    return AssumptionRegister(entries)


def assumptions_of(module: ModuleType, layer: str = "") -> list[Assumption]:
    """Return the assumptions in the docstrings of one module: its own first, then those of its functions in order.

    Raises
    ------
    DocstringError
        Where a paragraph lacks a part, or the module states no assumption.
    """
    places = {module.__name__: module.__doc__}
    for name, thing in vars(module).items():
        if callable(thing) and getattr(thing, "__module__", None) == module.__name__ and not inspect.isclass(thing):
            places[f"{module.__name__}.{name}"] = thing.__doc__
    found = [_parsed(text, where, layer) for where, doc in places.items() for text in _paragraphs(doc)]
    if not found:
        raise DocstringError(f"{module.__name__} states no assumption (python -OO strips docstrings): {_FORM}")
    return found


def _paragraphs(doc: str | None) -> list[str]:
    """Return the paragraphs that begin as an assumption, each on one line."""
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(doc or ""))
    return [" ".join(block.split()) for block in blocks if _START.match(block)]


def _parsed(paragraph: str, where: str, layer: str) -> Assumption:
    match = _PARTS.fullmatch(paragraph)
    if match is None or any(paragraph.count(heading) != 1 for heading in _HEADINGS):
        lacking = [heading for heading in _HEADINGS if heading not in paragraph]
        problem = f"lacks {lacking[0]!r}" if lacking else "is not in order"
        raise DocstringError(f"{where}: the paragraph '{paragraph:.60}...' {problem}: {_FORM}")
    title, statement, alternatives, changes = (text.strip() for text in match.groups())
    return Assumption(_capitalised(title), _capitalised(statement), alternatives, changes, where, layer)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
