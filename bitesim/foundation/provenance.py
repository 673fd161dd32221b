"""What produced a result: version, digest of the sources, seed, parameters, schedule and settings."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from bitesim.version import __version__

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_REPORTED: Final = ("numpy", "scipy", "numba", "llvmlite", "matplotlib", "tqdm", "pandas", "xarray")


@cache
def source_digest() -> str:
    """Return the SHA-256 of every Python source of the installed package, by relative name."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def digest_of(content: Any) -> str:
    """Return the SHA-256 of anything that JSON can write; floats count to their last bit."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@cache
def installed_versions() -> Mapping[str, str]:
    """Return the versions of Python, the platform and the packages that can change a number or a picture."""
    packages = {package: _installed(package) for package in _REPORTED}
    return {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}", **packages}


def show_versions() -> None:
    """Print plain text about this installation, to paste into a bug report."""
    print(f"bitesim {__version__}, sources {source_digest()[:12]}")
    for name, shown in installed_versions().items():
        print(f"{name} {shown}")


@dataclass(frozen=True)
class Provenance:
    """Everything a result depends on.

    Parameters
    ----------
    bitesim_version, sources_sha256 : str
    versions : mapping
        Python, platform and packages.
    model : str
    parameters : mapping
        Name -> value, as used for this patient.
    schedule_sha256 : str
        Digest of the compiled schedule that was carried out.
    regimen : str
        The regimen as text.
    seed : int or None
        None where nothing was drawn.
    settings : mapping
        Engine, tolerances, limits.
    """

    bitesim_version: str
    sources_sha256: str
    versions: Mapping[str, str]
    model: str
    parameters: Mapping[str, float]
    schedule_sha256: str
    regimen: str
    seed: int | None
    settings: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return a plain dict that JSON can write."""
        return asdict(self)

    def digest(self) -> str:
        """Return one SHA-256 over all of it: equal digests mean equal numbers on the same machine."""
        return digest_of(self.as_dict())
