"""T cells and targets as single cells in a dish: who pairs, kills and survives (Liu et al. 2023), dishes on threads."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitesim.dish.cells_result import DishOfCells, SynapsePopulation
from bitesim.dish.swept import (
    COPIES_HINT,
    DRUG_HINT,
    Values,
    cells_of_dishes,
    changed_figures,
    several,
)
from bitesim.dish.synapses import SOURCE, published_engaged
from bitesim.engines.synapse_population.cells import COUNTED, FREE, KINDS, single_cells
from bitesim.engines.synapse_population.rounds import ready_to_run, run_rounds
from bitesim.foundation.checks import number, shown, whole_number
from bitesim.foundation.errors import ParameterError, SolverError
from bitesim.foundation.random_streams import seed_entropy
from bitesim.mechanisms.serial_killing import LIU_2023_HOUR, LIU_2023_SERIAL, cell_parameters
from bitesim.mechanisms.synapse_formation import LIU_2023_BASE, synapse_course
from bitesim.numerics.outcomes import ADVICE, Outcome

#: Cells of either kind in one dish: 57 bytes a T cell, 17 a target.
MOST_CELLS: Final = 20_000_000
#: The base experiment ends here; beyond it T cells let go and kill again, as published.
_HOUR: Final = 60
_MOST_MINUTES: Final = 10_080
_MINUTES_HINT: Final = "Time is in whole minutes: 72 h are 4320."
_VOLUME_HINT: Final = "Give microlitres: 1 mL is 1000; a small part of a dish is run as well as all of it."
_BINS: Final = 120
#: Distributions reach so many standard deviations of ln copies to either side.
_REACH: Final = 6.0
_UNITS: Final = {
    "cd19_copies": "1/cell",
    "effectors_per_ml": "1/mL",
    "targets_per_ml": "1/mL",
    "effectors_per_target": "E:T",
    "drug_ng_per_ml": "ng/mL",
    "replicate": "",
    "effector_cells": "cells",
    "target_cells": "cells",
    "minutes": "min",
    "engaged_effectors": "-",
    **{f"effectors_{kind}": "-" for kind in ("single", *KINDS[1:])},
    "free_targets": "-",
    "engaged_targets": "-",
    "dead_targets": "-",
    "larger_of_clusters": "-",
    "three_of_larger": "-",
    "adhesion": "-",
    "cd19_of_free": "1/cell",
    "cd19_kept": "x",
    "median_kept": "x",
    "mean_field": "-",
    "published_engaged": "-",
    "times_published": "x",
}


class _Dish(NamedTuple):
    """One dish to run."""

    cd19_copies: float
    effectors_per_ml: float
    targets_per_ml: float
    drug_ng_per_ml: float
    replicate: int
    volume_ml: float
    cells: tuple[int, int]
    p: Any


def synapse_population(
    drug_ng_per_ml: Values = 20.0,
    effectors_per_ml: Values = 1e6,
    targets_per_ml: Values | None = None,
    minutes: int = _HOUR,
    *,
    effectors_per_target: Values | None = None,
    cd19_copies: Values = LIU_2023_BASE["cd19_mean_copies"],
    cd19_ln_sd: float | None = None,
    volume_ul: float = 1000.0,
    replicates: int = 1,
    first_replicate: int = 0,
    seed: int | np.random.SeedSequence | np.random.Generator | None = 0,
    is_serial: bool | None = None,
    parameters: Mapping[str, float] | None = None,
    threads: int | None = None,
) -> SynapsePopulation:
    """Run dishes of single cells, each with its own CD3 or CD19: each value of one argument with each of the others.

    The agent-based models of Liu et al. (eLife 2023;12:e83659): of an hour, and of serial killing for up to 72 h, in which a
    synapse lasts 150 min and leaves its targets dead and its T cells free. Cells of high CD19 are bound first, so that
    those of low CD19 are left.

    Parameters
    ----------
    drug_ng_per_ml : float or sequence of float
        Total drug [ng/mL], 0 to 1e4.
    effectors_per_ml : float or sequence of float
        T cells (E) per mL, 1e4 to 1e8. The publication counts both kinds together: its 2e6 are 1e6 of each.
    targets_per_ml : float or sequence of float, optional
        Targets (T) per mL, 1e4 to 1e8. In place of `effectors_per_target`.
    minutes : int
        1 to 10080 (a week).
    effectors_per_target : float or sequence of float, optional
        E:T, so that targets are T cells divided by it. Default 1.
    cd19_copies : float or sequence of float
        Mean CD19 per target. By default that of Raji sorted for medium CD19.
    cd19_ln_sd : float, optional
        Standard deviation of ln CD19 between targets, 0 to 1.5; 0 for cells all alike. Default as published, 0.454.
    volume_ul : float
        Volume that is simulated [uL]: 1 mL, as published, has 1e6 T cells at the default density.
    replicates, first_replicate : int
        How many dishes of each kind, with their own luck and cells, and the number of the first of them.
    seed : int, SeedSequence, Generator or None
        None takes fresh entropy; the result says which seed was used.
    is_serial : bool, optional
        Whether synapses end and T cells kill again, drug is balanced anew every hour and CD19 is not internalised: the
        published model of days. Default: beyond 60 minutes.
    parameters : mapping, optional
        Name -> value of `bitesim.mechanisms.serial_killing.LIU_2023_SERIAL`, e.g. ``{"synapse_minutes": 60.0}``.
    threads : int, optional
        Dishes run side by side; changes no number. Default: the processors of the machine.

    Returns
    -------
    SynapsePopulation

    Raises
    ------
    UnknownNameError
        For a parameter that is not in the table.
    ParameterError
        For a value outside its range (the message says what was probably meant), a dish without cells or with more than
        20 million of a kind.
    SolverError
        For parameters that make a touch take too many steps.
    """
    drug = several("drug_ng_per_ml", drug_ng_per_ml, "ng/mL", (0.0, 1e4), DRUG_HINT)
    copies = several("cd19_copies", cd19_copies, "copies/cell", (1.0, 1e8), COPIES_HINT)
    length = whole_number("minutes", minutes, (1, _MOST_MINUTES), _MINUTES_HINT)
    first = whole_number("first_replicate", first_replicate, (0, 2**31 - 1))
    numbers = range(first, first + whole_number("replicates", replicates, (1, 100_000)))
    serial = length > _HOUR if is_serial is None else _truth("is_serial", is_serial)
    spread = _spread() if cd19_ln_sd is None else number("cd19_ln_sd", cd19_ln_sd, "-", (0.0, 1.5), "65 % are 0.6.")
    figures = changed_figures(parameters)
    volume_ml = 1e-3 * number("volume_ul", volume_ul, "uL", (1e-4, 1e7), _VOLUME_HINT)
    cells_per_ml = cells_of_dishes(effectors_per_ml, targets_per_ml, effectors_per_target)
    densities = [(*each, _cells(*each, volume_ml)) for each in cells_per_ml]
    entropy = seed_entropy(seed)
    dishes = []
    for mean_copies in copies:
        geometric = mean_copies * math.exp(-0.5 * spread * spread)
        p = cell_parameters(serial, cd19_mean_copies=mean_copies, cd19_geometric_mean=geometric, **figures)
        for (e, t, cells), level, replicate in product(densities, drug, numbers):
            dishes.append(_Dish(mean_copies, e, t, level, replicate, volume_ml, cells, p))
    done = _run_all(dishes, entropy, length, threads)
    known: dict[tuple[float, ...], float] = {}
    rows = [_row(dish, found, length, serial, known) for dish, found in zip(dishes, done, strict=True)]
    table = LIU_2023_SERIAL if serial else LIU_2023_HOUR
    return _result(
        rows, done, length, serial, entropy, {name: float(figures.get(name, value)) for name, value in table.items()}
    )


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise ParameterError(
            f"{name} = {shown(value)} is no truth value: expected True, False, or None for the publication's"
        )
    return bool(value)


def _spread() -> float:
    return math.sqrt(2.0 * math.log(LIU_2023_BASE["cd19_mean_copies"] / LIU_2023_BASE["cd19_geometric_mean"]))


def _cells(effectors_per_ml: float, targets_per_ml: float, volume_ml: float) -> tuple[int, int]:
    """Return whole T cells and targets of a dish."""
    found = []
    for name, per_ml in (("T cells", effectors_per_ml), ("targets", targets_per_ml)):
        count = round(per_ml * volume_ml)
        if not 1 <= count <= MOST_CELLS:
            raise ParameterError(
                f"volume_ul = {1e3 * volume_ml:g} at {per_ml:g} {name} per mL holds {count} {name}: "
                f"expected 1 to {MOST_CELLS}. Simulate a {'larger' if count < 1 else 'smaller'} part of the dish."
            )
        found.append(count)
    return found[0], found[1]


def _run_all(dishes: list[_Dish], seed: int, minutes: int, threads: int | None) -> list[DishOfCells]:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    workers = processors if threads is None else whole_number("threads", threads, (1, 1024))
    ready_to_run(single_cells(1, 1), dishes[0].p)
    with ThreadPoolExecutor(min(workers, len(dishes)), thread_name_prefix="bitesim-dish") as pool:
        # In the order of the dishes, whichever thread is ready first.
        return list(pool.map(lambda dish: _run(dish, seed, minutes), dishes))


def _run(dish: _Dish, seed: int, minutes: int) -> DishOfCells:
    cells = single_cells(*dish.cells)
    counts, cd19_of_free = np.zeros((minutes + 1, len(COUNTED)), np.int64), np.zeros(minutes + 1)
    luck = (np.uint64(seed), dish.replicate)
    code = run_rounds(cells, dish.drug_ng_per_ml, dish.volume_ml, luck, counts, cd19_of_free, dish.p)
    if code != Outcome.OK:
        raise SolverError(
            f"bridges in a touch could not be integrated ({dish.drug_ng_per_ml:g} ng/mL, replicate {dish.replicate}): "
            f"{ADVICE[Outcome(code)]}"
        )
    left = cells.cd19[cells.fate == FREE]
    edges = _edges(dish.p)
    return DishOfCells(
        counts,
        cd19_of_free,
        edges,
        _histogram(cells.cd19, edges),
        _histogram(left, edges),
        float(np.median(cells.cd19)),
        float(np.median(left)) if len(left) else np.nan,
    )


def _edges(p: Any) -> NDArray[np.float64]:
    """Return edges around the geometric mean, evenly spaced in ln copies; cells all alike fall into the middle."""
    spread = max(math.sqrt(2.0 * math.log(p.cd19_mean_copies / p.cd19_geometric_mean)), 0.01)
    return np.asarray(p.cd19_geometric_mean * np.exp(np.linspace(-_REACH, _REACH, _BINS) * spread))


def _histogram(copies: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return cells in each bin; the two outermost bins hold what lies beyond."""
    return np.histogram(np.minimum(np.maximum(copies, edges[0]), edges[-1]), edges)[0]


def _row(
    dish: _Dish, found: DishOfCells, minutes: int, is_serial: bool, known: dict[tuple[float, ...], float]
) -> dict[str, Any]:
    e, t, drug = dish.effectors_per_ml, dish.targets_per_ml, dish.drug_ng_per_ml
    engaged, targets = float(found.engaged()[-1]), found.targets()
    key = (dish.cd19_copies, e, t, drug)
    if key not in known:
        # Expected numbers know no end of synapses.
        known[key] = (
            np.nan if is_serial or minutes > 600 else float(synapse_course(e, t, drug, minutes, dish.p).engaged()[-1])
        )
    published = np.nan if is_serial else published_engaged(dish.cd19_copies, e, t, drug, minutes)
    return {
        "cd19_copies": dish.cd19_copies,
        "effectors_per_ml": e,
        "targets_per_ml": t,
        "effectors_per_target": e / t,
        "drug_ng_per_ml": drug,
        "replicate": dish.replicate,
        "effector_cells": dish.cells[0],
        "target_cells": dish.cells[1],
        "minutes": float(minutes),
        "engaged_effectors": engaged,
        **{f"effectors_{kind}": float(share[-1]) for kind, share in found.effectors().items()},
        **{f"{name}_targets": float(share[-1]) for name, share in targets.items()},
        "larger_of_clusters": found.larger_of_clusters(),
        "three_of_larger": found.three_of_larger(),
        "adhesion": found.adhesion(),
        "cd19_of_free": float(found.cd19_of_free[-1]),
        "cd19_kept": float(found.cd19_of_free[-1] / found.cd19_of_free[0]),
        "median_kept": found.median_after / found.median_before,
        "mean_field": known[key],
        "published_engaged": published,
        "times_published": engaged / published,
    }


def _result(
    rows: list[dict[str, Any]], done: list[DishOfCells], minutes: int, is_serial: bool, seed: int, figures: dict[str, float]
) -> SynapsePopulation:
    columns = {name: np.array([row[name] for row in rows]) for name in _UNITS}
    given = [
        name
        for name in ("cd19_copies", "effectors_per_ml", "targets_per_ml", "drug_ng_per_ml", "replicate")
        if "per_ml" in name or len(np.unique(columns[name])) > 1
    ]
    killing = ["dead_targets", "cd19_kept"] if is_serial else ["mean_field"]
    published = ["published_engaged", "times_published"] if np.isfinite(columns["published_engaged"]).any() else []
    lasts = f"a synapse lasts {figures['synapse_minutes']:g} min, and its targets count as engaged until they are dead."
    kind = f"Serial killing: {lasts}" if is_serial else "Nothing falls apart: the published model of one hour."
    return SynapsePopulation(
        title=f"T cells (E) and targets (T) as single cells, after {minutes} min",
        columns=columns,
        units=_UNITS,
        shown=(*given, "engaged_effectors", "engaged_targets", *killing, *published),
        notes=(
            f"Model and figures: {SOURCE}. {kind}",
            f"Seed {seed}; {int(columns['effector_cells'].max()):,} T cells at most in a dish.",
        ),
        parameters={
            name: value for name, value in figures.items() if name not in ("cd19_mean_copies", "cd19_geometric_mean")
        },
        dishes=tuple(done),
        seed=seed,
    )
