"""From a row of a virtual population to what the engines take: one patient for `simulate`, many for a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.model import Model
from bitesim.parameters import ParameterSet
from bitesim.population.patient import RANGES, Patient

_VALUES = tuple(name for name, *_ in RANGES)


def patient_and_parameters(model: Model, values: Mapping[str, float], name: str) -> tuple[Patient, ParameterSet]:
    """Return a patient and parameters that `simulate` takes together, from one row by name.

    Raises
    ------
    ParameterError
        For a body that does not exist, or that the model needs more of.
    """
    given: dict[str, Any] = {each: values[each] for each in _VALUES if each in values}
    patient = Patient(**given, name=name)
    changes = {each: values[each] for each in model.catalogue if each in values and each not in _VALUES}
    parameters = model.parameters.replace(**changes)
    model.individual_parameters(parameters, patient.covariates())
    return patient, parameters


def parameter_table(model: Model, columns: Mapping[str, NDArray[np.float64]], start: int, stop: int) -> NDArray[np.float64]:
    """Return the parameters of the rows [start, stop), with what covariates set; shape (rows, parameters).

    They are, bit for bit, those of `Model.individual_parameters` for each patient.
    """
    names = list(model.catalogue)
    table = np.tile(model.parameters.vector(), (stop - start, 1))
    for name, values in columns.items():
        if name in model.catalogue and name not in _VALUES:
            table[:, names.index(name)] = values[start:stop]
    first, _ = patient_and_parameters(model, {name: float(values[start]) for name, values in columns.items()}, "patient")
    # What nobody drew is the same for all, as `Patient` fills it in.
    covariates: dict[str, Any] = first.covariates() | {
        name: values[start:stop] for name, values in columns.items() if name in _VALUES and name != "mrd"
    }
    if "mrd" in columns:
        covariates["marrow_blast_fraction"] = columns["mrd"][start:stop]
    given = {link.parameter for link in model.covariates if covariates.get(link.covariate) is not None}
    age = np.broadcast_to(np.asarray(covariates["age_years"], np.float64), stop - start)
    for default in model.age_defaults:
        adult = model.catalogue[default.parameter].default
        place = names.index(default.parameter)
        if default.parameter not in given:
            usual = np.array([adult * default.relative(each) for each in age.tolist()])
            table[:, place] = np.where(table[:, place] == adult, usual, table[:, place])
    for link in model.covariates:
        value = covariates.get(link.covariate)
        if value is not None:
            table[:, names.index(link.parameter)] = value * link.factor
    return table
