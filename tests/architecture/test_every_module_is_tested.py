"""Every module of the package has its test file, in the mirrored folder."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Modules without a test file of their own, and what tests them instead. A folder stands for all in it.
TESTED_ELSEWHERE = {
    "__main__.py": "two lines; .ci/run starts the package through it",
    "foundation/errors.py": "exception classes only; every refusal test matches their messages",
    "published/hosseini_2020": "one model in one folder: tests/published/test_hosseini_2020.py",
}


def modules() -> list[str]:
    package = ROOT / "bitesim"
    names = [path.relative_to(package).as_posix() for path in sorted(package.rglob("*.py"))]
    return [name for name in names if not name.endswith("__init__.py") and name != "version.py"]


def is_excused(name: str) -> bool:
    return any(name == excused or name.startswith(f"{excused}/") for excused in TESTED_ELSEWHERE)


def test_every_module_has_a_test_file() -> None:
    def mirrored(name: str) -> Path:
        return ROOT / "tests" / Path(name).parent / f"test_{Path(name).name}"

    missing = [name for name in modules() if not is_excused(name) and not mirrored(name).exists()]
    assert missing == [], "write tests/<folder>/test_<name>.py for each"


def test_every_exception_is_still_needed() -> None:
    unused = [
        excused
        for excused in TESTED_ELSEWHERE
        if not any(name == excused or name.startswith(f"{excused}/") for name in modules())
    ]
    assert unused == []
