"""The cache on disk: never stale, never in the way."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bitesim.foundation.compiled import cache_directory, clear_cache

PROJECT = Path(__file__).parents[2]
CALLER = """
from numba import types
from bitesim.foundation.compiled import compile_report, kernel, prepare
import helper
from helper import callee
@kernel
def caller(x):
    return callee(x) + helper.CONSTANT
print(prepare(caller, types.float64(types.float64))(2.0), compile_report()[0].origin)
"""
HELPER = """
from bitesim.foundation.compiled import kernel
CONSTANT = {constant}
@kernel
def callee(x):
    return {factor} * x
"""


def write(folder, factor=5.0, constant=0.0, caller=CALLER):
    folder.mkdir(exist_ok=True)
    (folder / "helper.py").write_text(HELPER.format(factor=factor, constant=constant))
    (folder / "main.py").write_text(caller)


def run(folder, cache, **extra):
    environment = {**os.environ, "BITESIM_CACHE_DIR": str(cache), "PYTHONPATH": f"{PROJECT}{os.pathsep}{folder}", **extra}
    environment.pop("NUMBA_DISABLE_JIT", None)
    done = subprocess.run(
        [sys.executable, str(folder / "main.py")], env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def test_an_edited_callee_in_another_file_gives_the_new_value(tmp_path):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    write(folder)
    assert run(folder, cache)[0] == "10.0 compiled"
    assert run(folder, cache)[0] == "10.0 loaded"
    write(folder, factor=7.0)
    assert run(folder, cache)[0] == "14.0 compiled"
    write(folder, factor=7.0, constant=100.0)
    assert run(folder, cache)[0] == "114.0 compiled"
    write(folder)
    assert run(folder, cache)[0] == "10.0 loaded"


def test_an_upgraded_install_gives_the_new_value(tmp_path):
    cache = tmp_path / "cache"
    for version, factor in (("1.0", 5.0), ("1.1", 6.0)):
        # An upgrade rewrites the same files, with old time stamps as wheels carry them.
        write(tmp_path / "installed", factor)
        for file in (tmp_path / "installed").glob("*.py"):
            os.utime(file, (1e9, 1e9))
        assert run(tmp_path / "installed", cache)[0] == f"{2 * factor} compiled", version


def test_a_cache_that_cannot_be_written_warns_once_and_computes(tmp_path):
    write(tmp_path / "model")
    (tmp_path / "file").write_text("")
    shown, warned = run(tmp_path / "model", tmp_path / "file" / "below")
    assert shown == "10.0 compiled"
    assert warned.count("CacheWarning") == 1
    assert "BITESIM_CACHE_DIR" in warned


def test_a_truncated_file_is_compiled_anew(tmp_path):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    write(folder)
    run(folder, cache)
    for file in cache.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert run(folder, cache)[0] == "10.0 compiled"
    assert run(folder, cache)[0] == "10.0 loaded"


def test_four_processes_racing_on_a_cold_cache_agree(tmp_path):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    write(folder)
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda _: run(folder, cache)[0], range(4)))
    assert {text.split()[0] for text in shown} == {"10.0"}
    files = sorted(file.name for file in cache.iterdir())
    assert len(files) == 2
    assert not any(name.endswith(".tmp") for name in files)


CLOSURES = """
from numba import types
from bitesim.foundation.compiled import compile_report, kernel, prepare
def times(factor):
    @kernel
    def scaled(x):
        return factor * x
    return scaled
import sys
for factor in map(float, sys.argv[1:] or ["2", "3"]):
    print(prepare(times(factor), types.float64(types.float64))(1.0), compile_report()[-1].origin, end=" ")
"""


def test_closures_of_one_factory_share_nothing_even_when_compiled_apart(tmp_path):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    write(folder, caller=CLOSURES.replace('sys.argv[1:] or ["2", "3"]', '["2"]'))
    assert run(folder, cache)[0] == "2.0 compiled"
    write(folder, caller=CLOSURES.replace('sys.argv[1:] or ["2", "3"]', '["3"]'))
    assert run(folder, cache)[0] == "3.0 compiled"
    # Both loaded into one process: their symbols must not collide.
    write(folder, caller=CLOSURES.replace('sys.argv[1:] or ["2", "3"]', '["2", "3", "2"]'))
    assert run(folder, cache)[0] == "2.0 loaded 3.0 loaded 2.0 loaded"


def test_what_cannot_be_watched_is_not_cached(tmp_path):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    # A ctypes function is an address, which says nothing about its content.
    odd = CALLER.replace("import helper", "import helper, ctypes, ctypes.util").replace(
        "return callee(x) + helper.CONSTANT", "return callee(x) + cosine(0.0) - 1.0"
    )
    odd = odd.replace(
        "@kernel\n",
        "cosine = ctypes.CDLL(ctypes.util.find_library('m')).cos\n"
        "cosine.argtypes, cosine.restype = [ctypes.c_double], ctypes.c_double\n@kernel\n",
    )
    write(folder, caller=odd)
    assert run(folder, cache)[0] == "10.0 compiled"
    shown, warned = run(folder, cache)
    assert shown == "10.0 compiled"
    assert "compiled anew in every process" in warned


def script(folder, cache, code):
    """Run `code` as one Python session; return its words and its warnings."""
    write(folder, caller="from numba import types\nfrom bitesim.foundation.compiled import *\n" + code)
    return run(folder, cache)


SESSION = """
from bitesim.foundation.compiled import compile_report, kernel, prepare
RATE = {first}
@kernel
def hazard(x):
    return RATE * x
{between}
@kernel
def total(x):
    return hazard(x) + 0.0
print(total(1.0), hazard(1))
"""


def test_a_value_bound_anew_in_a_session_is_never_kept_under_the_new_value(tmp_path):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    # As in a notebook: hazard is compiled with RATE = 2 before the cell above it is changed and run again.
    shown, warned = script(folder, cache, SESSION.format(first=2.0, between="hazard(1.0)\nRATE = 3.0"))
    assert shown == "2.0 3.0"
    assert "restart Python" in warned
    assert script(folder, cache, SESSION.format(first=3.0, between=""))[0] == "3.0 3.0"
    assert script(folder, cache, SESSION.format(first=2.0, between=""))[0] == "2.0 2.0"


RECURSION = """
from bitesim.foundation.compiled import kernel
@kernel
def fold(x, n):
    if n <= 0:
        return 2.0 * x
    return fold(x, n - 1) + fold(0.5 * x, n - 2) + 2.0
@kernel
def outer(x):
    return fold(x, 6)
print(outer(1.0))
"""


def test_recursion_is_not_kept_because_loading_it_crashes(tmp_path):
    for _ in range(2):
        shown, warned = script(tmp_path / "model", tmp_path / "cache", RECURSION)
        assert shown == "54.0"
        assert "recursive" in warned
    assert not list(tmp_path.glob("cache/*"))


ORDER = """
from bitesim.foundation.compiled import kernel, prepare
@kernel
def floor_half(x):
    return x // 2
@kernel
def caller(i):
    return floor_half(i)
{first}
print(caller(7))
"""


def test_a_callers_code_does_not_depend_on_what_was_prepared_before(tmp_path):
    first = "prepare(floor_half, types.float64(types.float64))"
    assert script(tmp_path / "model", tmp_path / "cache", ORDER.format(first=first))[0] == "3"
    assert script(tmp_path / "model", tmp_path / "cache", ORDER.format(first=""))[0] == "3"


APPLY = """
from bitesim.foundation.compiled import compile_report, kernel, prepare
SCALAR = types.float64(types.float64)
@kernel
def double(x):
    return 2.0 * x
@kernel
def triple(x):
    return 3.0 * x
@kernel
def apply(function, x):
    return function(x)
TYPED = types.float64(types.FunctionType(SCALAR), types.float64)
for _ in range(2):
    prepare(apply, TYPED)
print(apply(prepare(double, SCALAR), 1.0), apply(prepare(triple, SCALAR), 1.0), len(apply.signatures))
print([(made.kernel, made.origin) for made in compile_report()])
print(compile_report()[1].signature)
"""


def test_a_kernel_that_takes_kernels_is_compiled_once_and_loaded_later(tmp_path):
    for origin in ("compiled", "loaded"):
        answer, made, signature = script(tmp_path / "model", tmp_path / "cache", APPLY)[0].splitlines()
        assert answer == "2.0 3.0 1"
        assert made == str([(name, origin) for name in ("apply", "double", "triple")])
        assert signature == "(float64,) -> float64"


def test_an_untyped_kernel_argument_leaves_no_file(tmp_path):
    code = APPLY[: APPLY.index("TYPED")] + "print(apply(double, 1.0), apply(triple, 1.0))"
    assert script(tmp_path / "model", tmp_path / "cache", code)[0] == "2.0 3.0"
    # Its signature is an address, which may be another kernel's in the next process.
    assert not list(tmp_path.glob("cache/apply*"))


SIGNATURES = """
from bitesim.foundation.compiled import compile_report, kernel, prepare
@kernel
def half(x):
    return x / 2.0
prepare(half, types.float64(types.float64))
prepare(half, types.complex128(types.complex128))
print(half(1.0), half(1j), [made.origin for made in compile_report()])
"""


def test_each_signature_is_prepared_and_reported_by_itself(tmp_path):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    assert script(folder, cache, SIGNATURES)[0] == "0.5 0.5j ['compiled', 'compiled']"
    next(iter(cache.iterdir())).unlink()
    assert sorted(script(folder, cache, SIGNATURES)[0].split("'")[1::2]) == ["compiled", "loaded"]


def test_clearing_deletes_kernels_and_nothing_else(tmp_path, monkeypatch):
    folder, cache = tmp_path / "model", tmp_path / "cache"
    write(folder)
    run(folder, cache)
    (cache / "thesis.txt").write_text("years of work")
    (cache / "mine.kernel").write_text("not one of ours")
    (cache / "bitesim-a1b2.tmp").write_text("left by a process that was killed")
    monkeypatch.setenv("BITESIM_CACHE_DIR", str(cache))
    clear_cache()
    assert sorted(path.name for path in cache.iterdir()) == ["mine.kernel", "thesis.txt"]
    monkeypatch.setenv("BITESIM_CACHE_DIR", str(tmp_path / "never_made"))
    clear_cache()


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    code = "import os\ndef full(*names):\n    raise OSError(28, 'No space left on device')\nos.replace = full\n" + SIGNATURES
    shown, warned = script(tmp_path / "model", tmp_path / "cache", code)
    assert shown.startswith("0.5 0.5j")
    assert warned.count("No space left on device") == 1
    assert not list(tmp_path.glob("cache/*"))


def test_the_cache_directory_follows_the_environment(monkeypatch):
    monkeypatch.setenv("BITESIM_CACHE_DIR", os.path.join("~", "kernels"))
    assert cache_directory() == Path.home() / "kernels"
    monkeypatch.delenv("BITESIM_CACHE_DIR")
    assert cache_directory().parts[-2:] == ("bitesim", "kernels")
