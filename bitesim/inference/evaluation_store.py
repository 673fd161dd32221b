"""Results of costly evaluations on disk, one line each, so that an interrupted calibration goes on where it stood."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from bitesim.foundation.errors import ParameterError
from bitesim.foundation.provenance import digest_of


class EvaluationStore:
    """Key -> numbers, in memory and appended to a file.

    Parameters
    ----------
    path : path, optional
        None keeps them in memory.
    about : Any
        What all of them depend on, as JSON can write it: another file content is refused.

    Raises
    ------
    ParameterError
        For a file of something else.
    """

    def __init__(self, path: str | PathLike[str] | None, about: Any) -> None:
        self._path = None if path is None else Path(path)
        self._digest = digest_of(about)
        self._found: dict[str, Mapping[str, float]] = {}
        self.computed = 0
        if self._path is not None and self._path.exists():
            self._read(self._path)
        elif self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps({"about": self._digest}) + "\n", encoding="utf-8")

    def _read(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").split("\n")
        try:
            about = json.loads(lines[0])["about"]
        except (ValueError, KeyError, TypeError):
            raise ParameterError(f"{path} is not a store of evaluations: give another file") from None
        if about != self._digest:
            raise ParameterError(
                f"{path} holds evaluations of other facts, parameters, seed or sources: give another file, or remove it"
            )
        # The last line can be cut short by an interruption: it is computed again.
        for line in lines[1:-1]:
            record = json.loads(line)
            self._found[record["key"]] = record["numbers"]
        if lines[-1]:
            path.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Any, compute: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
        """Return the numbers of a key, computed and appended when they are not known."""
        name = digest_of(key)
        if name not in self._found:
            self._found[name] = dict(compute())
            self.computed += 1
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": name, "numbers": self._found[name]}) + "\n")
        return self._found[name]
