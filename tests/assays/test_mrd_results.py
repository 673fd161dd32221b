"""MRD reports as a laboratory writes them."""

from __future__ import annotations

import numpy as np
import pytest

from bitesim.assays import MrdOutcome, MrdResults


def results(size: int = 3) -> MrdResults:
    outcomes = np.arange(size, dtype=np.int8) % 3
    values = np.where(outcomes == MrdOutcome.QUANTIFIED, 3.14e-4, np.nan)
    return MrdResults("flow <8 colours>", outcomes, values, 500_000, 3 / 500_000, 10 / 500_000)


def test_texts() -> None:
    assert results().texts == ["not detected (< 6.0e-6)", "positive, not quantifiable (< 2.0e-5)", "3.1e-4"]


@pytest.mark.parametrize(("value", "text"), [(1.0, "1.0e0"), (9.96e-5, "1.0e-4"), (2e-12, "2.0e-12")])
def test_fractions_are_written_in_short(value: float, text: str) -> None:
    one = MrdResults("NGS", np.array(2, dtype=np.int8), np.array(value), 1000, 0.003, 0.01)
    assert one.texts == [text]
    assert len(one) == 1
    assert repr(one) == f"NGS: 1 sample, 1000 cells each, MRD as fraction of cells\n  {text}"


def test_many_results_are_summarised() -> None:
    shown = repr(results(100))
    assert len(shown.splitlines()) == 12
    assert "90 more; in all 34 not detected, 33 positive not quantifiable, 33 quantified" in shown
    assert results(100).counts() == {"not_detected": 34, "positive_not_quantifiable": 33, "quantified": 33}


def test_html_is_escaped_and_holds_the_texts() -> None:
    page = results()._repr_html_()
    assert "flow &lt;8 colours&gt;" in page
    assert "not detected (&lt; 6.0e-6)" in page
    assert page.count("<tr>") == page.count("</tr>") == 8
