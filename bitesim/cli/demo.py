"""`bitesim demo`: the main job, then two models against the patients that ship with bitesim."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np

from bitesim.cli.report import report, save_figure, write_files, write_json
from bitesim.datasets import hosseini_2020_il6, klinger_2012
from bitesim.leukaemia import LYMPHOMA
from bitesim.plots import plot_blood_courses, plot_il6
from bitesim.population import Patient, simulate
from bitesim.population.count_errors import b_cells_at_floor, cd8_errors, simulate_course

_LYMPHOMA_PATIENT: Final = Patient(blood_b_cells_per_ul=70, name="adult with lymphoma")


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
    runs = {model: [simulate_course(course, model) for course in courses] for model in ("leukaemia", "hosseini2020")}
    print(
        f"\n{len(courses)} adults at 15 ug/m2/day, only their baselines known (in-sample: both models were fitted to them)"
    )
    print("  median |log10(predicted / data)| of CD8 T cells after day 0, with its 95 % interval over patients")
    for row in cd8_errors(courses, runs):
        print(f"    {row.predictor:36s} {row.median:.3f} ({row.low:.3f} to {row.high:.3f}), {row.counts} counts")
    for model, those in runs.items():
        at_floor, agreed = b_cells_at_floor(courses, those)
        print(f"  B cells at or below the floor of 1 /uL: {at_floor} measurements, {model} agrees on {agreed}")
    points = hosseini_2020_il6()
    days = np.arange(0.0, 21.0, 0.02)
    # The published model has its own patient with lymphoma.
    lymphoma = {
        "leukaemia": (_LYMPHOMA_PATIENT, "leukaemia", LYMPHOMA),
        "hosseini2020": (None, "hosseini2020_nhl", None),
    }
    pictures = {f"patients_{model}": plot_blood_courses(courses, those) for model, those in runs.items()}
    for name, (patient, model, parameters) in lymphoma.items():
        il6 = [simulate(patient, each.regimen, model, days, parameters=parameters) for each in points]
        pictures[f"il6_{name}"] = plot_il6(points, il6)
    for name, axes in pictures.items():
        written.append(save_figure(axes, options.out / f"{name}.png"))
    print("wrote " + ", ".join(str(path) for path in written))
