"""Exact stochastic simulation, reactions per second: python -m benchmarks.stochastic [--quick] [--json FILE] [--page FILE].

One network of twelve reactions, many runs on one core: bitesim (eight replicates on vector lanes), and every peer that is
installed. Answers are compared before anything is timed; then all take turns. And what a course of the hybrid engine costs
beside one of the ODE engine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from benchmarks import hybrid_cost
from benchmarks.command import Benchmark, Record, main, say
from benchmarks.measure import WrongAnswer
from benchmarks.pages import Goal, Section, Table, quartiles, spread
from benchmarks.problems import Matrix
from benchmarks.stochastic_peers import PEERS, Runs, differ_by
from bitesim.engines.stochastic import run_stochastic
from tests.problems.immune_network import IMMUNE_NETWORK, START
from tests.problems.small_networks import BIRTH_DEATH

OURS: Final = "bitesim, 8 replicates side by side"
ALONE: Final = "bitesim, one replicate"
_DAYS: Final = 20.0
_SEED: Final = 20
#: Runs that are compared before timing, ours and a peer's.
_COMPARED, _QUICK_COMPARED = (2048, 384), (512, 96)
#: Largest difference in standard errors, of five means and of five variances: false alarms below 1e-4.
_LARGEST_DIFFERENCE: Final = 4.5
#: Runs of one turn.
_OURS_OF_A_TURN, _PEER_OF_A_TURN = 128, 8
_ROUNDS, _QUICK_ROUNDS = 15, 5
_GOAL: Final = 3.0
#: Cells of a clone that is run exactly and by leaps.
_CLONE_CELLS: Final = 1e5
_CLONE_RUNS: Final = 32

_INTRODUCTION: Final = f"""\
Processor time of one event on one core: five kinds of cells, twelve reactions by mass action, {_DAYS:g} days, no output but
the last.

- Before timing, every simulator's means and variances of the five counts on the last day must agree with bitesim's within
  {_LARGEST_DIFFERENCE:g} standard errors.
- In a round all take turns: {_OURS_OF_A_TURN} runs of bitesim, {_PEER_OF_A_TURN} of each other. Events of a run are those
  that bitesim counts, on average; every simulator has the same number, since it is the same process.
- The hybrid engine and the ODE engine run the same course of the leukaemia model in turns; before that, cure by replicates
  and by branching-process theory must agree.
- Ratios are taken within a round: median (quartiles). On a shared machine times wander: **use the ratios**.
"""


def _ours(count: int, seed: int) -> tuple[Matrix, int]:
    """Return counts at the end, and the events of all runs."""
    found = run_stochastic(IMMUNE_NETWORK, None, None, [_DAYS], count, seed, outputs=list(START), threads=1)
    return found.values[:, 0], int(found.counted("events").sum())


def _cpu_s() -> float:
    """Return the processor time of this process and those that it has started and ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _checked(runs: dict[str, Runs], is_quick: bool) -> tuple[dict[str, tuple[float, float]], float]:
    """Return how far each peer's answers are from ours, and the events of one run."""
    many, few = _QUICK_COMPARED if is_quick else _COMPARED
    ours, events = _ours(many, _SEED)
    found = {}
    for name, run in runs.items():
        found[name] = differ_by(ours, run(few, _SEED + 1))
        say(f"{name}: means differ by {found[name][0]:.1f}, variances by {found[name][1]:.1f} standard errors")
        if not max(found[name]) <= _LARGEST_DIFFERENCE:
            raise WrongAnswer(f"{name} and bitesim differ by {max(found[name]):.1f} standard errors")
    return found, events / many


def _round(runs: dict[str, Runs], number: int, events: float) -> dict[str, float]:
    """Return the processor time of an event [ns] of each simulator in one round."""
    cost = {}
    for name, count in ((OURS, _OURS_OF_A_TURN), (ALONE, 1)):
        began = _cpu_s()
        # Several single ones, since the clock of the processor is coarse.
        done = [_ours(count, _SEED + 100 + number + k)[1] for k in range(1 if count > 1 else _PEER_OF_A_TURN)]
        cost[name] = 1e9 * (_cpu_s() - began) / sum(done)
    for name, run in runs.items():
        began = _cpu_s()
        run(_PEER_OF_A_TURN, _SEED + 1000 + number * _PEER_OF_A_TURN)
        cost[name] = 1e9 * (_cpu_s() - began) / (_PEER_OF_A_TURN * events)
    return cost


def _leaps() -> Record:
    """Return what a large clone costs, event by event and by leaps."""
    found: Record = {"cells": _CLONE_CELLS, "runs": _CLONE_RUNS}
    for method in ("exact", "tau"):
        options: dict[str, Any] = {"threads": 1}
        run_stochastic(BIRTH_DEATH, None, None, [1.0], 1, _SEED, method, **options)
        began = time.process_time()
        run = run_stochastic(BIRTH_DEATH, {"start": _CLONE_CELLS}, None, [50.0], _CLONE_RUNS, _SEED, method, **options)
        found[f"{method}_ms"] = 1e3 * (time.process_time() - began) / _CLONE_RUNS
        found[f"{method}_mean"] = float(run["total"].mean())
        found["events"] = float(run.counted("events").mean())
    return found


def run(options: argparse.Namespace) -> Record:
    """Compare, then time."""
    installed = [peer for peer in PEERS if peer.is_installed()]
    runs, skipped = {}, [{"solver": peer.name, "reason": "not installed"} for peer in PEERS if peer not in installed]
    for peer in installed:
        try:
            runs[peer.name] = peer.make(_DAYS)
        except Exception as problem:
            # It may lack a compiler; its text may hold a path of this machine.
            say(f"{peer.name}: {problem!r}")
            skipped.append({"solver": peer.name, "reason": type(problem).__name__})
    differences, events = _checked(runs, options.quick)
    _ours(1, _SEED)
    rounds = [_round(runs, number, events) for number in range(_QUICK_ROUNDS if options.quick else _ROUNDS)]
    costs = [
        {
            "simulator": name,
            "ns_per_event": float(np.median([each[name] for each in rounds])),
            "bitesim_is_faster": quartiles([each[name] / each[OURS] for each in rounds]),
            "differences": differences.get(name),
        }
        for name in (OURS, ALONE, *runs)
    ]
    return {
        "versions": {peer.package: peer.version() or "not installed" for peer in PEERS},
        "solvers": [{"name": peer.name, "settings": peer.settings} for peer in PEERS],
        "skipped": skipped,
        "rounds": len(rounds),
        "events_per_run": events,
        "costs": costs,
        "leaps": _leaps(),
        "hybrid": hybrid_cost.measure(options.quick),
    }


def _goals(found: Record) -> Iterable[Goal]:
    peers = [row for row in found["costs"] if row["simulator"] not in (OURS, ALONE)]
    text = f">= {_GOAL:g} times the best installed peer in exact events per second"
    yield hybrid_cost.goal(found["hybrid"])
    if not peers:
        yield Goal(text, "no peer installed", None)
        return
    best = min(peers, key=lambda row: row["ns_per_event"])
    ratio = best["bitesim_is_faster"]
    yield Goal(f"{text} ({best['simulator']})", spread(ratio), ratio[1] >= _GOAL)


def section(found: Record) -> Section:
    """Return what was found."""
    rows: list[Sequence[str]] = [
        ["simulator", "CPU ns an event", "events/s", "bitesim is faster", "means differ", "variances"]
    ]
    for row in found["costs"]:
        apart = [f"{each:.1f} SE" for each in row["differences"]] if row["differences"] else ["", ""]
        rate = f"{1e9 / row['ns_per_event']:.3g}"
        rows.append([row["simulator"], f"{row['ns_per_event']:.1f}", rate, spread(row["bitesim_is_faster"]), *apart])
    settings = "; ".join(f"{each['name']}: {each['settings']}" for each in found["solvers"])
    table = Table(
        "Exact simulation of twelve reactions",
        rows,
        f"{found['events_per_run']:,.0f} events a run, {found['rounds']} rounds. {settings}.",
    )
    leaps = found["leaps"]
    heading = ["method", "CPU ms a run", "mean cells at the end"]
    methods = [[each, f"{leaps[f'{each}_ms']:.3g}", f"{leaps[f'{each}_mean']:,.0f}"] for each in ("exact", "tau")]
    note = f"Birth and death of {leaps['cells']:g} cells over 50 days, {leaps['events']:.3g} events; {leaps['runs']} runs."
    leap_table = Table("A large clone, event by event and by leaps", [heading, *methods], note)
    notes = [f"{each['solver']}: {each['reason']}" for each in found["skipped"]]
    tables = [table, leap_table, hybrid_cost.table(found["hybrid"])]
    return Section("Stochastic simulation", _INTRODUCTION, tables, list(_goals(found)), notes)


BENCHMARK: Final = Benchmark("stochastic", run, section)

if __name__ == "__main__":
    sys.exit(main(BENCHMARK, __doc__ or ""))
