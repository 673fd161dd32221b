"""Evaluations are computed once, survive an interruption, and are never mixed with others."""

from pathlib import Path

import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.inference.evaluation_store import EvaluationStore


def never() -> dict[str, float]:
    raise AssertionError("it was known")


def test_a_key_is_computed_once_and_read_back_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "store.jsonl"
    store = EvaluationStore(path, {"seed": 1})
    assert store.get([0.1, 0.2], lambda: {"a": 0.1 + 0.2}) == {"a": 0.30000000000000004}
    assert store.get([0.1, 0.2], never) == {"a": 0.30000000000000004}
    again = EvaluationStore(path, {"seed": 1})
    assert len(again) == 1
    assert again.get([0.1, 0.2], never) == {"a": 0.30000000000000004}
    assert again.computed == 0


def test_a_line_that_was_cut_short_is_computed_again(tmp_path: Path) -> None:
    path = tmp_path / "store.jsonl"
    store = EvaluationStore(path, 1)
    for key in range(3):
        store.get(key, lambda key=key: {"a": float(key)})
    text = path.read_text()
    path.write_text(text[:-7])
    again = EvaluationStore(path, 1)
    assert len(again) == 2
    again.get(2, lambda: {"a": 2.0})
    assert path.read_text() == text


def test_a_store_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.jsonl"
    EvaluationStore(path, {"seed": 1})
    with pytest.raises(ParameterError, match="other facts, parameters, seed or sources"):
        EvaluationStore(path, {"seed": 2})
    path.write_text("id,time\n1,2\n")
    with pytest.raises(ParameterError, match="not a store"):
        EvaluationStore(path, {"seed": 1})


def test_without_a_file_they_stay_in_memory() -> None:
    store = EvaluationStore(None, 1)
    store.get(1, lambda: {"a": 1.0})
    assert store.get(1, never) == {"a": 1.0}
