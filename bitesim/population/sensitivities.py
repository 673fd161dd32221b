"""The front door to derivatives: how one patient's outputs answer to parameters, initial values, doses and times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import Settings
from bitesim.engines.sensitivities import run_sensitivities
from bitesim.engines.sensitivity_result import SensitivityResult, Target
from bitesim.model import Model
from bitesim.parameters import ParameterSet
from bitesim.population.patient import Patient
from bitesim.population.simulate import case_and_times
from bitesim.treatment import Regimen


def sensitivities(
    patient: Patient | None = None,
    regimen: Regimen | str | None = None,
    model: str | Model | None = None,
    times_days: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    to: Sequence[Target],
    parameters: ParameterSet | None = None,
    rtol: float = 1e-6,
    max_steps: int = 100_000,
) -> SensitivityResult:
    """Simulate one patient and differentiate every output by the targets `to`.

    Parameters
    ----------
    patient, regimen, model, times_days, parameters, rtol, max_steps
        As in `simulate`.
    to : sequence
        Names of parameters, `ToInitialValue`, `ToDose`, `ToEventTime`.

    Returns
    -------
    SensitivityResult
        ``result["blood_b_cells_per_ul", "killing_max"]`` is a derivative over time.

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used, by name; for a model without derived code (`bitesim.derive`).
    SolverError
        When the run could not be integrated.
    """
    options: dict[str, Any] = {"parameters": parameters}
    case, times = case_and_times(patient, regimen, model, times_days, **options)
    return run_sensitivities(case, times, to, Settings(rtol, max_steps))
