"""The regulatory brake."""

import pytest

from bitesim.mechanisms.suppression import checkpoint_brake, regulatory_brake
from tests.mechanisms.parameters import defaults, plain


@pytest.mark.parametrize(("share", "expected"), [(0.0, 2.0), (0.08525, 1.0), (1e6, 0.0)])
def test_the_brake_is_two_without_regulatory_cells_and_one_at_the_cut(share, expected):
    assert plain(regulatory_brake)(defaults(regulatory_share=share)) == pytest.approx(expected, abs=1e-12)


def test_non_responders_are_braked_more_than_responders():
    responder, other = (plain(regulatory_brake)(defaults(regulatory_share=share)) for share in (0.0482, 0.1025))
    assert 1.0 < responder < 2.0
    assert other < 1.0


def test_the_checkpoint_is_off_by_default_and_released_by_blockade():
    assert plain(checkpoint_brake)(defaults()) == 1.0
    assert plain(checkpoint_brake)(defaults(pd_l1_on_blasts=3.0)) == 0.25
    assert plain(checkpoint_brake)(defaults(pd_l1_on_blasts=3.0, pd_1_blockade=1.0)) == 1.0
