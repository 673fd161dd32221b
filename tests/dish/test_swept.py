"""What a sweep is given: checked values, cells of every dish, rows by value."""

import numpy as np
import pytest

from bitesim.dish.swept import CELLS_HINT, cells_of_dishes, changed_figures, rows_with, several
from bitesim.foundation.errors import ParameterError, UnknownNameError


def test_one_value_or_several():
    assert several("drug", 3, "ng/mL", (0.0, 10.0), "") == [3.0]
    assert several("drug", [3, 1.5], "ng/mL", (0.0, 10.0), "") == [3.0, 1.5]
    assert several("drug", np.array([2.0]), "ng/mL", (0.0, 10.0), "") == [2.0]
    for wrong, words in (([], "drug is empty"), ([1, 1], "repeats"), ([[1]], "flat list"), ([1, 11], r"drug\[1\] = 11")):
        with pytest.raises(ParameterError, match=words):
            several("drug", wrong, "ng/mL", (0.0, 10.0), "")


def test_cells_of_every_dish():
    assert cells_of_dishes(1e6, None, None) == [(1e6, 1e6)]
    assert cells_of_dishes([1e6, 2e6], None, [1, 4]) == [(1e6, 1e6), (1e6, 2.5e5), (2e6, 2e6), (2e6, 5e5)]
    assert cells_of_dishes(1e6, [1e4, 1e5], None) == [(1e6, 1e4), (1e6, 1e5)]
    with pytest.raises(ParameterError, match="both given"):
        cells_of_dishes(1e6, 1e6, 1.0)
    with pytest.raises(ParameterError, match="per microlitre are 1e6 per mL"):
        cells_of_dishes(1e3, None, None)
    with pytest.raises(ParameterError, match="E:T 1000"):
        cells_of_dishes(1e6, None, 1e3)
    assert "microlitre" in CELLS_HINT


def test_changed_figures():
    assert changed_figures(None) == {}
    assert changed_figures({"drug_kda": 54.0}) == {"drug_kda": 54.0}
    with pytest.raises(ParameterError, match="no names with values"):
        changed_figures([1.0])
    with pytest.raises(ParameterError, match="give it as cd19_copies"):
        changed_figures({"cd19_geometric_mean": 1.0})


def test_rows_by_value():
    columns = {"drug": np.array([1.0, 2.0, 1.0, 2.0]), "cells": np.array([5.0, 5.0, 6.0, 6.0])}
    assert rows_with(columns, {"drug": 1}, ["drug", "cells"]).tolist() == [True, False, True, False]
    assert rows_with(columns, {"drug": [1, 2], "cells": 6}, ["drug", "cells"]).tolist() == [False, False, True, True]
    with pytest.raises(UnknownNameError, match="Did you mean 'cells'"):
        rows_with(columns, {"cell": 1}, ["drug", "cells"])
    with pytest.raises(ParameterError, match="drug = 3 is not in the experiment, which has 1, 2"):
        rows_with(columns, {"drug": 3}, ["drug", "cells"])
    columns["cells"] = np.array([5.0, 5.0, 5.0, 6.0])
    with pytest.raises(ParameterError, match="no dish has all of drug = 1, cells = 6"):
        rows_with(columns, {"drug": 1, "cells": 6}, ["drug", "cells"])
