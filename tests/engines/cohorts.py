"""What the tests of cohorts share: varied patients, a model that blows up at a known time, one patient run alone."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

import bitesim
from bitesim.foundation.compiled import kernel
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet
from tests.problems.stiff_binding import STIFF_BINDING

HOSSEINI: Final = bitesim.MODELS["hosseini2020"]
CLEMENTS: Final = bitesim.MODELS["clements2020"]
STIFF: Final = bitesim.derive(STIFF_BINDING)
#: Two cycles of 42 days.
FOUR_WEEKS: Final = "15 ug/m2/day for 28 d, 14 d off, x2"


def hosseini_patients(count: int, seed: int, spread: float = 0.3) -> Any:
    """Return the parameters of different patients, shape (count, parameters); each depends on (seed, row) alone.

    Every parameter is log-normal around its default, and moved to the bound it would exceed.
    """
    bounds = np.array([row.bounds for row in HOSSEINI.catalogue.values()])
    draws = [np.random.default_rng([seed, patient]).standard_normal(len(bounds)) for patient in range(count)]
    return np.clip(HOSSEINI.parameters.vector() * np.exp(spread * np.array(draws)), *bounds.T)


def everything(model: Model) -> list[str]:
    """Return the names of all readouts and states."""
    return list(model.units)


def set_of(model: Model, values: Any) -> ParameterSet:
    """Return a row of a table as a parameter set."""
    return model.parameters.replace(**dict(zip(model.catalogue, map(float, values), strict=True)))


def alone(model: Model, values: Any, regimen: Any, times: Any, **options: Any) -> bitesim.Trajectory:
    """Return one patient's run by `simulate`, whose body is given as `patient`."""
    patient = options.pop("patient", bitesim.Patient(bsa_m2=1.88, weight_kg=70))
    return bitesim.simulate(patient, regimen, model, times, parameters=set_of(model, values), **options)


@kernel
def growth(s: Any, p: Any, f: Any) -> None:
    """y' = speed y^2: y = y0 / (1 - y0 speed t)."""
    f.growing = p.speed * s.y * s.y


@kernel
def at_the_start(p: Any, s: Any) -> None:
    s.y = p.y_at_zero


@kernel
def seen(s: Any, p: Any, r: Any) -> None:
    r.twice = 2.0 * s.y


BLOW_UP: Final = bitesim.derive(
    Model(
        name="blow_up",
        title="a model that ends",
        source="test",
        parameters=ParameterSet(
            Catalogue(
                "blow_up",
                (
                    Parameter("speed", "1/d", 1.0, (-100.0, 100.0), "speed of growth", "test", "assumed"),
                    Parameter("y_at_zero", "-", 1.0, (-100.0, 100.0), "the start", "test", "assumed"),
                ),
            )
        ),
        species=SpeciesTable((Species("y", "-", "what grows", 1.0),)),
        processes=Processes({"growing": {"y": 1}}),
        fluxes=growth,
        initial_state=at_the_start,
        readouts=(Readout("twice", "-", "twice y"),),
        read=seen,
        drug=DrugInput("y"),
    )
)
