"""Scores: counter-based, correlated as asked, and nobody's changes when something is added."""

import math

import numpy as np
import pytest
from scipy import stats

from bitesim import ParameterError
from bitesim.foundation.random_streams import Purpose, standard_normal
from bitesim.population.copula import Copula, draw_number, independent_scores

PATIENTS = np.arange(20_000, dtype=np.uint64)
PAIRS = {("a", "b"): 0.6, ("a", "c"): -0.3, ("b", "c"): 0.2}


def test_a_score_is_the_stream_of_its_key():
    scores = independent_scores(7, PATIENTS[:50], "clearance", 3)
    key = draw_number("clearance", 3)
    expected = [standard_normal(np.uint64(7), k, int(Purpose.BETWEEN_PATIENTS), np.uint64(key)) for k in PATIENTS[:50]]
    np.testing.assert_array_equal(scores, expected)


def test_draw_numbers_are_fixed_for_ever():
    # Written down, since files of populations grow by them.
    assert draw_number("clearance_l_per_h") == 9647645288409814399
    assert draw_number("clearance_l_per_h", 1) == 10498999749377081121


def test_scores_are_standard_normal_with_the_correlations_asked_for():
    copula = Copula(["a", "b", "c", "d"], PAIRS)
    scores = copula.scores(1, PATIENTS)
    found = np.corrcoef([scores[name] for name in "abcd"])
    # Fisher's z of 20,000 pairs; 4.4 standard errors are passed by all but 1 in 1e5.
    error = np.arctanh(found[np.triu_indices(4, 1)]) - np.arctanh(copula.matrix[np.triu_indices(4, 1)])
    assert np.abs(error).max() < 4.4 / math.sqrt(len(PATIENTS) - 3)
    for values in scores.values():
        assert stats.kstest(values, stats.norm.cdf).pvalue > 1e-4


def test_rank_correlation_is_the_implied_one():
    copula = Copula(["a", "b", "c"], PAIRS)
    scores = copula.scores(2, PATIENTS)
    for (first, second), implied in copula.spearman().items():
        found = stats.spearmanr(np.exp(scores[first]), scores[second] ** 3).statistic
        # The standard error of Spearman's is at most 1 / sqrt(n - 1) here; 4.4 of them.
        assert found == pytest.approx(implied, abs=4.4 / math.sqrt(len(PATIENTS) - 1))


def test_what_is_added_changes_nobody():
    before = Copula(["a", "b"], {("a", "b"): 0.5}).scores(3, PATIENTS[:100])
    more = Copula(["x", "a", "b", "c"], {("a", "b"): 0.5, ("b", "c"): 0.4, ("a", "c"): -0.2}).scores(3, PATIENTS[:1000])
    for name, values in before.items():
        assert more[name][:100].tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ({("a", "b"): 0.9, ("b", "c"): 0.9}, r"positive definite.*eigenvalue is -0\.27.*\(a, b\): 0\.9.*\(b, c\): 0\.9"),
        ({("a", "b"): 1.0}, r"correlations\['a', 'b'\] = 1.0"),
        ({("a", "b"): 0.1, ("b", "a"): 0.1}, "twice"),
        ({("a", "a"): 0.1}, "pair of names"),
        ({"ab": 0.1}, "pair of names"),
        ({("a", "clearence"): 0.1}, "Did you mean 'clearance'"),
    ],
)
def test_impossible_correlations_are_refused(pairs, says):
    with pytest.raises(ParameterError, match=says):
        Copula(["a", "b", "c", "clearance"], pairs)


def test_innocent_pairs_are_not_blamed():
    with pytest.raises(ParameterError) as refusal:
        Copula(list("abcde"), {("a", "b"): 0.9, ("b", "c"): 0.9, ("d", "e"): 0.5})
    assert "(d, e)" not in str(refusal.value)
