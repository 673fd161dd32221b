"""Recovery under a limit of quantification: python -m tests.verification.censored_recovery [--replicates N] [--json FILE].

Patients are simulated, what lies below the limit is treated in four ways, and the parameters are estimated: the probability
beyond the limit (M3), half of the limit imputed, the rows dropped, and all values known. Bias, RMSE and coverage of 95 %
intervals are those of ln slow rate and ln slow share, the two that a limit hides. The slow rate is that of the resistant
clone, on which a forecast hangs.

The first two tables are of populations (quadrature with three nodes a dimension, `biexponential`), in the design in which
the orders of size were measured before: M3 -0.03, LLOQ/2 -0.32; and with 70 % of the rows below the limit. There even M3
hardly knows the slow phase: Wald intervals often do not exist, and its estimates stay near the start, which was near the
truth. The third is of single patients by `bitesim.inference.fit_patient`, with the population as their prior.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitesim.inference import AmountObserved, PatientData, fit_patient
from bitesim.population import Patient
from bitesim.population.distributions import LogNormal
from bitesim.treatment import Regimen
from tests.verification.biexponential import EFFECTS, ERROR, MEANS, SDS, PopulationFit, courses, handled, simulate
from tests.verification.small_mrd_model import two_clones

Array = NDArray[np.float64]
WAYS = ("full data", "M3", "LLOQ/2", "dropped")
#: Name -> patients, times [d], limit.
DESIGNS = {
    "11 % below the limit": (40, np.array([0.0, 3.0, 8.0, 15.0, 29.0, 43.0, 71.0]), 1e-4),
    "70 % below the limit": (60, np.array([0.0, 15.0, 29.0, 57.0, 85.0, 113.0, 141.0]), 2.1e-3),
}
SLOW_SHARE, SLOW_RATE = 1, 3
_NAMES = ("fast_share", "slow_share", "fast_rate_per_day", "slow_rate_per_day")
_COVERED = 1.959963984540054


def populations(design: str, replicates: int, seed: int = 1) -> dict[str, Array]:
    """Return, for each way, estimates and standard errors of every replicate, shape (replicates, 3, effects).

    The third row is the estimated SD between patients of each effect. Replicate r is the same data in all ways.
    """
    patients, times, limit = DESIGNS[design]
    found = {way: np.empty((replicates, 3, EFFECTS)) for way in WAYS}
    for replicate in range(replicates):
        measured = simulate(patients, times, np.random.default_rng([seed, replicate]))
        for way in WAYS:
            estimate, errors, _ = PopulationFit(handled(measured, times, limit, way), 3).fit()
            found[way][replicate] = estimate[:EFFECTS], errors[:EFFECTS], np.exp(estimate[EFFECTS:-1])
    return found


def individuals(patients: int, seed: int = 1) -> dict[str, Array]:
    """Return, for each way, estimates less truth and SDs of patients' own ln parameters, shape (patients, 2, effects)."""
    model = two_clones()
    _, times, limit = DESIGNS["70 % below the limit"]
    priors = {name: LogNormal(math.exp(mean), sd) for name, mean, sd in zip(_NAMES, MEANS, SDS, strict=True)}
    found = {way: np.empty((patients, 2, EFFECTS)) for way in WAYS}
    for number in range(patients):
        rng = np.random.default_rng([seed, 7, number])
        own = MEANS + SDS * rng.standard_normal(EFFECTS)
        measured = np.exp(courses(own, times)[0] + ERROR * rng.standard_normal(len(times)))
        for way in WAYS:
            rows = handled(measured[None], times, limit, way)
            seen = tuple(
                AmountObserved(float(day), "mrd", float(low), float(high), ERROR)
                for day, low, high in zip(times, rows.lower[0], rows.upper[0], strict=True)
                if not math.isnan(low)
            )
            if not seen:
                found[way][number] = MEANS - own, SDS
                continue
            data = PatientData(Patient(name=f"p{number}"), Regimen.none(), seen)
            fit = fit_patient(data, list(_NAMES), model, priors=priors, starts=1)
            found[way][number] = np.log(list(fit.estimates.values())) - own, fit.laplace.sd * SDS
    return found


def summary(errors: Array, standard: Array) -> dict[str, float]:
    """Return bias, RMSE, coverage of 95 % intervals and the share of intervals that do not exist."""
    exists = np.isfinite(standard)
    covered = np.abs(errors[exists]) <= _COVERED * standard[exists]
    return {
        "bias": float(errors.mean()),
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "coverage": float(covered.mean()) if exists.any() else math.nan,
        "no_interval": float(1.0 - exists.mean()),
    }


def population_table(found: dict[str, Array]) -> list[dict[str, object]]:
    """Return one row a way and parameter; `collapsed` is the share of replicates whose SD between patients went to 0."""
    rows: list[dict[str, object]] = []
    for place, name in ((SLOW_RATE, "ln slow rate"), (SLOW_SHARE, "ln slow share")):
        for way, each in found.items():
            told = summary(each[:, 0, place] - MEANS[place], each[:, 1, place])
            rows.append({"parameter": name, "way": way, **told, "collapsed": float(np.mean(each[:, 2, place] < 0.05))})
    return rows


def individual_table(found: dict[str, Array]) -> list[dict[str, object]]:
    """Return one row a way and parameter."""
    return [
        {"parameter": name, "way": way, **summary(each[:, 0, place], each[:, 1, place])}
        for place, name in ((SLOW_RATE, "ln slow rate"), (SLOW_SHARE, "ln slow share"))
        for way, each in found.items()
    ]


def text(title: str, rows: list[dict[str, object]]) -> str:
    """Return a table for the terminal."""
    heads = list(rows[0])
    lines = [title, "  " + " ".join(f"{head:>13}" for head in heads)]
    for row in rows:
        cells = (f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values())
        lines.append("  " + " ".join(f"{cell:>13}" for cell in cells))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all three tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.verification.censored_recovery")
    parser.add_argument("--replicates", type=int, default=40, help="populations of each design (default 40)")
    parser.add_argument("--patients", type=int, default=300, help="single patients (default 300)")
    parser.add_argument("--json", type=Path, help="file for the tables")
    options = parser.parse_args(arguments)
    tables = {}
    for design, (patients, times, limit) in DESIGNS.items():
        title = f"populations of {patients}, {design} of {limit:g}, days {', '.join(f'{day:g}' for day in times)}"
        tables[title] = population_table(populations(design, options.replicates))
        print(text(f"{title}; {options.replicates} replicates", tables[title]), flush=True)
    title = "single patients by fit_patient, 70 % below the limit, the population as prior"
    tables[title] = individual_table(individuals(options.patients))
    print(text(f"{title}; {options.patients} patients", tables[title]))
    if options.json is not None:
        plain = json.dumps(tables, indent=1).replace("NaN", "null")
        options.json.write_text(plain + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
