"""The hybrid engine against the exact one, event by event, on a leukaemia of few cells that both can run.

Null: both draw from the same law. Each of the six comparisons (nadir, day of relapse and cure, by Kolmogorov and Smirnov or
by the difference of two means) raises a false alarm with a probability of 0.1 % or less, all of them together with 0.6 %;
seeds are fixed. The hybrid engine leaves T cells, and clones above its threshold, without luck: with 3,000 T cells and 200
blasts that is less than these numbers of replicates can tell.
"""

import numpy as np
import pytest
from scipy import stats

from bitesim.engines.deterministic import Case, run_ode
from bitesim.engines.hybrid import run_hybrid
from bitesim.engines.stochastic import run_stochastic
from bitesim.treatment import Regimen
from tests.problems.small_leukaemia import COUNTED, LOGARITHMIC

REGIMEN = "24 ug/day for 14 d"
DAYS = np.arange(0.0, 41.0)
THRESHOLD, RELAPSE = 200.0, 500.0
ALARM = 1e-3
CASE = Case(LOGARITHMIC, LOGARITHMIC.parameters, Regimen.parse(REGIMEN))


def nadir_and_relapse(blasts):
    """Return the fewest cells of each replicate, and the day on which it has grown back, infinite if it has not."""
    treated = DAYS >= 14.0
    back = (blasts >= RELAPSE) & treated
    return blasts.min(axis=1), np.where(back.any(axis=1), DAYS[np.argmax(back, axis=1)], np.inf)


def z_of_means(one, other):
    return (one.mean() - other.mean()) / np.sqrt(one.var() / len(one) + other.var() / len(other))


@pytest.fixture(scope="module")
def exact():
    return run_stochastic(COUNTED, None, REGIMEN, DAYS, 250, 1)["blasts"]


@pytest.fixture(scope="module")
def hybrid():
    return run_hybrid(CASE, DAYS, 4000, 2, threshold=THRESHOLD)


def test_both_are_one_model():
    course = run_ode(CASE, DAYS)["blasts"]
    counted = run_ode(Case(COUNTED, COUNTED.parameters, Regimen.parse(REGIMEN)), DAYS)["blasts"]
    np.testing.assert_allclose(course, counted, rtol=1e-4)
    # From above the threshold to few, and back to a relapse that the equations carry.
    assert course[0] > 4.0 * THRESHOLD > RELAPSE > 2.0 * THRESHOLD
    assert 2.0 < course.min() < 20.0


def test_nadirs_are_those_of_the_exact_engine(exact, hybrid):
    one, other = nadir_and_relapse(exact)[0], nadir_and_relapse(hybrid["blasts"])[0]
    assert stats.ks_2samp(one, other, method="asymp").pvalue > ALARM
    assert abs(z_of_means(one, other)) < 3.3


def test_relapses_come_when_the_exact_engine_says(exact, hybrid):
    one, other = nadir_and_relapse(exact)[1], nadir_and_relapse(hybrid["blasts"])[1]
    # Those who have not relapsed by the end come last.
    assert stats.ks_2samp(one, other, method="asymp").pvalue > ALARM
    one, other = one[np.isfinite(one)], other[np.isfinite(other)]
    assert len(one) > 100
    assert abs(z_of_means(one, other)) < 3.3


def test_cures_are_as_frequent(exact, hybrid):
    one, other = (exact[:, -1] == 0.0).astype(float), hybrid.cured.astype(float)
    assert 0.02 < other.mean() < 0.5
    assert abs(z_of_means(one, other)) < 3.3


def test_cells_at_the_end_are_alike(exact, hybrid):
    assert stats.ks_2samp(exact[:, -1], hybrid["blasts"][:, -1], method="asymp").pvalue > ALARM


def test_a_kill_that_is_stronger_by_a_twentieth_is_told_apart(exact):
    stronger = LOGARITHMIC.parameters.replace(killing=1.05 * LOGARITHMIC.parameters["killing"])
    other = run_hybrid(Case(LOGARITHMIC, stronger, Regimen.parse(REGIMEN)), DAYS, 4000, 2, threshold=THRESHOLD)["blasts"]
    one, other = nadir_and_relapse(exact)[0], nadir_and_relapse(other)[0]
    assert stats.ks_2samp(one, other, method="asymp").pvalue < ALARM


def test_a_threshold_ten_times_higher_cures_as_often():
    replicates, shares = 10_000, []
    for seed, threshold in ((3, THRESHOLD), (4, 10.0 * THRESHOLD)):
        cured = [
            run_hybrid(CASE, DAYS[[0, -1]], 1000, seed, threshold=threshold, first_replicate=first).cured
            for first in range(0, replicates, 1000)
        ]
        shares.append(np.mean(cured))
    error = np.sqrt(sum(share * (1.0 - share) for share in shares) / replicates)
    # False-alarm rate 0.3 %.
    assert abs(shares[0] - shares[1]) < 3.0 * error, shares
    assert 1.96 * error <= 0.015
