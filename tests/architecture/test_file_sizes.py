"""A file has one subject: fewer than 400 lines."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 400


def test_files_are_short() -> None:
    # What `bitesim derive` writes is one model's code, however long.
    paths = [*(ROOT / "bitesim").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "dev.py"]
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in paths
        if "generated" not in path.stem
    }
    assert len(sizes) > 50, "the walk missed the package"
    assert {name: lines for name, lines in sizes.items() if lines >= LIMIT} == {}
