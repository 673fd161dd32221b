"""Rounds of a dish: the naive twin draw for draw, conservation, the mean-field limit, selection, serial killing."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from bitesim.engines.synapse_population.cells import COUNTED, EFFECTORS, FREE, TARGETS, single_cells
from bitesim.engines.synapse_population.rounds import balanced, run_rounds
from bitesim.mechanisms.serial_killing import cell_parameters
from bitesim.mechanisms.surface_loading import load_surfaces
from bitesim.mechanisms.synapse_formation import synapse_course
from bitesim.numerics.outcomes import Outcome
from tests.engines.synapse_population.naive import NaiveDish

#: All cells alike, so that no cell is chosen for what it carries.
ALIKE = {"cd19_geometric_mean": 144866.0, "cd3_geometric_mean": 66299.0}


def run(effectors, targets, drug, minutes, p, volume_ml=1.0, seed=1, replicate=0):
    cells = single_cells(effectors, targets)
    course, cd19 = np.zeros((minutes + 1, len(COUNTED)), np.int64), np.zeros(minutes + 1)
    outcome = run_rounds(cells, float(drug), float(volume_ml), (np.uint64(seed), replicate), course, cd19, p)
    assert outcome == Outcome.OK
    return cells, course, cd19


def engaged(course):
    return 1.0 - course[-1, 0] / course[0, 0]


@pytest.mark.parametrize(
    ("effectors", "targets", "is_serial", "changes"),
    [
        (100, 100, False, {}),
        (60, 240, False, {}),
        (240, 60, False, {}),
        (100, 100, True, {"synapse_minutes": 25.0, "rebinding_minutes": 30.0}),
        (40, 15, True, {"synapse_minutes": 10.0}),
    ],
)
def test_naive_twin_draw_for_draw(effectors, targets, is_serial, changes):
    p = cell_parameters(is_serial, **changes)
    # So dense that all six kinds of cluster occur among few cells.
    volume_ml = (effectors + targets) / 3e7
    cells, course, cd19 = run(effectors, targets, 100.0, 90, p, volume_ml, seed=7, replicate=3)
    naive = NaiveDish(effectors, targets, 100.0, volume_ml, 7, 3, p)
    rows = naive.run(90)
    assert course.tolist() == rows
    assert [["free", "bound", "dead"][fate] for fate in cells.fate] == [target.fate for target in naive.targets]
    assert cells.cd19 == pytest.approx([target.copies for target in naive.targets], rel=1e-12)
    free = [target.copies for target in naive.free]
    assert cd19[-1] == pytest.approx(np.mean(free), rel=1e-9) if free else math.isnan(cd19[-1])
    assert course[-1, COUNTED.index("touches")] > 50
    if not is_serial:
        assert np.count_nonzero(course.max(axis=0)[1:7]) >= 4
    else:
        assert course[-1, COUNTED.index("dead_targets")] > 0


@pytest.mark.parametrize("is_serial", [False, True])
@pytest.mark.parametrize(("effectors", "targets"), [(3000, 3000), (200, 4000), (4000, 200), (1, 1), (1, 3000), (3000, 1)])
def test_no_cell_is_made_or_lost(effectors, targets, is_serial):
    p = cell_parameters(is_serial)
    cells, course, _ = run(effectors, targets, 100.0, 400, p, (effectors + targets) / 1e7)
    kinds = course[:, :7]
    assert np.all(course >= 0)
    assert np.all(kinds @ np.array(EFFECTORS) == effectors)
    dead = course[:, COUNTED.index("dead_targets")]
    assert np.all(kinds @ np.array(TARGETS) + course[:, COUNTED.index("free_targets")] + dead == targets)
    assert np.all(np.diff(dead) >= 0)
    assert np.all(np.diff(course[:, COUNTED.index("free_targets")]) <= 0)
    # What the records of the cells say is what is counted.
    assert np.bincount(cells.fate, minlength=3).tolist() == [
        course[-1, COUNTED.index("free_targets")],
        int(kinds[-1] @ np.array(TARGETS)),
        dead[-1],
    ]
    assert np.bincount(cells.kind, minlength=8)[:7].tolist() == kinds[-1].tolist()


def test_no_cell_stands_in_two_places():
    cells, course, _ = run(3000, 3000, 100.0, 500, cell_parameters(True), 6e-4)
    hosts = np.flatnonzero(cells.kind < 7)
    members = list(hosts) + [cells.others[host, k] for host in hosts for k in range(EFFECTORS[cells.kind[host]] - 1)]
    assert sorted(members) == list(range(3000))
    bound = [cells.others[host, 2 + k] for host in hosts for k in range(TARGETS[cells.kind[host]])]
    assert sorted(bound) == np.flatnonzero(cells.fate == 1).tolist()
    assert sorted(cells.free[: course[-1, 7]]) == np.flatnonzero(cells.fate == FREE).tolist()


def test_no_drug_no_synapse():
    _, course, cd19 = run(2000, 2000, 0.0, 30, cell_parameters(False), 1e-3)
    assert np.all(course[:, 0] == 2000)
    assert course[-1, COUNTED.index("touches")] > 100
    assert course[-1, COUNTED.index("held")] == 0
    assert np.all(cd19 == cd19[0])


def test_drug_is_balanced_with_the_cells_there_are():
    p = cell_parameters(False, **ALIKE)
    cells, _, _ = run(1000, 500, 20.0, 0, p)
    theirs = load_surfaces(20.0, 5e5, 1e6, 144866.0, 66299.0, drug_kda=55.0)
    assert balanced(20.0, 1e-3, cells, p) == pytest.approx((theirs.cd3_occupancy, theirs.cd19_occupancy), rel=1e-12)
    cells.fate[:250] = 2
    theirs = load_surfaces(20.0, 2.5e5, 1e6, 144866.0, 66299.0, drug_kda=55.0)
    assert balanced(20.0, 1e-3, cells, p) == pytest.approx((theirs.cd3_occupancy, theirs.cd19_occupancy), rel=1e-12)


@pytest.mark.parametrize(("drug", "density"), [(0.65, 1e6), (20.0, 5e5), (20.0, 4e6), (100.0, 4e6), (2000.0, 1e6)])
def test_cells_all_alike_tend_to_the_mean_field(drug, density):
    """Null: the mean of 12 dishes is the mean field's; t test, false alarms of all five together below 1e-3.

    The mean field carries expected numbers, whose products are not those of drawn ones: an error of order 1/cells.
    """
    p = cell_parameters(False, **ALIKE)
    shares = [engaged(run(40_000, 40_000, drug, 60, p, 40_000 / density, replicate=k)[1]) for k in range(12)]
    expected = synapse_course(density, density, drug, p=p).engaged()[-1]
    assert stats.ttest_1samp(shares, expected).pvalue > 2e-4
    # The test sees 1 % of the share, or the noise of so many cells.
    # What it would see: pairs are Poisson at most, so that the standard error is no larger than this.
    assert np.std(shares, ddof=1) / math.sqrt(12) < 2.0 * math.sqrt(expected / 40_000 / 12)


def test_noise_falls_with_the_root_of_the_cells():
    p = cell_parameters(False, **ALIKE)
    sizes = np.array([250, 1000, 4000, 16_000])
    spreads = []
    for n in sizes:
        spreads.append(np.std([engaged(run(n, n, 100.0, 30, p, n / 2e6, replicate=k)[1]) for k in range(60)], ddof=1))
    slope = np.polyfit(np.log(sizes), np.log(spreads), 1)[0]
    # The slope's own sd is 0.030 for 60 dishes a size: 0.12 is four of them, false alarms below 1e-4.
    assert slope == pytest.approx(-0.5, abs=0.12)


def test_clusters_of_the_mean_field():
    """Null: each kind's count is Poisson around its mean; 6 kinds at 4.2 sd, false alarms below 2e-4."""
    p = cell_parameters(False, **ALIKE)
    n = 200_000
    _, course, _ = run(n, n, 20.0, 60, p, n / 1e6)
    expected = synapse_course(1e6, 1e6, 20.0, p=p)
    for kind, counted in zip(COUNTED[1:7], course[-1, 1:7], strict=True):
        mean = expected.clusters[kind][-1] * n / 1e6
        # Pairs lose some of their noise to larger clusters: Poisson is the most there is, 1 % is the mean field's rounding.
        assert abs(counted - mean) < 4.2 * math.sqrt(mean) + 0.01 * mean, kind


def test_what_a_dish_gives_depends_on_its_luck_alone():
    p = cell_parameters(False)
    first, second, other = (run(2000, 3000, 20.0, 40, p, 1e-3, seed=5, replicate=k)[1] for k in (2, 2, 3))
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.tobytes()
    few, many = (single_cells(n, n) for n in (10, 20))
    for cells in (few, many):
        run_rounds(cells, 20.0, 1e-3, (np.uint64(5), 2), np.zeros((1, 11), np.int64), np.zeros(1), p)
    assert few.cd19.tolist() == many.cd19[:10].tolist()


def test_interpreted_as_compiled():
    code = """
import bitesim
kinds = ((100.0, 20, {}), (20.0, 120, {"synapse_minutes": 40.0}), (20.0, 5, {"diffusion_um2_per_s": 1e5}))
for drug, minutes, changes in kinds:
    run = bitesim.dish.synapse_population(drug, 1e7, minutes=minutes, volume_ul=0.01, threads=1, parameters=changes)
    print(run.dishes[0].counts.tolist())
"""
    printed = []
    for disabled in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disabled}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert printed[0] == printed[1]


def test_copies_are_log_normal():
    """Null: ln copies are normal with the published mean and sd; Kolmogorov-Smirnov, false alarms 1e-4 each."""
    p = cell_parameters(False)
    cells, _, _ = run(20_000, 20_000, 20.0, 0, p)
    for copies, mean, geometric in ((cells.cd3, 66299.0, 60053.0), (cells.cd19, 144866.0, 130670.0)):
        law = stats.norm(math.log(geometric), math.sqrt(2.0 * math.log(mean / geometric)))
        assert stats.kstest(np.log(copies), law.cdf).pvalue > 1e-4
    assert abs(np.corrcoef(cells.cd3, cells.cd19)[0, 1]) < 4.0 / math.sqrt(20_000)


def test_killing_selects_for_low_cd19():
    """Null: survivors are any of the cells. Their mean would then be that of all, 4.5 sd: false alarms below 1e-5."""
    cells, course, cd19 = run(10_000, 10_000, 20.0, 24 * 60, cell_parameters(True), 0.01)
    left = cells.cd19[cells.fate == FREE]
    assert course[-1, COUNTED.index("dead_targets")] > 5000
    chance = cells.cd19.std() / math.sqrt(len(left)) * math.sqrt(1.0 - len(left) / 10_000)
    assert left.mean() < cells.cd19.mean() - 4.5 * chance
    assert left.mean() == pytest.approx(cd19[-1], rel=1e-9)
    # And nobody is chosen where all are alike.
    _, _, cd19 = run(10_000, 10_000, 20.0, 24 * 60, cell_parameters(True, **ALIKE), 0.01)
    assert np.all(cd19 == pytest.approx(144866.0, rel=1e-9))


def test_cells_of_little_cd19_live_longer_by_the_rate_they_are_held():
    """Few T cells in the first minutes: a cell is held in proportion to its own chance, an average over all T cells.

    Null: the mean CD19 of bound targets is that weighted mean; 4.5 standard errors, false alarms below 1e-5.
    """
    from bitesim.engines.synapse_population.contacts import Loading, chance_to_hold

    p = cell_parameters(False)
    cells, _, _ = run(50_000, 50_000, 20.0, 10, p, 0.05)
    bound = cells.cd19[cells.fate == 1]
    random = np.random.default_rng(3)
    on_cd3, on_cd19 = balanced(20.0, 0.05, cells, p)
    weights = [
        chance_to_hold(random.choice(cells.cd3), copies, random.uniform(0.1, 5.0), Loading(on_cd3, on_cd19, 1.0, 5.0), p)
        for copies in cells.cd19[:20_000]
    ]
    expected = np.average(cells.cd19[:20_000], weights=weights)
    error = bound.std() * math.sqrt(1.0 / len(bound) + 1.0 / 20_000)
    assert abs(bound.mean() - expected) < 4.5 * error
    assert bound.mean() > cells.cd19.mean() + 4.5 * error


def test_synapses_end_after_their_time_and_t_cells_kill_again():
    p = cell_parameters(True, adhesion_per_bond=1e6)
    # Every touch holds and everybody meets somebody every minute: one T cell kills one to three targets in 150 min.
    cells, course, _ = run(50, 5000, 100.0, 1000, p, 1e-6)
    dead = course[:, COUNTED.index("dead_targets")]
    assert np.all(dead[:151] == 0)
    assert dead[151] > 0
    # Round 1 binds, round 151 frees and binds anew: six clusters are over after 1000 min, each of three targets at most.
    assert 6 * 50 <= dead[-1] <= 6 * 50 * 3
    assert np.bincount(cells.fate, minlength=3).sum() == 5000


def test_a_touch_that_takes_too_many_steps_is_an_outcome():
    p = cell_parameters(False, bridging_um2_per_s=1e9)
    cells = single_cells(100, 100)
    course = np.zeros((61, len(COUNTED)), np.int64)
    outcome = run_rounds(cells, 20.0, 1e-5, (np.uint64(1), 0), course, np.zeros(61), p)
    assert outcome == Outcome.TOO_MANY_STEPS
