"""`bitesim cohort`: virtual patients through one regimen or several, to a table of what became of them and figures."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bitesim.cli.arms import Arm, arm_of, blocks_of, stream_arm
from bitesim.cli.report import save_figure
from bitesim.cli.simulate import as_number, changes
from bitesim.foundation.checks import whole_number
from bitesim.foundation.errors import ParameterError
from bitesim.parameters import ParameterSet
from bitesim.population import Growth, LogNormal, Quantiles, Variability, VirtualPopulation
from bitesim.population.clinical_result import ClinicalResult
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.course import CAUSES

#: Patients between two looks at the keyboard; changes no number.
_CHUNK: Final = 1024
_MOST_REPRODUCERS: Final = 3
#: Ages of children and young adults in first relapse; nothing is known of their MRD but that it is residual.
_AGES: Final = {0.0: 1.0, 0.25: 6.0, 0.5: 9.0, 0.75: 16.0, 1.0: 27.0}
_MRD_LOG10: Final = (-3.0, 1.0, -6.0, -1.0)
_TOXICITIES: Final = ("severe cytokine release", "severe neurotoxicity", "severe infection", "severe neutropenia")
_DENOMINATORS: Final = {
    "measured": "of those with a sample",
    "positive": "of those, MRD 1e-4 or more at the start",
    "all": "of all",
}


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "cohort",
        help="many virtual patients: MRD, toxicity, transplant, relapse, survival",
        description="Treats and follows virtual patients: children and young adults with residual disease (ages like "
        "those of trials in first relapse, MRD around 1e-3), or those of a file. Arms share patients and luck, so that "
        "they differ by treatment alone. Ctrl-C keeps what is finished.",
    )
    parser.add_argument("--patients", default="200", help="how many (default 200)")
    parser.add_argument("--seed", help="of the patients and of their luck (default 1, or that of the file)")
    parser.add_argument("--population", type=Path, help="file of VirtualPopulation.save, instead of --patients")
    parser.add_argument(
        "--regimen", help="e.g. '15 ug/m2/day for 28 d, 14 d off, x2', 'label' (by weight, the default) or 'none'"
    )
    parser.add_argument(
        "--chemotherapy-blocks", metavar="DAYS", help="days on which blocks begin, e.g. '84,126:0.5' (the second is half)"
    )
    parser.add_argument(
        "--arm", action="append", default=[], metavar="NAME=REGIMEN",
        help="an arm, e.g. 'chemo=none + chemotherapy 0,35'; may be repeated",
    )  # fmt: skip
    parser.add_argument("--follow-up-days", default="730", help="from day 0 (default 730)")
    parser.add_argument("--missing-visits", default="0", help="share of visits without a marrow sample (default 0)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a parameter of the events")
    parser.add_argument("--parquet", action="store_true", help="tables as Parquet (needs pandas and pyarrow), not CSV")
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables and figures")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Simulate every arm, print what became of the patients, write tables and figures; also when stopped half-way."""
    population = _population(options)
    arms = _arms(options, population)
    shared = {
        "follow_up_days": as_number("--follow-up-days", options.follow_up_days),
        "missing_visits": as_number("--missing-visits", options.missing_visits),
        "events": ParameterSet(EVENTS).replace(**changes(options.set)),
        "seed": population.seed if options.seed is None else _whole("--seed", options.seed),
    }
    if options.parquet:
        _check_parquet()
    options.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, ClinicalResult] = {}
    try:
        _simulate(population, arms, shared, results)
    finally:
        # Ctrl-C ends up here too.
        if results:
            print(table(population, arms, results))
            print("wrote " + ", ".join(str(path) for path in _write(population, results, options)))


def _population(options: argparse.Namespace) -> VirtualPopulation:
    if options.population is not None:
        return VirtualPopulation.load(options.population)
    mean, sd, low, high = _MRD_LOG10
    return VirtualPopulation.sample(
        whole_number("--patients", _whole("--patients", options.patients), (1, 10**7)),
        seed=1 if options.seed is None else _whole("--seed", options.seed),
        variability=Variability.of_catalogue().adding({"mrd": LogNormal.of_log10(mean, sd, low, high)}),
        covariates=Growth(Quantiles(_AGES)),
    )


def _whole(option: str, text: str) -> int:
    value = as_number(option, text)
    if not value.is_integer():
        raise ParameterError(f"{option} = {text!r} is not a whole number")
    return int(value)


def _arms(options: argparse.Namespace, population: VirtualPopulation) -> list[Arm]:
    texts: list[tuple[str, str]] = []
    if options.regimen is not None or not options.arm:
        texts.append(("regimen" if options.arm else "", options.regimen or "label"))
    for given in options.arm:
        name, separator, text = given.partition("=")
        if not separator:
            raise ParameterError(f"--arm {given!r} is not NAME=REGIMEN: write e.g. --arm 'label=label'")
        texts.append((name.strip(), text.strip()))
    if len({name for name, _ in texts}) < len(texts):
        raise ParameterError(f"--arm: {', '.join(name for name, _ in texts)}: a name stands twice")
    blocks = [] if options.chemotherapy_blocks is None else blocks_of("--chemotherapy-blocks", options.chemotherapy_blocks)
    return [arm_of(name, text, blocks, population) for name, text in texts]


def _check_parquet() -> None:
    from bitesim.foundation.errors import needs_extra

    try:
        import pandas  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as problem:
        raise needs_extra("pandas and pyarrow", "data", "--parquet") from problem


def _simulate(
    population: VirtualPopulation, arms: Sequence[Arm], shared: dict[str, Any], results: dict[str, ClinicalResult]
) -> None:
    """Fill `results`, arm by arm; what is there is whole chunks."""
    from tqdm import tqdm

    # Shown in a terminal only.
    with tqdm(total=len(arms) * len(population), unit=" patients", disable=None, leave=False) as bar:
        for arm in arms:
            finished: list[ClinicalResult] = []
            try:
                for part in stream_arm(population, arm, _CHUNK, shared):
                    finished.append(part)
                    bar.update(len(part))
            finally:
                if finished:
                    results[arm.name] = ClinicalResult.joined(finished)


def table(population: VirtualPopulation, arms: Sequence[Arm], results: dict[str, ClinicalResult]) -> str:
    """Return what became of the patients of each arm, as text."""
    first = next(iter(results.values()))
    lines = [f"{len(population)} virtual patients, seed {first.seed}, followed for {first.follow_up_days:g} d"]
    lines += [f"{arm.name or 'regimen'}: {arm}" for arm in arms if arm.name in results]
    lines += ["", *([_line("", [name[:22] for name in results])] if len(results) > 1 else [])]
    rows: dict[str, list[str]] = {"patients": [f"{len(each)} ({np.sum(each.failed)} failed)" for each in results.values()]}
    kept = [int(np.sum(~result.failed)) for result in results.values()]
    summaries = [result.summary() if count else {} for result, count in zip(results.values(), kept, strict=True)]
    for name in (*CAUSES, "event-free", "alive", "transplanted", *_TOXICITIES):
        rows[name] = [
            _share(round(each[name] * count), count) if count else "" for each, count in zip(summaries, kept, strict=True)
        ]
    lines += [_line(name, cells) for name, cells in rows.items()]
    for visit in range(1, max(len(result.visits_days) for result in results.values()) + 1):
        has = [visit <= len(result.visits_days) for result in results.values()]
        days = dict.fromkeys(
            f"{result.visits_days[visit - 1]:g}" for result, each in zip(results.values(), has, strict=True) if each
        )
        lines.append(f"MRD not detected at visit {visit}, day {' or '.join(days)}:")
        for of, text in _DENOMINATORS.items():
            found = [
                result.mrd_negative(visit, of) if each else None for result, each in zip(results.values(), has, strict=True)
            ]
            lines.append(_line(f"  {text}", ["" if each is None else _share(*each) for each in found]))
    for name, result in results.items():
        for failure in result.failures[:_MOST_REPRODUCERS]:
            lines.append(f"could not be integrated{f' in {name}' if name else ''}: {failure}")
        if len(result.failures) > _MOST_REPRODUCERS:
            lines.append(f"... and {len(result.failures) - _MOST_REPRODUCERS} more")
    lines.append("Research use only: not for treatment decisions.")
    return "\n".join(lines)


def _line(name: str, cells: Sequence[str]) -> str:
    return (f"{name:42}" + "".join(f"{cell:>24}" for cell in cells)).rstrip()


def _share(count: int, of: int) -> str:
    return f"{count}/{of} {100.0 * count / of:5.1f} %" if of else f"{count}/{of}"


def _write(population: VirtualPopulation, results: dict[str, ClinicalResult], options: argparse.Namespace) -> list[Path]:
    from bitesim.plots import plot_events, plot_survival, plot_swimmer, plot_waterfall

    suffix = "parquet" if options.parquet else "csv"
    written = [options.out / f"population.{suffix}"]
    population.save(written[0])
    for name, result in results.items():
        behind = f"_{name}" if name else ""
        target = options.out / f"patients{behind}.{suffix}"
        written.append(result.to_parquet(target) if options.parquet else result.to_csv(target))
        if not np.all(result.failed):
            pictures: dict[str, Callable[[ClinicalResult], Any]] = {
                "waterfall": plot_waterfall,
                "swimmer": plot_swimmer,
                "events": plot_events,
            }
            written += [save_figure(draw(result), options.out / f"{each}{behind}.png") for each, draw in pictures.items()]
    names = list(results) if len(results) > 1 else None
    written.append(save_figure(plot_survival(list(results.values()), names), options.out / "survival.png"))
    return written
