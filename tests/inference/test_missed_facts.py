"""Every reason is of a fact that exists, and a fact without one says so."""

from bitesim.inference.facts import facts
from bitesim.inference.missed_facts import REASONS, reason


def test_reasons_are_of_facts_that_exist():
    assert set(REASONS) <= {each.id for each in facts()}


def test_a_fact_without_a_reason_says_so():
    assert reason("regrowth_months") == "No reason is known."
    assert "MT103-211" in reason("remission_mt103_206")
