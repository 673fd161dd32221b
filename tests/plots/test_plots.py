"""Pictures: what is drawn where, and that importing bitesim draws nothing."""

import subprocess
import sys

import matplotlib as mpl

import bitesim
from bitesim.datasets import klinger_2012
from bitesim.plots import plot_blood_courses, plot_cd3_affinity, plot_disagreement
from bitesim.population.count_errors import simulate_course
from bitesim.population.disagreements import cd3_affinity, disagreement

mpl.use("agg")


def test_censored_points_are_drawn_apart_from_measured_ones():
    courses = klinger_2012()[:1]
    axes = plot_blood_courses(courses, [simulate_course(courses[0], "hosseini2020")])
    measured, censored = axes[0, 0].lines[1], axes[0, 0].lines[2]
    assert (len(measured.get_xdata()), len(censored.get_xdata())) == (1, 11)
    assert censored.get_marker() == "v"


def test_the_infusion_is_the_last_panel():
    axes = bitesim.simulate(None, "28 ug/day for 2 d", "hosseini2020").plot(["Rp", "serum_drug_pg_per_ml"])
    assert len(axes) == 3
    assert "infusion" in axes[-1].get_ylabel()


def test_importing_bitesim_loads_neither_matplotlib_nor_pandas():
    code = "import sys, bitesim; print([m for m in ('matplotlib', 'pandas', 'scipy.integrate', 'tqdm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_output_with_two_names_is_drawn_once():
    run = bitesim.simulate(bitesim.Patient(mrd=1e-3), "28 ug/day for 1 d", "leukaemia", [0.0, 0.5, 1.0])
    # The infusion has a panel of its own; MRD and the blast fraction share one.
    assert len(run.plot()) == len(run.outputs)


def test_a_clone_below_one_cell_is_shaded_and_labelled():
    run = bitesim.simulate(bitesim.Patient(mrd=1e-3), None, "leukaemia", [0.0, 1.0])
    marrow, sanctuary = run.plot(["blasts", "sanctuary_blasts"])[:2]
    assert [each.get_text() for each in sanctuary.texts] == ["< 1 cell"]
    assert len(sanctuary.patches) == 1
    assert not marrow.texts
    assert not marrow.patches


def test_each_disagreement_is_one_figure():
    runs = disagreement("marrow access", times_days=[0.0, 7.0, 14.0])
    axes = plot_disagreement("marrow access", runs)
    assert [each.get_label() for each in axes.lines] == ["0.07", "0.2", "0.45", "0.9"]
    assert axes.get_yscale() == "log"
    levels = [0.1, 1.0, 10.0]
    affinity = plot_cd3_affinity(levels, cd3_affinity(levels))
    assert [each.get_label() for each in affinity.lines] == ["87 nM", "260 nM"]
