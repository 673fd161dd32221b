"""MRD methods: their sensitivity, and what a definition may not say."""

from __future__ import annotations

from typing import Any

import pytest

from bitesim import ParameterError
from bitesim.assays import MULTICOLOUR_FLOW, NGS, RQ_PCR, MrdAssay, MrdSample


@pytest.mark.parametrize(
    ("assay", "detection", "quantification"), [(MULTICOLOUR_FLOW, 2e-5, 1e-4), (RQ_PCR, 1.2e-5, 4e-5), (NGS, 1.5e-6, 5e-6)]
)
def test_presets_have_the_sensitivity_of_their_method(assay: MrdAssay, detection: float, quantification: float) -> None:
    assert MrdSample(assay).limit_of_detection == pytest.approx(detection)
    assert MrdSample(assay).limit_of_quantification == pytest.approx(quantification)
    assert assay.source


def test_figures_are_kept_as_plain_numbers() -> None:
    assay = MrdAssay("x", 5e5, 3, 3, sd_log10=0)  # type: ignore[arg-type]
    assert isinstance(assay.cells_analysed, int)
    assert isinstance(assay.sd_log10, float)
    assert assay == MrdAssay("x", 500_000, 3, 3, 0.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MrdAssay("x", 5e5, 10, 3), ["minimum_targets_quantified = 3", "at least 10", "swap"]),
        (lambda: MrdAssay("x", 5e5, 1e-4, 10), ["minimum_targets_detected = 0.0001", "not fractions"]),
        (lambda: MrdAssay("x", 5e5, 0, 10), ["minimum_targets_detected = 0", "1 to 1000"]),
        (lambda: MrdAssay("x", 5e5, 3, 10, sd_log10=2.0), ["sd_log10 = 2.0", "0 to 1", "2.303"]),
        (lambda: MrdAssay("x", 5e5, 3, 10, background_per_cell=3.0), ["background_per_cell = 3.0", "1e-5"]),
        (lambda: MrdAssay("", 5e5, 3, 10), ["name", "text"]),
    ],
)
def test_refusals_name_value_range_and_intent(call: Any, words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
