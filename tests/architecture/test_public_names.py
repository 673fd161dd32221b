"""Every public name exists and says what it is."""

from __future__ import annotations

import inspect

import pytest

import bitesim

#: Values, not code: what they mean stands in the module that defines them.
VALUES = {"__version__", "MODELS"}


def test_names_are_listed_once() -> None:
    assert len(bitesim.__all__) == len(set(bitesim.__all__))


@pytest.mark.parametrize("name", bitesim.__all__)
def test_name_exists_and_is_documented(name: str) -> None:
    thing = getattr(bitesim, name)
    if name in VALUES:
        assert thing
        return
    # An inherited docstring describes the parent; a generated one of a dataclass describes nothing.
    text = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert text
    assert not text.startswith(f"{name}(")


def test_public_methods_are_documented() -> None:
    classes = [thing for name in bitesim.__all__ if inspect.isclass(thing := getattr(bitesim, name))]
    bare = [
        f"{owner.__name__}.{name}"
        for owner in classes
        for name, member in vars(owner).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, (property, classmethod, staticmethod)))
        and not inspect.getdoc(member)
    ]
    assert bare == []
