"""`bitesim demo`: the main job, then the published model against the patients that ship with bitesim."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from bitesim.cli.report import report, save_figure, write_files, write_json
from bitesim.datasets import BloodCourse, hosseini_2020_il6, klinger_2012
from bitesim.datasets.blood_counts import REGIMEN
from bitesim.engines.trajectory import Trajectory
from bitesim.plots import plot_blood_courses, plot_il6
from bitesim.population import Patient, simulate


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("demo", help="one patient, then model against 13 real patients, with figures")
    parser.add_argument("--out", type=Path, default=Path("bitesim-out"), help="folder for the files (default bitesim-out)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the main job and the comparison; write the figures."""
    result = simulate(Patient(name="reference adult"), "15 ug/m2/day for 28 d, 14 d off, x2")
    print(report(result))
    written = write_files(result, options.out)
    written.append(write_json(result, options.out / "run.json"))
    courses = klinger_2012()
    runs = [simulate_course(course) for course in courses]
    print(
        f"\n{len(courses)} adults at 15 ug/m2/day, only their baselines known (in-sample: the model was published with them)"
    )
    print(f"  median |log10(model / data)| of CD8 T cells after day 0: {cd8_error(courses, runs):.3f}")
    at_floor, agreed = b_cells_at_floor(courses, runs)
    print(f"  B cells at or below the detection floor of 1 /uL: {at_floor} measurements, model agrees on {agreed}")
    points = hosseini_2020_il6()
    il6 = [simulate(None, each.regimen, "hosseini2020_nhl", np.arange(0.0, 21.0, 0.02)) for each in points]
    for name, axes in (("patients", plot_blood_courses(courses, runs)), ("il6", plot_il6(points, il6))):
        written.append(save_figure(axes, options.out / f"{name}.png"))
    print("wrote " + ", ".join(str(path) for path in written))


def simulate_course(course: BloodCourse) -> Trajectory:
    """Return the published model's run for a measured patient, who is known by the baseline counts only."""
    patient = Patient(
        blood_b_cells_per_ul=course.b_cells_per_ul[0],
        blood_cd8_t_cells_per_ul=course.cd8_t_cells_per_ul[0],
        name=f"patient {course.patient}",
    )
    fine = np.concatenate([[0.0], np.geomspace(1e-3, 2.0, 120), np.arange(2.25, 42.0, 0.25)])
    return simulate(patient, REGIMEN, "hosseini2020", np.union1d(fine, course.times_days))


def cd8_error(courses: list[BloodCourse], runs: list[Trajectory]) -> float:
    """Return the median absolute log10 error of CD8 counts after baseline."""
    errors = []
    for course, result in zip(courses, runs, strict=True):
        predicted = np.interp(course.times_days, result.times_days, result["blood_cd8_t_cells_per_ul"])
        errors.append(np.abs(np.log10(predicted / course.cd8_t_cells_per_ul))[1:])
    return float(np.median(np.concatenate(errors)))


def b_cells_at_floor(courses: list[BloodCourse], runs: list[Trajectory]) -> tuple[int, int]:
    """Return how many B-cell counts were censored, and for how many of them the model is at the floor too."""
    censored = agreed = 0
    for course, result in zip(courses, runs, strict=True):
        predicted = np.interp(course.times_days, result.times_days, result["blood_b_cells_per_ul"])
        censored += int(course.b_cells_below_floor.sum())
        agreed += int((predicted[course.b_cells_below_floor] <= 1.0).sum())
    return censored, agreed
