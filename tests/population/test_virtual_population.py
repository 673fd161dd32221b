"""Virtual patients: nobody changes by growing or adding, and a cohort's row is that patient's own run."""

import json

import numpy as np
import pytest

import bitesim
from bitesim import ParameterError, VirtualPopulation
from bitesim.population import Growth, LogNormal, Normal, Quantiles, Variability

AGES = Quantiles({0: 1, 0.25: 6, 0.5: 9, 0.75: 16, 1: 30})
SPREAD = Variability.of_catalogue().adding({"mrd": LogNormal.of_log10(-3.0, 1.0, -6.0, -1.0)})
LIMITS = {"bmi_kg_per_m2": (13.0, 30.0)}


def sample(count=200, **changes):
    arguments = {"seed": 11, "variability": SPREAD, "covariates": Growth(AGES), "limits": LIMITS}
    return VirtualPopulation.sample(count, **(arguments | changes))


@pytest.fixture(scope="module")
def population():
    return sample()


def same(one, other, names=None, count=None):
    return all(one[name][:count].tobytes() == other[name][:count].tobytes() for name in names or one.columns)


def test_a_seed_gives_the_same_patients_and_another_seed_others(population):
    assert sample().digest() == population.digest()
    assert sample(seed=12).digest() != population.digest()
    assert sample(seed=None).seed != sample(seed=None).seed


def test_growing_changes_nobody(population):
    grown = population.grow(500)
    assert len(grown) == 500
    assert same(population, grown, count=200)
    assert grown.digest() == sample(500).digest()
    assert population.grow(200) is population
    assert sample(1).grow(200).digest() == population.digest()


def test_adding_a_quantity_changes_no_other():
    before = sample(limits={})
    added = SPREAD.adding({"t_cell_fitness": LogNormal(1.0, 0.3)}, {("t_cell_fitness", "mrd"): -0.4})
    assert same(before, sample(limits={}, variability=added))
    reordered = Variability(dict(reversed(SPREAD.distributions.items())))
    assert same(before, sample(limits={}, variability=reordered))


def test_correlations_reach_covariates():
    spread = SPREAD.adding(correlations={("age_years", "mrd"): 0.5, ("cd8_for_age", "clearance_l_per_h"): -0.3})
    drawn = sample(5000, variability=spread, limits={})
    score = np.argsort(np.argsort(drawn["age_years"])), np.argsort(np.argsort(drawn["mrd"]))
    # Implied rank correlation 0.4826; 4.4 standard errors of 5000 pairs.
    assert np.corrcoef(*score)[0, 1] == pytest.approx(0.4826, abs=4.4 / np.sqrt(5000))


def test_a_row_of_a_cohort_is_that_patients_own_run(population):
    times, regimen = [0.0, 1.0, 15.0, 28.0], "15 ug/m2/day for 28 d, 14 d off"
    few = population.subset(range(12))
    cohort = bitesim.run_cohort(regimen=regimen, times_days=times, **few.cohort_arguments())
    assert not cohort.failures
    for row in (0, 5, 11):
        patient, parameters = few.patient(row)
        alone = bitesim.simulate(patient, regimen, times_days=times, parameters=parameters)
        for name in ("serum_drug_pg_per_ml", "mrd", "blood_cd8_t_cells_per_ul"):
            assert cohort[name][row].tobytes() == alone[name].tobytes(), name
    chunks = list(bitesim.stream_cohort(regimen=regimen, times_days=times, chunk=5, **few.cohort_arguments()))
    assert np.concatenate([chunk["mrd"] for chunk in chunks]).tobytes() == cohort["mrd"].tobytes()


def test_subsets_keep_their_numbers(population):
    children = population.subset(population["age_years"] < 12)
    assert (children["age_years"] < 12).all()
    rows = np.flatnonzero(population["age_years"] < 12)
    assert children.patient(0)[0].name == f"patient {rows[0]}"
    assert same(children, population.subset(rows.tolist()))
    with pytest.raises(ParameterError, match="subset"):
        children.grow(1000)


def test_it_shows_what_it_is(population):
    assert "200 virtual patients of leukaemia, seed 11" in str(population)
    assert "age_years" in population._repr_html_()
    assert "leukaemia, 200 patients" in repr(population)
    assert "mrd" in population._ipython_key_completions_()
    assert 0.0 < population.rejected_share < 0.2
    record = json.loads(json.dumps(population.provenance(), allow_nan=False))
    assert record["recipe"]["seed"] == 11
    assert record["origin"][0]["sources_sha256"]
    frame = population.to_dataframe()
    assert frame["mrd"].tolist() == population["mrd"].tolist()
    assert len(frame) == len(population)
    np.testing.assert_allclose(population["bmi_kg_per_m2"], population["weight_kg"] / (population["height_cm"] / 100) ** 2)


def test_it_does_not_change(population):
    with pytest.raises(ValueError, match="read-only"):
        population["mrd"][0] = 1.0
    with pytest.raises(TypeError):
        population.columns["mrd"] = np.zeros(200)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p["mdr"], "Did you mean 'mrd'"),
        (lambda p: p.grow(10), "patients = 10, but there are 200"),
        (lambda p: p.grow(2.5), "patients = 2.5"),
        (lambda p: p.patient(200), "row = 200"),
        (lambda p: p.subset([0, 500]), "chosen.*0 to 199"),
        (lambda p: p.subset(np.zeros(200, bool)), "true for somebody"),
        (lambda p: p.subset(np.ones(3, bool)), "mask of shape"),
        (lambda p: sample(0), "patients = 0"),
        (lambda p: sample(seed=-1), "seed = -1"),
        (lambda p: sample(model="leukemia"), "leukaemia"),
        (lambda p: sample(covariates=9.0), "covariates = 9.0 is no Growth"),
        (lambda p: sample(variability={"mrd": Normal(0, 1)}), "variability = .* is no Variability"),
        (lambda p: sample(limits=[("mrd", 0, 1)]), "limits"),
        (lambda p: sample(limits={"bmi_kg_per_m2": (60, 80)}), "bmi_kg_per_m2 in 60 to 80 rejects 100.0%"),
    ],
)
def test_bad_input_is_refused_by_name(population, make, says):
    with pytest.raises(ParameterError, match=says):
        make(population)
