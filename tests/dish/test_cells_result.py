"""What a population of single cells leaves: rows, means of replicates, courses, distributions, tables."""

import csv

import numpy as np
import pytest

from bitesim.dish import synapse_population
from bitesim.dish.cells_result import DishOfCells
from bitesim.engines.synapse_population.cells import COUNTED
from bitesim.foundation.errors import ParameterError, UnknownNameError


@pytest.fixture(scope="module")
def result():
    return synapse_population([20.0, 100.0], 4e6, minutes=30, volume_ul=2.0, replicates=3, seed=4)


def test_rows_are_the_ends_of_the_courses(result):
    assert len(result) == 6
    for row, dish in zip(result.rows(), result.dishes, strict=True):
        assert row["engaged_effectors"] == dish.engaged()[-1]
        assert row["effectors_ETE"] == dish.effectors()["ETE"][-1]
        assert row["engaged_targets"] == dish.targets()["engaged"][-1]
        assert row["adhesion"] == dish.count("held")[-1] / dish.count("touches")[-1]
        assert dish.minutes.tolist() == list(range(31))
        assert row["effector_cells"] == dish.effector_cells == 8000


def test_shares_of_clusters_by_hand():
    counts = np.zeros((2, len(COUNTED)), np.int64)
    counts[0, :1], counts[0, 7] = 20, 30
    # 6 pairs, 2 ETE, 1 TET, 1 ETET, 1 ETEE, 0 TETT; 4 single T cells.
    counts[1] = [4, 6, 2, 1, 1, 1, 0, 14, 3, 100, 12]
    dish = DishOfCells(counts, np.ones(2), np.ones(2), np.ones(1, int), np.ones(1, int), 1.0, 1.0)
    assert dish.effectors()["ETE"][-1] == pytest.approx(4 / 20)
    assert sum(share[-1] for share in dish.effectors().values()) == pytest.approx(1.0)
    assert {name: share[-1] * 30 for name, share in dish.targets().items()} == pytest.approx(
        {"free": 14, "engaged": 6 + 2 + 2 + 2 + 1, "dead": 3}
    )
    assert dish.engaged()[-1] == pytest.approx(0.8)
    assert dish.larger_of_clusters() == pytest.approx(5 / 11)
    assert dish.three_of_larger() == pytest.approx(3 / 5)
    assert dish.adhesion() == pytest.approx(0.12)


def test_means_of_replicates(result):
    means = result.over_replicates()
    assert means["drug_ng_per_ml"].tolist() == [20.0, 100.0]
    assert means["replicates"].tolist() == [3.0, 3.0]
    chosen = result.select(drug_ng_per_ml=100)["engaged_effectors"]
    assert means["engaged_effectors"][1] == pytest.approx(chosen.mean())
    assert means["engaged_effectors_se"][1] == pytest.approx(chosen.std(ddof=1) / np.sqrt(3))
    assert "engaged_effectors_se" in str(means)
    assert set(means.units) == set(means.columns)
    with pytest.raises(ParameterError, match="run with replicates=3 or more"):
        result.select(replicate=0).over_replicates()


def test_courses_minute_by_minute(result, tmp_path):
    table = result.over_time()
    assert len(table) == 6 * 31
    assert set(table.units) == set(table.columns)
    rows = (table["drug_ng_per_ml"] == 100.0) & (table["replicate"] == 2)
    assert table["engaged_effectors"][rows].tolist() == result.dishes[5].engaged().tolist()
    with table.to_csv(tmp_path / "courses.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(table)
    several = synapse_population(20.0, [1e6, 2e6], minutes=2, volume_ul=1.0).over_time()
    assert several["effectors_per_ml"].tolist() == [1e6] * 3 + [2e6] * 3


def test_select(result):
    some = result.select(drug_ng_per_ml=20, replicate=[0, 2])
    assert len(some) == len(some.dishes) == 2
    assert some.seed == result.seed
    with pytest.raises(UnknownNameError, match="swept quantity 'drug'"):
        result.select(drug=20)
    with pytest.raises(ParameterError, match="replicate = 9 is not in the experiment, which has 0, 1, 2"):
        result.select(replicate=9)


def test_distributions_hold_every_cell(result):
    for dish in result.dishes:
        assert dish.cd19_before.sum() == dish.target_cells
        assert dish.cd19_after.sum() == dish.count("free_targets")[-1]
        middle = np.sqrt(dish.cd19_edges[1:] * dish.cd19_edges[:-1])
        assert np.average(middle, weights=dish.cd19_before) == pytest.approx(dish.cd19_of_free[0], rel=0.01)
        place = np.searchsorted(np.cumsum(dish.cd19_before), dish.target_cells / 2)
        assert dish.cd19_edges[place] <= dish.median_before <= dish.cd19_edges[place + 1]


def test_tables_and_pages(result):
    frame = result.to_dataframe()
    assert frame.attrs["units"]["cd19_kept"] == "x"
    assert len(frame) == 6
    page = result._repr_html_()
    assert page.startswith("<table>")
    assert "single cells" in page
    assert repr(result).startswith("<SynapsePopulation, 6 rows")


def test_none_left():
    every = {"adhesion_per_bond": 1e6}
    result = synapse_population(100.0, 1e8, 1e4, minutes=30, volume_ul=0.5, parameters=every)
    assert result["free_targets"][0] == 0.0
    assert np.isnan(result["cd19_of_free"][0])
    assert np.isnan(result["median_kept"][0])
