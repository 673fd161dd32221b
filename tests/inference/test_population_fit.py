"""The population fit against the closed form of a balanced one-way layout; what it refuses."""

import math

import numpy as np
import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.inference.observations import AmountObserved, PatientData
from bitesim.inference.population_fit import fit_population, with_error
from bitesim.population import Patient
from bitesim.treatment import Regimen

LEVEL = "serum_drug_pg_per_ml"
DAYS = (3.0, 5.0, 7.0, 9.0)


def levels(patients: int, spread: float, error: float) -> np.ndarray:
    rng = np.random.default_rng(4)
    typical = 28e6 / 24.0 / 2.22 / 1e3
    own = typical * np.exp(-spread * rng.standard_normal(patients))
    return own[:, np.newaxis] * np.exp(error * rng.standard_normal((patients, len(DAYS))))


def data(table: np.ndarray) -> list[PatientData]:
    regimen = Regimen.parse("28 ug/day for 28 d")
    return [
        PatientData(
            Patient(bsa_m2=1.876, name=f"p{row}"),
            regimen,
            tuple(AmountObserved(day, LEVEL, float(y), float(y), 0.3) for day, y in zip(DAYS, values, strict=True)),
        )
        for row, values in enumerate(table)
    ]


def test_clearance_at_steady_state_is_the_closed_form_of_a_balanced_layout() -> None:
    """ln(level) = ln(dose) - ln(clearance) + error is linear: EM's fixed point is the maximum likelihood of the textbook."""
    table = levels(16, 0.476, 0.3)
    logs = np.log(table)
    means = logs.mean(axis=1)
    within = np.sum((logs - means[:, np.newaxis]) ** 2) / (16 * (len(DAYS) - 1))
    between = np.mean((means - means.mean()) ** 2) - within / len(DAYS)
    found = fit_population(
        data(table), {"clearance_l_per_h": 0.4}, "clements2020", iterations=500, tolerance=1e-6, rtol=1e-8
    )
    assert found.is_converged
    assert found.sd_ln == pytest.approx(math.sqrt(within), rel=1e-3)
    assert found.spreads["clearance_l_per_h"] == pytest.approx(math.sqrt(between), rel=1e-3)
    assert found.medians["clearance_l_per_h"] == pytest.approx(28e6 / 24.0 / 1e3 / math.exp(means.mean()), rel=1e-3)
    assert "converged after" in str(found)
    assert "clearance" in found._repr_html_()
    assert found.priors()["clearance_l_per_h"].median == found.medians["clearance_l_per_h"]


def test_only_measured_amounts_of_one_output_are_fitted() -> None:
    good = data(levels(2, 0.4, 0.2))
    with pytest.raises(ParameterError, match="at least 2"):
        fit_population(good[:1], {"clearance_l_per_h": 0.4}, "clements2020")
    censored = PatientData(good[0].patient, good[0].regimen, (AmountObserved(3.0, LEVEL, 0.0, 50.0, 0.3),))
    with pytest.raises(ParameterError, match="leave out censored rows"):
        fit_population([good[0], censored], {"clearance_l_per_h": 0.4}, "clements2020")


def test_an_error_is_given_to_every_row() -> None:
    assert {row.sd_ln for row in with_error(data(levels(2, 0.4, 0.2))[0], 0.7).observations} == {0.7}
