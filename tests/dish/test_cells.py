"""Single cells in a dish: published figures, the mean field, threads and batches, selection, named errors."""

import hashlib

import numpy as np
import pytest
from scipy import stats

import bitesim
from bitesim.dish import synapse_experiment, synapse_population
from bitesim.dish.cells import MOST_CELLS
from bitesim.foundation.errors import ParameterError, SolverError, UnknownNameError


def digest(result):
    """One digest of every number of every dish."""
    found = hashlib.sha256()
    for dish in result.dishes:
        for each in (dish.counts, dish.cd19_of_free, dish.cd19_before, dish.cd19_after):
            found.update(each.tobytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def dishes():
    return synapse_population(
        [0.65, 20.0, 100.0], [0.5e6, 4e6], effectors_per_target=[0.2, 1.0], volume_ul=10.0, replicates=2, seed=5
    )


@pytest.fixture(scope="module")
def killing():
    return synapse_population([0.65, 20.0], 1e6, minutes=72 * 60, volume_ul=10.0, seed=2)


def test_bytes_depend_on_no_threads_and_no_batch(dishes):
    arguments = {"effectors_per_target": [0.2, 1.0], "volume_ul": 10.0, "replicates": 2, "seed": 5}
    for threads in (1, 2, 4):
        again = synapse_population([0.65, 20.0, 100.0], [0.5e6, 4e6], threads=threads, **arguments)
        assert digest(again) == digest(dishes)
    alone = synapse_population(100.0, 4e6, effectors_per_target=0.2, volume_ul=10.0, first_replicate=1, seed=5, threads=1)
    chosen = dishes.select(drug_ng_per_ml=100.0, effectors_per_ml=4e6, effectors_per_target=0.2, replicate=1)
    assert digest(alone) == digest(chosen)
    other = synapse_population(100.0, 4e6, effectors_per_target=0.2, volume_ul=10.0, first_replicate=1, seed=6, threads=1)
    assert digest(alone) != digest(other)


def test_shares_add_up(dishes, killing):
    for result in (dishes, killing):
        kinds = [name for name in result.columns if name.startswith("effectors_") and "per" not in name]
        assert len(kinds) == 7
        assert sum(result[name] for name in kinds) == pytest.approx(1.0, rel=1e-12)
        targets = result["free_targets"] + result["engaged_targets"] + result["dead_targets"]
        assert targets == pytest.approx(1.0, rel=1e-12)
        assert 1.0 - result["effectors_single"] == pytest.approx(result["engaged_effectors"], abs=1e-12)
        assert all(np.all((result[name] >= 0.0) & (result[name] <= 1.0)) for name in kinds)
        assert set(result.units) == set(result.columns)
    assert dishes["effector_cells"].tolist() == np.round(dishes["effectors_per_ml"] / 100.0).tolist()
    assert dishes["target_cells"].tolist() == np.round(dishes["targets_per_ml"] / 100.0).tolist()


@pytest.mark.parametrize(
    ("drug", "per_ml", "published", "computed"),
    [(0.65, 1e6, 0.41, 0.41), (20, 0.5e6, 3.1, 3.9), (20, 4e6, 15.3, 22.6), (100, 0.5e6, 3.9, 6.4), (100, 4e6, 27.8, 40.6)],
)
def test_published_figures_and_by_how_much_they_are_missed(drug, per_ml, published, computed):
    # Liu et al. 2023; three dishes as published. 0.65 ng/mL is met, the others are too high by a quarter to two thirds.
    result = synapse_population(drug, per_ml, volume_ul=1e5 / per_ml * 1e3, replicates=3)
    share = 100.0 * result.over_replicates()["engaged_effectors"][0]
    assert 100.0 * result["published_engaged"][0] == pytest.approx(published)
    # Counts of pairs are Poisson at most: 4.5 standard errors, false alarms of all five below 4e-5.
    assert share == pytest.approx(computed, abs=4.5 * np.sqrt(computed * 100.0 / 3e5) + 0.05)
    assert share / published == pytest.approx(1.0, abs=0.15) if drug < 1 else 1.2 < share / published < 1.7


def test_bell_over_drug():
    result = synapse_population([0.65, 5, 20, 100, 150, 500, 2000], 1e6, volume_ul=50.0)
    share = result["engaged_effectors"]
    assert 100.0 <= result["drug_ng_per_ml"][np.argmax(share)] <= 150.0
    assert share[-1] < 0.5 * share.max()
    assert share[0] < 0.1 * share.max()


def test_single_cells_tend_to_the_mean_field():
    """Null: the mean of 20 dishes is that of expected numbers; t test of four dishes, false alarms together below 1e-3.

    Cells of published spread: those of high CD19 are bound first, which lowers the share where many are bound. At 20 % it
    was 1 %, beyond what is tested here.
    """
    drug = [0.65, 20.0, 100.0, 2000.0]
    result = synapse_population(drug, 2e5, volume_ul=100.0, replicates=20)
    expected = synapse_experiment(drug, 2e5)["engaged_effectors"]
    for level, mean in zip(drug, expected, strict=True):
        chosen = result.select(drug_ng_per_ml=level)
        assert np.all(chosen["mean_field"] == pytest.approx(mean, rel=1e-9))
        assert stats.ttest_1samp(chosen["engaged_effectors"], mean).pvalue > 2.5e-4


def test_selection_lowers_what_expected_numbers_give():
    """Null: no selection. 40 % of the cells are bound: lower than expected numbers by more than 4 standard errors."""
    arguments = {"volume_ul": 25.0, "replicates": 8, "seed": 1}
    result = synapse_population(100.0, 4e6, **arguments).over_replicates()
    gap = result["mean_field"][0] - result["engaged_effectors"][0]
    assert 4.0 * result["engaged_effectors_se"][0] < gap < 0.02
    alike = synapse_population(100.0, 4e6, cd19_ln_sd=0.0, parameters={"cd3_geometric_mean": 66299.0}, **arguments)
    alike = alike.over_replicates()
    assert abs(alike["mean_field"][0] - alike["engaged_effectors"][0]) < 4.5 * alike["engaged_effectors_se"][0]


def test_killing_selects_for_low_cd19(killing):
    """Null: survivors are any of the cells, their mean within 4.5 sd of that of all; false alarms below 1e-5."""
    for row, dish in enumerate(killing.dishes):
        left = int(dish.count("free_targets")[-1])
        spread = 144866.0 * np.sqrt(np.exp(0.4541**2) - 1.0)
        chance = spread * np.sqrt((1.0 - left / 10_000) / left)
        assert killing["cd19_of_free"][row] < dish.cd19_of_free[0] - 4.5 * chance
        assert killing["median_kept"][row] < 1.0
        assert dish.cd19_after.sum() == left
        assert dish.cd19_before.sum() == 10_000
        assert np.all(dish.cd19_after <= dish.cd19_before)
    # The more are killed, the stronger the choice.
    assert killing["dead_targets"][1] > 3.0 * killing["dead_targets"][0]
    assert killing["cd19_kept"][1] < killing["cd19_kept"][0] < 1.0


def test_serial_killing_is_the_published_model_of_days(killing):
    assert killing.parameters["synapse_minutes"] == 150.0
    assert killing.parameters["cd19_internalisation_per_min"] == 0.0
    dead = killing.dishes[1].count("dead_targets")
    assert np.all(dead[:151] == 0)
    assert np.all(dead[160:] > 0)
    assert np.isnan(killing["mean_field"]).all()
    # T cells kill again: in the end more targets are dead than a T cell each would be, were it to stay.
    quick = synapse_population(20.0, 1e6, minutes=600, volume_ul=5.0, parameters={"synapse_minutes": 30.0}, seed=2)
    assert quick["dead_targets"][0] > synapse_population(20.0, 1e6, minutes=600, volume_ul=5.0, seed=2)["dead_targets"][0]
    hour = synapse_population(20.0, 1e6, minutes=120, volume_ul=5.0, is_serial=False)
    assert hour["dead_targets"][0] == 0.0
    assert hour.parameters["cd19_internalisation_per_min"] == 0.002
    assert np.isfinite(hour["mean_field"][0])


def test_no_drug_kills_nobody():
    result = synapse_population(0.0, 1e6, minutes=300, volume_ul=2.0)
    assert result["free_targets"][0] == 1.0
    assert result["adhesion"][0] == 0.0
    assert np.isnan(result["larger_of_clusters"][0])


def test_seed_and_notes_are_told(dishes):
    assert dishes.seed == 5
    assert "Seed 5" in str(dishes)
    fresh = synapse_population(20.0, 1e6, minutes=1, volume_ul=1.0, seed=None)
    again = synapse_population(20.0, 1e6, minutes=1, volume_ul=1.0, seed=fresh.seed)
    assert digest(fresh) == digest(again)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"drug_ng_per_ml": 615e3}, r"pg/mL must be divided by 1000"),
        ({"drug_ng_per_ml": -1.0}, r"drug_ng_per_ml = -1\.0 ng/mL .* 0 to 10000"),
        ({"effectors_per_ml": 1000.0}, r"1000 cells per microlitre are 1e6 per mL"),
        ({"effectors_per_ml": 1e9}, r"effectors_per_ml = .* 10000 to 1e\+08"),
        ({"effectors_per_ml": 0.0}, r"effectors_per_ml = 0\.0"),
        ({"targets_per_ml": 1e6, "effectors_per_target": 1.0}, "both given"),
        ({"minutes": 72.5}, "72 h are 4320"),
        ({"minutes": 0}, "minutes = 0"),
        ({"volume_ul": 1e-4}, r"holds 0 T cells: expected 1 to 20000000\. Simulate a larger part"),
        ({"effectors_per_ml": 1e8}, "holds 100000000 T cells.*smaller part"),
        ({"volume_ul": -1.0}, "1 mL is 1000"),
        ({"replicates": 0}, "replicates = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"threads": 0}, "threads = 0"),
        ({"is_serial": 1}, "is_serial = 1 is no truth value"),
        ({"cd19_ln_sd": 2.0}, "cd19_ln_sd = 2"),
        ({"parameters": {"cd19_mean_copies": 1e4}}, "give it as cd19_copies"),
        ({"parameters": {"synapse_minutes": 0.0}}, "synapse_minutes = 0"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(ParameterError, match=words):
        synapse_population(**arguments)


def test_failures_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'synapse_minutes'"):
        synapse_population(parameters={"synapse_minute": 10.0})
    with pytest.raises(SolverError, match=r"bridges in a touch .* \(20 ng/mL, replicate 0\): the step limit"):
        synapse_population(20.0, 1e6, volume_ul=1.0, parameters={"bridging_um2_per_s": 1e9})


def test_it_is_public():
    assert bitesim.dish.synapse_population is synapse_population
    assert MOST_CELLS == 20_000_000
