"""The process table and its matrix."""

import math

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.model import Processes, Species, SpeciesTable

SPECIES = SpeciesTable((Species("a", "cells", "a", 1.0), Species("b", "cells", "b", 1.0)))


def test_changes_become_a_matrix():
    processes = Processes({"move": {"a": -1, "b": +1}, "birth": {"b": 2.0}})
    assert np.array_equal(processes.matrix(SPECIES), [[-1.0, 0.0], [1.0, 2.0]])


@pytest.mark.parametrize("changes", [{}, {"a": 0}, {"a": math.nan}])
def test_processes_that_change_nothing_are_refused(changes):
    with pytest.raises(ParameterError, match="process idle"):
        Processes({"idle": changes})


def test_processes_do_not_stand_twice():
    with pytest.raises(ParameterError, match="stand twice: move"):
        Processes({"move": {"a": -1}}).extended({"move": {"b": -1}})
