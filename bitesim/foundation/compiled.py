"""The one `kernel` decorator: the package's only compiler flags, and a cache on disk that cannot be stale."""

from __future__ import annotations

import dis
import hashlib
import logging
import os
import pickle
import platform
import re
import sys
import tempfile
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import compiler, config, sigutils
from numba.core.caching import _Cache
from numba.core.errors import NumbaExperimentalFeatureWarning
from numba.core.serialize import dumps

from bitesim.foundation.errors import CacheWarning
from bitesim.foundation.fingerprints import CannotFingerprint, fingerprint

F = TypeVar("F", bound=Callable[..., Any])

#: nogil lets threads run kernels side by side; NumPy's error model turns a division by zero into inf, not an exception.
_FLAGS: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy"}
#: Numba's environment variables that change machine code: files made under other values are other files.
_NUMBA_SETTINGS: Final = (
    "BOUNDSCHECK",
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "USING_SVML",
    "DEBUGINFO_DEFAULT",
)
#: Names of files that this module writes; nothing else in the folder is ever touched.
_OURS: Final = re.compile(r".*-[0-9a-f]{40}\.kernel|\w+_[0-9a-f]{40}\.py|bitesim-\w+\.tmp")
#: Symbol by which numba enters a recursion. It is bound when compiling, not when loading: loaded code crashes.
_RECURSIVE: Final = ".numba.unresolved$"
_SLOW_SECONDS: Final = 2.0
_log = logging.getLogger("bitesim")
_lock = threading.RLock()


@dataclass(frozen=True)
class Preparation:
    """How one kernel was made ready in this process."""

    kernel: str
    seconds: float
    origin: str
    signature: str


_preparations: list[Preparation] = []
#: (id of a kernel, id of a signature) -> both, kept so that their ids stay theirs.
_prepared: dict[tuple[int, int], tuple[Any, Any]] = {}


def cache_directory() -> Path:
    """Return the folder of compiled kernels: BITESIM_CACHE_DIR, or 'bitesim/kernels' in the user's cache folder."""
    chosen = os.environ.get("BITESIM_CACHE_DIR")
    if chosen:
        return Path(os.path.expanduser(chosen))
    try:
        home = Path.home()
    except RuntimeError:
        # Without a home there is nowhere to keep anything; a path below a file is reported as not writable.
        home = Path(os.devnull)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "bitesim" / "kernels"


def clear_cache() -> None:
    """Delete every compiled kernel on disk, and no other file; the next run compiles anew."""
    folder = cache_directory()
    if folder.is_dir():
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)


class _ContentCache(_Cache):  # type: ignore[misc]
    """Machine code by content: one file per digest of (all code and values that went in, signature, tools, CPU).

    It takes the place of numba's own cache through `dispatcher._cache`, the one private hook there is: numba's index
    watches the defining file only, so an edited callee in another file would silently keep its old code. Writers
    replace whole files, and equal names have equal content, so racing processes cannot harm each other.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._enabled = True
        # Fingerprint at the first use: from then on other kernels may link code that holds these values.
        self._frozen: str | None = None
        _caches.add(self)

    @property
    def cache_path(self) -> str:
        return str(cache_directory())

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Nothing to do: files are written at once."""

    def _fingerprint(self) -> str | None:
        """Return the fingerprint of now: a global may be bound anew between two signatures of one kernel."""
        try:
            return fingerprint(self._function)
        except (CannotFingerprint, RecursionError) as problem:
            self._enabled = False
            self._warn(f"it refers to {problem}, whose content bitesim cannot watch")
            return None

    def _warn(self, reason: str) -> None:
        name = self._function.__code__.co_qualname
        warnings.warn(f"kernel {name} is compiled anew in every process: {reason}", CacheWarning, stacklevel=3)

    def _file(self, signature: Any, target: Any) -> Path | None:
        if not self._enabled:
            return None
        # A kernel passed as an untyped argument is an address, which may be another kernel's in the next process.
        if " at 0x" in str(signature):
            return None
        content_digest = self._fingerprint()
        if content_digest is None:
            return None
        self._frozen = self._frozen or content_digest
        # The qualified name becomes the linker's symbol: kernels from one factory, compiled in different processes
        # and loaded into one, would otherwise share a symbol and run each other's code.
        self._function.__qualname__ = f"{self._function.__code__.co_qualname}_{content_digest[:16]}"
        tools = (numba.__version__, llvmlite.__version__, np.__version__, platform.python_version(), sorted(_FLAGS.items()))
        settings = [(name, str(getattr(config, name, None))) for name in _NUMBA_SETTINGS]
        content = repr((content_digest, str(signature), tools, settings, target.codegen().magic_tuple()))
        # A lambda's name is no file name.
        name = re.sub(r"\W", "_", self._function.__name__)[:60]
        return cache_directory() / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:40]}.kernel"

    def _calls_itself(self) -> bool:
        names, cells = self._function.__globals__, self._function.__closure__ or ()
        # Only names that are looked up as globals: `co_names` holds those of attributes too.
        read = [each.argval for each in dis.get_instructions(self._function) if each.opname == "LOAD_GLOBAL"]
        frozen = [names.get(name) for name in read] + [cell.cell_contents for cell in cells]
        return any(getattr(value, "py_func", None) is self._function for value in frozen)

    def is_outdated(self) -> bool:
        """Return whether a value was bound anew after this kernel froze it, so that its code and its source differ."""
        if self._frozen is None or not self._enabled:
            return False
        try:
            return fingerprint(self._function) != self._frozen
        except (CannotFingerprint, RecursionError):
            return True

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        path = self._file(sig, target_context)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        checksum, payload = content[:32], content[32:]
        # A file that was cut short is treated as absent and written again.
        if hashlib.sha256(payload).digest() != checksum:
            return None
        target_context.refresh()
        try:
            return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))
        except (ImportError, AttributeError):
            # Made when a type or module had another place: a file that was moved, an older version.
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        path = self._file(sig, data.target_context)
        if path is None or data.lifted:
            return
        if data.library.has_dynamic_globals:
            self._warn("it holds an address or an array too large to keep (pass large arrays as arguments)")
        elif self._calls_itself() or _RECURSIVE in data.library.get_llvm_str():
            self._warn("it is recursive or calls a recursive function, which numba cannot load (write a loop)")
        elif outdated := [cache._function.__code__.co_qualname for cache in list(_caches) if cache.is_outdated()]:
            # The linked code may hold the old value, the name of the file would promise the new one.
            self._warn(f"something that {outdated[0]} uses was changed after it had been compiled (restart Python)")
        else:
            _write(path, dumps(data._reduce()))


#: Every cache of this process that is still in use.
_caches: weakref.WeakSet[_ContentCache] = weakref.WeakSet()


def _write(path: Path, payload: bytes) -> None:
    """Write a file as a whole, or leave nothing behind."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix="bitesim-", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as problem:
        _warn_unwritable(problem)


_warned_unwritable = False


def _warn_unwritable(problem: OSError) -> None:
    global _warned_unwritable
    if not _warned_unwritable:
        _warned_unwritable = True
        warnings.warn(
            f"compiled kernels cannot be kept in {cache_directory()} ({problem.strerror}): every process compiles anew. "
            "Set BITESIM_CACHE_DIR to a folder that can be written.",
            CacheWarning,
            stacklevel=2,
        )


def kernel(function: F) -> F:
    """Compile `function` with the package's flags when it is first needed, and keep its machine code on disk.

    With NUMBA_DISABLE_JIT=1 the plain Python function is returned.
    """
    if config.DISABLE_JIT:
        return function
    dispatcher = numba.njit(**_FLAGS)(function)
    dispatcher._cache = _ContentCache(function)
    return dispatcher  # type: ignore[no-any-return]


def prepare(function: F, signature: Any) -> F:
    """Compile or load a kernel for one explicit signature; return it.

    A kernel that takes other kernels as arguments is closed to further types, or numba would compile it anew for each
    of them; every other kernel stays open, or what a caller compiles to would depend on who was prepared before it.
    Safe to call again, with other signatures and from several threads; a notice tells when compiling takes over 2 s.
    """
    if not hasattr(function, "py_func"):
        return function
    # Comparing signatures takes longer than many a run: one that was prepared is known by its identity.
    known = (id(function), id(signature))
    if known in _prepared:
        return function
    arguments, _ = sigutils.normalize_signature(signature)
    with _lock:
        dispatcher: Any = function
        if tuple(arguments) in dispatcher.signatures:
            _prepared[known] = (function, signature)
            return function
        began, hits = time.perf_counter(), sum(dispatcher.stats.cache_hits.values())
        notice = threading.Timer(_SLOW_SECONDS, _tell_slow, [function.__name__])
        notice.daemon = True
        notice.start()
        was_closed = not dispatcher._can_compile
        dispatcher.disable_compile(False)
        try:
            with warnings.catch_warnings():
                # A record that starts like another is its subtype: that is how one model's kernels serve its extension.
                warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
                dispatcher.compile(signature)
        finally:
            notice.cancel()
            dispatcher.disable_compile(was_closed or any(isinstance(kind, types.FunctionType) for kind in arguments))
        origin = "loaded" if sum(dispatcher.stats.cache_hits.values()) > hits else "compiled"
        _preparations.append(Preparation(function.__name__, time.perf_counter() - began, origin, str(signature)))
    return function


def entry_point(function: F, signature: Any) -> Any:
    """Return the address at which a kernel can be called like a C function; interpreted, the function itself.

    Kernels that call others by address are compiled once for all of them, and stay in the cache whatever they call.
    """
    if not hasattr(function, "py_func"):
        return function
    dispatcher: Any = prepare(function, signature)
    result = dispatcher.get_compile_result(signature)
    address = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
    assert address > 0
    return address


def _tell_slow(name: str) -> None:
    text = f"compiling {name} (several seconds, once; later runs load it from {cache_directory()})"
    _log.info(text)
    if sys.stderr.isatty():
        print(f"bitesim: {text}", file=sys.stderr, flush=True)


def compile_report() -> list[Preparation]:
    """Return how each kernel prepared so far in this process was made ready, and how long it took."""
    return list(_preparations)
