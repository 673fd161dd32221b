"""`bitesim forecast`: from one patient's MRD history to what is to be expected, under one regimen or several."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from bitesim.assays import MULTICOLOUR_FLOW, NGS, RQ_PCR, MrdAssay, MrdOutcome, MrdSample
from bitesim.cli.report import save_figure
from bitesim.cli.simulate import add_case_options, as_number, case_arguments
from bitesim.foundation.errors import ParameterError, ScenarioError, unknown_name
from bitesim.inference.forecast_result import Forecast
from bitesim.inference.forecasting import forecast
from bitesim.inference.observations import MrdObserved, PatientData
from bitesim.inference.patient_fit import fit_patient
from bitesim.inference.table_reading import read_patients
from bitesim.population import Patient
from bitesim.treatment import Regimen

ASSAYS: Final[dict[str, MrdAssay]] = {"flow": MULTICOLOUR_FLOW, "pcr": RQ_PCR, "ngs": NGS}
_NEGATIVE: Final = ("nd", "negative", "not-detected")
_POSITIVE: Final = ("pnq", "positive")


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    text = "one patient's MRD history, and what is to be expected"
    # Here --mrd is a sample of a day; what was before treatment is day 0.
    parser = commands.add_parser("forecast", help=text, conflict_handler="resolve")
    add_case_options(parser)
    parser.add_argument(
        "--mrd", dest="samples", action="append", default=[], metavar="DAY:VALUE",
        help="an MRD sample: 28:3e-4, 56:nd (not detected), 56:pnq (positive, not quantifiable); 0 is before treatment",
    )  # fmt: skip
    parser.add_argument("--assay", default="pcr", help=f"method of the samples: {', '.join(ASSAYS)} (default pcr)")
    parser.add_argument("--cells", help="cells analysed in each sample; default: the method's usual number")
    parser.add_argument("--table", type=Path, help="table of doses, observations and covariates, instead of --mrd")
    parser.add_argument("--id", help="which patient of the table; needed where it holds several")
    parser.add_argument("--time-unit", choices=("days", "hours"), help="of the table's times")
    parser.add_argument("--amount-unit", choices=("ug", "mg", "ng"), help="of the table's amounts")
    parser.add_argument("--dv", help="what the table's DV is in rows without DVID, e.g. mrd")
    parser.add_argument("--under", action="append", default=[], metavar="REGIMEN", help="another regimen to forecast")
    parser.add_argument("--free", help="parameters to estimate, e.g. 'kills_per_day,blast_birth_per_day'")
    parser.add_argument("--draws", type=int, default=500, help="draws from the posterior (default 500)")
    parser.add_argument("--starts", type=int, default=4, help="starts of the search (default 4)")
    parser.add_argument("--seed", type=int, default=0, help="of starts, draws and chance (default 0)")
    parser.add_argument("--follow-up-days", help="how long relapses are followed (default 730)")
    parser.add_argument("--out", type=Path, help="folder for forecast.csv and forecast.png of each regimen")
    parser.add_argument("--json", type=Path, help="file for everything about the forecasts")
    parser.set_defaults(run=run, mrd=None)


def run(options: argparse.Namespace) -> None:
    """Estimate, forecast and report."""
    arguments = case_arguments(options)
    data = _of_options(options, arguments) if options.table is None else _of_table(options, arguments)
    free = None if options.free is None else [name.strip() for name in options.free.split(",")]
    fit = fit_patient(
        data, free, arguments.get("model"), parameters=arguments.get("parameters"), starts=options.starts, seed=options.seed
    )
    print(fit)
    follow_up = 730.0 if options.follow_up_days is None else as_number("--follow-up-days", options.follow_up_days)
    regimens = [None, *(Regimen.parse(text) for text in options.under)]
    common: dict[str, Any] = {"draws": options.draws, "seed": options.seed, "follow_up_days": follow_up}
    found = [forecast(fit, each, **common) for each in regimens]
    for each in found:
        print(f"\n{each}")
    print("Research use only: not for treatment decisions.")
    if options.out is not None:
        print("wrote " + ", ".join(str(path) for path in _write(found, options.out)))
    if options.json is not None:
        content = {"estimates": fit.rows(), "findings": fit.findings(), "forecasts": [each.as_dict() for each in found]}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {options.json}")


def _of_options(options: argparse.Namespace, arguments: dict[str, Any]) -> PatientData:
    """Return the patient whose samples are options."""
    if "regimen" not in arguments:
        raise ScenarioError("no regimen: give --regimen '15 ug/m2/day for 28 d, 14 d off, x2' or a scenario file")
    if not options.samples:
        raise ParameterError(
            "no MRD: give each sample, e.g. --mrd 0:1e-2 --mrd 28:3e-4 --mrd 70:nd, or a table by --table FILE"
        )
    samples = tuple(sorted(map(_sample_of(options), options.samples), key=lambda each: each.time_days))
    days = [each.time_days for each in samples]
    for day in days:
        if days.count(day) > 1:
            raise ParameterError(f"--mrd names day {day:g} twice: one sample a day")
    return PatientData(arguments.get("patient", Patient()), arguments["regimen"], samples)


def _of_table(options: argparse.Namespace, arguments: dict[str, Any]) -> PatientData:
    """Return one patient of a table."""
    if options.samples or "patient" in arguments or "regimen" in arguments:
        raise ParameterError("--table holds samples, doses and the patient: leave --mrd, --regimen and patient options out")
    if options.time_unit is None:
        raise ParameterError("--table needs --time-unit days or --time-unit hours")
    table = read_patients(options.table, time_unit=options.time_unit, amount_unit=options.amount_unit, output=options.dv)
    names = [each.patient.name for each in table]
    if options.id is None and len(names) > 1:
        raise ParameterError(f"{options.table} holds {len(names)} patients: name one by --id, e.g. --id {names[0]}")
    return table[names[0] if options.id is None else options.id]


def _sample_of(options: argparse.Namespace) -> Any:
    """Return what makes an observation of the text DAY:VALUE."""
    if options.assay not in ASSAYS:
        raise unknown_name("--assay", options.assay, ASSAYS)
    cells: Any = None if options.cells is None else as_number("--cells", options.cells)
    # MrdSample says what is wrong with a number of cells.
    sample = MrdSample(ASSAYS[options.assay], cells)

    def read(text: str) -> MrdObserved:
        day, colon, value = text.partition(":")
        if not colon:
            raise ParameterError(f"--mrd {text!r} is not DAY:VALUE: write e.g. --mrd 28:3e-4 or --mrd 56:nd")
        when, word = as_number(f"--mrd {text!r}", day), value.strip().lower()
        if word in _NEGATIVE:
            return MrdObserved(when, sample, MrdOutcome.NOT_DETECTED)
        if word in _POSITIVE:
            return MrdObserved(when, sample, MrdOutcome.POSITIVE_NOT_QUANTIFIABLE)
        fraction = as_number(f"--mrd {text!r}", value)
        if not sample.limit_of_quantification <= fraction <= 1.0:
            raise ParameterError(
                f"--mrd {text!r}: {fraction:g} is no quantified MRD of {sample.assay.name} with {sample.cells} cells: "
                f"expected {sample.limit_of_quantification:g} to 1, as a fraction (0.01 % is 1e-4); below it write "
                f"{day}:pnq, and {day}:nd where nothing was detected"
            )
        return MrdObserved(when, sample, MrdOutcome.QUANTIFIED, fraction)

    return read


def _write(found: list[Forecast], folder: Path) -> list[Path]:
    """Write a table and a picture of each forecast; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, each in enumerate(found, start=1):
        end = "" if len(found) == 1 else f"_{number}"
        rows = ["name,unit,time_days,low,median,high"]
        for name in each.values:
            for day, *ends in zip(each.times_days, *each.interval(name), strict=True):
                rows.append(f"{name},{each.units[name]},{float(day)!r},{','.join(repr(float(value)) for value in ends)}")
        table = folder / f"forecast{end}.csv"
        table.write_text("\n".join(rows) + "\n", encoding="utf-8")
        written += [table, save_figure(each.plot(), folder / f"forecast{end}.png")]
    return written
