"""The cache on disk: never stale, never in the way."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
