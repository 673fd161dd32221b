"""Pictures of cohorts: every patient once, bars and lanes in order, shares that add up to 100 %."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

import bitesim
from bitesim.assays import MrdOutcome
from bitesim.foundation.errors import ParameterError, UnknownNameError
from bitesim.plots import (
    plot_bands,
    plot_events,
    plot_spaghetti,
    plot_survival,
    plot_swimmer,
    plot_waterfall,
)
from bitesim.plots.cohort_events import CAUSE_COLOURS
from bitesim.plots.cohorts import _REPORTED
from bitesim.plots.swimmer import planned_infusions
from bitesim.population.clinical_cohort import Cohort, simulate_clinical_cohort
from bitesim.population.events.course import CAUSES

mpl.use("agg")
REGIMEN = "15 ug/m2/day for 28 d, 14 d off, x2"
PATIENTS = 60


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(1)
    varied = {
        "baseline_blast_fraction": np.clip(10.0 ** rng.normal(-3.0, 1.0, PATIENTS), 1e-6, 0.5),
        "t_cell_fitness": np.exp(rng.normal(0.0, 0.6, PATIENTS)),
    }
    sizes = (np.full(PATIENTS, 70.0), np.full(PATIENTS, 1.88), np.full(PATIENTS, 20.0))
    cohort = Cohort(varied, *sizes)
    return simulate_clinical_cohort(cohort, REGIMEN, keep=["mrd", "sanctuary_blasts"], missing_visits=0.1, rtol=1e-3)


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def test_every_outcome_and_cause_has_its_colour():
    assert set(CAUSE_COLOURS) == set(CAUSES)
    assert sorted(_REPORTED) == [-1, *sorted(MrdOutcome)]


def test_a_waterfall_has_every_patient_once_and_falls(result):
    axes = plot_waterfall(result, 2)
    bars = sorted((bar.get_x(), bar.get_height()) for bar in axes.patches)
    alive = result["death_day"] >= 84.0
    assert len(bars) == np.sum(alive)
    assert np.all(np.diff([height for _, height in bars]) <= 0.0)
    assert min(height for _, height in bars) == pytest.approx(np.min(np.log10(result["mrd_2"] / result["mrd_0"])[alive]))
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sum(int(text.split(": ")[1]) for text in named) == np.sum(alive)
    assert f"no sample: {np.sum(alive & (result['mrd_outcome_2'] == -1))}" in named
    with pytest.raises(ParameterError, match="visit = 3"):
        plot_waterfall(result, 3)


def test_stacked_events_are_100_percent_on_every_day(result):
    axes = plot_events(result)
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in axes.collections]
    assert tops[-1] == pytest.approx(100.0)
    assert np.all(np.diff(tops) >= 0.0)
    happened = [cause for k, cause in enumerate(CAUSES) if np.any(result["first_event"] == k)]
    shown = [text.get_text().rsplit(" ", 2)[0] for text in axes.get_legend().get_texts()]
    assert shown == ["event-free", *reversed(happened)]


def test_survival_of_arms(result):
    axes = plot_survival([result, result], ["one", "other"])
    free, alive = axes.lines[0], axes.lines[1]
    assert free.get_ydata()[-1] == pytest.approx(100.0 * result.event_free([730.0])[0])
    assert np.all(alive.get_ydata() >= free.get_ydata())
    assert [text.get_text().split(":")[0].strip() for text in axes.get_legend().get_texts()][::2] == ["one", "other"]
    with pytest.raises(ParameterError, match="1 names for 2 arms"):
        plot_survival([result, result], ["one"])


def test_swimmer_lanes_are_ordered_and_marked(result):
    axes = plot_swimmer(result, patients=25)
    free = [bar.get_width() for bar in axes.containers[0]]
    assert len(free) == 25
    assert np.all(np.diff(free) >= 0.0)
    shown = [int(label.get_text()) for label in axes.get_yticklabels()]
    assert sorted(shown) == list(range(25))
    arrows = next(line for line in axes.lines if line.get_label().startswith("alive"))
    assert len(arrows.get_xdata()) == np.sum(~np.isfinite(result["death_day"][:25]))
    with pytest.raises(ParameterError, match="patients = 0"):
        plot_swimmer(result, patients=0)


def test_infusions_are_read_from_the_text_of_a_regimen():
    assert planned_infusions(REGIMEN) == [(0.0, 28.0), (42.0, 70.0)]
    label = bitesim.Regimen.label(bitesim.Patient())
    assert planned_infusions(str(label)) == [(0.0, 28.0), (42.0, 70.0)]
    assert planned_infusions(str(bitesim.Regimen.none().with_chemotherapy(0))) == []
    assert planned_infusions("something else") == []


def test_courses_and_bands(result):
    axes = plot_spaghetti(result, "mrd", patients=12)
    assert len(axes.lines) == 13
    assert axes.get_yscale() == "log"
    bands = plot_bands(result, "sanctuary_blasts")
    assert [text.get_text() for text in bands.texts] == ["< 1 cell"]
    assert len(bands.collections) == 2
    with pytest.raises(UnknownNameError, match="keep="):
        plot_bands(result, "blasts")
    with pytest.raises(ParameterError, match="odd number"):
        plot_bands(result, "mrd", (5, 95))
    run = bitesim.run_cohort(
        "hosseini2020", {"clearance_ml_per_m2_per_day": [15e3, 22e3]}, "15 ug/m2/day for 7 d", [0, 1, 7], bsa_m2=1.88
    )
    assert len(plot_bands(run, "blood_b_cells_per_ul", (50,)).lines) == 1
    assert len(plot_spaghetti(run, "serum_drug_pg_per_ml").lines) == 3


def test_the_result_draws_itself(result):
    assert result.plot().shape == (2, 2)
    _, mine = pyplot.subplots()
    assert result.plot("waterfall", ax=mine, visit=2) is mine
    assert "day 84" in mine.get_title()
    assert "MRD" in result.plot("mrd", levels=(10, 50, 90)).get_ylabel()
    with pytest.raises(UnknownNameError, match="Did you mean 'swimmer'"):
        result.plot("swimer")
