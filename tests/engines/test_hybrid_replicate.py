"""One replicate: hand-overs that create and lose nothing, stops that are those of the ODE engine, and shared luck."""

from dataclasses import dataclass

import numpy as np
import pytest

import bitesim
from bitesim.assays import MULTICOLOUR_FLOW, DrawKey, MrdOutcome, MrdSample
from bitesim.engines.deterministic import Case, run_ode
from bitesim.engines.hybrid import run_hybrid
from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.simulate import case_and_times
from bitesim.treatment.decisions import Continue, HoldInfusion, StopTreatment, Threshold
from tests.problems.small_leukaemia import LOGARITHMIC

REGIMEN = bitesim.Regimen.parse("28 ug/day for 28 d, 14 d off, x2")
DAYS = np.arange(0.0, 85.0, 7.0)
#: So many cells that nothing is counted.
MANY = {"low_blast_share": 1e-2, "baseline_sanctuary_blasts": 1e7}
FLOW = MrdSample(MULTICOLOUR_FLOW)


@dataclass(frozen=True)
class StopWhenNegative:
    """A rule that looks at a laboratory's report, by the luck of a key."""

    seed: int
    visit: int
    name: str = "stop when not detected"
    outputs: tuple[str, ...] = ("mrd",)

    def decide(self, time_days, outputs):
        report = FLOW.sample(outputs["mrd"], DrawKey(self.seed, 0, self.visit))
        return StopTreatment("not detected") if report.outcomes == MrdOutcome.NOT_DETECTED else Continue()


def case_of(mrd, regimen, **changes):
    parameters = LEUKAEMIA.parameters.replace(**changes)
    return case_and_times(bitesim.Patient(mrd=mrd), regimen, None, DAYS, parameters=parameters)


def same_course(regimen, mrd=1e-2):
    case, times = case_of(mrd, regimen, **MANY)
    plain, found = run_ode(case, times), run_hybrid(case, times, 2, 1)
    for name in plain.outputs:
        np.testing.assert_allclose(found[name][0], plain[name], rtol=2e-4, atol=1e-9, err_msg=name)
        assert np.array_equal(found[name][0], found[name][1])
    return plain, found


def decided(run):
    return [(each.time_days, each.text) for each in run.events if each.kind == "decision"]


def test_rules_decide_on_many_cells_as_in_the_ode_engine():
    hold = Threshold("blasts", "below", 1e12, HoldInfusion(3.0, "a test"))
    plain, found = same_course(REGIMEN.with_decision(10.0, hold).with_decision(47.0, hold))
    assert len(decided(plain)) == 2
    for run in found.decisions:
        assert [event.time_days for event in run] == [10.0, 47.0]
        assert [event.text.split()[-3:] for event in run] == [text.split()[-3:] for _, text in decided(plain)]


def test_resets_are_those_of_the_ode_engine():
    reset = bitesim.Regimen.from_table(
        [{"TIME": 0, "AMT": 0.784, "RATE": 0.028}, {"TIME": 42, "AMT": 0.784, "RATE": 0.028, "EVID": 4}],
        time_unit="days", amount_unit="mg",
    )  # fmt: skip
    plain, _ = same_course(reset)
    assert plain["mrd"][6] == pytest.approx(plain["mrd"][0])


def test_steady_states_are_those_of_the_ode_engine():
    table = [{"TIME": 0, "AMT": 24, "RATE": 1.0, "SS": 1, "II": 24, "ADDL": 30}]
    endless = bitesim.Regimen.from_table(table, time_unit="hours", amount_unit="ug")
    # Without killing blasts fill their room, in logarithms too.
    full = Case(LOGARITHMIC, LOGARITHMIC.parameters.replace(killing=0.0, antigen_loss=0.0, t_division=0.0), endless)
    plain, found = run_ode(full, DAYS), run_hybrid(full, DAYS, 2, 1)
    assert plain["blasts"][0] > 1e5
    np.testing.assert_allclose(found["blasts"][0], plain["blasts"], rtol=1e-4)
    np.testing.assert_allclose(found["low"][1], plain["low"], rtol=1e-4)
    # Where clones grow without limit neither has one.
    case, times = case_of(1e-2, endless)
    messages = []
    for run in (lambda: run_ode(case, times), lambda: run_hybrid(case, times, 1, 1)):
        with pytest.raises(bitesim.SolverError, match="no steady state") as caught:
            run()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_rule_sees_the_cells_of_its_replicate():
    regimen = REGIMEN.with_decision(60.0, Threshold("blasts", "below", 0.5, StopTreatment("none left")))
    case, times = case_of(1e-8, regimen, low_blast_share=1e-9)
    found = run_hybrid(case, times, 60, 3)
    at = int(np.searchsorted(found.grid_days, 60.0))
    none = found.cells[:, 0, at].sum(axis=1) + found.cells[:, 1, at].sum(axis=1) == 0.0
    stopped = np.array(["stop" in events[0].text for events in found.decisions])
    assert 5 < none.sum() < 55
    assert np.array_equal(stopped, none)
    drug = found["serum_drug_pg_per_ml"][:, np.searchsorted(times, 63.0)]
    assert np.all((drug < 1.0) == stopped)
    # What is alike until the decision is so after it where the decision is the same.
    alone = run_hybrid(case, times, 1, 3, first_replicate=7)
    assert np.array_equal(alone.cells[0], found.cells[7])
    assert alone.decisions[0] == found.decisions[7]


def test_laboratories_have_the_same_luck_in_both_engines():
    # Many cells: both engines show the rule the same marrow, so that report and decision are the same for every seed.
    stopped = []
    for seed in range(6):
        regimen = REGIMEN.with_decision(42.0, StopWhenNegative(seed, 1))
        case, times = case_of(2e-3, regimen, **MANY)
        plain, found = run_ode(case, times), run_hybrid(case, times, 1, 1)
        stopped.append("stop" in decided(plain)[0][1])
        assert ("stop" in found.decisions[0][0].text) == stopped[-1]
    case, times = case_of(5e-2, REGIMEN)
    plain, found = run_ode(case, times), run_hybrid(case, times, 8, 1)
    for visit, column in ((1, 1), (2, 2)):
        # Replicate 0 has the laboratory luck of the patient of the ODE engine, each replicate its own.
        reports = FLOW.sample(found["mrd"][:, column], DrawKey(5, np.arange(8), visit))
        one = FLOW.sample(plain["mrd"][column], DrawKey(5, 0, visit))
        assert reports.outcomes[0] == one.outcomes
        assert reports.values[0] == pytest.approx(float(one.values), rel=1e-2, nan_ok=True)
        assert len(np.unique(reports.values)) > 1


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_byte(threads):
    case, times = case_of(1e-8, REGIMEN, low_blast_share=1e-9)
    one, other = (run_hybrid(case, times, 40, 5, threads=each) for each in (1, threads))
    assert one.cells.tobytes() == other.cells.tobytes()
    for name in one.values:
        assert one[name].tobytes() == other[name].tobytes()
    assert run_hybrid(case, times, 10, 5, first_replicate=30).cells.tobytes() == one.cells[30:].tobytes()


def test_hand_overs_keep_every_cell_and_the_mean():
    case, _ = case_of(1e-7, REGIMEN, low_blast_share=1e-9)
    found = run_hybrid(case, np.array([0.0, 3.0, 8.0]), 400, 1)
    marrow, shadow = found.cells[:, 0], run_ode(case, found.grid_days)
    whole = np.all(marrow == np.round(marrow), axis=(0, 2))
    begins = int(np.argmax(whole))
    assert begins > 0
    assert whole[begins:].all()
    for phase, name in enumerate(("ln_cycling_blasts", "ln_quiescent_blasts")):
        expected = np.exp(shadow[name][begins])
        counted = marrow[:, begins, phase]
        # In each run the number below or above, on average what the equations had; false-alarm rate 1e-4 a phase.
        assert set(np.unique(counted)) <= {np.floor(expected), np.ceil(expected)}
        assert abs(counted.mean() - expected) < 4.0 * 0.5 / np.sqrt(400)


def test_what_has_grown_goes_on_with_the_cells_that_it_had():
    case, _ = case_of(1e-7, REGIMEN, low_blast_share=1e-9)
    found = run_hybrid(case, np.arange(0.0, 400.0, 20.0), 12, 1)
    checked = 0
    for cells in found.cells[:, 0].sum(axis=2):
        counted = cells == np.round(cells)
        handed = np.flatnonzero(counted[:-1] & ~counted[1:] & (found.grid_days[1:] > 84.0))
        if len(handed):
            # From the last whole number on by growth alone.
            row, step = handed[0], found.grid_days[handed[0] + 1] - found.grid_days[handed[0]]
            assert cells[row] >= 2e4
            assert np.log(cells[row + 1] / cells[row]) == pytest.approx(0.065 * step, abs=0.03)
            checked += 1
    assert checked > 3


def test_a_line_that_has_died_out_stays_so_though_its_shadow_grows():
    case, _ = case_of(1e-8, REGIMEN, low_blast_share=1e-9)
    found = run_hybrid(case, np.array([0.0, 900.0]), 30, 1)
    shadow = run_ode(case, np.array([0.0, 900.0]))
    assert shadow["blasts"][-1] > 1e9
    gone = found.cells[:, :, -1].sum(axis=(1, 2)) == 0.0
    assert gone.sum() > 10
    assert np.all(found["blasts"][gone, -1] == 0.0)
    # Nor does the grown shadow crowd what is not there.
    np.testing.assert_allclose(found["neutrophils_per_ul"][gone, -1], found["neutrophils_per_ul"][gone, 0], rtol=0.05)
