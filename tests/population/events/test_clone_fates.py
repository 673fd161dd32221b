"""Clones of a cohort against the hybrid engine, cell by cell, and against closed forms."""

import sys

import numpy as np
import pytest
from scipy import stats

import bitesim
from bitesim.assays import MULTICOLOUR_FLOW, MrdSample
from bitesim.engines.deterministic import run_ode
from bitesim.engines.hybrid import run_hybrid
from bitesim.leukaemia import LEUKAEMIA
from bitesim.mechanisms.extinction import lineage_survival
from bitesim.parameters import ParameterSet
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.clone_courses import TURNOVER, clone_course
from bitesim.population.events.clone_fates import AfterTreatment, CloneLuck, clone_fates
from bitesim.population.events.course import OUTPUTS, PARAMETERS, FollowUp, Treated, clinical_course, courses_of
from bitesim.population.events.luck import Luck
from bitesim.population.events.visits import timetable
from bitesim.population.simulate import case_and_times
from tests.mechanisms.parameters import plain

REGIMEN = bitesim.Regimen.parse("28 ug/day for 28 d, 14 d off, x2")
TABLE = timetable(REGIMEN, REGIMEN.schedule())
PATIENTS, REPLICATES = 4000, 4000
NEVER = np.full(PATIENTS, np.inf)
DISEASE_ALONE = ParameterSet(EVENTS).replace(
    infection_per_day=0.0, infection_per_neutropenic_day=0.0, neurotoxicity_first_cycle=0.0, crs_midpoint_log10_il6=8.0,
    transplant_after_negative_mrd=0.0, transplant_after_positive_mrd=0.0, remission_death_per_day=0.0,
)  # fmt: skip


def treated(case, count=PATIENTS):
    run = run_ode(case, TABLE.times)
    outputs = {name: np.tile(run[name], (count, 1)) for name in OUTPUTS}
    parameters = {name: np.full(count, case.parameters[name]) for name in PARAMETERS}
    return Treated(TABLE, outputs, parameters, np.full(count, 10.0))


def case_of(mrd, **changes):
    parameters = LEUKAEMIA.parameters.replace(**changes)
    return case_and_times(bitesim.Patient(mrd=mrd), REGIMEN, None, [0.0, 84.0], parameters=parameters)


def after(day, end, model, transplant=NEVER, kept=1.0, graft=0.0, graft_days=0.0, relapse=1e10):
    each = np.ones(len(transplant))
    return AfterTreatment(
        (day, end), *(model[name] for name in TURNOVER), each, relapse * each, transplant, kept * each, graft * each,
        transplant + graft_days,
    )  # fmt: skip


def single(cells, count=PATIENTS, **options):
    """Return fates of clones that are there when treatment ends, day 84."""
    model = {name: np.full(count, LEUKAEMIA.parameters[name]) for name in TURNOVER}
    course = clone_course(np.zeros(1), np.full((count, 1), float(cells)), model)
    end = options.pop("end", 5000.0)
    return clone_fates(
        course, after(84.0, end, model, **options), CloneLuck(np.uint64(7), np.arange(count, dtype=np.uint64), 0)
    )


@pytest.mark.parametrize(
    ("mrd", "changes"),
    [(1e-7, {}), (3e-8, {"low_blast_share": 1e-9}), (1e-7, {"antigen_loss_per_day": 1e-6}), (1e-5, {"kills_per_day": 4.0})],
)
def test_clones_at_the_end_of_treatment_are_those_of_the_hybrid_engine(mrd, changes):
    case, times = case_of(mrd, **changes)
    found = run_hybrid(case, times, REPLICATES, 11)
    who = treated(case)
    luck = np.arange(PATIENTS, dtype=np.uint64)
    for place, (name, course) in enumerate(courses_of(who, np.zeros(PATIENTS), slice(None))):
        if name not in ("marrow", "low"):
            continue
        _, drawn = clone_fates(course, after(84.0, 84.0, who.parameters), CloneLuck(np.uint64(5), luck, place))
        counted = found.cells[:, place, -1].sum(axis=1)
        none, seen = np.mean(drawn == 0.0), np.mean(counted == 0.0)
        # Two binomial shares, and the two-sample test of Kolmogorov and Smirnov: false-alarm rates 1e-4 and 1e-3 a clone.
        assert abs(none - seen) < 4.0 * np.sqrt(max(2.0 * none * (1.0 - none), 1e-4) / REPLICATES), name
        assert stats.ks_2samp(counted, drawn, method="asymp").pvalue > 1e-3, name


def test_what_chemotherapy_leaves_is_that_of_the_hybrid_engine(monkeypatch):
    # It spares quiescent blasts, which a cohort does not see.
    regimen = bitesim.Regimen.none().with_chemotherapy(0.0).with_chemotherapy(35.0)
    table = timetable(regimen, regimen.schedule())
    monkeypatch.setattr(sys.modules[__name__], "TABLE", table)
    case, times = case_and_times(bitesim.Patient(mrd=1e-9), regimen, None, [0.0, table.end])
    counted = run_hybrid(case, times, REPLICATES, 11).cells[:, 0, -1].sum(axis=1)
    who = treated(case)
    _, course = next(courses_of(who, np.zeros(PATIENTS), slice(None)))
    luck = CloneLuck(np.uint64(5), np.arange(PATIENTS, dtype=np.uint64), 0)
    _, drawn = clone_fates(course, after(table.end, table.end, who.parameters), luck)
    assert 50.0 < counted.mean() < 300.0
    assert stats.ks_2samp(counted, drawn, method="asymp").pvalue > 1e-3


def test_extinct_at_the_end_is_more_than_a_poisson_number_of_cells_would_say():
    case, _ = case_of(1e-7)
    who = treated(case)
    course = dict(courses_of(who, np.zeros(PATIENTS), slice(None)))["marrow"]
    _, drawn = clone_fates(
        course, after(84.0, 84.0, who.parameters), CloneLuck(np.uint64(5), np.arange(PATIENTS, dtype=np.uint64), 0)
    )
    expected = who.outputs["blasts"][0, -1] - who.outputs["low_blasts"][0, -1]
    # The mean is that of the course, though cells come in lines that live or die together.
    assert abs(drawn.mean() - expected) < 4.0 * drawn.std() / np.sqrt(PATIENTS) + 0.02 * expected
    assert np.mean(drawn == 0.0) > np.exp(-expected) + 0.05


def test_cure_after_two_years_is_that_of_the_hybrid_engine():
    case, _ = case_of(1e-7)
    found = run_hybrid(case, np.array([0.0, 730.0]), 2000, 12)
    follow_up = FollowUp(730.0, MrdSample(MULTICOLOUR_FLOW), 0.0)
    cured = clinical_course(treated(case), follow_up, Luck(9, np.arange(PATIENTS)), DISEASE_ALONE)["cured"]
    share = found.p_cured().value
    # False-alarm rate 1e-4.
    assert abs(cured.mean() - share) < 4.0 * np.sqrt(share * (1.0 - share) * (1.0 / len(found) + 1.0 / PATIENTS))
    assert abs(cured.mean() - found.cured_by_theory) < 0.03


@pytest.mark.parametrize("cells", [0.3, 2.0])
def test_few_cells_die_out_as_often_as_the_closed_form_says(cells):
    days, left = single(cells)
    cycling, quiescent = plain(lineage_survival)(0.21, 0.04, 0.155, 0.05)
    share = cells * 0.5
    # Whole cells of each phase, rounded so that the mean is kept.
    each = [
        (1.0 - (share - np.floor(share))) * (1.0 - s) ** np.floor(share)
        + (share - np.floor(share)) * (1.0 - s) ** np.ceil(share)
        for s in (cycling, quiescent)
    ]
    expected = each[0] * each[1]
    assert abs(np.mean(left == 0.0) - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / PATIENTS)
    assert np.array_equal(np.isfinite(days), left > 0.0)


def test_a_large_clone_relapses_when_growth_says():
    days, left = single(1e8, end=1000.0)
    np.testing.assert_allclose(days, 84.0 + np.log(100.0) / 0.065, rtol=1e-9)
    assert np.all(left == 1e10)
    # One that is as large at the end of treatment is a relapse then; one that is not by the end of follow-up is none.
    assert np.all(single(2e10)[0] == 84.0)
    assert np.all(np.isinf(single(1e8, end=100.0)[0]))
    np.testing.assert_allclose(single(1e8, end=100.0)[1], 1e8 * np.exp(0.065 * 16.0), rtol=1e-9)


def test_conditioning_is_binomial_and_the_graft_kills_cell_by_cell():
    at = np.full(PATIENTS, 90.0)
    _, left = single(1e10, end=90.0 + 1e-9, transplant=at, kept=3e-10, relapse=1e13)
    expected = 1e10 * np.exp(0.065 * 6.0) * 3e-10
    # Poisson in the limit of many cells and a small share.
    assert abs(left.mean() - expected) < 4.0 * np.sqrt(expected / PATIENTS)
    assert left.var() == pytest.approx(expected, rel=0.12)
    assert np.array_equal(left, np.floor(left))
    _, cured = single(1e6, end=2000.0, transplant=at, kept=1e-7, graft=0.1, graft_days=220.0)
    assert np.mean(cured == 0.0) > 0.9
    # Under a graft that kills faster than blasts divide a clone of any size falls until it is counted.
    days, fewer = single(1e7, end=310.0, transplant=at, kept=1.0, graft=0.115, graft_days=220.0)
    np.testing.assert_allclose(np.median(fewer), 1e7 * np.exp(0.065 * 6.0 - 0.05 * 220.0), rtol=0.1)
    assert np.isinf(days).all()


def test_a_fate_is_the_patients_own():
    days, left = single(2.0)
    model = {name: np.full(2, LEUKAEMIA.parameters[name]) for name in TURNOVER}
    course = clone_course(np.zeros(1), np.full((2, 1), 2.0), model)
    some = np.array([17, 3], dtype=np.uint64)
    never = np.full(2, np.inf)
    alone = clone_fates(course, after(84.0, 5000.0, model, never), CloneLuck(np.uint64(7), some, 0))
    assert np.array_equal(alone[0], days[some.astype(int)])
    assert np.array_equal(alone[1], left[some.astype(int)])
    other = clone_fates(course, after(84.0, 5000.0, model, never), CloneLuck(np.uint64(7), some, 1))
    assert not np.array_equal(alone[0], other[0]) or not np.array_equal(alone[1], other[1])


def test_frailty_is_a_clock():
    days, left = single(2.0, end=2000.0)
    model = {name: np.full(PATIENTS, LEUKAEMIA.parameters[name]) for name in TURNOVER}
    course = clone_course(np.zeros(1), np.full((PATIENTS, 1), 2.0), model)
    twice = after(84.0, 84.0 + 1916.0 / 2.0, model)._replace(frailty=np.full(PATIENTS, 2.0))
    faster, others = clone_fates(course, twice, CloneLuck(np.uint64(7), np.arange(PATIENTS, dtype=np.uint64), 0))
    # As many lines last, and relapse comes in half the time.
    share = np.mean(left == 0.0)
    assert abs(share - np.mean(others == 0.0)) < 4.0 * np.sqrt(2.0 * share * (1.0 - share) / PATIENTS)
    assert np.median(faster[np.isfinite(faster)] - 84.0) == pytest.approx(
        0.5 * np.median(days[np.isfinite(days)] - 84.0), rel=0.02
    )
