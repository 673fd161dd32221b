"""The model's numbers of facts: all of them, the same every time, and right where they can be known otherwise."""

import numpy as np
import pytest

from bitesim.inference.fact_measures import SECTIONS, measured
from bitesim.inference.facts import facts
from bitesim.inference.free_parameters import FreeParameter, Values, with_free
from bitesim.inference.trial_patients import TRIALS
from bitesim.inference.trial_runs import TrialRuns


@pytest.fixture(scope="module")
def runs() -> TrialRuns:
    return TrialRuns(Values(), 5)


def test_every_fact_has_a_number_that_is_finite(runs: TrialRuns) -> None:
    numbers = measured(runs)
    assert list(numbers) == [each.id for each in facts()]
    assert np.isfinite(list(numbers.values())).all()
    for each in facts():
        if each.evidence.kind == "proportion":
            assert 0.0 <= numbers[each.id] <= 1.0
    assert measured(TrialRuns(Values(), 5)) == numbers


def test_mean_levels_are_dose_over_clearance_with_both_spreads(runs: TrialRuns) -> None:
    population = TRIALS["adults, fixed dose"].population(Values(), 5)
    clearance = population["clearance_l_per_h"] * (population["bsa_m2"] / 1.876) ** 0.62
    expected = np.mean(28e6 / 24.0 / clearance / 1e3) * np.exp(0.5 * 0.559**2)
    assert SECTIONS["drug in serum"](runs)["css_28_ug_per_day"] == pytest.approx(expected, rel=1e-3)


def test_the_baseline_share_of_cd69_is_that_of_every_patient(runs: TrialRuns) -> None:
    assert SECTIONS["blood CD8 T cells"](runs)["cd69_baseline"] == pytest.approx(0.22, abs=0.01)


def test_regrowth_is_close_to_that_of_the_typical_rates(runs: TrialRuns) -> None:
    p = Values().parameters
    months = np.log(0.05 / 1e-4) / (p["blast_birth_per_day"] - p["blast_death_per_day"]) / 30.44
    # Crowding slows it a little, and faster clones are over-represented among those who relapse in time.
    assert SECTIONS["regrowth"](runs)["regrowth_months"] == pytest.approx(months, rel=0.1)


@pytest.mark.parametrize(
    ("name", "kind", "factor", "fact", "sign"),
    [
        ("clearance_l_per_h", "typical", 1.5, "css_28_ug_per_day", -1),
        ("killing_search_share", "typical", 0.5, "mrd_conversion_blast", 1),
        ("blast_log10_kill_per_block", "typical", 1.4, "mrd_conversion_chemotherapy", 1),
        ("il6_pg_per_ml_per_t_cell_per_ul", "typical", 2.0, "il6_first_day_60_ug_per_m2", 1),
        ("neurotoxicity_first_cycle", "event", 2.0, "neurologic_blast", 1),
        ("graft_kill_per_day", "event", 2.0, "transplant_relapse_poor", -1),
    ],
)
def test_facts_move_with_what_makes_them(runs: TrialRuns, name: str, kind: str, factor: float, fact: str, sign: int) -> None:
    free = FreeParameter(name, kind, 0.5)  # type: ignore[arg-type]
    moved = runs.at(with_free([free], np.log([free.default * factor])))
    section = next(each.section for each in facts() if each.id == fact)
    before, after = (SECTIONS[section](each)[fact] for each in (runs, moved))
    assert sign * (after - before) > 0.02 * before
