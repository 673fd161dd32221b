"""The species table."""

import math

import pytest

from bitesim import ParameterError
from bitesim.model import Species, SpeciesTable

A, B = Species("a", "cells", "a", 1.0), Species("b", "cells", "b", 2.0)


def test_positions_scales_and_extension():
    table = SpeciesTable((A,)).extended((B,))
    assert (table.position("b"), table.scales().tolist()) == (1, [1.0, 2.0])


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_must_be_positive(scale):
    with pytest.raises(ParameterError, match="scale"):
        SpeciesTable((Species("a", "cells", "a", scale),))


def test_names_stand_once():
    with pytest.raises(ParameterError, match="twice"):
        SpeciesTable((A, A))
