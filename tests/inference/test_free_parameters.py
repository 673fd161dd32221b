"""Free parameters name what exists, start at the catalogue and stay inside their bounds."""

import numpy as np
import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.inference.free_parameters import FREE, FreeParameter, Values, default_spreads, with_free
from bitesim.leukaemia import LEUKAEMIA


def test_every_free_parameter_exists_once_and_starts_inside_its_bounds() -> None:
    assert len({each.name for each in FREE}) == len(FREE)
    for each in FREE:
        low, high = each.bounds
        assert low < each.default < high
        assert each.prior_sd_ln > 0.0


def test_values_at_the_defaults_are_the_catalogue() -> None:
    values = with_free(FREE, np.log([each.default for each in FREE]))
    expected = Values()
    for name, value in values.parameters.as_dict().items():
        assert value == pytest.approx(expected.parameters[name], rel=1e-12)
    assert dict(values.spreads) == pytest.approx(dict(expected.spreads))
    assert values.events.as_dict() == pytest.approx(expected.events.as_dict())


def test_each_kind_is_changed_where_it_belongs() -> None:
    free = [
        FreeParameter("kills_per_day", "typical", 0.5),
        FreeParameter("regulatory_share", "spread", 0.5),
        FreeParameter("graft_kill_per_day", "event", 0.5),
    ]
    values = with_free(free, np.log([4.0, 0.7, 0.2]))
    assert [each.of(values) for each in free] == pytest.approx([4.0, 0.7, 0.2])
    assert [each.unit for each in free] == ["1/d", "-", "1/d"]
    assert free[1].name == "spread of regulatory_share"
    assert values.parameters["regulatory_share"] == Values().parameters["regulatory_share"]


def test_the_share_of_cd69_at_rest_follows_the_rates() -> None:
    values = with_free([FreeParameter("deactivation_per_day", "typical", 0.5)], np.log([8.0]))

    def share(p) -> float:
        # At rest as many cells are primed as fall back.
        up, down = p["tonic_priming_per_day"], p["deactivation_per_day"] + p["resting_renewal_per_day"]
        return up / (up + down)

    assert share(values.parameters) == pytest.approx(share(LEUKAEMIA.parameters), rel=1e-12)


def test_a_value_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ParameterError, match="kills_per_day"):
        with_free([FreeParameter("kills_per_day", "typical", 0.5)], np.log([1e3]))


def test_a_bound_itself_is_allowed_whatever_the_logarithm_rounds_to() -> None:
    free = FreeParameter("kills_per_day", "typical", 0.5)
    for end in free.bounds:
        assert free.of(with_free([free], np.log([end]))) == pytest.approx(end, rel=1e-12)


def test_spreads_hold_those_of_the_catalogue() -> None:
    spreads = default_spreads()
    assert spreads["clearance_l_per_h"] == 0.476
    assert {"t_cell_fitness", "blast_cd19_copies"} <= set(spreads)
