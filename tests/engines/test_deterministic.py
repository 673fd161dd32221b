"""The ODE engine: events, decisions, failures and what a run carries."""

import numpy as np
import pytest

import bitesim
from bitesim.engines.deterministic import warmup
from bitesim.treatment import HoldInfusion, StopTreatment, Threshold

FOUR_WEEKS = bitesim.Regimen.parse("15 ug/m2/day for 28 d, 14 d off, x2")
#: Its pulses at a start, and its failures, are what some tests need.
PUBLISHED = "hosseini2020"


def kinds(run, kind):
    return [event.time_days for event in run.events if event.kind == kind]


def test_the_first_infusion_pulses_and_short_gaps_do_not():
    def pulses(regimen):
        return kinds(bitesim.simulate(None, regimen, PUBLISHED, [1]), "pulse")

    assert pulses(FOUR_WEEKS) == [0.0, 42.0]
    assert pulses(FOUR_WEEKS.with_bags(48.0, 60.0)) == [0.0, 42.0]
    assert pulses(FOUR_WEEKS.hold(5.0, hours=23.9))[:2] == [0.0, 42.0 + 23.9 / 24]
    assert pulses(FOUR_WEEKS.hold(5.0, hours=24)) == [0.0, 6.0, 43.0]
    assert pulses("3 d off; 9 ug/day for 1 d") == [3.0]


def test_a_pump_gap_is_visible_in_the_drug():
    gap = FOUR_WEEKS.hold(5.0, hours=4.0, resume="as_planned")
    drug = bitesim.simulate(None, gap, PUBLISHED, [5.0, 5.0 + 4 / 24, 6.0])["serum_drug_pg_per_ml"]
    assert drug[1] / drug[0] == pytest.approx(np.exp(-22300.0 / 1610.0 * 4 / 24), rel=1e-6)
    assert drug[2] == pytest.approx(drug[0], rel=1e-4)


def test_a_decision_that_goes_on_changes_nothing_but_rounding():
    rule = Threshold("serum_il6_pg_per_ml", "above", 1e9, StopTreatment("never"))
    times = np.linspace(0.0, 60.0, 121)
    asked = bitesim.simulate(None, FOUR_WEEKS.with_decision(3.0, rule), times_days=times, rtol=1e-9)
    plain = bitesim.simulate(None, FOUR_WEEKS, times_days=times, rtol=1e-9)
    np.testing.assert_allclose(asked["blood_cd8_t_cells_per_ul"], plain["blood_cd8_t_cells_per_ul"], rtol=1e-7)
    assert kinds(asked, "decision") == [3.0]


def test_a_decision_holds_or_stops_the_pump_by_what_it_sees():
    hold = Threshold("serum_il6_pg_per_ml", "above", 1.0, HoldInfusion(3.0, "CRS"))
    run = bitesim.simulate(None, FOUR_WEEKS.with_decision(2.0, hold), times_days=[2.0, 4.9, 6.0])
    assert run["serum_drug_pg_per_ml"][1] < 1e-6 * run["serum_drug_pg_per_ml"][0]
    assert run["serum_drug_pg_per_ml"][2] > 100.0
    stop = Threshold("blood_b_cells_per_ul", "below", 1.0, StopTreatment("transplant"))
    stopped = bitesim.simulate(None, FOUR_WEEKS.with_decision(10.0, stop), times_days=[9.0, 40.0, 50.0])
    assert stopped["serum_drug_pg_per_ml"][2] < 1e-3
    assert stopped.ledger.delivered_ug == pytest.approx(10 * 15 * 1.88)
    assert any("transplant" in event.text for event in stopped.events)


def test_a_decision_equals_the_same_hold_planned_ahead():
    always = Threshold("serum_drug_pg_per_ml", "above", 0.0, HoldInfusion(3.0, "CRS"))
    times = np.linspace(0.5, 60.0, 50)
    decided = bitesim.simulate(None, FOUR_WEEKS.with_decision(2.0, always), times_days=times)
    planned = bitesim.simulate(None, FOUR_WEEKS.hold(2.0, days=3.0), times_days=times)
    for name in planned.outputs:
        assert np.array_equal(decided[name], planned[name])


def test_a_rule_that_looks_at_what_is_not_there_is_named():
    rule = Threshold("serum_il7", "above", 1.0, StopTreatment())
    with pytest.raises(bitesim.ParameterError, match="serum_il7"):
        bitesim.simulate(None, FOUR_WEEKS.with_decision(1.0, rule), times_days=[2.0])


def test_a_bolus_and_a_reset():
    regimen = bitesim.Regimen.none().with_bolus(1.0, 10.0, "drug_ug").with_bolus(2.0, 5.0)
    run = bitesim.simulate(None, regimen, "clements2020", times_days=[0.5, 1.0, 2.0], rtol=1e-10)
    rate = 24 * 2.22 * (1.88 / 1.876) ** 0.62 / 5.98
    np.testing.assert_allclose(run["drug_ug"], [0.0, 10.0, 10.0 * np.exp(-rate) + 5.0], rtol=1e-8)
    assert run.solver.conservation["drug"] < 1e-12


@pytest.mark.parametrize("compartment", [1, "drug_ug", "drug"])
def test_infusions_into_any_compartment(compartment):
    regimen = bitesim.Regimen.none().with_infusion(0.0, 10.0, 28.0, compartment)
    run = bitesim.simulate(None, regimen, "clements2020", times_days=[9.0])
    assert run["serum_drug_pg_per_ml"][0] == pytest.approx(524.83, abs=0.01)


def test_compartments_that_do_not_exist_are_named():
    with pytest.raises(bitesim.ParameterError, match="compartment 9 does not exist"):
        bitesim.simulate(None, bitesim.Regimen.none().with_bolus(0.0, 1.0, 9), "clements2020", times_days=[1])
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'drug_ug'"):
        bitesim.simulate(None, bitesim.Regimen.none().with_bolus(0.0, 1.0, "drug_mg"), "clements2020", times_days=[1])


def test_a_failed_run_says_where_why_and_how_to_repeat_it():
    patient = bitesim.Patient(name="p017")
    parameters = bitesim.MODELS[PUBLISHED].parameters.replace(killing_per_day=300.0)
    with pytest.raises(bitesim.SolverError) as caught:
        bitesim.simulate(patient, FOUR_WEEKS, PUBLISHED, [30.0], parameters=parameters, max_steps=50)
    text = str(caught.value)
    for words in ("step limit", "at day ", "just after cycle 1 starts", "p017", "killing_per_day=300.0", "max_steps=50"):
        assert words in text


def test_a_run_carries_counters_balance_and_provenance():
    run = bitesim.simulate(None, FOUR_WEEKS, PUBLISHED, [0.0, 84.0])
    assert run.solver.conservation["drug"] < 1e-12
    # A quarter more steps than this would be a loss of efficiency to look into.
    assert 300 < run.solver.counters["accepted_steps"] < 825
    assert run.provenance.parameters["killing_per_day"] == 275.189
    assert len(run.provenance.sources_sha256) == 64
    assert warmup(bitesim.MODELS[PUBLISHED]) < 60.0
