"""dev.py: clear refusals, and a setup that is done once, redone when unfinished, never half believed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


class FakeRunner:
    """Stands in for subprocess.check_call: makes the folder that venv would make, or fails at one step."""

    def __init__(self, dev: ModuleType, fail_at: str | None = None) -> None:
        self.dev, self.fail_at = dev, fail_at
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> None:
        step = command[2]
        self.commands.append(step)
        if step == "venv":
            python = Path(self.dev.python_of_venv())
            python.parent.mkdir(parents=True)
            python.touch()
        if step == self.fail_at:
            raise subprocess.CalledProcessError(1, list(command))


@pytest.fixture
def dev(tmp_path: Path) -> ModuleType:
    """dev.py as if it stood in an empty checkout."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "bitesim").mkdir()
    (tmp_path / "bitesim" / "version.py").write_text('__version__ = "0"\n')
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    module.HERE = str(tmp_path)
    module.VENV = str(tmp_path / ".venv")
    module.STAMP = str(tmp_path / ".venv" / "bitesim-setup.sha256")
    return module


def test_old_python_can_read_it() -> None:
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 10, 0), (2, 7, 18)])
def test_old_python_is_refused_by_number(dev: ModuleType, version: tuple[int, ...]) -> None:
    message = dev.too_old(version)
    assert "needs Python 3.11" in message
    assert f"{version[0]}.{version[1]}" in message


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 1), (4, 0, 0)])
def test_new_python_is_accepted(dev: ModuleType, version: tuple[int, ...]) -> None:
    assert dev.too_old(version) is None


def test_missing_venv_names_the_package(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # None in sys.modules makes the import fail, as on Debian without python3-venv.
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert dev.main(["check"]) == 1
    assert "apt install python3-venv" in capsys.readouterr().err
    assert not Path(dev.VENV).exists()


def test_setup_happens_once(dev: ModuleType) -> None:
    first, second = FakeRunner(dev), FakeRunner(dev)
    dev.set_up(first)
    dev.set_up(second)
    assert first.commands == ["venv", "pip"]
    assert second.commands == []


@pytest.mark.parametrize("changed", ["pyproject.toml", "bitesim/version.py"])
def test_changed_project_is_set_up_anew(dev: ModuleType, changed: str) -> None:
    dev.set_up(FakeRunner(dev))
    path = Path(dev.HERE) / changed
    path.write_text(path.read_text() + "# changed\n")
    again = FakeRunner(dev)
    dev.set_up(again)
    assert again.commands == ["venv", "pip"]
    assert dev.is_ready()


def test_other_python_is_set_up_anew(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    dev.set_up(FakeRunner(dev))
    monkeypatch.setattr(sys, "version", "3.99.0 (another)")
    assert not dev.is_ready()


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_unfinished_setup_is_redone(dev: ModuleType, step: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        dev.set_up(FakeRunner(dev, fail_at=step))
    assert not dev.is_ready()
    again = FakeRunner(dev)
    dev.set_up(again)
    assert again.commands == ["venv", "pip"]
    assert dev.is_ready()


def test_environment_without_its_python_is_redone(dev: ModuleType) -> None:
    dev.set_up(FakeRunner(dev))
    Path(dev.python_of_venv()).unlink()
    again = FakeRunner(dev)
    dev.set_up(again)
    assert again.commands == ["venv", "pip"]


def test_exit_code_is_passed_on(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def call(command: list[str], cwd: str) -> int:
        seen.append(command)
        return 5

    monkeypatch.setattr(dev, "set_up", lambda: None)
    monkeypatch.setattr(dev.subprocess, "call", call)
    assert dev.main(["test", "-k", "pump"]) == 5
    assert seen[0][1:] == ["-m", "pytest", "-n", "2", "-k", "pump"]
    assert dev.main(["check"]) == 5
    assert len(seen) == 2, "a failed check ends the list"


@pytest.mark.parametrize("arguments", [[], ["build"]])
def test_unknown_command_shows_the_known_ones(
    dev: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.main(arguments) == 2
    assert "demo | test" in capsys.readouterr().err
