"""Outputs of one lane: bitwise those of the interpolant of all lanes, and nothing else is written."""

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.numerics.lane_output import lane_interpolation
from bitesim.numerics.rosenbrock import STAGES, interpolate, work_for
from bitesim.numerics.tableaus import RODAS5P

KEEP = lane_interpolation(RODAS5P.weights, RODAS5P.dense)
ROWS = 5


@kernel
def keep(theta, lane, before, stages, columns, shift, result, first):
    KEEP(theta, lane, before, stages, columns, shift, result, first)


@pytest.mark.parametrize("theta", [0.0, 0.125, 0.7, 1.0])
@pytest.mark.parametrize("lane", [0, 3, 7])
def test_a_lane_is_interpolated_as_among_eight(theta, lane):
    generator = np.random.default_rng(lane)
    before, stages = generator.standard_normal((ROWS, 8)), generator.standard_normal((STAGES, ROWS, 8))
    work = work_for(ROWS, 1)
    work.theta[0] = theta
    interpolate(before, stages, work.theta, work.weights, work.all_rows, work.interpolated)
    result, columns = np.full((3, 4), 9.0), np.array([6, 2, 6, 3])
    # Columns are numbered behind two others.
    keep(theta, lane, before, stages, columns, 2, result, 4)
    assert result[1].tolist() == work.interpolated[columns - 2, lane].tolist()
    assert set(result[[0, 2]].ravel()) == {9.0}
    expected = before + np.tensordot(RODAS5P.dense_weights(theta), stages, 1)
    np.testing.assert_allclose(result[1], expected[columns - 2, lane], rtol=1e-12, atol=1e-13)


def test_a_method_of_other_than_eight_stages_is_refused():
    with pytest.raises(ValueError, match="eight stages"):
        lane_interpolation(np.ones(3), np.ones((2, 3)))
