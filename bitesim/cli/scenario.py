"""Scenario files: a run written in TOML, checked key by key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import BitesimError, ScenarioError, closest
from bitesim.population.patient import Patient
from bitesim.published import find_model
from bitesim.treatment import Regimen

_TOP: Final = (
    "model", "regimen", "times_days", "rtol", "seed", "patient", "parameters", "hold", "bags", "dexamethasone", "chemotherapy",
)  # fmt: skip
_HOLD: Final = ("start_day", "days", "hours", "reason", "resume")
_DEXAMETHASONE: Final = ("time_days", "mg")
_CHEMOTHERAPY: Final = ("time_days", "blocks")
_BAGS: Final = ("hours", "change_gap_minutes")
_PATIENT: Final = tuple(Patient.__dataclass_fields__)


def read_scenario(path: str | Path) -> dict[str, Any]:
    """Return the arguments of `bitesim.simulate` that a scenario file holds.

    Raises
    ------
    ScenarioError
        Naming the file, the key and the problem.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ScenarioError(f"scenario {file} cannot be read: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ScenarioError(f"scenario {file} is not valid TOML: {problem}") from None
    try:
        return arguments_from(content)
    except BitesimError as problem:
        raise ScenarioError(f"scenario {file}: {problem}") from None


def arguments_from(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `bitesim.simulate` from a scenario's content."""
    _known("", content, _TOP)
    model = find_model(content.get("model"))
    arguments: dict[str, Any] = {"model": model}
    patient = _table("patient", content, _PATIENT)
    arguments["patient"] = Patient(**patient)
    regimen = Regimen.parse(content["regimen"]) if "regimen" in content else Regimen.none()
    if "bags" in content:
        bags = _table("bags", content, _BAGS)
        if "hours" not in bags:
            raise ScenarioError("bags has no hours: write hours = 48 below [bags]")
        regimen = regimen.with_bags(**bags)
    for hold in _tables("hold", content, _HOLD, ("start_day",)):
        regimen = regimen.hold(**hold)
    for given in _tables("dexamethasone", content, _DEXAMETHASONE, _DEXAMETHASONE):
        regimen = regimen.with_dexamethasone(**given)
    for block in _tables("chemotherapy", content, _CHEMOTHERAPY, ("time_days",)):
        regimen = regimen.with_chemotherapy(**block)
    arguments["regimen"] = regimen
    changes = _table("parameters", content, tuple(model.catalogue))
    if changes:
        arguments["parameters"] = model.parameters.replace(**changes)
    if "rtol" in content:
        arguments["rtol"] = number("rtol", content["rtol"], "-", (1e-12, 1e-2))
    for key in ("times_days", "seed"):
        if key in content:
            arguments[key] = content[key]
    return arguments


def _table(key: str, content: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, Mapping):
        raise ScenarioError(f"{key} = {shown(table)} is not a table: write [{key}] and its values below")
    _known(f"{key}.", table, known)
    return dict(table)


def _tables(
    key: str, content: Mapping[str, Any], known: tuple[str, ...], needed: tuple[str, ...]
) -> list[Mapping[str, Any]]:
    """Return a list of tables, each checked for unknown and missing keys."""
    tables = content.get(key, [])
    if not isinstance(tables, list):
        raise ScenarioError(f"{key} = {shown(tables)} is not a list of tables: write [[{key}]] above each one")
    for position, table in enumerate(tables):
        if not isinstance(table, Mapping):
            raise ScenarioError(f"{key}[{position}] = {shown(table)} is not a table: write [[{key}]]")
        _known(f"{key}[{position}].", table, known)
        for name in needed:
            if name not in table:
                raise ScenarioError(f"{key}[{position}] has no {name}")
    return tables


def _known(where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise ScenarioError(f"unknown key {where}{key}.{closest(key, known)} Known: {', '.join(known[:14])}.")
