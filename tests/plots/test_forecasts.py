"""Pictures of forecasts show what they should."""

import math

import matplotlib
import numpy as np
import pytest

from bitesim.assays import RQ_PCR, MrdOutcome, MrdSample
from bitesim.inference import AmountObserved, Forecast, MrdObserved
from bitesim.plots import plot_forecast

matplotlib.use("Agg")
SAMPLE = MrdSample(RQ_PCR)


@pytest.fixture
def found():
    rng, times = np.random.default_rng(1), np.array([0.0, 28.0, 70.0])
    values = {
        "mrd": 10.0 ** (np.array([-2.0, -3.5, -5.0]) + 0.3 * rng.standard_normal((50, 3))),
        "blood_cd8_t_cells_per_ul": 200.0 + 50.0 * rng.random((50, 3)),
    }
    seen = (
        MrdObserved(0.0, SAMPLE, MrdOutcome.QUANTIFIED, 1e-2),
        MrdObserved(28.0, SAMPLE, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE),
        MrdObserved(28.5, SAMPLE, MrdOutcome.NOT_DETECTED),
        AmountObserved(0.0, "blood_cd8_t_cells_per_ul", 210.0, 210.0, 0.2),
        AmountObserved(28.0, "blood_cd8_t_cells_per_ul", 0.0, 300.0, 0.2),
        AmountObserved(28.0, "blood_cd8_t_cells_per_ul", 100.0, math.inf, 0.2),
        AmountObserved(29.0, "blood_cd8_t_cells_per_ul", 100.0, 300.0, 0.2),
    )
    units = {"mrd": "-", "blood_cd8_t_cells_per_ul": "cells/uL"}
    relapse = np.where(rng.random(50) < 0.6, 100.0 + 500.0 * rng.random(50), np.inf)
    return Forecast("p1", "leukaemia", "text", times, values, units, relapse, np.full(50, 0.4), 70.0, 730.0, 0, 1, seen)


def test_default_shows_what_was_observed_and_relapse(found):
    panels = plot_forecast(found)
    assert len(panels) == 3
    assert panels[0].get_yscale() == "log"
    markers = [line.get_marker() for line in panels[1].lines]
    assert {"o", "v", "^"} <= set(markers)
    x, y = panels[2].lines[0].get_data()
    assert x[-1] == 730.0
    assert y[-1] == pytest.approx(np.mean(np.isfinite(found.relapse_days)))
    assert "cure by this treatment: 0.40" in panels[2].texts[0].get_text()


def test_the_hook_draws(found):
    assert len(found.plot(["blood_cd8_t_cells_per_ul"])) == 2
