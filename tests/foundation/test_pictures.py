"""A result finds what draws it by name; without the plotting code it says so."""

import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.foundation.pictures import picture, register_picture


def test_what_is_registered_draws():
    register_picture("a test", lambda result: ("drawn", result))
    assert picture("a test")(3) == ("drawn", 3)
    with pytest.raises(ParameterError, match=r"import bitesim\.plots first"):
        picture("another test")
