"""Virtual patients of the trials are like those of the trials, and the same whatever the values."""

import numpy as np
import pytest

from bitesim.inference.free_parameters import FreeParameter, Values, with_free
from bitesim.inference.trial_patients import BURDEN_EDGES, TRIALS

SEED = 5


def test_patients_are_those_of_the_trial() -> None:
    adults = TRIALS["adults in remission"].population(Values(), SEED)
    burden = adults["marrow_blast_fraction"]
    assert burden.min() >= 1e-3
    assert adults["age_years"].min() >= 18.0
    children = TRIALS["children, overt"].population(Values(), SEED)
    assert children["weight_kg"].max() <= 45.0
    assert children["marrow_blast_fraction"].min() >= 0.05
    assert TRIALS["adults, fixed dose"].population(Values(), SEED)["weight_kg"].min() >= 45.0


def test_weights_give_the_published_shares_of_burden() -> None:
    trial = TRIALS["children, overt"]
    burden = trial.population(Values(), SEED)["marrow_blast_fraction"]
    weights = trial.weights(burden)
    assert weights.sum() == pytest.approx(1.0)
    third = np.searchsorted(BURDEN_EDGES, burden, side="right") - 1
    assert [weights[third == place].sum() for place in range(3)] == pytest.approx(trial.burden_shares)


def test_values_move_patients_smoothly_and_never_change_who_was_drawn() -> None:
    free = [FreeParameter("killing_search_share", "typical", 0.5), FreeParameter("regulatory_share", "spread", 0.5)]
    trial = TRIALS["children in remission"]
    before, after = trial.population(Values(), SEED), trial.population(with_free(free, np.log([0.06, 0.9])), SEED)
    assert np.array_equal(before["age_years"], after["age_years"])
    assert np.array_equal(before["marrow_blast_fraction"], after["marrow_blast_fraction"])
    scores = np.log(before["regulatory_share"] / 0.065) / 0.45
    # The distribution ends at a share of 1, which bends its upper tail.
    usual = np.abs(scores) < 2.0
    assert (np.log(after["regulatory_share"] / 0.065) / 0.9)[usual] == pytest.approx(scores[usual], abs=0.05)
    assert np.median(after["killing_search_share"]) / np.median(before["killing_search_share"]) == pytest.approx(
        0.06 / Values().parameters["killing_search_share"], rel=1e-6
    )


def test_both_arms_of_the_childrens_trial_treat_the_same_children() -> None:
    one, other = (TRIALS[name].population(Values(), SEED) for name in ("children in remission", "children on chemotherapy"))
    assert one.digest() == other.digest()


def test_every_regimen_can_be_read() -> None:
    for trial in TRIALS.values():
        treatment = trial.treatment()
        assert (treatment is None) == (trial.regimen == "")
