"""Deriving a user's model: once, kept by content, loaded without SymPy, and the same run as without."""

import dataclasses
import importlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import bitesim
from bitesim.derivation.store import generator_digest, load_derived, load_module, models_in, write_whole
from bitesim.foundation.errors import DerivationWarning
from tests.derivation import own_file

ROOT = Path(__file__).parents[2]
OWN_FILE = Path(own_file.__file__).read_text(encoding="utf-8")
REGIMEN = "10 ug/day for 2 d"
TIMES = [0.5, 1.0, 2.0, 2.5]


def write(folder, text=OWN_FILE, name="own_file.py"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def own():
    """A user's model."""
    return own_file.MODEL


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A fresh cache folder."""
    monkeypatch.setenv("BITESIM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def derived_own(own, tmp_path_factory):
    """The same with what a fresh cache folder was given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BITESIM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        return bitesim.derive(own)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix == ".py")


def elsewhere(code, folder, **environment):
    """Run code in another process, which finds the user's file."""
    paths = os.pathsep.join([str(ROOT), str(folder)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_file_is_written_and_loaded_again(own, cache):
    derived = bitesim.derive(own)
    (name,) = files(cache)
    assert name.startswith("own_")
    assert derived.derivatives.digest == own.equations_digest
    content, stamp = (cache / name).read_bytes(), (cache / name).stat().st_mtime_ns
    again = bitesim.derive(own)
    assert files(cache) == [name]
    assert ((cache / name).read_bytes(), (cache / name).stat().st_mtime_ns) == (content, stamp)
    assert again.derivatives is derived.derivatives


def test_the_model_is_the_same_but_for_its_derivatives(own, derived_own):
    for field in dataclasses.fields(own):
        if field.name != "derived":
            assert getattr(derived_own, field.name) is getattr(own, field.name)
    assert own.derived is None
    assert bitesim.derive(derived_own) is derived_own


def test_what_is_kept_is_loaded_without_sympy(tmp_path):
    folder, cache = write(tmp_path / "own").parent, str(tmp_path / "cache")
    derive = "import bitesim, own_file; print(bitesim.derive(own_file.MODEL).derivatives.digest)"
    first = elsewhere(derive, folder, BITESIM_CACHE_DIR=cache)
    hidden = f"import sys; sys.modules['sympy'] = None; {derive}; assert sys.modules['sympy'] is None"
    assert elsewhere(hidden, folder, BITESIM_CACHE_DIR=cache) == first
    unasked = f"import sys; {derive}; assert 'sympy' not in sys.modules"
    assert elsewhere(unasked, folder, BITESIM_CACHE_DIR=cache) == first


def test_missing_sympy_is_named_with_its_command(own, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    for name in [name for name in sys.modules if name.startswith("bitesim.derivation.") and not name.endswith(".store")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(bitesim.MissingExtraError, match=r"SymPy, which is not installed: pip install 'bitesim\[derive\]'"):
        bitesim.derive(own)
    assert not cache.exists() or files(cache) == []
    assert issubclass(bitesim.MissingExtraError, ImportError)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hazard(s, p) * s.cells", "hazard(s, p) * s.cells * 2.0"),
        ("return p.killing_per_day", "return 2.0 * p.killing_per_day"),
        ("np.log(1.0 + s.cells)", "np.log(2.0 + s.cells)"),
        ("s.cells = 100.0", "s.cells = 200.0"),
        ('"killing": {"cells": -1}', '"killing": {"cells": -2}'),
    ],
)
def test_an_edited_equation_gives_other_code(own, cache, tmp_path, old, new):
    bitesim.derive(own)
    assert OWN_FILE.count(old) == 1
    edited = bitesim.derive(load_module(write(tmp_path / "edited", OWN_FILE.replace(old, new))).MODEL)
    first, second = files(cache)
    assert (cache / first).read_text() != (cache / second).read_text()
    assert edited.derivatives.digest != own.equations_digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("5.0, (1e-3, 1e3)", "6.0, (1e-3, 1e3)"), ('"ln(1 + cells)"', '"logarithm"'), ('"made up",', '"paper",')],
)
def test_other_values_and_prose_share_the_code(own, cache, tmp_path, old, new):
    bitesim.derive(own)
    assert OWN_FILE.count(old) >= 1
    bitesim.derive(load_module(write(tmp_path / "edited", OWN_FILE.replace(old, new))).MODEL)
    assert len(files(cache)) == 1


def test_a_changed_generator_makes_new_files(own, cache, monkeypatch):
    bitesim.derive(own)
    monkeypatch.setattr("bitesim.derivation.store.generator_digest", lambda: "other")
    bitesim.derive(own)
    assert len(files(cache)) == 2


def test_the_generator_is_known_by_all_its_files():
    assert generator_digest() == generator_digest()
    assert len(generator_digest()) == 64


def course(model):
    run = bitesim.simulate(None, REGIMEN, model, TIMES, rtol=1e-9)
    return np.array([run[name] for name in ("drug_ug", "cells", "log_cells")]), run.solver.method


def test_a_derived_model_runs_as_the_dense_one(own, derived_own):
    dense, dense_method = course(own)
    straight, straight_method = course(derived_own)
    assert "dense" in dense_method
    assert "straight-line" in straight_method
    np.testing.assert_allclose(straight, dense, rtol=1e-7)
    # And both are right: the drug's closed form.
    level = 5.0 * -np.expm1(-2.0 * np.minimum(TIMES, 2.0)) * np.exp(-2.0 * np.maximum(np.array(TIMES) - 2.0, 0.0))
    np.testing.assert_allclose(straight[0], level, rtol=1e-7)


def test_outdated_derivatives_warn_and_the_run_is_right(own, derived_own):
    old = dataclasses.replace(derived_own.derivatives, digest="0" * 64)
    outdated = dataclasses.replace(own, derived=old)
    with pytest.warns(DerivationWarning, match="equations of model own were changed .* dense .*bitesim derive"):
        found, method = course(outdated)
    assert "dense" in method
    np.testing.assert_allclose(found, course(own)[0], rtol=1e-12)


def test_outdated_derivatives_are_derived_anew(own, derived_own, cache):
    old = dataclasses.replace(derived_own.derivatives, digest="0" * 64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        anew = bitesim.derive(dataclasses.replace(own, derived=old))
        assert anew.derivatives.digest == own.equations_digest


def test_published_models_are_returned_as_they_are():
    for model in bitesim.MODELS.values():
        assert bitesim.derive(model) is model


@pytest.mark.parametrize("given", ["hosseini2020", None, 3.0])
def test_what_is_no_model_is_refused(given):
    with pytest.raises(bitesim.ParameterError, match=r"is not a Model: write bitesim.derive\(my_model\)"):
        bitesim.derive(given)


def test_clearing_the_cache_removes_the_files_and_nothing_else(own, cache, monkeypatch):
    # As Python does unless told otherwise.
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    bitesim.derive(own)
    mine = write(cache, "MINE = 1\n", "own_notes.py")
    bitesim.clear_cache()
    assert [path.name for path in cache.rglob("*") if path.is_file()] == [mine.name]


def test_a_file_is_a_module_once_a_content(tmp_path):
    path = write(tmp_path, "VALUE = [1]\n", "some file-1.py")
    first = load_module(path)
    assert load_module(path) is first
    assert sys.modules[first.__name__] is first
    path.write_text("VALUE = [2, 3]\n")
    assert load_module(path).VALUE == [2, 3]
    assert first.VALUE == [1]


def test_a_moved_file_finds_its_kernels(tmp_path):
    text = "from bitesim.foundation.compiled import kernel\n\n\n@kernel\ndef doubled(x):\n    return 2.0 * x\n"
    code = (
        "import sys; from pathlib import Path; from bitesim.derivation.store import load_module; "
        "print(load_module(Path(sys.argv[0])).doubled(3.0))"
    )
    for name in ("before", "after"):
        path = write(tmp_path / name, text, f"{name}.py")
        run = f"import sys; sys.argv = [{str(path)!r}]; {code}"
        assert elsewhere(run, path.parent, BITESIM_CACHE_DIR=str(tmp_path / "cache")) == "6.0"


def test_a_file_that_fails_is_not_kept(tmp_path):
    path = write(tmp_path, "raise RuntimeError('broken')\n", "broken.py")
    before = set(sys.modules)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            load_module(path)
    assert set(sys.modules) == before


@pytest.mark.parametrize("name", ["missing.py", "folder"])
def test_what_is_no_file_is_named(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(bitesim.ParameterError, match=f"{name}' is not a file"):
        load_module(tmp_path / name)


def test_the_models_of_a_file(tmp_path):
    path = write(tmp_path, OWN_FILE + 'SECOND = model("second")\n')
    module = load_module(path)
    assert models_in(module) == {"MODEL": module.MODEL, "SECOND": module.SECOND}


def test_derived_is_read_from_a_file():
    model = bitesim.MODELS["clements2020"]
    path = Path(importlib.import_module(model.derived).__file__)
    assert load_derived(path).digest == model.equations_digest


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_whole(path, "µ first\n")
    assert path.read_text(encoding="utf-8") == "µ first\n"
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "second \ud800")
    assert path.read_text(encoding="utf-8") == "µ first\n"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]
