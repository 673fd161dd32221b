"""Which straight-line code belongs to a model: the digest of its equations, and what happens when it differs."""

import dataclasses
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import bitesim
from bitesim.foundation.errors import DerivationWarning
from bitesim.model import Processes, Readout, Species, SpeciesTable
from bitesim.model.derived import equations_digest
from bitesim.parameters import Catalogue, Parameter, ParameterSet
from tests.derivation import own_file

OWN = own_file.MODEL
CLEMENTS = bitesim.MODELS["clements2020"]


def changed(**changes):
    return dataclasses.replace(OWN, **changes)


def other_fluxes(s, p, f):
    f.elimination = p.elimination_per_day * s.drug_ug


def other_start(p, s):
    s.cells = 1.0


def other_read(s, p, r):
    r.log_cells = s.cells


@pytest.mark.parametrize(
    "changes",
    [
        {"fluxes": other_fluxes},
        {"initial_state": other_start},
        {"read": other_read},
        {"readouts": (Readout("count", "-", "cells"),)},
        {"readouts": (*OWN.readouts, Readout("count", "-", "cells"))},
        {"species": SpeciesTable(tuple(OWN.species.values())[::-1])},
        {"species": OWN.species.extended((Species("more", "-", "more", 1.0),))},
        {"processes": Processes(dict(list(OWN.processes.items())[::-1]))},
        {"processes": Processes({**OWN.processes, "killing": {"cells": -2}})},
        {"processes": Processes({**OWN.processes, "killing": {"drug_ug": -1}})},
        {"processes": OWN.processes.extended({"more": {"cells": 1}})},
        {"parameters": ParameterSet(Catalogue("own", tuple(OWN.catalogue.values())[::-1]))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_equations_names_order_and_process_table_count(changes):
    assert equations_digest(changed(**changes)) != equations_digest(OWN)


def other_value(row):
    return Parameter(row.name, "other", row.default + 1.0, (0.0, 1e9), "other meaning", "other source", "measured")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other", "title": "other", "source": "other", "assumptions": ("other",)},
        {"parameters": OWN.parameters.replace(hill=2.0)},
        {"parameters": ParameterSet(Catalogue("own", tuple(map(other_value, OWN.catalogue.values()))))},
        {"species": SpeciesTable(tuple(Species(name, "other", "other", 7.0, "X") for name in OWN.species))},
        {"readouts": (Readout("log_cells", "other", "other"),)},
        {"processes": Processes({**OWN.processes})},
        {"drug": dataclasses.replace(OWN.drug, per_m2=True)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_values_units_and_prose_do_not_count(changes):
    assert equations_digest(changed(**changes)) == equations_digest(OWN)


def test_two_models_of_the_same_equations_share_a_digest_and_others_do_not():
    digests = [model.equations_digest for model in bitesim.MODELS.values()]
    assert len(set(digests)) == len(digests)
    assert own_file.model("again").equations_digest == OWN.equations_digest


def test_code_that_belongs_to_the_equations_is_taken():
    made = bitesim.derive(OWN).derived
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert changed(derived=made).derivatives is made
        assert CLEMENTS.derivatives.digest == CLEMENTS.equations_digest
        assert OWN.derivatives is None


@pytest.mark.parametrize("other", [CLEMENTS.derived, "module"])
def test_other_code_is_left_with_a_warning_that_names_the_model(other):
    made = bitesim.derive(OWN).derived
    given = dataclasses.replace(made, digest=made.digest[::-1]) if other == "module" else other
    with pytest.warns(DerivationWarning, match="equations of model own were changed .*`bitesim derive`"):
        assert changed(derived=given).derivatives is None


def test_a_module_that_was_not_made_yet_is_none():
    # So that the command that makes it can import the model.
    assert changed(derived="tests.derivation.no_such_module").derivatives is None


def test_generated_modules_are_imported_when_asked_for_and_not_before():
    # Thousands of lines each, which nobody needs who does not run the model.
    code = (
        "import sys, bitesim; names = [model.derived for model in bitesim.MODELS.values()]; "
        "assert not set(names) & set(sys.modules); "
        "assert bitesim.MODELS['clements2020'].derivatives; "
        "assert set(names) & set(sys.modules) == {'bitesim.published.clements_2020.generated'}"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
