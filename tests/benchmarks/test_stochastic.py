"""The stochastic benchmark: its network, its comparison, its goals, and one short run beside what is installed."""

import argparse

import numpy as np
import pytest

from benchmarks import stochastic
from benchmarks.measure import WrongAnswer
from benchmarks.stochastic_peers import PEERS, StochasticPeer, differ_by
from bitesim.engines.stochastic import run_stochastic
from tests.problems.immune_network import IMMUNE_NETWORK, REACTIONS, START


def row(name, cost, ratio):
    return {"simulator": name, "ns_per_event": cost, "bitesim_is_faster": (ratio, ratio, ratio), "differences": (1.0, 1.0)}


def goals(*rows):
    costs = [row(stochastic.OURS, 10.0, 1.0), row(stochastic.ALONE, 80.0, 8.0), *rows]
    leaps = {"cells": 1e5, "runs": 8, "events": 8e5, "exact_ms": 20.0, "tau_ms": 0.1, "exact_mean": 1.0, "tau_mean": 1.0}
    found = {"costs": costs, "events_per_run": 1e5, "rounds": 3, "solvers": [], "skipped": [], "leaps": leaps}
    found["hybrid"] = [hybrid_row()]
    return [(goal.is_met, goal.text) for goal in stochastic.section(found).goals if "installed peer" in goal.text]


def hybrid_row(ratio=2.0):
    names = ("ode_ms_per_year", "alone_ms_per_year", "of_many_ms_per_year", "mrd", "cured", "cured_by_theory")
    return dict.fromkeys(names, 0.5) | dict.fromkeys(
        ("alone_over_ode", "of_many_over_ode"), (ratio - 0.1, ratio, ratio + 0.1)
    )


def test_the_goal_is_beside_the_best_peer():
    (is_met, text), *_ = goals(row("slow", 500.0, 50.0), row("quick", 29.0, 2.9))
    assert not is_met
    assert "(quick)" in text
    assert goals(row("slow", 500.0, 50.0))[0][0]
    assert goals()[0][0] is None


def test_the_network_starts_and_reacts_as_it_is_described():
    assert len(REACTIONS) == 12
    run = run_stochastic(IMMUNE_NETWORK, None, None, [0.0], 2, 1, outputs=list(START))
    assert run.values[0, 0].tolist() == list(START.values())
    assert IMMUNE_NETWORK.processes["crowding"] == {"blasts": -1.0}
    assert IMMUNE_NETWORK.processes["binding"] == {"activated": -1.0, "blasts": -1.0, "pairs": 1.0}


def test_equal_answers_differ_little_and_others_much():
    rng = np.random.default_rng(3)
    one, other = rng.normal(100.0, 10.0, (500, 5)), rng.normal(100.0, 10.0, (200, 5))
    assert max(differ_by(one, other)) < 4.0
    assert differ_by(one, other + 5.0)[0] > 4.5
    assert differ_by(one, 100.0 + 1.5 * (other - 100.0))[1] > 4.5


def test_a_wrong_peer_is_not_timed(monkeypatch):
    wrong = StochasticPeer("wrong", "numpy", "numpy", "", lambda days: lambda count, seed: np.ones((count, 5)) * 1e3)
    monkeypatch.setattr(stochastic, "PEERS", (wrong,))
    with pytest.raises(WrongAnswer, match="wrong and bitesim differ"), np.errstate(all="ignore"):
        stochastic.run(argparse.Namespace(quick=True))


def test_installed_peers_agree():
    ours, _ = stochastic._ours(256, 4)
    for peer in PEERS:
        # GillesPy2 compiles for seconds; the benchmark itself compares it.
        if peer.is_installed() and peer.package != "gillespy2":
            assert max(differ_by(ours, peer.make(20.0)(64, 5))) < 4.5, peer.name
