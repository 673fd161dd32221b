"""A niche in a treated body: coupling, checkpoints, results, and the front door."""

from __future__ import annotations

import numpy as np
import pytest

import bitesim
from bitesim import ParameterError, Patient, Regimen, ScenarioError
from bitesim.engines.deterministic import Case
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia import quantities as q
from bitesim.niche import NicheDesign, NicheOptions, NicheSimulation, design_of, run_niche
from bitesim.niche.body import body_of, marrow_t_cells
from bitesim.niche.pictures import SITE_KINDS
from bitesim.niche.rates import kill_table, kill_table_by_copies, record_of
from bitesim.niche.simulation import coupling_times

REGIMEN = "15 ug/m2/day for 2 d"
CASE = Case(LEUKAEMIA, LEUKAEMIA.parameters.replace(baseline_blast_fraction=0.2), Regimen.parse(REGIMEN), 1.88)
DESIGN = NicheDesign(32, 32, 0.6, 0.2, 0.05, 0.03)
TIMES = np.array([0.0, 1.0, 2.0])


def run(**options):
    return run_niche(CASE, TIMES, DESIGN, NicheOptions(**options), 5)


@pytest.fixture(scope="module")
def course():
    return run(own_copies=True, snapshot_days=(0.0, 1.0, 2.0))


def test_threads_and_checkpoints_change_no_byte(tmp_path, course):
    again = run(own_copies=True, snapshot_days=(0.0, 1.0, 2.0), threads=2)
    assert again.state_digest == course.state_digest
    options = NicheOptions(own_copies=True, snapshot_days=(0.0, 1.0, 2.0))
    file = tmp_path / "niche.npz"
    begun = NicheSimulation.begin(CASE, TIMES, DESIGN, options, 5)
    begun.advance(0.8)
    assert 0 < begun.at < len(begun.times_days) - 1
    begun.save(file)
    assert [each.name for each in tmp_path.iterdir()] == ["niche.npz"]
    resumed = run_niche(CASE, TIMES, DESIGN, options, 5, checkpoint=file)
    assert resumed.state_digest == course.state_digest
    assert all(np.array_equal(resumed[name], course[name]) for name in course.values)
    assert [each.day for each in resumed.snapshots] == [each.day for each in course.snapshots]
    assert np.array_equal(resumed.snapshots[0].sites, course.snapshots[0].sites)
    # The file is that of the end now: nothing is left to do, and the result is the same.
    assert run_niche(CASE, TIMES, DESIGN, options, 5, checkpoint=file).state_digest == course.state_digest
    with pytest.raises(ParameterError, match=r"is a checkpoint of another run"):
        run_niche(CASE, TIMES, DESIGN, options, 6, checkpoint=file)
    file.write_bytes(b"nothing")
    with pytest.raises(ParameterError, match=r"is no checkpoint of a niche"):
        run_niche(CASE, TIMES, DESIGN, options, 5, checkpoint=file)


def test_cells_are_conserved_over_couplings(course):
    last = {name: float(values[-1] - values[0]) for name, values in course.values.items()}
    births, deaths = last["cd19_births"] + last["low_births"], last["cd19_deaths"] + last["low_deaths"]
    assert last["blasts"] == births - deaths - last["kills"]
    assert last["t_cells"] == last["t_births"] + last["t_arrivals"] - last["t_deaths"] - last["t_exits"]
    assert last["kills"] > 20


def test_influx_is_that_of_the_body(course):
    body = body_of(CASE, course.times_days)
    expected = np.sum(np.diff(body.times_days)[:, None] * body.influx_per_cell[:-1]) * DESIGN.cells
    # Whole cells only: less than one of each state is still to come.
    assert expected - 3.0 < course["t_arrivals"][-1] <= expected
    assert np.array_equal(body.drug_pg_per_ml > 100.0, body.times_days > 0.2)


def test_survival_of_contacts(course):
    found = course.contact_survival()
    assert np.allclose(found.holding + found.killed + found.released, 1.0)
    # Contacts last exponential times with the rate k of the model; the curve has a standard error below 2 % here.
    p = record_of(CASE.parameters)
    rate = float(p.kills_per_day * q.marrow_brake(p)) / 24.0
    assert course.durations.sum() > 400
    hours = found.hours[3::8][:4]
    assert found.holding[3::8][:4] == pytest.approx(np.exp(-rate * hours), abs=0.06)


def test_snapshots_show_every_cell(course):
    first, _, last = course.snapshots
    assert (first.day, last.day) == (0.0, 2.0)
    for each, row in ((first, 0), (last, -1)):
        held = each.count("CD19+ blast in contact") + each.count("CD19-low blast in contact")
        assert held == each.count("T cell in contact") == course["bound"][row]
        assert each.count("CD19+ blast") + each.count("CD19-low blast") + held == course["blasts"][row]
        assert (
            sum(each.count(f"{state} T cell") for state in ("calm", "activated", "exhausted")) + held
            == course["t_cells"][row]
        )
        assert sum(map(each.count, SITE_KINDS)) == DESIGN.box.sites
        assert len(each.clones) == course["low_blasts"][row]
    assert course.clones()[0][0] == DESIGN.count("low_blasts")


def test_results_can_be_read(course):
    assert course.chi() == pytest.approx(course["binds"][-1] / course["mass_action_contacts"][-1])
    assert 0.5 < course.chi() < 1.2
    assert len(course.chi_by_interval()) == len(course) - 1
    assert list(course.to_dataframe()["time_days"]) == list(course.times_days)
    assert "NicheRun" in repr(course)
    assert "<table>" in course._repr_html_()
    share = CASE.parameters["killing_search_share"]
    assert course.corrected_parameters()["killing_search_share"] == pytest.approx(share / course.chi())
    assert course.kills_per_t_cell.sum() == course["t_cells"][-1]
    with pytest.raises(ParameterError, match=r"unknown row of a niche 'blast'"):
        course["blast"]


def test_well_mixed_mode_has_no_spatial_factor():
    mixed = run(is_mixed=True)
    # 2000 contacts: SE 2 %.
    assert mixed.chi() == pytest.approx(1.0, abs=0.08)


def test_own_copies_have_the_share_of_the_exact_distribution():
    p = record_of(CASE.parameters)
    table = kill_table_by_copies(600.0, p)
    assert table.shape == (3, 2, 8, 16)
    # The Hill curve is a fit of the same share over log-normal copies: 0.016 apart, and 16 classes instead of all copies.
    assert table[1, 0].mean() == pytest.approx(kill_table(600.0, p)[1, 0, 0, 0], abs=0.03)
    assert np.all(np.diff(table[1, 0, 0]) > 0.0)


def test_design_of_a_patient():
    design = design_of(CASE.parameters)
    assert design.blast_fraction == 0.2
    assert design.t_cell_fraction == pytest.approx(marrow_t_cells(CASE.parameters).sum())


def test_front_door():
    patient = Patient(marrow_blast_fraction=0.3, weight_kg=70.0, bsa_m2=1.9)
    found = bitesim.simulate(patient, REGIMEN, None, [0.0, 0.25], engine="niche", seed=2)
    assert found.provenance.seed == 2
    assert found["blasts"][0] == round(0.3 * found.design.cells)
    with pytest.raises(ParameterError, match=r"replicates = 3 of the niche engine are one niche each"):
        bitesim.simulate(patient, REGIMEN, None, [0.0, 1.0], engine="niche", replicates=3)
    with pytest.raises(ScenarioError, match=r"the niche engine knows the marrow of the leukaemia model"):
        bitesim.simulate(None, None, "hosseini2020", [0.0, 1.0], engine="niche")


def test_times_of_coupling():
    assert coupling_times(np.array([0.1, 0.5]), 6.0).tolist() == [0.0, 0.1, 0.25, 0.5]
    with pytest.raises(ParameterError, match=r"couple_hours = 0.0 h is outside"):
        NicheOptions(couple_hours=0.0)
    with pytest.raises(ParameterError, match=r"are no NicheOptions"):
        run_niche(CASE, TIMES, DESIGN, "fast")
