"""The spatial factor: 1 without space, less in clusters, and a closure of the whole-body model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bitesim import ParameterError
from bitesim.engines.agents.engine import NicheEngine, niche_box
from bitesim.engines.deterministic import Case, run_ode
from bitesim.leukaemia import LEUKAEMIA
from bitesim.niche import NicheDesign, spatial_factor, spatial_factors, with_spatial_factor
from bitesim.niche.spatial import measured_chi
from bitesim.treatment import Regimen
from tests.engines.agents.niches import quiet, start

SMALL = NicheDesign(edge_sites=32, height_sites=32, blast_fraction=0.4)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cells_per_site": 0.3},
        {"t_cell_fraction": 0.1},
        {"cells_per_site": 0.9},
        {"cluster_um": 60.0, "blast_fraction": 0.2},
    ],
)
def test_without_space_the_factor_is_one(changes):
    found = spatial_factor(replace(SMALL, **changes), repeats=12, hours=48.0, is_mixed=True, seed=1)
    # Contacts are counted to 1 % or better: 0.02 is at least two standard errors.
    assert found.contacts > 10_000
    assert found.chi == pytest.approx(1.0, abs=0.02)


def test_walks_alone_meet_blasts_as_mass_action_says():
    # Without depletion (contacts too rare to empty anything) geometry does nothing: turning back visits all places alike.
    rates = quiet(meetings_per_day=20.0, release_per_day=700.0, kill_chance=quiet().kill_chance * 0.0)
    box = niche_box(64, 16)
    engine = NicheEngine(box, start(box, (0.3, 0.0, 0.05, 0.0, 0.1), seed=2), rates.rules(), 2)
    engine.advance(4000)
    # SE of the contacts 0.6 %: five of them.
    assert engine.tally("binds") > 30_000
    assert measured_chi(engine, rates) == pytest.approx(1.0, abs=0.03)


def test_clusters_shield_and_cages_slow():
    scattered = spatial_factor(SMALL, repeats=4)
    clustered, caged = (
        spatial_factor(each, repeats=4)
        for each in (
            NicheDesign(32, 32, blast_fraction=0.2, cluster_um=60.0),
            NicheDesign(32, 32, cells_per_site=0.9, blast_fraction=0.4, swap_chance=0.0),
        )
    )
    assert 0.6 < scattered.chi < 0.95
    # Differences are far beyond ten standard errors.
    assert clustered.chi < scattered.chi - 10.0 * (clustered.standard_error + scattered.standard_error)
    assert caged.chi < scattered.chi - 5.0 * (caged.standard_error + scattered.standard_error)


def test_sweep_and_repeats():
    found = spatial_factors(SMALL, {"blast_fraction": (0.1, 0.5)}, repeats=2, hours=4.0)
    assert [each.design.blast_fraction for each in found] == [0.1, 0.5]
    again = spatial_factors(SMALL, {"blast_fraction": (0.1, 0.5)}, repeats=2, hours=4.0)
    assert [each.chi for each in found] == [each.chi for each in again]


def test_closure_slows_the_whole_body():
    parameters = LEUKAEMIA.parameters
    slowed = with_spatial_factor(parameters, 0.5)
    assert slowed["killing_search_share"] == 2.0 * parameters["killing_search_share"]
    regimen = Regimen.parse("28 ug/day for 28 d")
    ends = [run_ode(Case(LEUKAEMIA, each, regimen), np.array([28.0]))["mrd"][-1] for each in (parameters, slowed)]
    assert ends[1] > 2.0 * ends[0]


def test_what_is_refused():
    for call, message in (
        (lambda: spatial_factor("packed"), "is not a NicheDesign"),
        (lambda: spatial_factor(hours=-1.0), "hours = -1.0 h is outside"),
        (lambda: spatial_factor(drug_pg_per_ml=-5.0), "drug_pg_per_ml = -5.0 pg/mL is outside"),
        (lambda: spatial_factor(NicheDesign(t_cell_fraction=0.0)), "needs blasts and T cells"),
        (lambda: spatial_factors(sweep={"densty": (1.0,)}), "unknown field of NicheDesign 'densty'"),
        (lambda: with_spatial_factor(LEUKAEMIA.parameters, 0.0), "chi = 0.0 is outside"),
        (lambda: spatial_factor(NicheDesign(speed_um_per_min=0.1), repeats=1), "the step is unstable"),
    ):
        with pytest.raises(ParameterError, match=message):
            call()
