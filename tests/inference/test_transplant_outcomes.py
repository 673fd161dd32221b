"""Outcomes after a transplant: their limits, and the same draws for every value."""

import pytest

from bitesim.inference.free_parameters import Values
from bitesim.inference.transplant_outcomes import relapse_within, survival_at


def changed(**events: float) -> Values:
    values = Values()
    return Values(values.parameters, values.spreads, values.events.replace(**events))


def test_more_mrd_before_it_is_more_relapse_and_less_survival() -> None:
    shares = [relapse_within(Values(), group, 5) for group in ("good", "intermediate", "poor")]
    assert shares == sorted(shares)
    assert survival_at(Values(), "negative", 5) > survival_at(Values(), "positive", 5)


def test_without_deaths_or_relapse_everybody_lives() -> None:
    cured = changed(
        conditioning_log10_kill=12.0, conditioning_log10_kill_sd=0.0, graft_kill_per_day=2.0, transplant_mortality=0.0
    )
    assert relapse_within(cured, "poor", 5) < 0.002
    assert survival_at(cured, "positive", 5) > 0.998


def test_death_of_the_transplant_is_the_share_that_was_given() -> None:
    """Null: 1500 patients die with probability 0.3 x 0.8 as hazards; 4 SDs, so one false alarm in 16,000."""
    only = changed(
        conditioning_log10_kill=12.0, conditioning_log10_kill_sd=0.0, transplant_mortality=0.3,
        transplant_mortality_child_factor=0.8,
    )  # fmt: skip
    expected = 1.0 - 0.7**0.8
    assert 1.0 - survival_at(only, "negative", 5) == pytest.approx(expected, abs=4.0 * (expected * 0.75 / 1500) ** 0.5)


def test_all_relapse_without_any_kill_and_live_on_only_if_rescued() -> None:
    none = changed(
        conditioning_log10_kill=0.0, conditioning_log10_kill_sd=0.0, graft_kill_per_day=0.0, transplant_mortality=0.0,
        rescued_share=0.25, survival_after_relapse_days=30.0,
    )  # fmt: skip
    assert relapse_within(none, "poor", 5) > 0.98
    assert survival_at(none, "positive", 5) == pytest.approx(0.25, abs=0.06)
