"""What a function says, as a digest: its source and that of everything of ours it calls, comments and layout aside.

Generated code records the digest of the equations it was derived from; equal digests mean that it is up to date. Unlike
`fingerprints`, which reads byte code, the digest is the same for every Python version.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
import types
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from bitesim.foundation.errors import ParameterError

_LIBRARIES: Final = ("math", "cmath", "numpy", "numba", "builtins")


def source_digest_of(functions: Iterable[Callable[..., Any]], facts: Any = None) -> str:
    """Return the SHA-256 of what `functions` compute, and of `facts` (anything with a repr that tells it all).

    Raises
    ------
    ParameterError
        When the source of a function cannot be read, e.g. because it was typed into a plain Python prompt.
    """
    walk = _Walk()
    for function in functions:
        walk.value(function)
    walk.digest.update(repr(facts).encode())
    return walk.digest.hexdigest()


def plain_source(function: types.FunctionType) -> str:
    """Return a function's source without decorators, docstring, annotations, comments and layout."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError) as problem:
        raise ParameterError(f"the source of {function.__qualname__} cannot be read: write it to a file") from problem
    try:
        tree = _Unannotated().visit(ast.parse(textwrap.dedent(text)))
    except SyntaxError as problem:
        raise ParameterError(f"the source of {function.__qualname__} cannot be read: write it as `def`") from problem
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            arguments = node.args
            others = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
            for argument in [*arguments.args, *arguments.posonlyargs, *arguments.kwonlyargs, *others]:
                argument.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.decorator_list, node.returns = [], None
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


class _Unannotated(ast.NodeTransformer):
    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value is not None else ast.Pass()


class _Walk:
    """One walk; each function is read once."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.seen: set[int] = set()
        self.modules: set[Any] = set()

    def value(self, value: Any, attributes: Iterable[str] = ()) -> None:
        function = getattr(value, "py_func", value)
        module = str(getattr(function, "__module__", "") or "")
        if isinstance(value, types.ModuleType):
            key = (id(value), tuple(attributes))
            if value.__name__.split(".")[0] not in _LIBRARIES and key not in self.modules:
                self.modules.add(key)
                for name in attributes:
                    if hasattr(value, name):
                        self.value(getattr(value, name), attributes)
        elif isinstance(function, types.FunctionType) and module.split(".")[0] not in _LIBRARIES:
            self.function(function)
        elif isinstance(value, (bool, int, float, complex, str, tuple, type(None))):
            self.digest.update(repr(value).encode())
        elif isinstance(value, (np.ndarray, np.generic)):
            array = np.ascontiguousarray(value)
            self.digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())

    def function(self, function: types.FunctionType) -> None:
        if id(function) in self.seen:
            return
        self.seen.add(id(function))
        self.digest.update(plain_source(function).encode())
        names = sorted(_names(function.__code__))
        for default in [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]:
            self.value(default, names)
        for name in names:
            if name in function.__globals__:
                self.digest.update(name.encode())
                self.value(function.__globals__[name], names)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self.digest.update(name.encode())
            self.value(cell.cell_contents, names)


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)
