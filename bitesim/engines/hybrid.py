"""The hybrid engine: large clones by the differential equations, few cells one by one, in the same course.

A clone that falls below a threshold is counted from then on (`engines.hybrid_replicate`), with the hazards of one cell that
the model's own fluxes say along the course (`engines.hybrid_course`), until it has grown to twice the threshold, or for good
if it has died out. Everything else stays continuous. Rules that decide, steady states and resets are as in the ODE engine.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import numpy as np

from bitesim.engines.deterministic import Case, Settings, initial_state, provenance_of, with_drug_by_name
from bitesim.engines.hybrid_course import Setting, cured_by_theory, grid_of
from bitesim.engines.hybrid_replicate import Replicate
from bitesim.engines.hybrid_result import HybridRun
from bitesim.engines.trajectory import RunEvent
from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.errors import ScenarioError
from bitesim.numerics.pieces import Vector

#: Cells below which a clone is counted. Ten times more or less changes no probability of cure that 10,000 runs can tell.
THRESHOLD: Final = 1e4
#: Replicates of one task; a task is what one thread does at a time.
_CHUNK: Final = 16


def run_hybrid(
    case: Case,
    times_days: Vector,
    replicates: int,
    seed: int,
    settings: Settings | None = None,
    threshold: float = THRESHOLD,
    *,
    first_replicate: int = 0,
    threads: int | None = None,
) -> HybridRun:
    """Run one case many times, each with its own luck in the clones of few cells.

    Parameters
    ----------
    case : Case
    times_days : ndarray
        Strictly increasing output times [d]. Other times are other points at which cells are drawn, hence other luck of the
        same law.
    replicates : int
    seed : int
        Replicate r has the luck of (seed, r), whatever the others are.
    settings : Settings, optional
    threshold : float
        Cells below which a clone is counted, 10 to 1e9: so few that twenty times as many change nothing but themselves.
    first_replicate : int
        Number of the first replicate, to go on where another run has ended.
    threads : int, optional
        Default: the processors of the machine; changes no number.

    Raises
    ------
    ScenarioError
        For a model without clones.
    SolverError
        When the equations cannot be integrated.
    """
    count = whole_number("replicates", replicates, (1, 2**32))
    begin = whole_number("first_replicate", first_replicate, (0, 2**32 - count))
    workers = _processors() if threads is None else whole_number("threads", threads, (1, 1024))
    hint = "Below it cells are drawn one by one, e.g. 1e4."
    setting = _setting(case, times_days, settings or Settings(), number("threshold", threshold, "cells", (10.0, 1e9), hint))
    theory = cured_by_theory(setting, Replicate(setting, (seed, 0), is_counting=False).run().stretches)
    wanted = np.searchsorted(setting.grid, times_days)
    cells = np.empty((count, len(setting.clones), len(setting.grid), 2))
    states = np.empty((count, len(wanted), len(setting.start)))
    decisions: list[tuple[RunEvent, ...]] = [()] * count

    def run_part(rows: range) -> None:
        for row in rows:
            done = Replicate(setting, (seed, begin + row)).run()
            cells[row], states[row], decisions[row] = done.cells, done.states[wanted], tuple(done.events)

    parts = [range(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK)]
    if min(workers, len(parts)) == 1:
        for part in parts:
            run_part(part)
    else:
        with ThreadPoolExecutor(min(workers, len(parts)), thread_name_prefix="bitesim-hybrid") as pool:
            list(pool.map(run_part, parts))
    drawn = {"engine": "hybrid", "threshold_cells": setting.threshold, "replicates": count, "first_replicate": begin}
    return HybridRun.of(
        case, times_days, states, seed=seed, threshold_cells=setting.threshold, grid_days=setting.grid, cells=cells,
        cured_by_theory=theory, decisions=tuple(decisions), first_replicate=begin,
        provenance=provenance_of(replace(setting.case, seed=seed), setting.schedule, setting.settings, **drawn),
    )  # fmt: skip


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _setting(case: Case, times_days: Vector, settings: Settings, threshold: float) -> Setting:
    model = case.model
    if not model.clones:
        raise ScenarioError(f"model {model.name} has no clones that could be counted: run it with engine='ode'")
    case = replace(case, regimen=with_drug_by_name(model, case.regimen))
    schedule = case.schedule()
    grid = grid_of(case, schedule, times_days)
    return Setting(case, settings, schedule, grid, initial_state(model, case.parameters), threshold)
