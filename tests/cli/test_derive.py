"""`bitesim derive`, as a user types it for a file of his own and for a published model."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bitesim
from bitesim.cli import main
from bitesim.derivation.store import generated_source, load_derived, load_module
from tests.derivation import own_file

ROOT = Path(__file__).parents[2]
TEXT = Path(own_file.__file__).read_text(encoding="utf-8")


@pytest.fixture
def own(tmp_path):
    """A user's file with one model."""
    path = tmp_path / "my_model.py"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def two(tmp_path):
    """A user's file with two models."""
    path = tmp_path / "two.py"
    path.write_text(TEXT + '\nFASTER = model("faster", assumptions=("none",))\n', encoding="utf-8")
    return path


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_code_is_written_beside_the_file(own, capsys):
    assert main(["derive", str(own)]) == 0
    target = own.with_name("my_model_derived.py")
    assert set(snapshot(own.parent)) == {"my_model.py", "my_model_derived.py"}
    model = load_module(own).MODEL
    assert load_derived(target).digest == model.equations_digest
    printed = capsys.readouterr().out
    lines = len(target.read_text(encoding="utf-8").splitlines())
    assert printed == f"{target}: {lines} lines for 2 states of model own\n"
    assert "`bitesim derive my_model.py`" in target.read_text(encoding="utf-8")


def test_out_chooses_the_file(own, capsys):
    chosen = own.parent / "folder" / "code.py"
    assert main(["derive", str(own), "--out", str(chosen)]) == 0
    assert str(chosen) in capsys.readouterr().out
    assert load_derived(chosen).digest == load_module(own).MODEL.equations_digest
    assert set(snapshot(own.parent)) == {"my_model.py"}


def test_one_of_several_models_is_chosen_by_name(two, capsys):
    assert main(["derive", str(two), "--model", "FASTER"]) == 0
    assert "of model faster" in capsys.readouterr().out
    text = two.with_name("two_faster_derived.py").read_text(encoding="utf-8")
    assert "code of model faster" in text
    assert "`bitesim derive two.py --model FASTER`" in text
    assert text == generated_source(load_module(two).FASTER, "bitesim derive two.py --model FASTER")


def test_check_says_whether_the_file_is_up_to_date(own, capsys):
    before = snapshot(own.parent)
    assert main(["derive", str(own), "--check"]) == 2
    assert "my_model_derived.py is not up to date: run `bitesim derive my_model.py`" in capsys.readouterr().err
    assert snapshot(own.parent) == before

    assert main(["derive", str(own)]) == 0
    written = snapshot(own.parent)
    capsys.readouterr()
    assert main(["derive", str(own), "--check"]) == 0
    assert "my_model_derived.py is up to date" in capsys.readouterr().out

    own.write_text(TEXT.replace("* s.drug_ug", "* s.drug_ug * 1.5"), encoding="utf-8")
    assert main(["derive", str(own), "--check"]) == 2
    assert "not up to date" in capsys.readouterr().err
    assert snapshot(own.parent)["my_model_derived.py"] == written["my_model_derived.py"]

    assert main(["derive", str(own)]) == 0
    assert snapshot(own.parent)["my_model_derived.py"] != written["my_model_derived.py"]
    assert main(["derive", str(own), "--check"]) == 0


def test_a_comment_does_not_make_it_outdated(own):
    assert main(["derive", str(own)]) == 0
    own.write_text(TEXT.replace("    f.elimination", "    # First order.\n    f.elimination"), encoding="utf-8")
    assert main(["derive", str(own), "--check"]) == 0


@pytest.mark.parametrize("name", bitesim.MODELS)
def test_published_models_are_up_to_date(name, capsys):
    file = Path(importlib.import_module(bitesim.MODELS[name].derived).__file__)
    before = file.read_bytes()
    assert main(["derive", name, "--check"]) == 0
    assert capsys.readouterr().out == f"{file} is up to date\n"
    assert file.read_bytes() == before


def test_a_published_model_may_be_written_elsewhere(tmp_path):
    assert main(["derive", "clements2020", "--out", str(tmp_path / "copy.py")]) == 0
    original = Path(importlib.import_module(bitesim.MODELS["clements2020"].derived).__file__)
    assert (tmp_path / "copy.py").read_text() == original.read_text()


BRANCHES = TEXT.replace("f.killing = hazard(s, p) * s.cells", "f.killing = s.cells if s.cells > 1.0 else 0.0")
UNKNOWN = TEXT.replace("s.cells = 100.0", "s.cell = 100.0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.py"], "'missing.py' is not a file"),
        (["hoseini2020"], "Did you mean 'hosseini2020'"),
        (["two.py"], "several models: add --model with one of MODEL, FASTER"),
        (["two.py", "--model", "FASTR"], "Did you mean 'FASTER'"),
        (["none.py"], "none.py defines no Model: assign one"),
        (["branches.py"], "fluxes branches on a state or parameter"),
        (["unknown.py"], "unknown state 'cell'. Did you mean 'cells'"),
        (["my_model.py", "--out", "none.py/code.py"], "cannot write or read"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, own, two, tmp_path, monkeypatch, capsys):
    for name, text in {"none": "VALUE = 1\n", "branches": BRANCHES, "unknown": UNKNOWN}.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    before = snapshot(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["derive", *arguments]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert len(shown.strip().splitlines()) == 1
    assert snapshot(tmp_path) == before


def test_without_sympy_the_command_is_named(own, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sympy", None)
    for name in [name for name in sys.modules if name.startswith("bitesim.derivation.") and not name.endswith(".store")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["derive", str(own)]) == 2
    assert "pip install 'bitesim[derive]'" in capsys.readouterr().err


def test_a_file_that_imports_its_own_code_is_derived_and_runs_on_it(own):
    # As the help says: the code is written beside the file, for Model(..., derived=DERIVED).
    assert main(["derive", str(own)]) == 0
    text = TEXT.replace("MODEL = model()", "from my_model_derived import DERIVED\n\nMODEL = model(derived=DERIVED)")
    own.write_text(text, encoding="utf-8")
    code = (
        "from bitesim.cli import main; assert main(['derive', 'my_model.py', '--check']) == 0; "
        "import sys; sys.path.insert(0, '.'); import my_model; assert my_model.MODEL.derivatives is my_model.DERIVED"
    )
    # As the installed command starts: the current folder is not on the path.
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=own.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
