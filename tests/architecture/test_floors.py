"""The floors of the house: a module imports only lower floors."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = {"version", "__init__", "__main__"}


def test_every_import_goes_down() -> None:
    if importlib.util.find_spec("importlinter") is None:
        pytest.skip("import-linter comes with the dev extra")
    lint = Path(sys.executable).with_name("lint-imports")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_folder_stands_on_a_floor() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    listed = {name.strip(" ()").removeprefix("bitesim.") for layer in contract["layers"] for name in layer.split("|")}
    present = {path.stem for path in (ROOT / "bitesim").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert present - OUTSIDE == listed
