"""What a kernel's machine code depends on, as a digest: its own code and everything numba freezes into it."""

from __future__ import annotations

import enum
import hashlib
import inspect
import sys
import sysconfig
import types
import weakref
from typing import Any, Final

import numba
import numpy as np
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.dufunc import DUFunc

#: Modules that change only with their version, which the cache key holds.
_VERSIONED: Final = ("numpy", "numba", "math", "cmath", "builtins", "operator", "llvmlite")
#: Folder of the standard library.
_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib")


class CannotFingerprint(Exception):
    """A kernel refers to something whose content cannot be hashed; it must not be cached."""


def fingerprint(function: Any) -> str:
    """Return the SHA-256 of `function`, of every kernel and function it calls, and of every value it freezes.

    Numba compiles global and enclosing values into the machine code and inlines callees from other files, but its own
    cache watches the defining file alone; this walk watches all of it, wherever the files are.

    Raises
    ------
    CannotFingerprint
        When a value is of a kind whose content is not understood.
    """
    walk = _Walk()
    walk.function(function)
    return walk.digest.hexdigest()


#: Finding a class in its file means parsing the file.
_class_sources: Final[weakref.WeakKeyDictionary[type, str]] = weakref.WeakKeyDictionary()


def _class_source(value: type) -> str:
    """Return the text of a class, read once a process: that is what the process has loaded."""
    if value not in _class_sources:
        try:
            _class_sources[value] = inspect.getsource(value)
        except (OSError, TypeError):
            raise CannotFingerprint(f"class {value.__qualname__}") from None
    return _class_sources[value]


def _attribute_names(code: types.CodeType) -> tuple[str, ...]:
    """Return every name that `code` and the functions inside it may look up in a module."""
    inner = [_attribute_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return tuple(sorted({*code.co_names, *(name for names in inner for name in names)}))


def _is_library(module: types.ModuleType | None) -> bool:
    """Return whether a module changes only with its version: a user's own file may be called statistics.py, too."""
    if module is None:
        return False
    root = module.__name__.split(".")[0]
    if root in _VERSIONED:
        return True
    file = getattr(module, "__file__", None)
    return root in sys.stdlib_module_names and (file is None or str(file).startswith(_STANDARD_LIBRARY))


class _Walk:
    """One recursive walk; each object is hashed once and by its position after that."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.seen: dict[int, int] = {}
        self.modules: set[tuple[int, tuple[str, ...]]] = set()
        self.classes: set[int] = set()
        # Ids are compared, so what was visited must stay alive for the length of the walk.
        self.kept: list[Any] = []

    def add(self, *parts: object) -> None:
        for part in parts:
            self.digest.update(f"{part}\0".encode())

    def function(self, function: Any) -> None:
        if isinstance(function, Dispatcher):
            # The same source compiles to other code under other flags (fastmath, inline, error_model).
            self.add("flags", sorted((name, repr(flag)) for name, flag in function.targetoptions.items()))
            function = function.py_func
        if id(function) in self.seen:
            self.add("seen", self.seen[id(function)])
            return
        self.seen[id(function)] = len(self.seen)
        self.kept.append(function)
        self.add("function", function.__code__.co_qualname)
        self.value(function.__defaults__)
        self.value(function.__kwdefaults__)
        closure = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for name, cell in closure.items():
            self.add("closure", name)
            self.value(cell.cell_contents, attributes=_attribute_names(function.__code__))
        self.code(function.__code__, function.__globals__)

    def code(self, code: types.CodeType, names: dict[str, Any]) -> None:
        self.digest.update(code.co_code)
        self.add(code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant, names)
            else:
                self.value(constant)
        for name in code.co_names:
            if name in names:
                self.add("global", name)
                self.value(names[name], attributes=_attribute_names(code))

    def value(self, value: Any, attributes: tuple[str, ...] = ()) -> None:
        if isinstance(value, (type(None), bool, int, float, complex, str, bytes, np.generic, np.dtype)):
            self.add(type(value).__name__, repr(value))
        elif isinstance(value, enum.Enum):
            self.add("enum", type(value).__qualname__, value.name, repr(value.value))
        elif isinstance(value, np.ndarray):
            self.add("array", value.dtype, value.shape)
            self.digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, (tuple, list, frozenset)):
            # A named tuple is read by name: the same values under swapped names are something else.
            self.add(type(value).__name__, len(value), getattr(value, "_fields", ()))
            for item in sorted(value, key=repr) if isinstance(value, frozenset) else value:
                self.value(item)
        elif isinstance(value, dict):
            self.add("dict", len(value))
            for key in value:
                self.value(key)
                self.value(value[key])
        elif isinstance(value, (Dispatcher, types.FunctionType)):
            self.function_or_version(value)
        elif isinstance(value, types.ModuleType):
            self.module(value, attributes)
        elif isinstance(value, type):
            self.class_(value, attributes)
        elif isinstance(value, (DUFunc, CFunc)):
            # What @vectorize and @cfunc made: name and type say nothing of the content.
            flags = getattr(getattr(value, "_dispatcher", None), "targetoptions", None)
            self.add("wrapped", type(value).__name__, getattr(value, "_sig", None), getattr(value, "types", None), flags)
            self.function(value.__wrapped__)
        elif hasattr(value, "_defn"):
            # An @intrinsic: what it emits is written in its definition, not in its name.
            self.function(value._defn)
        elif isinstance(value, numba.types.Type):
            # A type of our own: its class says how it is stored.
            self.add("numba type", str(value))
            self.class_(type(value), ())
        elif isinstance(value, types.BuiltinFunctionType) or type(value).__module__.split(".")[0] in _VERSIONED:
            self.add("library", type(value).__name__, getattr(value, "__name__", repr(value)))
        else:
            raise CannotFingerprint(f"{type(value).__qualname__} {value!r:.60}")

    def function_or_version(self, value: Any) -> None:
        module = str(getattr(value, "__module__", ""))
        if _is_library(sys.modules.get(module)):
            self.add("library", module, value.__qualname__)
        else:
            self.function(value)

    def module(self, module: types.ModuleType, attributes: tuple[str, ...]) -> None:
        self.add("module", module.__name__)
        if _is_library(module):
            return
        # Modules that import each other would be walked for ever.
        key = (id(module), attributes)
        if key in self.modules:
            return
        self.modules.add(key)
        self.kept.append(module)
        for name in attributes:
            if hasattr(module, name):
                self.add("attribute", name)
                self.value(getattr(module, name), attributes)

    def class_(self, value: type, attributes: tuple[str, ...]) -> None:
        self.add("class", value.__module__, value.__qualname__)
        if _is_library(sys.modules.get(value.__module__)):
            return
        if issubclass(value, tuple) and hasattr(value, "_fields"):
            self.add(value._fields)
        elif issubclass(value, enum.Enum):
            for member in value:
                self.add(member.name, repr(member.value))
        else:
            if id(value) in self.classes:
                return
            self.classes.add(id(value))
            self.add(_class_source(value))
            self.kept.append(value)
            # A class that writes instructions calls functions and reads tables of other modules.
            for member in vars(value).values():
                # What a dataclass generates has no file, and follows from the fields.
                if isinstance(member, types.FunctionType) and not member.__code__.co_filename.startswith("<"):
                    self.function(member)
