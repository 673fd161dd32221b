"""The file of facts is fixed, its intervals follow their rules, and it holds what the calibration set needs."""

import numpy as np
import pytest

from bitesim.datasets import hosseini_2020_il6, klinger_2012
from bitesim.foundation.errors import ParameterError
from bitesim.inference.fact_measures import SECTIONS
from bitesim.inference.facts import CONVERSIONS, fact, facts, facts_digest
from bitesim.inference.grouped_evidence import wilson_interval

#: Set before the first calibration: a change of a fact needs a new calibration, and a reason.
DIGEST = "44f8b1b68865aa3a5bcd7a77ea64c0d9493da2d85cdf8a55b7b5a9259cc7c6ae"


def test_the_file_is_the_one_that_was_fixed() -> None:
    assert facts_digest() == DIGEST


def test_ids_are_unique_and_every_section_has_its_measure() -> None:
    names = [each.id for each in facts()]
    assert len(set(names)) == len(names)
    assert {each.section for each in facts()} == set(SECTIONS)
    assert sum(each.counted for each in facts()) >= 25
    assert all(each.weight > 0.0 for each in facts() if each.counted)
    assert all(each.source for each in facts())


def test_intervals_of_shares_are_those_of_wilson() -> None:
    for each in facts():
        if each.evidence.kind == "proportion":
            assert each.rule == "Wilson 95 %"
            assert (each.evidence.low, each.evidence.high) == pytest.approx(
                wilson_interval(each.evidence.k, each.evidence.n), rel=1e-3, abs=1e-4
            )


def test_intervals_of_cd8_medians_are_bootstraps_of_the_13_patients() -> None:
    courses = klinger_2012()
    ratios = np.array([each.cd8_t_cells_per_ul / each.cd8_t_cells_per_ul[0] for each in courses])
    drawn = np.random.default_rng(1).integers(0, 13, (20_000, 13))
    rows = [each for each in facts() if each.id.startswith("cd8_ratio")]
    assert len(rows) == 11
    for place, each in enumerate(rows, start=1):
        medians = np.median(ratios[drawn, place], axis=1)
        assert each.evidence.published == pytest.approx(np.median(ratios[:, place]), rel=1e-3)
        assert (each.evidence.low, each.evidence.high) == pytest.approx(
            tuple(np.quantile(medians, [0.025, 0.975])), rel=1e-3
        )


@pytest.mark.parametrize(
    ("name", "regimen", "first", "last"),
    [
        ("il6_first_day_60_ug_per_m2", 0, 0.0, 0.7),
        ("il6_first_day_5_ug_per_m2", 1, 0.0, 0.7),
        ("il6_step_to_15", 1, 7.0, 8.0),
        ("il6_step_to_60", 1, 14.0, 15.0),
        ("il6_day_2_60_ug_per_m2", 0, 1.9, 2.1),
    ],
)
def test_medians_of_il6_are_those_of_the_shipped_points(name: str, regimen: int, first: float, last: float) -> None:
    points = hosseini_2020_il6()[regimen]
    chosen = points.il6_pg_per_ml[(points.times_days >= first) & (points.times_days <= last)]
    evidence = fact(name).evidence
    assert evidence.published == pytest.approx(np.median(chosen), rel=1e-3)
    assert evidence.n == len(chosen)
    medians = np.median(chosen[np.random.default_rng(1).integers(0, len(chosen), (20_000, len(chosen)))], axis=1)
    assert (evidence.low, evidence.high) == pytest.approx(tuple(np.quantile(medians, [0.025, 0.975])), rel=1e-3)


def test_the_conversions_are_facts_and_an_unknown_one_is_answered_with_the_closest() -> None:
    assert [fact(name).evidence.k for name in CONVERSIONS] == [88, 16, 27, 6]
    with pytest.raises(ParameterError, match="mrd_conversion_blast"):
        fact("mrd_conversion_blasts")
