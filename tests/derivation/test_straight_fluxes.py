"""Fluxes as straight-line text: the same operations as the kernel, what each reads, and what cannot be written."""

import math

import numpy as np
import pytest

import bitesim
from bitesim.derivation.straight_fluxes import ARGUMENTS, straight_fluxes
from bitesim.foundation.compiled import kernel
from bitesim.mechanisms.kinks import at_least, positive_part, positive_power, saturation
from bitesim.numerics.entries import text_entry
from bitesim.numerics.network import lane_by_lane_entry, one_entry
from tests.derivation.small_models import model_of
from tests.numerics.networks import propensities_in_lanes, propensities_of_one


@kernel
def of_everything(s, p, f):
    f.change_x = p.a * s.x * (s.x - 1.0) / (2.0 + s.y**3) + math.exp(-s.x / 9.0) + math.sqrt(s.y) + s.x ** (-2) + 2.0 - s.y
    f.change_y = (
        positive_part(s.y - 3.0)
        + at_least(s.y, p.b)
        + positive_power(s.x, 1.5)
        + saturation(s.x, 2.0, p.a)
        + np.square(s.x)
        + math.log(s.y)
        + s.x**1.5
        - -s.x
    )


@kernel
def of_y_alone(s, p, f):
    rate = p.a * s.y
    f.change_x = rate
    f.change_y = p.b


@kernel
def branching(s, p, f):
    f.change_x = p.a if s.x > 3.0 else p.b
    f.change_y = 0.0


@kernel
def with_the_error_function(s, p, f):
    f.change_x = math.erf(s.x)
    f.change_y = 0.0


def records(model):
    return model.species.record_type, model.catalogue.record_type, model.processes.record_type


STATES = np.column_stack([np.array([1, 2, 3, 4, 5, 6, 700, 8.5]), np.array([3, 1, 4, 1, 5, 9, 2.5, 600])])


@pytest.mark.parametrize("fluxes", [of_everything, of_y_alone])
def test_text_computes_what_the_kernel_does(fluxes):
    model = model_of(fluxes)
    written = straight_fluxes(model)
    entry = text_entry("fluxes", written.text, ARGUMENTS, (True, False, True))
    parameters = model.parameters.vector()
    plain = np.array([propensities_of_one(one_entry(fluxes, records(model)), state, parameters, 2) for state in STATES])
    np.testing.assert_allclose(propensities_in_lanes(entry, STATES, parameters, 2), plain, rtol=1e-14)
    by_lane = propensities_in_lanes(lane_by_lane_entry(fluxes, records(model)), STATES, parameters, 2)
    assert by_lane.tobytes() == plain.tobytes()


def test_reads_are_known():
    assert straight_fluxes(model_of(of_everything)).reads == (frozenset({0, 1}), frozenset({0, 1}))
    assert straight_fluxes(model_of(of_y_alone)).reads == (frozenset({1}), frozenset())


@pytest.mark.parametrize("fluxes", [branching, with_the_error_function])
def test_what_is_no_straight_line_is_left_to_the_kernel(fluxes):
    assert straight_fluxes(model_of(fluxes)) is None


@pytest.mark.parametrize("name", ["hosseini2020", "clements2020", "leukaemia"])
def test_every_model_of_the_package_can_be_written(name):
    model = bitesim.MODELS[name]
    written = straight_fluxes(model)
    assert written is not None
    assert len(written.reads) == len(model.processes)
