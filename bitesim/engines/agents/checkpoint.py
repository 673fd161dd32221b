"""Checkpoints: everything that the next step depends on, in one file; a run that was resumed has the same bytes."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.engine import NicheEngine
from bitesim.engines.agents.lattice import Box
from bitesim.engines.agents.niche_arrays import Niche, empty_niche
from bitesim.engines.agents.rules import Rules
from bitesim.foundation.errors import ParameterError

#: Raised when the meaning of a field changes.
FORMAT: Final = 1
_ARRAYS: Final = tuple(name for name in Niche._fields if name not in ("box", "tag_mask", "words", "aims"))
_PREFIX: Final = "niche."


def save_checkpoint(engine: NicheEngine, path: str | Path, more: Mapping[str, Any] | None = None) -> Path:
    """Write an engine's state, whole or not at all; `more` holds arrays and plain values of the caller. Return the path."""
    target = Path(path)
    plain = {name: value for name, value in (more or {}).items() if not isinstance(value, np.ndarray)}
    arrays = {name: value for name, value in (more or {}).items() if isinstance(value, np.ndarray)}
    niche = engine.niche
    header = {
        "format": FORMAT,
        "step": engine.step,
        "seed": engine.seed,
        "free_at_first": engine.free_at_first,
        "box": list(niche.box),
        "has_tags": niche.tag_mask > 0,
        "plain": plain,
    }
    kept: dict[str, Any] = {_PREFIX + name: getattr(niche, name) for name in _ARRAYS}
    kept |= {_PREFIX + "fat": np.packbits(engine.fat), "header": np.array(json.dumps(header))}
    temporary = target.with_name(target.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **(kept | arrays))
    os.replace(temporary, target)
    return target


def load_checkpoint(path: str | Path, rules: Rules) -> tuple[NicheEngine, dict[str, Any]]:
    """Return the engine of a checkpoint, and what the caller had added.

    Raises
    ------
    ParameterError
        For a file that is none, or of another format.
    """
    source = Path(path)
    try:
        with np.load(source, allow_pickle=False) as file:
            found: dict[str, NDArray[Any]] = dict(file)
        header = json.loads(str(found.pop("header")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
        raise ParameterError(f"{source.name} is no checkpoint of a niche: {problem}") from problem
    if header["format"] != FORMAT:
        raise ParameterError(f"{source.name} has format {header['format']}; this version of bitesim reads {FORMAT}")
    box = Box(*header["box"])
    engine = NicheEngine.__new__(NicheEngine)
    engine.rules, engine.seed, engine.step = rules, int(header["seed"]), int(header["step"])
    engine.free_at_first = int(header["free_at_first"])
    engine._fat = np.unpackbits(found.pop(_PREFIX + "fat"))[: box.sites].astype(bool)
    kept: dict[str, Any] = {name: np.ascontiguousarray(found.pop(_PREFIX + name)) for name in _ARRAYS}
    engine.niche = empty_niche(box, 64, bool(header["has_tags"]))._replace(**kept)
    return engine, header["plain"] | found
