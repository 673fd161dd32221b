"""Agents in marrow, cost a cell: python -m benchmarks.agents [--quick] [--json FILE] [--page FILE].

bitesim's niche engine beside Mesa on the same rules, on one core; then its cost against cells and days, and what cells with
receptor counts of their own cost. HAL, PhysiCell and a C kernel are quoted from an earlier measurement.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import agents_mesa
from benchmarks.command import Benchmark, Record, main, say
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Goal, Section, Table, quartiles, spread
from bitesim.engines.agents.cell_records import CD3_CLASSES
from bitesim.engines.agents.engine import NicheEngine, Start, niche_box
from bitesim.engines.agents.rules import CD19_CLASSES, MINUTES_PER_DAY, Hazards, even_kill_chance

_BLASTS, _T_CELLS = 0.45, 0.05
#: Contacts that are short and rare, so that most T cells walk: the kernel's load.
_WALKING: Final = Hazards(
    10.0, 5.0, 4.0, 96.0, even_kill_chance(0.05), np.array([[0.105, 0.104, 1e-7]] * 2), np.zeros((3, 6))
)
#: (edge, height) in sites, about 1e4, 1e5, 1e6 and 8e6 cells.
_BOXES: Final = ((32, 32), (64, 64), (128, 128), (256, 256))
_QUICK_BOXES: Final = ((32, 32), (64, 64), (128, 128))
_ROUNDS, _QUICK_ROUNDS = 9, 3
_MOVES_A_ROUND: Final = 3e6
_SEED: Final = 8
_DAYS, _QUICK_DAYS = 28, 1
#: Measured once on another day with one engine each: shown for orientation, never a ratio within this run.
_QUOTED: Final = (
    ("C kernel of the same walk, without branches", "1.95e8 walking T cells/s", "", ""),
    ("HAL (Java)", "4.0e6 cells/s", "105", "10"),
    ("PhysiCell 1.14.2, immune sample (does more)", "6.3e4 cells/s", "6,300", "0.014"),
)
_C_KERNEL_PER_S: Final = 1.95e8
_HAL_DAYS_PER_HOUR: Final = 10.0

_INTRODUCTION: Final = f"""\
Cubic lattice of 10 um sites, {_BLASTS:.0%} blasts and {_T_CELLS:.0%} T cells, steps of one minute, one thread. CPU time.

- Before timing, the share of blasts that Mesa's cells have killed must agree with bitesim's within 5 standard errors.
- Ratios are taken within a round: median (quartiles). On a shared machine times wander: **use the ratios**.
- A walking T cell costs; bound ones and blasts sleep until something happens to them. Effective cells/s counts all.
"""


def rules_of(hazards: Hazards) -> tuple[float, ...]:
    """Return the chances a step in Mesa's order."""
    days = hazards.step_min / MINUTES_PER_DAY
    turn = 1.0 - float(np.exp(-hazards.step_min / hazards.persistence_min))
    kill = float(hazards.kill_chance.flat[0])
    birth, death, _ = hazards.blast_per_day[0]
    let_go = 1.0 - float(np.exp(-hazards.release_per_day * days))
    return turn, hazards.meetings_per_day * days, let_go, kill, float(birth * days), float(death * days)


def start(edge: int, height: int, seed: int = _SEED, with_classes: bool = False) -> Start:
    """Return cells on random sites."""
    box, luck = niche_box(edge, height), np.random.default_rng(seed)
    kinds = np.zeros(box.sites, np.uint8)
    order = luck.permutation(box.sites)
    blasts, t_cells = round(_BLASTS * box.sites), round(_T_CELLS * box.sites)
    kinds[order[:blasts]], kinds[order[blasts : blasts + t_cells]] = 1, 3
    states = np.ones(t_cells, np.int64)
    if not with_classes:
        return Start(kinds, states)
    classes = luck.integers(0, CD19_CLASSES, box.sites).astype(np.uint8)
    return Start(kinds, states, classes, luck.integers(0, CD3_CLASSES, t_cells))


def _engine(edge: int, height: int, hazards: Hazards = _WALKING, with_classes: bool = False) -> NicheEngine:
    engine = NicheEngine(niche_box(edge, height), start(edge, height, with_classes=with_classes), hazards.rules(), _SEED)
    engine.advance(2)
    return engine


def _per_move(engine: NicheEngine, steps: int) -> float:
    """Return the processor time of one walking T cell's step [ns], everything else included."""
    before, began = engine.tally("moves"), time.process_time()
    engine.advance(steps)
    return 1e9 * (time.process_time() - began) / (engine.tally("moves") - before)


def _sizes(boxes: Sequence[tuple[int, int]], rounds: int) -> list[Record]:
    """Return the cost against cells: all sizes take turns."""
    engines = [_engine(*box) for box in boxes]
    steps = [max(2, round(_MOVES_A_ROUND / (_T_CELLS * engine.box.sites))) for engine in engines]
    samples: list[list[float]] = [[] for _ in engines]
    for _ in range(rounds):
        for place, engine in enumerate(engines):
            samples[place].append(_per_move(engine, steps[place]))
    found = []
    for box, engine, taken in zip(boxes, engines, samples, strict=True):
        census = engine.census()
        cells = census.blasts + census.t_cells
        walking = sum(census.walking)
        relative = [mine / reference for mine, reference in zip(taken, samples[min(1, len(samples) - 1)], strict=True)]
        cost = float(np.median(taken))
        found.append(
            {
                "box": list(box), "cells": cells, "walking": walking, "ns_per_move": quartiles(taken),
                "relative": quartiles(relative), "effective_per_s": 1e9 / cost * cells / walking,
                "bytes_per_cell": engine.niche.nbytes / cells,
                "days_per_hour": 3600.0 / (1e-9 * cost * walking * MINUTES_PER_DAY),
            }
        )  # fmt: skip
    return found


def _receptors(rounds: int) -> Record:
    """Return what cells with receptor counts of their own cost."""
    by_class = np.linspace(0.02, 0.08, CD19_CLASSES)
    table = np.broadcast_to(by_class, (3, 2, CD3_CLASSES, CD19_CLASSES)).copy()
    plain, own = _engine(64, 64), _engine(64, 64, replace(_WALKING, kill_chance=table), with_classes=True)
    packed = _engine(64, 64, replace(_WALKING, swap_chance=0.1))
    ratios: dict[str, list[float]] = {"own": [], "swaps": []}
    for _ in range(rounds):
        each = [_per_move(engine, 230) for engine in (plain, own, packed)]
        ratios["own"].append(each[1] / each[0])
        ratios["swaps"].append(each[2] / each[0])
    return {
        "own_receptors": quartiles(ratios["own"]), "swaps": quartiles(ratios["swaps"]),
        "bytes_per_cell": [engine.niche.nbytes / (0.5 * engine.box.sites) for engine in (plain, own)],
    }  # fmt: skip


def _long_run(days: int) -> Record:
    """Return the cost of a million cells day by day."""
    engine = _engine(128, 128)
    course = []
    for day in range(days):
        began = time.process_time()
        engine.advance(int(MINUTES_PER_DAY))
        census = engine.census()
        course.append([day + 1, time.process_time() - began, census.blasts + census.t_cells, sum(census.walking)])
        say(f"day {day + 1}: {course[-1][1]:.2f} s")
    return {"days": days, "cpu_s": sum(row[1] for row in course), "course": course, "digest": engine.digest()}


def _threads() -> bool:
    """Return whether 1, 2 and 4 threads give the same bytes."""
    digests = set()
    for threads in (1, 2, 4):
        engine = _engine(64, 64)
        engine.advance(120, threads=threads)
        digests.add(engine.digest())
    return len(digests) == 1


def _mesa(is_quick: bool) -> list[Record]:
    """Return Mesa's cost on the same rules, on its own grid and with a dictionary, after a look at whether it does them."""
    return [_one_mesa(is_quick, own_grid) for own_grid in (True, False)] if agents_mesa.is_installed() else []


def _one_mesa(is_quick: bool, own_grid: bool) -> Record:
    busy = replace(_WALKING, meetings_per_day=200.0, release_per_day=200.0, kill_chance=even_kill_chance(0.5))
    shares = (_BLASTS, _T_CELLS)
    theirs = agents_mesa.measured(16, shares, rules_of(busy), 300, _SEED, own_grid=own_grid)
    killed = []
    for seed in range(8):
        engine = NicheEngine(niche_box(16, 16), start(16, 16, seed), busy.rules(), seed)
        engine.advance(300)
        killed.append(engine.tally("kills"))
    apart = (theirs.kills - np.mean(killed)) / (np.std(killed, ddof=1) * np.sqrt(1.0 + 1.0 / len(killed)))
    name = "own grid" if own_grid else "dictionary"
    say(f"Mesa, {name}: {theirs.kills} kills, bitesim {np.mean(killed):.0f}: {apart:+.1f} standard errors")
    if abs(apart) > 5.0:
        raise WrongAnswer(f"Mesa ({name}) and bitesim differ by {apart:.1f} standard errors in kills")
    edge, steps = (32, 20) if is_quick else (128, 4)
    run = agents_mesa.measured(edge, shares, rules_of(_WALKING), steps, _SEED, own_grid=own_grid)
    engine = _engine(edge, edge)
    began, more = time.process_time(), 100 * steps
    engine.advance(more)
    ours = (time.process_time() - began) / more
    per_step = run.cpu_s / run.steps
    return {
        "name": name, "cells": run.cells, "us_per_step": 1e6 * per_step, "cells_per_s": run.cells / per_step,
        "bytes_per_cell": run.bytes_per_cell, "days_per_hour": 3600.0 / (per_step * MINUTES_PER_DAY),
        "bitesim_is_faster": per_step / ours, "apart": float(apart),
    }  # fmt: skip


def run(options: argparse.Namespace) -> Record:
    """Compare, then time."""
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    found: Record = {
        "versions": {"mesa": agents_mesa.version() or "not installed"},
        "mesa": _mesa(options.quick),
        "sizes": _sizes(_QUICK_BOXES if options.quick else _BOXES, rounds),
        "receptors": _receptors(rounds),
        "same_bytes": _threads(),
        "long_run": _long_run(_QUICK_DAYS if options.quick else _DAYS),
    }
    return found


def _goals(found: Record) -> Iterable[Goal]:
    sizes, long_run, mesa = found["sizes"], found["long_run"], found["mesa"]
    million = next(row for row in sizes if row["cells"] > 5e5)
    most = max(row[3] for row in long_run["course"])
    scaled = long_run["cpu_s"] * 28.0 / long_run["days"]
    yield Goal(
        "1e6 cells x 28 days <= 60 s on one core at <= 1e5 walking T cells",
        f"{scaled:.0f} s at {most:,} walking" + ("" if long_run["days"] == 28 else f" (from {long_run['days']} d)"),
        scaled <= 60.0,
    )
    speeds = [1e9 / each for each in million["ns_per_move"]]
    yield Goal(">= 1.2e8 walking T cells/s/core", f"{speeds[1]:.3g} ({speeds[2]:.3g}-{speeds[0]:.3g})", speeds[1] >= 1.2e8)
    yield Goal(
        ">= 0.6 of the C kernel (quoted, another day)",
        f"{speeds[1] / _C_KERNEL_PER_S:.2f}",
        speeds[1] >= 0.6 * _C_KERNEL_PER_S,
    )
    text = ">= 1000x Mesa in days per hour"
    if not mesa:
        yield Goal(text, "Mesa is not installed", None)
    for each in mesa:
        # A dictionary of one's own is hardly Mesa any more: it stands in the table.
        if each["name"] == "own grid":
            faster = each["bitesim_is_faster"]
            yield Goal(f"{text} (own grid, {each['cells']:,} cells)", f"{faster:,.0f}", faster >= 1000.0)
    ratio = million["days_per_hour"] / _HAL_DAYS_PER_HOUR
    yield Goal(">= 100x HAL in days per hour (quoted, another day)", f"{ratio:,.0f}", ratio >= 100.0)
    bytes_per_cell = max(row["bytes_per_cell"] for row in sizes if row["cells"] > 5e4)
    yield Goal("<= 30 B a cell", f"{bytes_per_cell:.1f}", bytes_per_cell <= 30.0)
    largest = sizes[-1]
    is_large = largest["cells"] > 5e6
    yield Goal(
        "cost a move at 8e6 cells <= 1.3 times that at 1e5",
        spread(largest["relative"]) if is_large else "not run",
        largest["relative"][1] <= 1.3 if is_large else None,
    )
    yield Goal("same bytes on 1, 2 and 4 threads", "yes" if found["same_bytes"] else "no", found["same_bytes"])


def section(found: Record) -> Section:
    """Return what was found."""
    rows: list[Sequence[str]] = [["engine", "speed", "bytes a cell", "days an hour at 1e6 cells"]]
    million = next(row for row in found["sizes"] if row["cells"] > 5e5)
    rows.append(
        [
            "bitesim", f"{1e9 / million['ns_per_move'][1]:.3g} walking T cells/s, {million['effective_per_s']:.3g} cells/s",
            f"{million['bytes_per_cell']:.1f}", f"{million['days_per_hour']:,.0f}",
        ]
    )  # fmt: skip
    for mesa in found["mesa"]:
        days = mesa["days_per_hour"] * mesa["cells"] / 1e6
        speed, size = f"{mesa['cells_per_s']:.3g} cells/s", f"{mesa['bytes_per_cell']:,.0f}"
        rows.append(
            [f"Mesa, same rules, {mesa['name']} ({mesa['bitesim_is_faster']:,.0f} times)", speed, size, f"{days:.2g}"]
        )
    rows += [[f"quoted: {each[0]}", *each[1:]] for each in _QUOTED]
    table = Table("Engines", rows, "Quoted rows were measured once on another day; they are no part of this run.")
    sizes: list[Sequence[str]] = [["cells", "walking", "CPU ns a move", "relative to 1e5", "bytes a cell"]]
    for row in found["sizes"]:
        costs = [spread(row["ns_per_move"]), spread(row["relative"])]
        sizes.append([f"{row['cells']:,}", f"{row['walking']:,}", *costs, f"{row['bytes_per_cell']:.1f}"])
    own = found["receptors"]
    richer: list[Sequence[str]] = [
        ["what", "times the plain cost", "bytes a cell"],
        ["CD3 and CD19 of every cell, clones followed", spread(own["own_receptors"]), f"{own['bytes_per_cell'][1]:.1f}"],
        ["T cells trade places with what is in their way", spread(own["swaps"]), f"{own['bytes_per_cell'][0]:.1f}"],
    ]
    tables = [table, Table("Cost against cells", sizes), Table("What more costs", richer)]
    notes = [] if found["mesa"] else ["Mesa: not installed"]
    return Section("Agents in marrow", _INTRODUCTION, tables, list(_goals(found)), notes)


def draw(record: Record, path: Path) -> None:
    """Draw the cost against cells and against days."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
    cells = [row["cells"] for row in record["sizes"]]
    costs = np.array([row["ns_per_move"] for row in record["sizes"]])
    bars: Any = [costs[:, 1] - costs[:, 0], costs[:, 2] - costs[:, 1]]
    axes[0].errorbar(cells, costs[:, 1], bars, fmt="o-", color="#1f5a99", capsize=3)
    axes[0].set_xscale("log")
    axes[0].set_ylim(0.0, 1.3 * costs.max())
    axes[0].set_xlabel("cells")
    axes[0].set_ylabel("CPU time of a T cell's step [ns]")
    course = np.array(record["long_run"]["course"])
    axes[1].plot(course[:, 0], course[:, 1], "o-", color="#1f5a99", markersize=3)
    axes[1].set_ylim(0.0, 1.3 * course[:, 1].max())
    axes[1].set_xlabel("simulated day")
    axes[1].set_ylabel("CPU time of a day, 1e6 cells [s]")
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


BENCHMARK: Final = Benchmark("agents", run, section, draw)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
