"""Clinical cohorts: luck that depends on the patient alone, events that add up, and the label's answers."""

import warnings

import numpy as np
import pytest

import bitesim
from bitesim.parameters import ParameterSet
from bitesim.population.clinical_cohort import Cohort, simulate_clinical_cohort, stream_clinical_cohort
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.course import CAUSES
from bitesim.population.growth import Growth
from bitesim.population.virtual_population import VirtualPopulation

REGIMEN = "15 ug/m2/day for 28 d, 7 d off, x2"
CHEMOTHERAPY = bitesim.Regimen.none().with_chemotherapy(0.0).with_chemotherapy(35.0)
#: Of which everything in a course that the pump does not change depends on luck alone.
LUCK_ALONE = ("death in remission", "transplant-related death")


def make_cohort(count=96, seed=3):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(15.0, 70.0, count)
    parameters = {
        "baseline_blast_fraction": 10.0 ** rng.uniform(-5.0, -0.5, count),
        "baseline_cd8_t_cells_per_ul": 350.0 * np.exp(0.7 * rng.standard_normal(count)),
        "kills_per_day": 2.0 * np.exp(0.3 * rng.standard_normal(count)),
        "il6_pg_per_ml_per_t_cell_per_ul": np.exp(1.5 * rng.standard_normal(count)),
        "low_blast_share": 10.0 ** rng.uniform(-8.0, -4.0, count),
        "baseline_b_cells_per_ul": 50.0,
    }
    return Cohort(parameters, weight, 0.1 * weight ** (2.0 / 3.0), rng.uniform(2.0, 18.0, count))


COHORT = make_cohort()


@pytest.fixture(scope="module")
def result():
    return simulate_clinical_cohort(COHORT, REGIMEN, keep=["mrd", "blood_cd8_t_cells_per_ul"])


def test_first_events_and_event_free_survival_add_up(result):
    for day in (0.0, 70.0, 365.0, 730.0):
        shares = [result.cumulative_incidence(cause, [day])[0] for cause in CAUSES]
        assert sum(shares) + result.event_free([day])[0] == pytest.approx(1.0)
    assert np.all(result.alive([70.0, 400.0, 730.0]) >= result.event_free([70.0, 400.0, 730.0]))
    assert np.all(np.isinf(result["first_event_day"]) == (result["first_event"] == -1))
    assert np.all(result["death_day"] >= result["first_event_day"])
    assert len({CAUSES[code] for code in result["first_event"] if code >= 0}) >= 3


def test_courses_are_those_of_the_model(result):
    patient = int(np.flatnonzero(np.isinf(result["label_action_day"]))[0])
    one = COHORT.rows([patient])
    run = bitesim.run_cohort(
        "leukaemia", one.parameters, REGIMEN, result.times_days, ["mrd"], bsa_m2=one.bsa_m2, weight_kg=one.weight_kg,
        patients=1, rtol=1e-4,
    )  # fmt: skip
    assert np.array_equal(result.courses["mrd"][patient], run["mrd"][0])
    assert result["mrd_1"][patient] == run["mrd"][0][np.searchsorted(result.times_days, 35.0)]


@pytest.mark.parametrize(("chunk", "threads"), [(7, 1), (1000, 2), (33, 4)])
def test_neither_chunks_nor_threads_change_a_number(result, chunk, threads):
    again = simulate_clinical_cohort(COHORT, REGIMEN, chunk=chunk, threads=threads)
    assert again.digest() == result.digest()


def test_others_change_nobody(result):
    few = np.array([40, 3, 77])
    alone = simulate_clinical_cohort(COHORT.rows(few), REGIMEN)
    for name, values in alone.columns.items():
        np.testing.assert_array_equal(values, result[name][few], err_msg=name)
    streamed = list(stream_clinical_cohort(COHORT, REGIMEN, chunk=50))
    assert [len(part) for part in streamed] == [50, 46]


def test_another_arm_shares_the_luck(result):
    other = simulate_clinical_cohort(COHORT, CHEMOTHERAPY, visits_days=[35.0, 70.0])
    # The transplant's delay is the patient's, whatever the arm: both last visits are on day 70.
    both = np.isfinite(other["transplant_day"]) & np.isfinite(result["transplant_day"])
    both &= np.isinf(result["label_action_day"])
    assert both.sum() > 5
    assert np.array_equal(other["transplant_day"][both], result["transplant_day"][both])
    assert np.mean(other["mrd_2"] < 1e-4) < np.mean(result["mrd_2"] < 1e-4)
    assert np.mean(other["neutropenia_grade"] >= 3) > 0.9
    assert np.all(other["cytokine_release_grade"] == 0)


def test_severe_toxicity_holds_or_stops_the_pump():
    events = ParameterSet(EVENTS).replace(neurotoxicity_first_cycle=0.9)
    free, held = (simulate_clinical_cohort(COHORT, REGIMEN, events=events, follow_label=each) for each in (False, True))
    acted = np.isfinite(held["label_action_day"])
    assert acted.sum() > 30
    # The release that was acted on happens again in the run with the hold.
    released = acted & (free["cytokine_release_day"] < free["neurotoxicity_day"])
    assert released.any()
    assert np.array_equal(free["cytokine_release_day"][released], held["cytokine_release_day"][released])
    # On the half day after it; what was not acted on is as it was.
    late = held["label_action_day"][acted] - np.minimum(held["neurotoxicity_day"], held["cytokine_release_day"])[acted]
    assert np.all((late >= 0.0) & (late <= 0.5))
    for name in ("mrd_2", "first_event_day"):
        assert np.array_equal(free[name][~acted], held[name][~acted])
    stopped = acted & (np.maximum(held["neurotoxicity_grade"], held["cytokine_release_grade"]) >= 4)
    assert stopped.sum() > 3
    assert np.mean(held["mrd_2"][stopped] > free["mrd_2"][stopped]) > 0.9


def test_a_hazard_that_is_gone_changes_no_other_draw(result):
    events = ParameterSet(EVENTS).replace(infection_mortality=0.0, transplant_mortality=0.0)
    without = simulate_clinical_cohort(COHORT, REGIMEN, events=events)
    gone = [CAUSES.index("toxic death"), CAUSES.index("transplant-related death")]
    kept = ~np.isin(result["first_event"], gone)
    for name in ("first_event", "first_event_day", "death_day", "transplant_day"):
        assert np.array_equal(without[name][kept], result[name][kept]), name


def test_missing_visits_and_denominators(result):
    sparse = simulate_clinical_cohort(COHORT, REGIMEN, missing_visits=0.5)
    missing = sparse["mrd_outcome_1"] == -1
    assert 0.3 < missing.mean() < 0.7
    assert np.array_equal(sparse["mrd_outcome_1"][~missing], result["mrd_outcome_1"][~missing])
    (negative, measured), (fewer, positive), (same, everybody) = (
        sparse.mrd_negative(1, of) for of in ("measured", "positive", "all")
    )
    assert everybody == len(COHORT) > measured > positive
    assert negative == same >= fewer


def test_a_reservoir_makes_relapses(result):
    events = ParameterSet(EVENTS).replace(reservoir_probability=1.0)
    with_it = simulate_clinical_cohort(COHORT, REGIMEN, events=events)
    assert with_it.event_free([730.0])[0] < result.event_free([730.0])[0]
    assert with_it["cured"].mean() < result["cured"].mean()


def test_a_patient_who_fails_is_a_row_with_a_reason(result):
    with pytest.warns(bitesim.PatientWarning, match=r"of 96 patients could not be integrated"):
        found = simulate_clinical_cohort(COHORT, REGIMEN, max_steps=290)
    assert 0 < found.failed.sum() < 96
    assert found.failed.sum() == len(found.failures)
    assert [each.patient for each in found.failures] == np.flatnonzero(found.failed).tolist()
    assert "reproduce it with bitesim.run_cohort" in str(found.failures[0])
    assert np.array_equal(found["first_event_day"][~found.failed], result["first_event_day"][~found.failed])
    assert found.summary()["event-free"] > 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"follow_up_days": 60.0}, "end before treatment does, at day 70"),
        ({"missing_visits": 10}, "10 % is 0.1"),
        ({"errors": "warm"}, "Did you mean 'warn'"),
        ({"events": bitesim.find_model("leukaemia").parameters}, "not parameters of clinical events"),
        ({"visits_days": [70.0, 35.0]}, "increasing days"),
    ],
)
def test_bad_input_is_named(options, words):
    with pytest.raises(bitesim.BitesimError, match=words):
        simulate_clinical_cohort(COHORT, REGIMEN, **options)


def test_cohorts_are_checked():
    with pytest.raises(bitesim.ParameterError, match="bsa_m2 has 2 values for 3 patients"):
        Cohort({}, np.ones(3), np.ones(2), np.ones(3))
    with pytest.raises(bitesim.ParameterError, match="Did you mean 'kills_per_day'"):
        Cohort({"kill_per_day": 1.0}, np.ones(3), np.ones(3), np.ones(3))


def test_nothing_of_a_treatment_that_is_over_happens():
    events = ParameterSet(EVENTS).replace(infection_per_day=0.02, infection_mortality=0.5)
    found = simulate_clinical_cohort(COHORT, REGIMEN, events=events)
    early = found["first_event_day"] < 70.0
    assert early.sum() > 10
    assert np.all(found["mrd_outcome_2"][early] == -1)
    assert np.all(np.isnan(found["reported_mrd_2"][early]))
    for name in ("infection_day", "neurotoxicity_day", "cytokine_release_day"):
        happened = np.isfinite(found[name])
        assert np.all(found[name][happened] <= found["first_event_day"][happened]), name


def test_two_kinds_of_toxicity_are_both_acted_on():
    events = ParameterSet(EVENTS).replace(
        neurotoxicity_first_cycle=0.9, neurotoxicity_grade_4_share=0.0, crs_grade_4_share=0.0, crs_midpoint_log10_il6=2.5
    )
    found = simulate_clinical_cohort(COHORT, REGIMEN, events=events)
    assert np.sum(found["label_actions"] == 2) > 5
    once, twice = (found["label_actions"] == number for number in (1, 2))
    assert np.all(np.isfinite(found["label_action_day"][once | twice]))
    assert found["label_actions"].max() == 2


def test_who_cannot_be_integrated_is_no_number_and_warns_of_nothing_else():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nobody = simulate_clinical_cohort(COHORT.rows(np.arange(5)), REGIMEN, max_steps=20, errors="ignore")
        summary = nobody.summary()
    assert nobody.failed.all()
    assert np.isnan(nobody["first_event_day"]).all()
    assert np.isnan([*summary.values()]).all()
    assert simulate_clinical_cohort(COHORT.rows(np.arange(5)), REGIMEN, missing_visits=1.0)["mrd_outcome_1"].max() == -1


def test_virtual_patients_are_a_cohort():
    population = VirtualPopulation.sample(40, seed=5, covariates=Growth(9))
    result = simulate_clinical_cohort(population, REGIMEN, chunk=16)
    assert np.array_equal(result.numbers, population.patients)
    grown = simulate_clinical_cohort(population.grow(60), REGIMEN)
    few = simulate_clinical_cohort(population.subset([7, 30]), REGIMEN)
    for name, values in result.columns.items():
        np.testing.assert_array_equal(values, grown[name][:40], err_msg=name)
        np.testing.assert_array_equal(few[name], values[[7, 30]], err_msg=name)
    patient, parameters = population.patient(7)
    alone = bitesim.simulate(patient, REGIMEN, "leukaemia", [0.0, 35.0], parameters=parameters, rtol=1e-4)
    assert result["mrd_1"][7] == alone["mrd"][1] or np.isfinite(result["label_action_day"][7])


def test_virtual_patients_of_another_model_are_refused():
    population = VirtualPopulation.sample(3, seed=5, model="hosseini2020")
    with pytest.raises(bitesim.ParameterError, match="of model hosseini2020"):
        simulate_clinical_cohort(population, REGIMEN)
