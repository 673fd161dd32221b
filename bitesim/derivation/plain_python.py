"""A kernel's own Python, runnable on anything: callees are followed, nothing is parsed or patched.

A compiled kernel cannot take symbols, and neither can the compiled kernels that its Python source calls. So each
function is given a twin: the same code object with globals of its own, in which every kernel is replaced by its twin
and every elementary function and named kink by a symbolic one.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

#: Modules whose functions are replaced one by one, never followed.
_LIBRARIES = ("math", "numpy", "cmath")


class _Members:
    """A module's attributes, each converted when it is read."""

    def __init__(self, module: types.ModuleType, twins: PlainPython) -> None:
        self._module, self._twins = module, twins

    def __getattr__(self, name: str) -> Any:
        return self._twins.of(getattr(self._module, name))


class PlainPython:
    """Gives twins of kernels.

    Parameters
    ----------
    substitutes : mapping
        (module name, function name) -> callable: what stands for functions that are not followed.
    """

    def __init__(self, substitutes: Mapping[tuple[str, str], Callable[..., Any]]) -> None:
        self._substitutes = substitutes
        self._twins: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """Return the twin of a kernel, function or module; any other value is returned as it is."""
        function = getattr(value, "py_func", value)
        module, name = getattr(function, "__module__", None), getattr(function, "__name__", None)
        if callable(function) and (module, name) in self._substitutes:
            return self._substitutes[str(module), str(name)]
        if isinstance(value, types.ModuleType):
            return _Members(value, self)
        library = str(module).split(".")[0] in _LIBRARIES
        if library and callable(function) and not isinstance(function, type):
            # NumPy's functions say 'numpy' whatever their submodule, builtins of math say 'math'.
            return self._substitutes.get((str(module).split(".")[0], str(name)), value)
        if isinstance(function, types.FunctionType):
            return self._twin(function)
        return value

    def _twin(self, function: types.FunctionType) -> types.FunctionType:
        if id(function) in self._twins:
            return self._twins[id(function)]  # type: ignore[no-any-return]
        names: dict[str, Any] = {"__builtins__": function.__globals__.get("__builtins__")}
        cells = tuple(types.CellType() for _ in function.__closure__ or ())
        twin = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells or None)
        twin.__kwdefaults__ = function.__kwdefaults__
        # Known before its callees are followed, so that a function may call itself.
        self._twins[id(function)] = twin
        for name in _names(function.__code__):
            if name in function.__globals__:
                names[name] = self.of(function.__globals__[name])
        for cell, original in zip(cells, function.__closure__ or (), strict=True):
            cell.cell_contents = self.of(original.cell_contents)
        return twin


def _names(code: types.CodeType) -> set[str]:
    """Return the global names that a code object and those inside it look up."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)
