"""What a patient-year of the hybrid engine costs beside one of the ODE engine: the same case of the leukaemia model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

import bitesim
from benchmarks.command import Record
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Goal, Table, quartiles, spread
from bitesim.engines.deterministic import run_ode
from bitesim.engines.hybrid import run_hybrid
from bitesim.population.simulate import case_and_times

_REGIMEN: Final = "28 ug/day for 28 d, 14 d off, x2"
_YEARS: Final = 2.0
_DAYS: Final = np.arange(0.0, 365.0 * _YEARS + 1.0, 7.0)
#: MRD at first: clones that are never few, that are few and come back, and that are often lost.
_BURDENS: Final = (1e-2, 1e-4, 1e-7)
_REPLICATES: Final = 64
#: Replicates compared with theory before timing; the largest difference in standard errors, a false alarm in 16,000.
_COMPARED, _LARGEST_DIFFERENCE = 600, 4.0
_ROUNDS, _QUICK_ROUNDS = 25, 7
_GOAL: Final = 3.0


def _cpu_ms(call: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    began = time.process_time()
    call(*arguments, **options)
    return 1e3 * (time.process_time() - began)


def _checked(mrd: float) -> Record:
    """Return cure by replicates and by theory, after comparing them."""
    case, days = case_and_times(bitesim.Patient(mrd=mrd), _REGIMEN, None, _DAYS[[0, -1]])
    found = run_hybrid(case, days, _COMPARED, 1)
    share, theory = found.p_cured().value, found.cured_by_theory
    error = max((theory * (1.0 - theory) / _COMPARED) ** 0.5, 1.0 / _COMPARED)
    if abs(share - theory) > _LARGEST_DIFFERENCE * error:
        raise WrongAnswer(f"P(cured) at MRD {mrd:g} is {share:.3f} by replicates and {theory:.3f} by theory")
    return {"cured": share, "cured_by_theory": theory}


def measure(is_quick: bool) -> list[Record]:
    """Return, for each burden, what a course costs [ms of processor time] of both engines, alone and of many replicates."""
    rows: list[Record] = []
    for mrd in _BURDENS:
        case, days = case_and_times(bitesim.Patient(mrd=mrd), _REGIMEN, None, _DAYS)
        checked = _checked(mrd)
        ode, alone, many = [], [], []
        for number in range(_QUICK_ROUNDS if is_quick else _ROUNDS):
            ode.append(_cpu_ms(run_ode, case, days))
            alone.append(_cpu_ms(run_hybrid, case, days, 1, number, threads=1))
            many.append(_cpu_ms(run_hybrid, case, days, _REPLICATES, number, threads=1) / _REPLICATES)
        rows.append(
            {
                "mrd": mrd,
                "ode_ms_per_year": float(np.median(ode)) / _YEARS,
                "alone_ms_per_year": float(np.median(alone)) / _YEARS,
                "of_many_ms_per_year": float(np.median(many)) / _YEARS,
                "alone_over_ode": quartiles(list(np.array(alone) / np.array(ode))),
                "of_many_over_ode": quartiles(list(np.array(many) / np.array(ode))),
                **checked,
            }
        )
    return rows


def goal(rows: list[Record]) -> Goal:
    """Return whether a course of the hybrid engine is cheap enough at every burden."""
    worst = max((row["alone_over_ode"] for row in rows), key=lambda each: each[1])
    return Goal(f"a {_YEARS:g}-year hybrid course costs < {_GOAL:g} times the ODE's", spread(worst), worst[1] < _GOAL)


def table(rows: list[Record]) -> Table:
    """Return the costs as a table."""
    heading = [
        "MRD at first", "ODE, CPU ms a patient-year", "hybrid, one replicate", f"hybrid, one of {_REPLICATES}",
        "one / ODE", "one of many / ODE", "P(cured)", "by theory",
    ]  # fmt: skip
    lines = [
        [
            f"{row['mrd']:g}",
            *(f"{row[f'{name}_ms_per_year']:.2f}" for name in ("ode", "alone", "of_many")),
            spread(row["alone_over_ode"]),
            spread(row["of_many_over_ode"]),
            f"{row['cured']:.3f}",
            f"{row['cured_by_theory']:.3f}",
        ]
        for row in rows
    ]
    note = (
        f"Leukaemia model, {_REGIMEN}, {_YEARS:g} years, weekly outputs, relative tolerance 1e-6; P(cured) of {_COMPARED}."
    )
    return Table("Few cells one by one, beside differential equations", [heading, *lines], note)
