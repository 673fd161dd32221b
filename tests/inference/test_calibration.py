"""The calibration's mode and width against a posterior on a grid; what facts do not know keeps its prior; it resumes."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, norm

from bitesim.foundation.errors import ParameterError
from bitesim.inference.calibration import Posterior, calibrate
from bitesim.inference.evaluation_store import EvaluationStore
from bitesim.inference.fact_measures import SECTIONS
from bitesim.inference.facts import facts
from bitesim.inference.free_parameters import FreeParameter, Values, with_free
from bitesim.inference.trial_runs import TrialRuns

NEUROTOXICITY = FreeParameter("neurotoxicity_first_cycle", "event", 0.5)
#: No fact depends on it.
UNKNOWN = FreeParameter("remission_death_per_day", "event", 0.5)
RELEASE = FreeParameter("crs_midpoint_log10_il6", "event", 0.1)
SEED = 5


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("calibration") / "store.jsonl"
    said: list[str] = []
    free = [NEUROTOXICITY, UNKNOWN, RELEASE]
    return calibrate(seed=SEED, free=free, store=path, report=said.append), path, said


def test_mode_and_width_are_those_of_the_posterior_on_a_grid(found) -> None:
    calibration, _, _ = found
    runs = TrialRuns(Values(), SEED)
    evidence = {each.id: each.evidence for each in facts()}
    logs = np.linspace(np.log(0.03), np.log(0.3), 400)
    posterior = []
    for log in logs:
        numbers = SECTIONS["toxicity"](runs.at(with_free([NEUROTOXICITY], np.array([log]))))
        posterior.append(
            norm.logpdf(log, np.log(NEUROTOXICITY.default), 0.5)
            + sum(
                binom.logpmf(evidence[name].k, evidence[name].n, numbers[name])
                for name in ("neurologic_tower", "neurologic_blast")
            )
        )
    weights = np.exp(np.array(posterior) - max(posterior))
    weights /= weights.sum()
    mean = weights @ logs
    sd = np.sqrt(weights @ (logs - mean) ** 2)
    place = [each.parameter for each in calibration.fit.free].index("neurotoxicity_first_cycle")
    assert calibration.fit.logs[place] == pytest.approx(logs[int(np.argmax(posterior))], abs=0.02)
    assert calibration.fit.sd_ln[place] == pytest.approx(sd, rel=0.05)


def test_what_no_fact_knows_keeps_its_prior_and_is_named(found) -> None:
    calibration, _, said = found
    assert [each.parameter for each, _ in calibration.unidentified] == ["remission_death_per_day"]
    assert calibration.unidentified[0][1] == pytest.approx(1.0)
    assert calibration.fit.values.events["remission_death_per_day"] == UNKNOWN.default
    assert "1 parameters are not identified and keep their prior" in said


def test_an_interrupted_calibration_goes_on_to_the_same_result(found, tmp_path: Path) -> None:
    calibration, path, _ = found
    lines = path.read_text().splitlines(keepends=True)
    half = tmp_path / "half.jsonl"
    half.write_text("".join(lines[: len(lines) // 2]))
    again = calibrate(seed=SEED, free=[NEUROTOXICITY, UNKNOWN, RELEASE], store=half)
    assert np.array_equal(again.fit.logs, calibration.fit.logs)
    assert np.array_equal(again.fit.covariance, calibration.fit.covariance)
    assert half.read_text() == path.read_text()


def test_residuals_are_roots_of_the_log_posterior() -> None:
    posterior = Posterior([RELEASE], SEED, EvaluationStore(None, 0))
    at = np.array([np.log(4.6)])
    numbers = posterior.numbers(at)
    expected = sum(each.weight * each.evidence.log_likelihood(numbers[each.id]) for each in facts())
    expected += -0.5 * ((at[0] - np.log(RELEASE.default)) / 0.1) ** 2
    assert -0.5 * np.sum(posterior.residuals(at) ** 2) == pytest.approx(expected, rel=1e-12)


def test_a_number_of_iterations_that_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="iterations"):
        calibrate(iterations=0)
