"""The benchmark of single cells: its goal, its tables, its check, one short run."""

import argparse

import pytest

from benchmarks import synapse_population
from benchmarks.measure import WrongAnswer


def found(seconds):
    row = {
        "cells": 1_000_000,
        "minutes": 60,
        "cpu_s": seconds,
        "cell_minutes_per_second": 1e8,
        "touches": 4e5,
        "ns_per_touch": 900.0,
        "bytes_per_cell": 40.0,
        "dead": 0.5,
        "cd19_kept": 0.6,
    }
    published = {"drug_ng_per_ml": 20.0, "cells_per_ml": 1e6, "published": 0.031, "engaged": 0.039, "se": 1e-4}
    return {
        "differs_by_se": 0.5,
        "hour": [row | {"cells": 10_000, "cpu_s": seconds / 100.0}, row],
        "days": [row],
        "naive": {"cells": 2000, "naive_s": 1.0, "ours_s": 0.01},
        "published": [published | {"mean_field": 0.039}],
    }


def test_the_goal_is_half_a_minute_for_a_million():
    (fast,) = synapse_population.section(found(1.0)).goals
    (slow,) = synapse_population.section(found(31.0)).goals
    assert fast.is_met
    assert not slow.is_met
    small = found(1.0)
    small["hour"] = small["hour"][:1]
    (none,) = synapse_population.section(small).goals
    assert none.is_met is None


def test_tables_say_what_was_found(tmp_path):
    cost, published = synapse_population.section(found(1.0)).tables
    assert "power 1.00" in cost.note
    assert "100 times the engine" in cost.note
    assert published.rows[1][-1] == "1.26"
    synapse_population.draw(found(1.0), tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_engine_is_not_timed(monkeypatch):
    monkeypatch.setattr(synapse_population, "_LARGEST_DIFFERENCE", 0.0)
    with pytest.raises(WrongAnswer, match="differ from the mean field by"):
        synapse_population.run(argparse.Namespace(quick=True))


def test_a_short_run(monkeypatch):
    monkeypatch.setattr(synapse_population, "_QUICK_SIZES", (1000, 2000))
    monkeypatch.setattr(synapse_population, "_LONG_SIZES", (500,))
    monkeypatch.setattr(synapse_population, "_NAIVE_SIZE", 300)
    monkeypatch.setattr(synapse_population, "_published", lambda cells: [])
    record = synapse_population.run(argparse.Namespace(quick=True))
    assert record["differs_by_se"] < 4.5
    assert record["naive"]["naive_s"] > record["naive"]["ours_s"]
    assert record["days"][0]["dead"] > 0.5
    assert record["days"][0]["cd19_kept"] < 1.0
