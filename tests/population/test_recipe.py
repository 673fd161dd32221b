"""What virtual patients are drawn from: names, conflicts and limits."""

import math

import numpy as np
import pytest

from bitesim import ParameterError, find_model
from bitesim.population import Growth, LogNormal, Normal, Uniform, Variability
from bitesim.population.recipe import Recipe, body_mass_index, recipe_from_dict

LEUKAEMIA = find_model("leukaemia")
MRD = {"mrd": LogNormal.of_log10(-3.0, 1.0, -9.0, -0.1)}


def recipe(distributions=None, growth=None, limits=None, model=LEUKAEMIA, seed=1):
    return Recipe(model, seed, Variability(MRD if distributions is None else distributions), growth, limits or {})


def test_every_row_lies_inside_the_limits_and_others_are_untouched():
    free, _ = recipe().rows(np.arange(2000, dtype=np.uint64))
    limited, attempts = recipe(limits={"mrd": (1e-4, 1e-2)}).rows(np.arange(2000, dtype=np.uint64))
    inside = (free["mrd"] >= 1e-4) & (free["mrd"] <= 1e-2)
    assert np.array_equal(attempts == 0, inside)
    assert free["mrd"][inside].tobytes() == limited["mrd"][inside].tobytes()
    assert ((limited["mrd"] >= 1e-4) & (limited["mrd"] <= 1e-2)).all()
    # One standard deviation to both sides holds 0.683 of the draws; 4.4 standard errors.
    assert abs(inside.mean() - 0.6827) < 4.4 * math.sqrt(0.6827 * 0.3173 / 2000)


def test_a_patient_outside_is_drawn_anew_as_a_whole():
    distributions = {**MRD, "clearance_l_per_h": LogNormal(2.2, 0.4)}
    free, _ = recipe(distributions).rows(np.arange(200, dtype=np.uint64))
    limited, attempts = recipe(distributions, limits={"mrd": (None, 1e-3)}).rows(np.arange(200, dtype=np.uint64))
    again = attempts > 0
    assert 50 < again.sum() < 150
    assert not np.any(free["clearance_l_per_h"][again] == limited["clearance_l_per_h"][again])


def test_what_a_patient_cannot_be_is_drawn_anew_without_being_asked():
    low, high = LEUKAEMIA.catalogue["low_blast_share"].bounds
    found, attempts = recipe({"low_blast_share": LogNormal(0.3, 1.0)}).rows(np.arange(500, dtype=np.uint64))
    assert attempts.sum() > 0
    assert low <= found["low_blast_share"].min() <= found["low_blast_share"].max() <= high


def test_body_mass_index_by_height_or_implied():
    columns = {"weight_kg": np.array([70.0]), "height_cm": np.array([180.0])}
    assert body_mass_index(columns)[0] == pytest.approx(21.6, abs=0.01)
    implied = {"weight_kg": np.array([70.0]), "bsa_m2": np.sqrt(np.array([180.0 * 70.0 / 3600.0]))}
    assert body_mass_index(implied)[0] == pytest.approx(21.6, abs=0.01)
    assert body_mass_index({"mrd": np.ones(1)}) is None


def test_a_count_is_drawn_only_for_models_that_read_it():
    assert "cd8_for_age" in recipe(growth=Growth(9.0)).copula.names
    clements = find_model("clements2020")
    assert "cd8_for_age" not in recipe({}, Growth(9.0), model=clements).copula.names


def test_a_description_is_read_back():
    made = recipe(growth=Growth(Uniform(2, 18)), limits={"bmi_kg_per_m2": (12, None)})
    again = recipe_from_dict(made.as_dict(), LEUKAEMIA)
    assert again.as_dict() == made.as_dict()
    patients = np.arange(50, dtype=np.uint64)
    for name, values in made.rows(patients)[0].items():
        assert again.rows(patients)[0][name].tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"distributions": {"clearence_l_per_h": 2.0}}, "Did you mean 'clearance_l_per_h'"),
        ({"distributions": {"mrd": Normal(-3.0, 0.1, high=-2.0)}}, "mrd.*outside what is possible.*logarithmic"),
        ({"distributions": {"weight_kg": 700.0}}, "weight_kg.*0.5 to 300 kg"),
        (
            {"distributions": {"age_years": 9.0}, "growth": Growth(9.0)},
            "age_years: drawn by covariates= and by variability=",
        ),
        ({"distributions": {"mrd": 1e-3, "marrow_blast_fraction": 1e-3}}, "same quantity"),
        (
            {"distributions": {"mrd": 1e-3, "baseline_blast_fraction": Uniform(0.1, 0.2)}},
            "baseline_blast_fraction is set by",
        ),
        ({"limits": {"mdr": (0, 1)}}, "Did you mean 'mrd'"),
        ({"limits": {"mrd": 0.1}}, r"limits\['mrd'\] = 0.1: expected \(low, high\)"),
        ({"limits": {"mrd": (0.1, 0.01)}}, "exchanged"),
        ({"limits": {"mrd": (math.nan, 0.01)}}, r"limits\['mrd'\] = nan"),
    ],
)
def test_impossible_recipes_are_refused(arguments, says):
    with pytest.raises(ParameterError, match=says):
        recipe(**arguments)


def test_limits_that_reject_nearly_everybody_are_refused_and_blamed():
    hopeless = recipe(limits={"mrd": (0.5, 0.9)}, growth=Growth(9.0))
    for count in (1, 10):
        with pytest.raises(ParameterError, match=r"limits, .* reject 99.7%.* at most 99%: mrd in 0.5 to 0.9 rejects"):
            hopeless.rows(np.arange(count, dtype=np.uint64))
