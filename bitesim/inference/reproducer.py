"""One line of Python that says what an estimation was given: it fails where that did."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from bitesim.engines.cohort import spelled_regimen
from bitesim.inference.observations import AmountObserved, MrdObserved, Observed, PatientData
from bitesim.inference.posterior import PatientPosterior

#: Names that the line needs, beside `bitesim` itself.
IMPORTS = "from bitesim.assays import MrdAssay, MrdOutcome, MrdSample; from bitesim.inference import *"


def reproducer(posterior: PatientPosterior, **options: Any) -> str:
    """Return one line of Python that estimates a patient again; infinite limits are written as ``float('inf')``.

    Parameters
    ----------
    posterior : PatientPosterior
    **options
        Of `fit_patient`.
    """
    model, case = posterior.case.model, posterior.case
    changed = {name: value for name, value in case.parameters.as_dict().items() if value != model.parameters[name]}
    linked = {link.parameter for link in model.covariates} | {each.parameter for each in model.age_defaults}
    own = {name: value for name, value in changed.items() if name not in linked}
    arguments = [_data(posterior.data), f"{list(posterior.names)!r}", repr(model.name)]
    if own:
        arguments.append(f"parameters=bitesim.find_model({model.name!r}).parameters.replace(**{own!r})")
    given = {prior.name: prior.distribution for prior in posterior.priors if prior.reason == "given"}
    if given:
        distributions = ", ".join(f"{name!r}: bitesim.inference.priors.{each!r}" for name, each in given.items())
        arguments.append(f"priors={{{_finite(distributions)}}}")
    arguments += [f"{name}={value!r}" for name, value in options.items()]
    return f"bitesim.fit_patient({', '.join(arguments)})"


def _data(data: PatientData) -> str:
    patient = data.patient
    kept = {each.name: getattr(patient, each.name) for each in fields(patient)}
    # A surface that follows from a height is worked out anew.
    if patient.height_cm is not None:
        kept.pop("bsa_m2")
    written = ", ".join(f"{name}={value!r}" for name, value in kept.items() if value is not None)
    text = spelled_regimen(data.regimen, patient.bsa_m2)
    if text == "None":
        text = "bitesim.Regimen.none()"
    elif not text.startswith("bitesim."):
        text = f"bitesim.Regimen.parse({text})"
    rows = "".join(f"{_observed(each)}, " for each in data.observations)
    return f"PatientData(bitesim.Patient({written}), {text}, ({rows}))"


def _observed(observed: Observed) -> str:
    if isinstance(observed, AmountObserved):
        return _finite(repr(observed))
    assert isinstance(observed, MrdObserved)
    value = "" if observed.value != observed.value else f", {observed.value!r}"
    return f"MrdObserved({observed.time_days!r}, {observed.sample!r}, MrdOutcome.{observed.outcome.name}{value})"


def _finite(text: str) -> str:
    return text.replace("=-inf", "=-float('inf')").replace("=inf", "=float('inf')")
