"""Derived code of a user's model: generated once, kept in the user's cache by content, loaded as a module."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from bitesim.foundation.compiled import cache_directory
from bitesim.foundation.errors import CacheWarning, ParameterError, needs_extra
from bitesim.model import Model
from bitesim.model.derived import Derived

if TYPE_CHECKING:
    from bitesim.derivation.symbols import TracedModel


def derive(model: Model) -> Model:
    """Return `model` with a traced sparse Jacobian: many times faster, and able to run cohorts and sensitivities.

    The equations are run on SymPy symbols and written out as straight-line code, which is kept in the user's cache
    folder: the next call with the same equations loads it, without SymPy.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Model
        The same model; the one given if its derivatives are up to date.

    Raises
    ------
    MissingExtraError
        Without SymPy (``pip install 'bitesim[derive]'``), where the cache does not hold the code yet.
    ParameterError
        For equations that branch on values or use functions that have no symbolic twin; it names the function.
    """
    if not isinstance(model, Model):
        raise ParameterError(f"model = {model!r} is not a Model: write bitesim.derive(my_model)")
    outdated = isinstance(model.derived, Derived) and model.derived.digest != model.equations_digest
    if model.derived is not None and not outdated and model.derivatives is not None:
        return model
    return dataclasses.replace(model, derived=load_derived(_kept(model)))


def load_derived(path: Path) -> Derived:
    """Return the ``DERIVED`` of a generated file."""
    return cast(Derived, load_module(path).DERIVED)


def load_module(path: Path) -> ModuleType:
    """Return a Python file as a module, executed once a process and content.

    Raises
    ------
    ParameterError
        When there is no such file.
    """
    if not path.is_file():
        raise ParameterError(f"{str(path)!r} is not a file: give the Python file that defines the model")
    digest = hashlib.sha256(str(path.resolve()).encode() + path.read_bytes()).hexdigest()[:16]
    name = f"bitesim_file_{re.sub(r'[^0-9a-zA-Z_]', '_', path.stem)}_{digest}"
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, path)
        if specification is None or specification.loader is None:
            raise ParameterError(f"{str(path)!r} cannot be read as Python: its name must end in .py")
        module = importlib.util.module_from_spec(specification)
        # Known before it is executed: its functions look themselves up by module name.
        sys.modules[name] = module
        quiet, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(path.parent))
        try:
            specification.loader.exec_module(module)
        except SyntaxError as problem:
            del sys.modules[name]
            raise ParameterError(f"{path} is not Python: {problem}") from problem
        except BaseException:
            del sys.modules[name]
            raise
        finally:
            sys.path.remove(str(path.parent))
            sys.dont_write_bytecode = quiet
    return sys.modules[name]


@cache
def generator_digest() -> str:
    """Return the SHA-256 of the sources that generate code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept(model: Model) -> Path:
    """Return the file of a model's derived code, written if it is not there yet."""
    content = hashlib.sha256(f"{model.equations_digest} {generator_digest()}".encode()).hexdigest()[:40]
    path = cache_directory() / f"{re.sub(r'[^0-9a-zA-Z_]', '_', model.name)}_{content}.py"
    if not path.is_file():
        text = generated_source(model, "bitesim.derive")
        try:
            write_whole(path, text)
        except OSError as problem:
            warnings.warn(
                f"derived code cannot be kept in {path.parent} ({problem.strerror}): every process derives anew. "
                "Set BITESIM_CACHE_DIR to a folder that can be written.",
                CacheWarning,
                stacklevel=3,
            )
            path = Path(tempfile.mkdtemp(prefix="bitesim-")) / path.name
            write_whole(path, text)
    return path


def traced(model: Model, purpose: str) -> TracedModel:
    """Return a model's equations as SymPy expressions.

    Raises
    ------
    MissingExtraError
        Without SymPy; the message says that `purpose` needs it.
    ParameterError
        As `derive`.
    """
    try:
        # SymPy takes half a second to import, and few runs need it.
        from bitesim.derivation.symbols import trace
    except ModuleNotFoundError as problem:
        raise needs_extra("SymPy", "derive", purpose) from problem
    return trace(model)


def generated_source(model: Model, command: str) -> str:
    """Return the text of a model's generated module; `command` makes it anew."""
    expressions = traced(model, "deriving a model's Jacobian")
    from bitesim.derivation.source import generate

    return generate(expressions, command)


def write_whole(path: Path, text: str) -> None:
    """Write a text file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix="bitesim-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def models_in(module: ModuleType) -> dict[str, Model]:
    """Return the models that a module defines, by the name of the variable."""
    found: dict[str, Model] = {name: value for name, value in vars(module).items() if isinstance(value, Model)}
    return found


__all__ = ["derive", "generated_source", "generator_digest", "load_derived", "load_module", "models_in", "write_whole"]
