"""A block kills its decades, however fast it fades."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bitesim.mechanisms.chemotherapy import acting_blocks, cytotoxic_hazard
from tests.mechanisms.parameters import defaults, plain


@pytest.mark.parametrize("loss_per_day", [0.1, 0.3, 3.0])
def test_blocks_kill_the_stated_decades(loss_per_day):
    p = defaults(chemotherapy_loss_per_day=loss_per_day)

    def change(_, y):
        acting = plain(acting_blocks)(y[0], p)
        return [-acting, -plain(cytotoxic_hazard)(1.5, acting)]

    blocks, ln_cells = solve_ivp(change, (0.0, 400.0), [2.0, 0.0], rtol=1e-10, atol=1e-12).y[:, -1]
    assert blocks == pytest.approx(0.0, abs=1e-9)
    assert -ln_cells / np.log(10.0) == pytest.approx(3.0, rel=1e-8)


def test_without_a_block_or_without_effect_nothing_dies():
    assert plain(cytotoxic_hazard)(1.5, plain(acting_blocks)(0.0, defaults())) == 0.0
    assert plain(cytotoxic_hazard)(0.0, 0.3) == 0.0
