"""One touch: bridges against the high-order integration of the same reaction and against its closed limit."""

import math

import numpy as np
import pytest

from bitesim.engines.synapse_population.contacts import Loading, bridges_per_um2, chance_to_hold
from bitesim.mechanisms.bridging import ContactSurfaces, bridge_density, bridges_after, contact_surfaces
from bitesim.mechanisms.serial_killing import cell_parameters
from bitesim.mechanisms.surface_loading import load_surfaces
from bitesim.mechanisms.synapse_formation import adhesion_probability

P = cell_parameters(False)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 5.0, 60.0])
def test_bridges_are_those_of_the_high_order_method(seconds):
    random = np.random.default_rng(1)
    for _ in range(20):
        four = np.exp(random.uniform(np.log(0.01), np.log(3000.0), 4))
        expected = bridge_density(ContactSurfaces(*four), np.array([0.0, seconds]), P)[-1]
        assert bridges_per_um2(*four, seconds, P) == pytest.approx(expected, rel=3e-6)


def test_bridges_of_a_scarce_partner_in_closed_form():
    """Without release and with CD3 in excess, loaded CD19 is used up exponentially."""
    p = cell_parameters(False, cd3_release_per_s=1e-15, cd19_release_per_s=1e-15)
    expected = 1e-6 * -math.expm1(-p.bridging_um2_per_s * 100.0 * 30.0)
    assert bridges_per_um2(100.0, 0.0, 0.0, 1e-6, 30.0, p) == pytest.approx(expected, rel=3e-6)


def test_nothing_carried_in_no_bridge():
    assert bridges_per_um2(100.0, 0.0, 200.0, 0.0, 5.0, P) == 0.0
    assert bridges_per_um2(100.0, 50.0, 200.0, 0.0, 0.0, P) == 0.0


def test_too_many_steps_are_told():
    assert bridges_per_um2(1e12, 0.0, 0.0, 1e12, 60.0, P) == -1.0
    assert chance_to_hold(1e15, 1e15, 60.0, Loading(0.5, 0.5, 1.0, 1.0), P) == -1.0


@pytest.mark.parametrize("drug", [0.65, 20.0, 2000.0])
@pytest.mark.parametrize("minute", [0.0, 1.0, 60.0])
def test_chance_is_that_of_the_mechanisms(drug, minute):
    loading = load_surfaces(drug, 1e6, 1e6, 1e5, 5e4, drug_kda=55.0)
    kept = math.exp(-0.002 * minute)
    ours = chance_to_hold(5e4, 1e5, 2.5, Loading(loading.cd3_occupancy, loading.cd19_occupancy, kept, minute), P)
    bonds = bridges_after(contact_surfaces(loading, P, minute), 2.5, 5.0, P)
    assert ours == pytest.approx(adhesion_probability(bonds, P), rel=3e-6)


def test_cd3_is_lost_up_to_its_time():
    serial = cell_parameters(True)
    loading = [Loading(0.01, 0.5, 1.0, minute) for minute in (30.0, 60.0, 3000.0)]
    early, hour, late = (chance_to_hold(5e4, 1e5, 2.5, each, serial) for each in loading)
    assert early > hour == late
    assert chance_to_hold(5e4, 1e5, 2.5, loading[2], P) < late
