"""`bitesim derive`: writes a model's traced Jacobian and straight-line code, or checks that they are up to date."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from bitesim.derivation.store import generated_source, load_module, models_in, write_whole
from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.model import Model
from bitesim.published import MODELS


def add_to(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "derive",
        help="write a model's traced Jacobian and straight-line code",
        description="Runs a model's plain Python equations on SymPy symbols and writes its sparse Jacobian, LU "
        "factorisation and sensitivities as straight-line code. A model of the package is written into the package; "
        "for a file of yours the code is written beside it, for Model(..., derived=DERIVED).",
    )
    parser.add_argument("what", help=f"a model's name ({', '.join(MODELS)}) or a Python file that defines a Model")
    parser.add_argument("--model", help="which variable of the file, where it defines several models")
    parser.add_argument(
        "--out",
        type=Path,
        help="file to write (default: <file>_derived.py beside it; with the variable's name where there are several)",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is not up to date")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write or check one model's generated file."""
    model, target, command = _of_package(arguments) if arguments.what in MODELS else _of_file(arguments)
    text = generated_source(model, command)
    target = arguments.out or target
    if arguments.check:
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            raise ParameterError(f"{target} is not up to date: run `{command}`")
        print(f"{target} is up to date")
        return
    write_whole(target, text)
    print(f"{target}: {len(text.splitlines())} lines for {len(model.species)} states of model {model.name}")


def _of_package(arguments: argparse.Namespace) -> tuple[Model, Path, str]:
    if arguments.model is not None:
        raise ParameterError(f"--model chooses among the models of a file: {arguments.what} is one model of the package")
    model = MODELS[arguments.what]
    assert isinstance(model.derived, str)
    package, name = model.derived.rsplit(".", 1)
    specification = importlib.util.find_spec(package)
    assert specification is not None
    assert specification.origin is not None
    return model, Path(specification.origin).parent / f"{name}.py", f"bitesim derive {model.name}"


def _of_file(arguments: argparse.Namespace) -> tuple[Model, Path, str]:
    path = Path(arguments.what)
    if path.suffix != ".py":
        raise unknown_name("model (nor is it a Python file)", arguments.what, MODELS)
    published = list(MODELS.values())
    found = {name: model for name, model in models_in(load_module(path)).items() if model not in published}
    if not found:
        raise ParameterError(f"{path} defines no Model: assign one to a variable, e.g. MODEL = Model(...)")
    if arguments.model is None and len(found) > 1:
        raise ParameterError(f"{path} defines several models: add --model with one of {', '.join(found)}")
    if arguments.model is not None and arguments.model not in found:
        raise unknown_name(f"model of {path}", arguments.model, found)
    chosen = found[arguments.model] if arguments.model else next(iter(found.values()))
    choice = f" --model {arguments.model}" if arguments.model else ""
    stem = f"{path.stem}_{arguments.model.lower()}" if len(found) > 1 else path.stem
    return chosen, path.with_name(f"{stem}_derived.py"), f"bitesim derive {path.name}{choice}"
