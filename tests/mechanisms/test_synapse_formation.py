"""Cells of a dish become pairs and clusters: conservation, limits, and the published base experiment."""

import math
from types import SimpleNamespace

import numpy as np
import pint
import pytest
from scipy.integrate import quad, solve_ivp

from bitesim.foundation.errors import ParameterError, UnknownNameError
from bitesim.mechanisms.bridging import bridges_after, contact_surfaces
from bitesim.mechanisms.surface_loading import load_surfaces
from bitesim.mechanisms.synapse_formation import (
    MEMBERS,
    adhesion_probability,
    encounter_probability,
    encounter_rate,
    mean_adhesion,
    synapse_course,
    synapse_parameters,
)

UNITS = pint.UnitRegistry()
P = synapse_parameters()


def plain(function):
    return getattr(function, "py_func", function)


def engaged(cells_per_ml, drug_ng_per_ml, minutes=60):
    """Percent of T cells in clusters at the end."""
    return 100.0 * synapse_course(cells_per_ml, cells_per_ml, drug_ng_per_ml, minutes).engaged()[-1]


def test_encounter_is_the_mean_time_to_a_sphere():
    big, small, diffusion = 6200.0, 11.0, 0.83

    def time_from(r):
        return big**3 / (3.0 * diffusion) * (1.0 / small - 1.0 / r) - (r * r - small * small) / (6.0 * diffusion)

    mean = quad(lambda r: 3.0 * r * r / big**3 * time_from(r), small, big, epsrel=1e-12)[0]
    assert 1.0 / encounter_rate(P) == pytest.approx(mean, rel=1e-6)
    # The sphere is one millilitre, within 0.2 %, so that cells per mL are the cells in it.
    assert 4.0 / 3.0 * math.pi * (big * 1e-4) ** 3 == pytest.approx(1.0, rel=0.002)
    assert encounter_probability(1e6, 60.0, P) == pytest.approx(0.0069, abs=5e-5)


def test_adhesion_of_the_published_table():
    assert adhesion_probability(4.074, P) == pytest.approx(0.126, abs=5e-4)
    assert adhesion_probability(0.0, P) == 0.0


def test_mean_adhesion_without_spread_is_that_of_one_contact():
    p = synapse_parameters(
        cd19_geometric_mean=144866.0, cd3_geometric_mean=66299.0, shortest_touch_s=2.4999, longest_touch_s=2.5001
    )
    loading = load_surfaces(20.0, 1e6, 1e6, 144866.0, 66299.0, drug_kda=55.0)
    times = np.array([0.0, 7.0, 60.0])
    bonds = [bridges_after(contact_surfaces(loading, p, minute), 2.5, 5.0, p) for minute in times]
    expected = [adhesion_probability(each, p) for each in bonds]
    assert mean_adhesion(loading, times, p) == pytest.approx(expected, rel=1e-6)


def test_mean_adhesion_averages_over_cells_and_touches():
    loading = load_surfaces(20.0, 1e6, 1e6, 144866.0, 66299.0, drug_kda=55.0)
    random = np.random.default_rng(83659)
    drawn = []
    for _ in range(300):
        cd19 = 130670.0 * math.exp(math.sqrt(2.0 * math.log(144866 / 130670)) * random.standard_normal())
        cd3 = 60053.0 * math.exp(math.sqrt(2.0 * math.log(66299 / 60053)) * random.standard_normal())
        pair = type(loading)(loading.free_drug_pm, cd19, cd3, loading.cd19_occupancy, loading.cd3_occupancy)
        bonds = bridges_after(contact_surfaces(pair, P, 30.0), random.uniform(0.1, 5.0), 5.0, P)
        drawn.append(adhesion_probability(bonds, P))
    error = np.std(drawn) / math.sqrt(len(drawn))
    assert mean_adhesion(loading, np.array([30.0]), P)[0] == pytest.approx(np.mean(drawn), abs=3.5 * error)


@pytest.mark.parametrize("drug", [0.0, 0.65, 100.0, 2000.0])
@pytest.mark.parametrize(("e", "t"), [(1e6, 1e6), (8e6, 1e6), (1e4, 8e6), (1e8, 1e8), (1e8, 1.0), (1.0, 1e8)])
def test_no_cell_is_made_or_lost(e, t, drug):
    course = synapse_course(e, t, drug, 240)
    in_clusters = [sum(MEMBERS[kind][i] * count for kind, count in course.clusters.items()) for i in (0, 1)]
    assert course.single_effectors + in_clusters[0] == pytest.approx(e, rel=1e-12)
    assert course.single_targets + in_clusters[1] == pytest.approx(t, rel=1e-12)
    assert sum(course.effectors().values()) == pytest.approx(1.0, rel=1e-12)
    for count in (course.single_effectors, course.single_targets, *course.clusters.values()):
        assert np.all(count >= 0.0)


def test_no_drug_no_synapse():
    course = synapse_course(1e6, 1e6, 0.0)
    assert np.all(course.engaged() == 0.0)
    assert np.all(course.cells_in_larger() == 0.0)
    assert np.all(course.three_of_larger() == 0.0)


def test_dilute_cells_pair_at_the_product_of_both_densities():
    course = synapse_course(1e3, 2e3, 20.0, 10)
    pairs = 1e3 * 2e3 * encounter_rate(P) * 60.0 * course.adhesion[1:].sum()
    assert course.clusters["ET"][-1] == pytest.approx(pairs, rel=1e-3)


def test_rounds_tend_to_the_rate_equations():
    """Mass action in continuous time, adhesion read off the course, no quantity shared but the rates."""
    course = synapse_course(1e6, 2e6, 20.0)
    per_minute = 60.0 * encounter_rate(P)

    def change(minute, y):
        e, t, et, ete, tet, *_ = y
        # A round uses the adhesion of its end.
        rate = per_minute * np.interp(minute + 0.5, course.minutes, course.adhesion)
        pair = rate * e * t
        to_tet, to_ete = rate * 2 * 0.66 * et * t, rate * 2 * 0.75 * et * e
        ete_t, ete_e = rate * 3 * 0.75 * ete * t, rate * 3 * 0.5 * ete * e
        tet_e, tet_t = rate * 3 * 0.67 * tet * e, rate * 3 * 0.33 * tet * t
        return [
            -pair - to_ete - ete_e - tet_e,
            -pair - to_tet - ete_t - tet_t,
            pair - to_tet - to_ete,
            to_ete - ete_t - ete_e,
            to_tet - tet_e - tet_t,
            ete_t + tet_e,
            ete_e,
            tet_t,
        ]

    end = solve_ivp(change, (0.0, 60.0), [1e6, 2e6, 0, 0, 0, 0, 0, 0], rtol=1e-8, atol=1e-3).y[:, -1]
    ours = [course.single_effectors, course.single_targets, *course.clusters.values()]
    assert [each[-1] for each in ours] == pytest.approx(end, rel=0.05)
    assert course.engaged()[-1] == pytest.approx(1.0 - end[0] / 1e6, rel=0.01)


@pytest.mark.parametrize(
    ("drug", "cells_per_ml", "published", "computed"),
    [(20.0, 1e6, 3.1, 3.9), (20.0, 8e6, 15.3, 22.8), (100.0, 1e6, 3.9, 6.4), (100.0, 8e6, 27.8, 41.0)],
)
def test_density_figures_are_missed_by_a_stated_factor(drug, cells_per_ml, published, computed):
    # Liu et al. 2023 count both kinds of cells; too many synapses here, up to 1.6-fold; the module's text prints these.
    percent = engaged(cells_per_ml / 2.0, drug)
    assert percent == pytest.approx(computed, rel=0.01)
    assert 1.2 < percent / published < 1.7


def test_synapses_at_the_lowest_drug_are_met():
    # Liu et al. 2023, Figure 3, supplement 2: their own model, of blinatumomab and of an arm that holds CD3 a thousandfold.
    assert engaged(1e6, 0.65) == pytest.approx(0.41, abs=0.005)
    tight = synapse_parameters(cd3_dissociation_pm=260.0, cd3_release_per_s=1.96e-7)
    assert 100.0 * synapse_course(1e6, 1e6, 0.65, p=tight).engaged()[-1] == pytest.approx(0.58, abs=0.011)


def test_bell_turns_past_100_ng_per_ml_by_cd3_down_modulation():
    drug = np.geomspace(0.65, 2000.0, 40)
    share = np.array([engaged(1e6, each) for each in drug])
    assert 90.0 < drug[np.argmax(share)] < 180.0
    assert share[-1] < 0.4 * share.max()
    assert share[0] < 0.04 * share.max()
    lasting = synapse_parameters(cd3_down_modulation=0.0)
    share = np.array([synapse_course(1e6, 1e6, each, p=lasting).engaged()[-1] for each in drug])
    assert drug[np.argmax(share)] > 900.0
    assert share[-1] > 0.97 * share.max()


def test_plateau_at_an_hour_is_missed():
    share = 100.0 * synapse_course(1e6, 1e6, 100.0, 120).engaged()
    speed = np.diff(share)
    assert np.all(np.diff(speed) < 0.0)
    # A plateau would have lost nearly all of its speed by then.
    assert 0.4 < speed[59] / speed[0] < 0.6
    assert share[120] / share[60] == pytest.approx(1.59, abs=0.02)


@pytest.mark.parametrize(
    ("drug", "cells_per_ml", "e_to_t", "larger", "three"),
    [
        (100.0, 2e6, 1.0, 15.4, 86.9),
        (100.0, 4e6, 1.0, 26.8, 76.9),
        (100.0, 4e6, 6.0, 30.0, 76.1),
        (100.0, 4e6, 1 / 5.8, 27.4, 81.2),
        (20.0, 2e6, 1.0, 9.6, 91.9),
        (20.0, 4e6, 1.0, 16.7, 85.8),
        (20.0, 4e6, 6.0, 19.6, 84.6),
        (20.0, 4e6, 1 / 5.8, 15.3, 89.6),
    ],
)
def test_larger_clusters(drug, cells_per_ml, e_to_t, larger, three):
    # Liu et al. 2023, Figure 4: 12-25 % of clusters, up to 50 % at E:T 6 and 100 ng/mL; of these over 60 % ETE and TET.
    targets = cells_per_ml / (1.0 + e_to_t)
    course = synapse_course(cells_per_ml - targets, targets, drug)
    assert 100.0 * course.larger_of_clusters()[-1] == pytest.approx(larger, abs=0.1)
    assert 100.0 * course.three_of_larger()[-1] == pytest.approx(three, abs=0.1)
    cells = {kind: sum(MEMBERS[kind]) * count[-1] for kind, count in course.clusters.items()}
    assert course.cells_in_larger()[-1] == pytest.approx(1.0 - cells["ET"] / sum(cells.values()), rel=1e-12)


def test_more_targets_make_more_tet():
    course = synapse_course(1e6, 4e6, 20.0)
    assert course.clusters["TET"][-1] > 2.0 * course.clusters["ETE"][-1]
    course = synapse_course(4e6, 1e6, 20.0)
    assert course.clusters["ETE"][-1] > 2.0 * course.clusters["TET"][-1]


def test_dimensions():
    um, second = UNITS.um, UNITS.second
    p = SimpleNamespace(volume_radius_um=6200.0 * um, diffusion_um2_per_s=0.83 * um**2 / second, capture_radius_um=11.0 * um)
    rate = plain(encounter_rate)(p)
    assert rate.check("1/[time]")
    assert rate.to("1/s").magnitude == pytest.approx(encounter_rate(P), rel=1e-12)
    assert plain(adhesion_probability)(4.0 * UNITS.dimensionless, SimpleNamespace(adhesion_per_bond=0.033)) == pytest.approx(
        1.0 - math.exp(-0.132)
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0.0, 1e6, 20.0), r"effectors_per_ml = 0\.0 cells/mL .*per microlitre must be multiplied by 1000"),
        ((1e6, 1e9, 20.0), r"targets_per_ml .* 1 to 1e\+08"),
        ((1e6, 1e6, 600e3), r"drug_ng_per_ml .*pg/mL must be divided by 1000"),
        ((1e6, 1e6, 20.0, 0), r"minutes = 0 .* 1 to 600"),
        ((1e6, 1e6, 20.0, 1.5), r"minutes = 1\.5 is not a whole number"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(ParameterError, match=words):
        synapse_course(*arguments)


def test_parameters_are_known_by_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'adhesion_per_bond'"):
        synapse_parameters(adhesion_per_bonds=0.1)
    with pytest.raises(
        ParameterError, match=r"cd19_geometric_mean = 130670 is above cd19_mean_copies = 30000\. Change both"
    ):
        synapse_parameters(cd19_mean_copies=3e4)
    with pytest.raises(ParameterError, match="shortest_touch_s = 9 is above longest_touch_s = 5"):
        synapse_parameters(shortest_touch_s=9.0)
    with pytest.raises(ParameterError, match="capture_radius_um = 5000 is not small beside volume_radius_um = 6200"):
        synapse_parameters(capture_radius_um=5000.0)
    assert synapse_parameters(adhesion_per_bond=0.05).adhesion_per_bond == 0.05
