"""One patient's course: each step against what it must follow from."""

import numpy as np
import pytest

from bitesim.assays import MULTICOLOUR_FLOW, MrdSample
from bitesim.engines.extinction_along import extinction_along
from bitesim.leukaemia import LEUKAEMIA
from bitesim.parameters import ParameterSet
from bitesim.population.events.catalogue import EVENTS
from bitesim.population.events.clone_courses import TURNOVER, turnover
from bitesim.population.events.course import CAUSES, OUTPUTS, PARAMETERS, FollowUp, Treated, clinical_course
from bitesim.population.events.luck import Luck
from bitesim.population.events.visits import timetable
from bitesim.treatment import Regimen

COUNT = 400
REGIMEN = Regimen.parse("28 ug/day for 28 d, 14 d off, x2")
TABLE = timetable(REGIMEN, REGIMEN.schedule())
FOLLOW_UP = FollowUp(730.0, MrdSample(MULTICOLOUR_FLOW), 0.0)
#: Without toxicity, transplant and death in remission, the disease alone is left.
DISEASE_ALONE = {
    "infection_per_day": 0.0, "infection_per_neutropenic_day": 0.0, "neurotoxicity_first_cycle": 0.0,
    "crs_midpoint_log10_il6": 8.0, "transplant_after_negative_mrd": 0.0, "transplant_after_positive_mrd": 0.0,
    "remission_death_per_day": 0.0,
}  # fmt: skip


def course(events=None, **outputs):
    times = len(TABLE.times)
    values = {
        "serum_drug_pg_per_ml": 526.0, "serum_il6_pg_per_ml": 100.0, "neutrophils_per_ul": 4000.0, "mrd": 1e-6,
        "blasts": 0.0, "low_blasts": 0.0, "sanctuary_blasts": 0.0,
    } | outputs  # fmt: skip
    parameters = {name: np.full(COUNT, LEUKAEMIA.parameters[name]) for name in PARAMETERS}
    treated = Treated(
        TABLE,
        {name: np.broadcast_to(np.asarray(values[name], float), (COUNT, times)) for name in OUTPUTS},
        parameters,
        np.full(COUNT, 10.0),
    )
    p = ParameterSet(EVENTS).replace(**(events or {}))
    return clinical_course(treated, FOLLOW_UP, Luck(9, np.arange(COUNT)), p)


def test_too_many_blasts_at_a_visit_are_a_failure_on_that_day():
    found = course(DISEASE_ALONE, mrd=0.06, blasts=0.06 * 7.28e11)
    assert np.all(found["first_event"] == CAUSES.index("treatment failure"))
    assert np.all(found["first_event_day"] == 42.0)
    assert np.all(np.isinf(found["transplant_day"]))


def test_a_patient_without_a_cell_is_cured():
    found = course(DISEASE_ALONE)
    assert found["cured"].all()
    assert np.all(np.isinf(found["death_day"]))
    assert np.all(found["mrd_outcome_2"] == 0)


@pytest.mark.parametrize(
    ("output", "cause"),
    [("blasts", "marrow relapse"), ("sanctuary_blasts", "extramedullary relapse")],
)
def test_each_clone_has_its_relapse(output, cause):
    found = course(DISEASE_ALONE, **{output: 1e6})
    assert np.all(found["first_event"] == CAUSES.index(cause))
    limit = 0.05 * 7.28e11 if output == "blasts" else 1e9
    expected = 84.0 + np.log(limit / 1e6) / 0.065
    assert np.median(found["first_event_day"]) == pytest.approx(expected, rel=0.01)


def test_low_blasts_make_a_cd19_negative_relapse():
    found = course(DISEASE_ALONE, blasts=1e6, low_blasts=1e6)
    assert np.all(found["first_event"] == CAUSES.index("CD19-negative relapse"))


def test_single_blasts_die_out_as_branching_theory_says():
    # From thirty cells to ten by the end of treatment, then free.
    found = course(DISEASE_ALONE, blasts=30.0 * 3.0 ** (-TABLE.times / 84.0))
    birth, death, *phases = (LEUKAEMIA.parameters[name] for name in TURNOVER)
    killed, free = np.zeros((2, 6))
    turnover(birth, birth + np.log(3.0) / 84.0, tuple(phases), killed)
    turnover(birth, death, tuple(phases), free)
    hazards = np.concatenate([np.tile(killed, (84, 1)), np.tile(free, (646, 1))])
    dead = extinction_along(hazards, np.ones(730))[0]
    expected = float(dead[0] ** 15 * dead[1] ** 15)
    assert 0.1 < expected < 0.9
    assert abs(found["cured"].mean() - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / COUNT)


def test_death_follows_a_relapse_unless_rescued():
    found = course(DISEASE_ALONE | {"rescued_share": 0.0, "survival_after_relapse_days": 100.0}, blasts=1e9)
    later = (found["death_day"] - found["first_event_day"])[np.isfinite(found["death_day"])]
    assert np.all(later > 0.0)
    assert np.median(later) == pytest.approx(100.0, rel=0.25)
    assert np.all(np.isinf(course(DISEASE_ALONE | {"rescued_share": 1.0}, blasts=1e9)["death_day"]))


def test_infections_and_releases_kill_at_their_shares():
    found = course({"infection_per_day": 0.1, "infection_mortality": 0.5})
    died = found["first_event"] == CAUSES.index("toxic death")
    assert abs(died.mean() - 0.5) < 4.0 * 0.5 / np.sqrt(COUNT)
    assert np.array_equal(found["death_day"][died], found["first_event_day"][died])


def test_a_frailty_spreads_relapses():
    without, with_it = (course(DISEASE_ALONE | {"growth_frailty_ln_sd": sd}, blasts=1e6) for sd in (0.0, 0.5))
    days = [found["first_event_day"][np.isfinite(found["first_event_day"])] for found in (without, with_it)]
    assert days[0].std() < 2.0
    # Time to relapse is a logarithm over growth: a log-normal one.
    assert np.log(days[1] - 84.0).std() == pytest.approx(0.5, rel=0.25)
