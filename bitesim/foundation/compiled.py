"""The one `kernel` decorator: the package's only compiler flags, and a cache on disk that cannot be stale."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import platform
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import llvmlite
import numba
import numpy as np
from numba.core import compiler, config
from numba.core.caching import _Cache
from numba.core.errors import NumbaExperimentalFeatureWarning
from numba.core.serialize import dumps

from bitesim.foundation.errors import CacheWarning
from bitesim.foundation.fingerprints import CannotFingerprint, fingerprint

F = TypeVar("F", bound=Callable[..., Any])

#: nogil lets threads run kernels side by side; NumPy's error model turns a division by zero into inf, not an exception.
_FLAGS: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy"}
_SLOW_SECONDS: Final = 2.0
_log = logging.getLogger("bitesim")
_lock = threading.RLock()


@dataclass(frozen=True)
class Preparation:
    """How one kernel was made ready in this process."""

    kernel: str
    seconds: float
    origin: str


_preparations: list[Preparation] = []


def cache_directory() -> Path:
    """Return the folder of compiled kernels: BITESIM_CACHE_DIR, or 'bitesim/kernels' in the user's cache folder."""
    chosen = os.environ.get("BITESIM_CACHE_DIR")
    if chosen:
        return Path(chosen)
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
    """Delete every compiled kernel on disk; the next run compiles anew."""
    shutil.rmtree(cache_directory(), ignore_errors=True)


class _ContentCache(_Cache):  # type: ignore[misc]
    """Machine code by content: one file per digest of (all code and values that went in, signature, tools, CPU).

    It takes the place of numba's own cache through `dispatcher._cache`, the one private hook there is: numba's index
    watches the defining file only, so an edited callee in another file would silently keep its old code. Writers
    replace whole files, and equal names have equal content, so racing processes cannot harm each other.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._enabled = True
        self._fingerprint: str | None = None

    @property
    def cache_path(self) -> str:
        return str(cache_directory())

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Nothing to do: files are written at once."""

    def _file(self, signature: Any, target: Any) -> Path | None:
        if not self._enabled:
            return None
        if self._fingerprint is None:
            try:
                self._fingerprint = fingerprint(self._function)
            except CannotFingerprint as problem:
                self._enabled = False
                warnings.warn(
                    f"kernel {self._function.__code__.co_qualname} is compiled anew in every process: it refers to "
                    f"{problem}, whose content bitesim cannot watch",
                    CacheWarning,
                    stacklevel=2,
                )
                return None
            # The qualified name becomes the linker's symbol: kernels from one factory, compiled in different processes
            # and loaded into one, would otherwise share a symbol and run each other's code.
            self._function.__qualname__ = f"{self._function.__code__.co_qualname}_{self._fingerprint[:16]}"
        tools = (numba.__version__, llvmlite.__version__, np.__version__, platform.python_version(), sorted(_FLAGS.items()))
        options = (config.BOUNDSCHECK, config.OPT, target.codegen().magic_tuple())
        content = repr((self._fingerprint, str(signature), tools, options))
        return cache_directory() / f"{self._function.__name__}-{hashlib.sha256(content.encode()).hexdigest()[:40]}.kernel"

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
        return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, sig: Any, data: Any) -> None:
        path = self._file(sig, data.target_context)
        if path is None or data.lifted or data.library.has_dynamic_globals:
            return
        payload = dumps(data._reduce())
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(temporary, path)
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
    """Compile or load a kernel for one explicit signature and close it to others; return it.

    A kernel that takes other kernels as arguments must be closed, or numba would compile it anew for each of them.
    Safe to call again and from several threads; a notice tells when compiling takes longer than 2 s.
    """
    if not hasattr(function, "py_func"):
        return function
    with _lock:
        dispatcher: Any = function
        if not dispatcher._can_compile:
            return function
        began = time.perf_counter()
        notice = threading.Timer(_SLOW_SECONDS, _tell_slow, [function.__name__])
        notice.daemon = True
        notice.start()
        try:
            with warnings.catch_warnings():
                # A record that starts like another is its subtype: that is how one model's kernels serve its extension.
                warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
                dispatcher.compile(signature)
        finally:
            notice.cancel()
        dispatcher.disable_compile()
        loaded = bool(dispatcher.stats.cache_hits)
        _preparations.append(Preparation(function.__name__, time.perf_counter() - began, "loaded" if loaded else "compiled"))
    return function


def _tell_slow(name: str) -> None:
    text = f"compiling {name} (several seconds, once; later runs load it from {cache_directory()})"
    _log.info(text)
    if sys.stderr.isatty():
        print(f"bitesim: {text}", file=sys.stderr, flush=True)


def compile_report() -> list[Preparation]:
    """Return how each kernel prepared so far in this process was made ready, and how long it took."""
    return list(_preparations)
