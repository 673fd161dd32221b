"""The niche engine against one object a cell in plain Python; threads, conservation, room, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from bitesim import ParameterError, SolverError
from bitesim.engines.agents.cell_records import DIRECTION_AT, SITE
from bitesim.engines.agents.engine import NicheEngine, Start, niche_box
from bitesim.engines.agents.niche_arrays import empty_niche
from bitesim.engines.agents.rules import even_kill_chance
from tests.engines.agents.naive_agents import NaiveNiche
from tests.engines.agents.niches import hazards, niche, quiet, start


def fields(record):
    """Return site, direction, state, kills and class of CD3 of a record."""
    record = int(record)
    return record & SITE, record >> 32 & 7, record >> 35 & 3, record >> 37 & 255, record >> 45 & 7


def fields_of(cell):
    return cell.site, cell.direction, cell.state, cell.kills, cell.cd3_class


def same(engine: NicheEngine, twin: NaiveNiche) -> None:
    """Compare every cell, every list and every count."""
    assert [fields(each) for each in engine.walking()] == [fields_of(each) for each in twin.walking()]
    assert [fields(each) for each in engine.bound()] == [fields_of(each) for each in twin.bound()]
    codes = np.zeros(engine.box.sites, np.uint8)
    for site, cell in twin.cells.items():
        codes[site] = 1 + cell.is_low if twin.free_blast(site) is not None else 3
    assert np.array_equal(engine.codes(), codes)
    soft = {site for site, cell in twin.cells.items() if cell.kind == "marrow"}
    assert set(np.flatnonzero(engine.marrow_cells()).tolist()) == soft
    if twin.has_tags:
        for site, cell in twin.cells.items():
            if cell.kind == "blast":
                assert int(engine.niche.tags[site]) == cell.cd19_class | cell.clone << 4
    counted = {name: engine.tally(name) for name in twin.counted if name not in ("births", "deaths", "losses")}
    counted |= {event: engine.tally(f"cd19_{event}") + engine.tally(f"low_{event}") for event in ("births", "deaths")}
    assert counted | {"losses": engine.tally("antigen_losses")} == twin.counted
    assert engine.exposure == twin.exposure


CASES = {
    "plain": (16, 16, hazards(), {}),
    "two slabs": (16, 8, hazards(), {}),
    "long contacts": (16, 8, hazards(release_per_day=0.5, speed_um_per_min=3.0), {}),
    "packed": (16, 16, hazards(swap_chance=0.3, displaces=True), {"shares": (0.3, 0.05, 0.05, 0.45, 0.05)}),
    "own receptors": (
        16, 16,
        hazards(kill_chance=np.random.default_rng(2).random((3, 2, 8, 16)), swap_chance=0.2),
        {"with_classes": True},
    ),
    "mixed": (16, 8, hazards(mixing=0.1, swap_chance=0.1, displaces=True), {"with_classes": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_equal_to_one_object_a_cell(name):
    edge, height, rates, options = CASES[name]
    engine = niche(edge, height, rates, **options)
    begin = start(engine.box, **options)
    t_cells = [(*fields(each)[:3], fields(each)[4]) for each in engine.walking()]
    twin = NaiveNiche(edge, height, begin.kinds, t_cells, engine.rules, 3, begin.cd19_classes)
    same(engine, twin)
    for part, steps in enumerate((1, 2, 40, 60)):
        engine.advance(steps)
        twin.advance(steps)
        engine.add_t_cells(5, 1, 2, batch=part)
        twin.add_t_cells(5, 1, 2, part)
        same(engine, twin)
    assert engine.tally("kills") > (0 if name == "long contacts" else 50), "nothing happened that could differ"


def test_long_contacts_outlast_the_wheel():
    # Contacts of 2 days at 3.3 min a step: 864 steps on average, so that some are longer than the wheel's 2047.
    rates = quiet(release_per_day=0.5, speed_um_per_min=3.0, meetings_per_day=400.0)
    engine = niche(16, 8, rates)
    begin = start(engine.box)
    twin = NaiveNiche(
        16, 8, begin.kinds, [(each & SITE, each >> DIRECTION_AT & 7, each >> 35 & 3, 0) for each in engine.walking()],
        engine.rules, 3,
    )  # fmt: skip
    engine.advance(2500)
    twin.advance(2500)
    same(engine, twin)
    longest = np.flatnonzero(engine.niche.durations.sum(axis=(0, 1)))[-1]
    assert longest * 16 >= 2048


@pytest.mark.parametrize("mixing", [0.0, 0.05])
def test_threads_change_no_byte(mixing):
    digests = set()
    for threads in (1, 2, 4):
        engine = niche(32, 32, hazards(mixing=mixing, swap_chance=0.1, displaces=True), with_classes=True)
        engine.advance(70, threads=threads)
        digests.add(engine.digest())
    assert len(digests) == 1


def test_digest_tells_another_seed_step_and_state():
    engine = niche()
    first = engine.digest()
    assert niche().digest() == first
    assert niche(seed=4).digest() != first
    engine.advance(1)
    second = engine.digest()
    assert second != first
    engine.niche.sites[5] ^= np.uint64(3)
    assert engine.digest() != second


@pytest.mark.parametrize("rates", [hazards(), hazards(swap_chance=0.3, displaces=True), hazards(mixing=0.2)])
def test_cells_are_conserved(rates):
    engine = niche(32, 16, rates, with_classes=True)
    before = engine.census()
    engine.advance(400)
    engine.add_t_cells(100, 0)
    after, counted = engine.census(), engine.tally
    losses = counted("antigen_losses")
    cd19_kills = counted("kills") - counted("low_kills")
    assert after.cd19 == before.cd19 + counted("cd19_births") - counted("cd19_deaths") - cd19_kills - losses
    assert after.low == before.low + counted("low_births") - counted("low_deaths") - counted("low_kills") + losses
    gone = counted("t_deaths") + counted("t_exits")
    assert after.t_cells == before.t_cells + counted("t_births") + counted("t_arrivals") - gone
    assert after.marrow_cells == before.marrow_cells - counted("displaced")
    ended = counted("kills") + counted("releases") + counted("t_lost_bound")
    assert sum(after.bound) == counted("binds") - ended
    assert int(engine.niche.durations.sum()) == ended
    # No site holds two cells, and the lattice and the lists agree on where cells are.
    sites = np.concatenate([engine.walking(), engine.bound()]) & SITE
    assert len(set(sites.tolist())) == len(sites)
    assert np.all(engine.codes()[sites] == 3)
    others = np.count_nonzero(engine.codes() == 3) - len(sites) - sum(after.bound)
    assert others == after.marrow_cells + np.count_nonzero(engine.fat)
    assert min(counted(name) for name in ("kills", "t_births", "t_lost_bound", "antigen_losses", "low_kills")) > 0


def test_room_grows_and_changes_nothing():
    small, large = niche(), niche()
    large.niche = empty_niche(large.box, 5000, False)
    large = NicheEngine(small.box, start(small.box), small.rules, 3, room_per_slab=5000)
    begin = small.niche.bound.shape[1]
    for engine in (small, large):
        engine.advance(100)
        engine.add_t_cells(1200, 1)
        engine.advance(200)
    assert small.niche.bound.shape[1] > begin
    assert small.digest() == large.digest()


def test_a_list_that_runs_over_is_an_error():
    engine = niche(16, 16, hazards())
    # Room is looked at every 60 steps; here it is taken away after the look.
    engine._make_room = lambda: None
    engine.niche.starts[1] = engine.niche.ends[0, :, 0].max()
    with pytest.raises(SolverError, match=r"ran over at step \d+ .*room_per_slab"):
        engine.advance(60)


def test_full_slots_of_bound_cells_are_an_error():
    engine = niche(16, 16, hazards())
    engine._make_room = lambda: None
    engine.niche = engine.niche._replace(bound=engine.niche.bound[:, :3].copy())
    with pytest.raises(SolverError, match=r"ran over"):
        engine.advance(60)


def test_no_kill_without_chance_and_all_with_certainty():
    for chance, name in ((0.0, "kills"), (1.0, "releases")):
        engine = niche(16, 16, quiet(kill_chance=even_kill_chance(chance)))
        engine.advance(200)
        assert engine.tally(name) == 0
        assert engine.tally("binds") > 100


@pytest.mark.parametrize(
    ("sites", "message"),
    [((16, 12), r"height_sites = 12 is no power of two: choose 8 or 16"), ((4, 16), "edge_sites = 4 is outside"),
     ((1024, 1024), r"more than 2\*\*28 sites"), ((16.0, 16), "edge_sites = 16.0 is not a whole number")],
)  # fmt: skip
def test_boxes_that_are_refused(sites, message):
    with pytest.raises(ParameterError, match=message):
        niche_box(*sites)


def test_starts_that_are_refused():
    box = niche_box(16, 8)
    rules = hazards().rules()
    empty = np.zeros(box.sites, np.uint8)
    blast = empty.copy()
    blast[5] = 1
    for begin, message in (
        (Start(empty, np.zeros(0, int)), "without cells has nothing to simulate"),
        (Start(blast[:-1], np.zeros(0, int)), r"kinds has shape \(2047,\): expected one number for each of 2048"),
        (Start(np.where(blast, 7, 0), np.zeros(0, int)), "kinds holds 7: expected 0 to 5"),
        (Start(blast, np.zeros(2, int)), "t_states has 2 values: expected 0"),
        (Start(np.where(blast, 3, 0), np.array([3])), "t_states holds 3 to 3: expected 0 to 2"),
        (Start(blast, np.zeros(0, int), np.full(box.sites, 16)), "cd19_classes holds 16 to 16: expected 0 to 15"),
    ):
        with pytest.raises(ParameterError, match=message):
            NicheEngine(box, begin, rules)
