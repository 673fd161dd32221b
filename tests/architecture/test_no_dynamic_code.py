"""No code from data, and no compiler flag that gives wrong numbers in silence."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "bitesim"
#: The one owner of compiler flags; it reads back machine code that it wrote itself.
KERNELS = "foundation/compiled.py"
FORBIDDEN_CALLS = {"eval", "exec", "__import__", "compile"}
FORBIDDEN_NAMES = {("os", "system"), ("os", "popen"), ("numba", "prange")}
COMPILERS = {"jit", "njit", "vectorize", "guvectorize", "cfunc", "jitclass", "stencil"}


def imported(node: ast.AST) -> set[tuple[str, str]]:
    """Return (module, name) of an import."""
    if isinstance(node, ast.Import):
        return {(alias.name.split(".")[0], "") for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {((node.module or "").split(".")[0], alias.name) for alias in node.names}
    return set()


def offences(source: str, *, owns_compiler: bool = False) -> list[str]:
    """Return what a source does that the house forbids."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = imported(node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = {(node.value.id, node.attr)}
        for module, name in names:
            if (module, name) in FORBIDDEN_NAMES or module in ("marshal", "shelve", "dill", "cloudpickle"):
                found.append(f"{module}.{name}")
            if not owns_compiler and (module == "pickle" or (module in ("numba", "nb") and name in COMPILERS)):
                found.append(f"{module}.{name}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            found.append(node.func.id)
        if isinstance(node, ast.keyword) and node.arg in ("parallel", "fastmath"):
            found.append(str(node.arg))
        # Flags may also be passed as a dict, as compiled.py does.
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            found += [key for key in ("parallel", "fastmath") if key in keys]
    return found


def test_package_keeps_the_rules() -> None:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if problems := offences(path.read_text(encoding="utf-8"), owns_compiler=name == KERNELS):
            found[name] = problems
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "import pickle",
        "from pickle import loads",
        "import os\nos.system('ls')",
        "from os import system",
        "from numba import njit",
        "import numba\nf = numba.njit(f)",
        "from numba import prange",
        "kernel(parallel=True)",
        "kernel(fastmath=True)",
        "flags = {'fastmath': True}",
    ],
)
def test_walk_sees_each_offence(source: str) -> None:
    assert offences(source)


def test_owner_of_the_compiler_may_not_go_parallel() -> None:
    assert offences("import numba, pickle\nnumba.njit(nogil=True)", owns_compiler=True) == []
    assert offences("numba.njit(parallel=True)", owns_compiler=True) == ["parallel"]
